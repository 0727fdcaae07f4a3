"""Predicted classes of pixels, metrics of them, and the file that stores them."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from ...io.files import written_whole
from ...io.hdf5 import create_file, member, read_file, values
from .calibration import BINS, binned_gap

FORMAT = "pixbench-pixel-classes"
PARTS = ("id", "ood")


@dataclass(frozen=True, eq=False)
class PixelClasses:
    """Predictions of a probe for some pixels: the predicted class, its probability, and the true class; classes are integers."""

    confidence: Float[np.ndarray, " pixels"]
    predicted: Int[np.ndarray, " pixels"]
    truth: Int[np.ndarray, " pixels"]


def pixel_accuracy(found: PixelClasses) -> float:
    """Share of pixels whose predicted class is correct; NaN for none."""
    return float(np.mean(found.predicted == found.truth)) if len(found.truth) else math.nan


def mean_iou(found: PixelClasses) -> float:
    """Mean over the true classes of the intersection over union of predicted and true pixels (the Jaccard index), in [0, 1]."""
    ious = [
        np.sum((found.predicted == k) & (found.truth == k)) / np.sum((found.predicted == k) | (found.truth == k))
        for k in np.unique(found.truth)
    ]
    return float(np.mean(ious)) if ious else math.nan


def pixel_calibration_error(found: PixelClasses, bins: int = BINS) -> float:
    """Expected calibration error of the predicted class, in [0, 1], in equal bins (Guo et al., 2017)."""
    if not len(found.truth):
        return math.nan
    return binned_gap(found.confidence, found.predicted == found.truth, bins)


def write_classes(path: Path, classes: dict[str, PixelClasses]) -> None:
    """Write confidence in thousandths, predicted and true class of every test pixel. In the file the predicted class is named `said`."""
    with written_whole(path) as temporary, create_file(temporary, libver=("v110", "v110")) as file:
        file.attrs["format"], file.attrs["format_version"] = FORMAT, 1
        for part, found in classes.items():
            arrays = {"confidence": (1000 * found.confidence).round(), "said": found.predicted, "truth": found.truth}
            for name, array in arrays.items():
                file.create_dataset(f"{part}/{name}", data=array.astype(np.uint16), compression="gzip", shuffle=True)


def read_classes(path: Path) -> dict[str, PixelClasses]:
    """Read a file of `write_classes`. Raises UserError if the file is damaged or of another format."""
    with read_file(path, "it holds no classes of pixels; run 'pixbench evaluate' again") as file:
        if file.attrs.get("format") != FORMAT:
            raise ValueError(f"it is not of format {FORMAT}")
        return {part: _classes(member(file, part)) for part in PARTS}


def _classes(group: Any) -> PixelClasses:
    confidence, predicted, truth = (values(member(group, name)) for name in ("confidence", "said", "truth"))
    if confidence.ndim != 1 or not confidence.shape == predicted.shape == truth.shape:
        raise ValueError("its arrays do not fit together")
    return PixelClasses(confidence / 1000, predicted.astype(np.int64), truth.astype(np.int64))
