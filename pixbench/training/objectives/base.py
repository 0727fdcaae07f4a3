"""The protocol of training objectives, and what several of them compute.

All objectives share trainer, network and data, so that two runs differ in the objective only.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from ...errors import UserError, unknown_name
from ...evaluation.matching.nearest import Norm
from ...geometry.pixels import cell_centres
from ...registry import Registry

if TYPE_CHECKING:
    from ..config import TrainConfig


@dataclass(frozen=True, eq=False)
class DescriptorBatch:
    """Input of an objective: dense descriptors of both views, and sampled points with their positions in both.

    `a` and `b` are (B, D, H, W). `target_a` and `target_b` are the same without gradient: those of the momentum network
    where an objective asks for one, else the network's own.
    `uv_a` and `uv_b` (B, N, 2), in pixels, are true matches where `matched` (B, N); `uv_random` are uniformly random places in b;
    `positive` marks a share `keep` of the matches.
    """

    a: Float[Tensor, "batch channels height width"]
    b: Float[Tensor, "batch channels height width"]
    target_a: Float[Tensor, "batch channels height width"]
    target_b: Float[Tensor, "batch channels height width"]
    uv_a: Float[Tensor, "batch points 2"]
    uv_b: Float[Tensor, "batch points 2"]
    uv_random: Float[Tensor, "batch points 2"]
    positive: Bool[Tensor, "batch points"]
    matched: Bool[Tensor, "batch points"]


class Objective(nn.Module, ABC):
    """A loss of a batch. Its own layers, such as a predictor, are trained too. `momentum` above 0 requests a momentum network.

    The momentum network starts as a copy of the network, and at each step keeps the share `momentum` of its weights. A subclass may
    change the share over the run: see `momentum_at(progress)`, with progress from 0 to 1.
    """

    momentum: float | None = None
    norm: Norm | None = None
    """Norm in which the trained descriptors are compared, if the loss determines it; None: the run's norm `p`."""

    has_between_term: bool = False
    """Whether the loss has a term whose share is the run's `between_weight`."""

    @property
    def compares_images(self) -> bool:
        """Whether descriptors of different pairs of a batch are compared, as negatives. A batch then has at most one pair of each scene."""
        return False

    def momentum_at(self, progress: float) -> float:
        """The share of the momentum network's weights that a step keeps, in [0, 1]; constant unless a subclass changes it over the run."""
        del progress
        return self.momentum or 0.0

    def __call__(self, batch: DescriptorBatch) -> Float[Tensor, ""]:
        """The loss in the precision of the weights, also where the network computes in a lower one."""
        with torch.autocast(batch.a.device.type, enabled=False):
            return super().__call__(batch)

    @abstractmethod
    def forward(self, batch: DescriptorBatch) -> Float[Tensor, ""]:
        """The loss, a scalar."""


OBJECTIVES: "Registry[Callable[[TrainConfig], Objective]]" = Registry("objective", "pixbench.objectives")
"""Objectives by name, called with the run's configuration."""


def check_used(objective: str, given: Collection[str]) -> None:
    """Raises UserError, with a suggestion, for an unknown objective, and for a setting among those `given` that it would ignore."""
    loss = OBJECTIVES.get(objective)
    norm = getattr(loss, "norm", None)
    if "p" in given and norm is not None:
        name = norm if isinstance(norm, str) else f"p = {norm:g}"
        raise UserError(f"p: descriptors of objective {objective} are compared with {name}; leave it out")
    if "between_weight" in given and not getattr(loss, "has_between_term", True):
        raise UserError(f"between_weight: objective {objective} has no between-image term; leave it out")


def sample_descriptors(
    descriptors: Float[Tensor, "batch channels height width"], uv: Float[Tensor, "batch points 2"]
) -> Float[Tensor, "batch channels points"]:
    """Descriptors at sub-pixel positions uv (pixels, centres at .5), bilinear."""
    height, width = descriptors.shape[-2:]
    grid = uv * uv.new_tensor([2.0 / width, 2.0 / height]) - 1.0
    return functional.grid_sample(descriptors, grid[:, :, None], align_corners=False, padding_mode="border")[..., 0]


def options_of(config: "TrainConfig", defaults: Mapping[str, float]) -> dict[str, float]:
    """An objective's own settings: its defaults, overridden by those of the run. Raises UserError for an unknown name."""
    for name in config.options:
        if name not in defaults:
            raise unknown_name(f"option of objective '{config.objective}'", name, defaults)
    return {**defaults, **config.options}


Rows = Float[Tensor, "batch points channels"]


def at_points(batch: DescriptorBatch, *, unit: bool = False) -> tuple[Rows, Rows]:
    """Descriptors of both views at the sampled points, one row per point: row n of both is a match where `matched`."""
    rows = (sample_descriptors(view, uv).transpose(1, 2) for view, uv in ((batch.a, batch.uv_a), (batch.b, batch.uv_b)))
    x, y = (functional.normalize(row, dim=-1) if unit else row for row in rows)
    return x, y


def mean_where(values: Float[Tensor, "*shape"], mask: Bool[Tensor, "*shape"]) -> Float[Tensor, ""]:
    """Mean of the masked values; 0 where there are none."""
    return (values * mask).sum() / mask.sum().clamp(min=1)


def grid_uv(view: Float[Tensor, "batch channels height width"], step: float) -> Float[Tensor, "cells 2"]:
    """Centres of square cells of `step` pixels that cover a view, row by row."""
    return torch.from_numpy(cell_centres(view.shape[-1], view.shape[-2], step)).to(view)
