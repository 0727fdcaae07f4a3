from pathlib import Path

import numpy as np
import pytest
import torch

from pixbench.errors import UserError
from pixbench.evaluation.model import DescriptorModel
from pixbench.evaluation.probing.pixel_classes import PixelClasses, mean_iou, pixel_accuracy, read_classes, write_classes
from pixbench.evaluation.probing.segmentation import RoomSuite, evaluate
from pixbench.evaluation.record import read_record
from pixbench.evaluation.suite import GeneratedSuite, Opening
from pixbench.models.loading import load_model


class Blurred(DescriptorModel):
    name, p = "blurred", 2.0

    def describe(self, images: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.avg_pool2d(images, 5, 1, 2)


def _suite() -> RoomSuite:
    def part(split: str) -> GeneratedSuite:
        config = {"split": split, "scenes": 2, "views": 2, "size": 32, "seed": 4, "scenes_per_shard": 2}
        return GeneratedSuite(f"small-{split}", "", 1, "3d", config)

    return RoomSuite("small", "", 1, part("train"), part("test"), stride=4)


def test_classes_by_hand() -> None:
    found = PixelClasses(np.ones(4), np.array([1, 1, 2, 2]), np.array([1, 2, 2, 2]))
    assert pixel_accuracy(found) == 0.75
    assert mean_iou(found) == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_the_whole_way_on_small_rooms(tmp_path: Path) -> None:
    path, record = evaluate(Blurred(), _suite(), Opening(tmp_path / "cache"), tmp_path / "out")
    assert read_record(path) == record
    assert record.task == "segmentation"
    assert 0 < record.metrics["ood_pixel_accuracy"].value <= 1  # type: ignore[operator]
    # Of 8 x 8 queries a view: two views of two unseen rooms, one view each of two seen ones.
    classes = read_classes(path.with_suffix(".h5"))
    assert (len(classes["id"].truth), len(classes["ood"].truth)) == (2 * 64, 4 * 64)
    with pytest.raises(UserError, match="gives no descriptors"):
        evaluate(load_model("baseline:oracle"), _suite(), Opening(tmp_path / "cache"), tmp_path / "out")


def test_classes_come_back(tmp_path: Path) -> None:
    found = PixelClasses(np.array([0.5, 0.123456]), np.array([3, 7]), np.array([3, 1]))
    write_classes(tmp_path / "c.h5", {"id": found, "ood": found})
    again = read_classes(tmp_path / "c.h5")["ood"]
    np.testing.assert_allclose(again.confidence, [0.5, 0.123], atol=1e-9)
    assert (again.predicted.tolist(), again.truth.tolist()) == ([3, 7], [3, 1])
