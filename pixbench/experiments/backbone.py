"""A backbone of experiment 1: trained without labels on warped pairs of coloured digits, then frozen."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from torch import nn

from ..errors import UserError
from ..evaluation.probing.domains import DOMAIN_SETS
from ..evaluation.probing.grid import Features, describe_images
from ..generation.components import DEFAULTS
from ..models.checkpoint import load_checkpoint
from ..training.config import TrainConfig
from ..training.data.warped_pairs import WarpedPictures
from ..training.run_folder import STATE
from ..training.train import train
from . import Advance, of_steps, silent
from .color_curve import ColorCurve, Labelled

SIZE = 32
HELD_OUT = 0.2
"""Share of each training domain that ID accuracy is measured on; neither backbone nor head sees it."""

FIRST = 0
"""First row and column of the grid of pixels: as in the reference implementation. Evaluation starts half a stride in."""


@dataclass(frozen=True)
class Backbone:
    """A trained network, and the labelled images by part: `train`, `id` and `ood`.

    `losses` has one value a step. `curve` has the measures of colour at each saved step, if they were asked for. `stride` thins the pixels
    that `describe` gives.
    """

    network: nn.Module
    images: dict[str, Labelled]
    losses: list[float]
    curve: list[dict[str, float]]
    stride: int
    device: torch.device

    def describe(self, images: UInt8[np.ndarray, "images side side 3"], *, stride: int | None = None) -> Features:
        """Descriptors of every `stride`-th pixel."""
        return _described(self.network, images, stride or self.stride, self.device)


def train_backbone(
    config: TrainConfig, run_folder: Path, *, digits: str, cut: str, stride: int, precision: str, curve: bool, advance: Advance = silent
) -> Backbone:
    """Train on the training domains of `digits` under `cut`, coloured with the run's seed; resumes in `run_folder`.

    With `curve` colour is measured at each saved step.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    domain_set = DEFAULTS.get("colored-digits")
    domains = DOMAIN_SETS.get(domain_set)(digits, cut=cut, seed=config.seed)
    training, held_out = _training_and_held_out([domain for domain in domains if not domain.ood])
    images = {"train": training, "id": held_out, "ood": next((domain.images, domain.labels) for domain in domains if domain.ood)}
    description = {"set": domain_set, "digits": digits, "cut": cut, "seed": config.seed}
    source = WarpedPictures(training[0], size=SIZE, warps="turn-and-crop", description=description)
    described = partial(_described, stride=stride, device=device)
    measured = ColorCurve(run_folder.with_name(f"{run_folder.name}.curve.json"), images, described, config.seed, device)
    on_save = measured.measure if curve else lambda step, network: None
    progress = of_steps(advance, config.steps)
    network = load_checkpoint(train(source, run_folder, config, precision=precision, progress=progress, on_save=on_save)).network
    points = measured.points()
    if curve and (not points or points[-1]["step"] != config.steps):
        raise UserError(f"{measured.path} lacks the measurements of {run_folder}: remove the run, and train again")
    losses = torch.load(run_folder / STATE, weights_only=True)["losses"]
    return Backbone(network, images, losses, points, stride, device)


def _described(network: nn.Module, images: UInt8[np.ndarray, "images side side 3"], stride: int, device: torch.device) -> Features:
    network = network.to(device).eval()
    return describe_images(lambda views: network(views.to(device)), images, size=SIZE, stride=stride, first=FIRST, batch=64)


def _training_and_held_out(domains: Sequence[Any]) -> tuple[Labelled, Labelled]:
    """Images and labels of all domains: those that are trained on, and the last fifth of each, which is held out."""
    parts = []
    for part in ("train", "test"):
        cuts = [round(len(domain.labels) * (1 - HELD_OUT)) for domain in domains]
        slices = [slice(cut) if part == "train" else slice(cut, None) for cut in cuts]
        parts.append(
            (
                np.concatenate([domain.images[at] for domain, at in zip(domains, slices, strict=True)]),
                np.concatenate([domain.labels[at] for domain, at in zip(domains, slices, strict=True)]),
            )
        )
    return parts[0], parts[1]
