import math
from pathlib import Path

import h5py
import numpy as np
import pytest

from pixbench.errors import UserError
from pixbench.evaluation.probing.pixel_classes import (
    PixelClasses,
    mean_iou,
    pixel_accuracy,
    pixel_calibration_error,
    read_classes,
    write_classes,
)

NONE = PixelClasses(np.empty(0), np.empty(0, int), np.empty(0, int))


def test_metrics_of_no_pixels_are_nan() -> None:
    assert all(math.isnan(metric(NONE)) for metric in (pixel_accuracy, mean_iou, pixel_calibration_error))


def test_mean_iou_ignores_classes_that_are_only_predicted() -> None:
    # Of four pixels of class 1 one is predicted as class 7, which has no pixels.
    found = PixelClasses(np.ones(6), np.array([1, 1, 1, 7, 2, 2]), np.array([1, 1, 1, 1, 2, 2]))
    assert mean_iou(found) == pytest.approx((3 / 4 + 1) / 2)


def test_calibration_compares_confidence_with_accuracy() -> None:
    # Confidence .9, and right half of the time; class ids are labels, not numbers.
    found = PixelClasses(np.full(4, 0.9), np.array([3, 3, 9, 9]), np.array([3, 9, 3, 9]))
    assert pixel_calibration_error(found) == pytest.approx(0.4)


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    path, found = tmp_path / "c.h5", PixelClasses(np.array([0.25, 1.0]), np.array([0, 65535]), np.array([1, 2]))
    write_classes(path, {"id": found, "ood": NONE})
    again = read_classes(path)
    assert (again["id"].confidence.tolist(), again["id"].predicted.tolist()) == ([0.25, 1.0], [0, 65535])
    assert len(again["ood"].truth) == 0
    with h5py.File(path, "a") as file:
        del file["id/truth"]
        file["id/truth"] = np.zeros(3, np.uint16)
    with pytest.raises(UserError, match=r"its arrays do not fit together"):
        read_classes(path)
    with h5py.File(path, "a") as file:
        for name in ("confidence", "said", "truth"):
            del file[f"id/{name}"]
            file[f"id/{name}"] = np.zeros((2, 2), np.uint16)
    with pytest.raises(UserError, match=r"its arrays do not fit together"):
        read_classes(path)
    with h5py.File(path, "a") as file:
        file.attrs["format"] = "another"
    with pytest.raises(UserError, match="it is not of format pixbench-pixel-classes"):
        read_classes(path)
