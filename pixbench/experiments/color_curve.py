"""Sensitivity of descriptors to colour during training of a cell of experiment 1, measured at each saved step."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, UInt8
from torch import Tensor, nn

from ..evaluation.probing.grid import Features
from ..evaluation.probing.head import head_accuracy, train_head
from ..evaluation.probing.linear_probe import COLOR_PROBE_STEPS, COLOR_PROBE_STRENGTH, probe_accuracy
from ..io.documents import read_json
from ..io.files import write_whole

Labelled = tuple[UInt8[np.ndarray, "_ side side 3"], Bool[np.ndarray, " _"]]
"""Images and as many labels."""

Describe = Callable[[nn.Module, UInt8[np.ndarray, "images side side 3"]], Features]

TRAINED, TESTED, SWAPPED = 2000, 1000, 200
"""Digits that head and probe are trained on, that each accuracy is measured on, and whose colours are exchanged."""

HEAD_STEPS, HEAD_BATCH = 400, 64


@dataclass
class ColorCurve:
    """Measures of one run by step, kept in a file, so that a run that resumes has all of them.

    `parts` are the labelled images for training, ID and OOD accuracy, of which the first are measured; `describe` gives the descriptors of
    images by a network. Experiment 1's training domains lie one after another: all ID digits are then of the first, where colour predicts
    the label of 90 % and shape of 75 %.
    """

    path: Path
    parts: Mapping[str, Labelled]
    describe: Describe
    seed: int
    device: torch.device

    def points(self) -> list[dict[str, float]]:
        """Measurements in order of steps: accuracies in [0, 1] and the result of `color_change`."""
        mend = f"remove it and the run {self.path.name.removesuffix('.curve.json')} beside it, and train again"
        found: list[dict[str, float]] = read_json(self.path, mend) if self.path.is_file() else []
        return found

    def measure(self, step: int, network: nn.Module) -> None:
        """Measure the network of a step. Points of this and later steps are of an attempt that was not saved, or of a run that was removed,
        and are dropped.
        """
        earlier = [point for point in self.points() if point["step"] < step]
        write_whole(self.path, json.dumps([*earlier, {"step": step, **self._measures(network)}]) + "\n")

    def _measures(self, network: nn.Module) -> dict[str, float]:
        counts = {"train": TRAINED, "id": TESTED, "ood": TESTED}
        images = {name: self.parts[name][0][:count] for name, count in counts.items()}
        labels = {name: self.parts[name][1][:count] for name, count in counts.items()}
        seen = {name: self.describe(network, values) for name, values in images.items()}
        head = train_head(
            seen["train"], labels["train"], steps=HEAD_STEPS, batch=HEAD_BATCH, learning_rate=2e-3, seed=self.seed, device=self.device
        )
        tests = [(seen[name], labels[name]) for name in ("id", "ood")]
        accuracies = [head_accuracy(head, *test, device=self.device) for test in tests]
        probed = probe_accuracy(seen["train"], labels["train"], *tests, strength=COLOR_PROBE_STRENGTH, steps=COLOR_PROBE_STEPS)
        changed = color_change(seen["id"][:SWAPPED], self.describe(network, swapped_colors(images["id"][:SWAPPED])))
        return {"color_change": changed, "id": accuracies[0], "ood": accuracies[1], "probe_id": probed[0], "probe_ood": probed[1]}


def swapped_colors(images: UInt8[np.ndarray, "images side side 3"]) -> UInt8[np.ndarray, "images side side 3"]:
    """The same digits (uint8) in the other colour: red and green exchanged."""
    return images[..., [1, 0, 2]]


def color_change(features: Features, swapped: Features) -> float:
    """Mean absolute difference of descriptors between digits and the same in the other colour, over the descriptors' standard deviation;
    without unit.

    0 where colour is suppressed. NaN where all descriptors are equal.
    """
    values: Tensor = (features - swapped).abs().mean() / features.std()
    return round(float(values), 6)
