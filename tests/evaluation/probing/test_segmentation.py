import math
from pathlib import Path

import numpy as np
import pytest
import torch

from pixbench.dataset.reader import Dataset
from pixbench.errors import UserError
from pixbench.evaluation.model import DescriptorModel, image_batch
from pixbench.evaluation.probing.pixel_classes import PixelClasses, mean_iou, pixel_accuracy, read_classes, write_classes
from pixbench.evaluation.probing.segmentation import RoomSuite, _describe_views, _predicted, _structure, evaluate
from pixbench.evaluation.record import read_record
from pixbench.evaluation.suite import GeneratedSuite, Opening
from pixbench.geometry.instances import FIRST_OBJECT
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


def test_accuracy_and_iou_match_hand_computed_values() -> None:
    found = PixelClasses(np.ones(4), np.array([1, 1, 2, 2]), np.array([1, 2, 2, 2]))
    assert pixel_accuracy(found) == 0.75
    assert mean_iou(found) == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_segmentation_end_to_end(tmp_path: Path) -> None:
    path, record = evaluate(Blurred(), _suite(), Opening(tmp_path / "cache"), tmp_path / "out")
    assert read_record(path) == record
    assert record.task == "segmentation"
    assert 0 < record.metrics["ood_pixel_accuracy"].value <= 1  # type: ignore[operator]
    # Of 8 x 8 queries a view: two views of two unseen rooms, one view each of two seen ones.
    classes = read_classes(path.with_suffix(".h5"))
    assert (len(classes["id"].truth), len(classes["ood"].truth)) == (2 * 64, 4 * 64)
    # Chance is the most frequent class of the training data: the first views of seen rooms.
    trained = []
    for scene in Dataset(_suite().seen.folder(tmp_path / "cache")).scenes():
        there = scene.read("instance", 0)[2::4, 2::4] > 0
        trained += scene.read("semantic", 0)[2::4, 2::4][there].tolist()
    commonest = max(set(trained), key=trained.count)
    assert record.details["classes"] == sorted(set(trained))
    shares = {part: float(np.mean(found.truth == commonest)) for part, found in classes.items()}
    assert record.details["majority"] == pytest.approx(shares, abs=1e-6)
    with pytest.raises(UserError, match="gives no descriptors"):
        evaluate(load_model("baseline:oracle"), _suite(), Opening(tmp_path / "cache"), tmp_path / "out")


def test_classes_round_trip(tmp_path: Path) -> None:
    found = PixelClasses(np.array([0.5, 0.123456]), np.array([3, 7]), np.array([3, 1]))
    write_classes(tmp_path / "c.h5", {"id": found, "ood": found})
    again = read_classes(tmp_path / "c.h5")["ood"]
    np.testing.assert_allclose(again.confidence, [0.5, 0.123], atol=1e-9)
    assert (again.predicted.tolist(), again.truth.tolist()) == ([3, 7], [3, 1])


class Plain(DescriptorModel):
    """Colours as they are."""

    name, p = "plain", 2.0

    def describe(self, images: torch.Tensor) -> torch.Tensor:
        return images


def test_last_view_of_a_seen_room_is_held_out(tiny: Path) -> None:
    seen, unseen = Dataset(tiny), Dataset(tiny)
    done: list[int] = []
    *parts, structure, images = _describe_views(Plain(), seen, unseen, 8, 2, done.append)
    assert (images, done) == (2 * 3 * 3, [1] * 6)
    for (features, classes), views in zip(parts, ((0, 1), (2,), (0, 1, 2)), strict=True):
        colours, truth = [], []
        for scene in seen.scenes():
            for view in views:
                for row in range(4, 48, 8):
                    for column in range(4, 48, 8):
                        if scene.read("instance", view)[row, column] > 0:
                            colours.append(scene.read("rgb", view)[row, column] / 255)
                            truth.append(scene.read("semantic", view)[row, column])
        assert classes.tolist() == truth
        np.testing.assert_allclose(features, colours, atol=1e-6)
    first = [_structure(image_batch(scene.read("rgb", 0))[0].numpy().astype(np.float64), scene, 2.0) for scene in unseen.scenes()]
    assert structure == pytest.approx({name: np.mean([each[name] for each in first]) for name in structure}, abs=1e-6)


def test_errors_of_a_model_are_one_line(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for describe, words in (
        (lambda self, images: images / 0, "ValueError: descriptors hold NaN or infinity"),
        (lambda self, images: images[0], r"ValueError: plain gave \(3, 48, 48\) for 2 images"),
    ):
        monkeypatch.setattr(Plain, "describe", describe)
        with pytest.raises(UserError, match=f"model plain failed with {words}"):
            _describe_views(Plain(), Dataset(tiny), Dataset(tiny), 8, 2, lambda done: None)


def test_structure_of_one_hot_instance_descriptors(tiny: Path) -> None:
    scene = next(iter(Dataset(tiny).scenes()))
    instance = scene.read("instance", 0).astype(int)
    numbers = [number for number in np.unique(instance) if number > 0]
    known = np.stack([instance == number for number in numbers]).astype(float) + 0.01
    found = _structure(known, scene, 2.0)
    # Channels of few pixels have no threshold between their percentiles; larger instances are segmented exactly.
    assert found["instance_iou"] > 0.5
    assert found["instance_rand"] > 0.9
    blind = _structure(np.ones_like(known), scene, 2.0)
    assert (blind["instance_rand"], found["depth_edge_ap"] > 2 * blind["depth_edge_ap"]) == (0.0, True)
    # Walls and floors are not instances: channels of objects alone score the same.
    only = _structure(known[[number >= FIRST_OBJECT for number in numbers]], scene, 2.0)
    assert only["instance_iou"] == pytest.approx(found["instance_iou"])


def test_edges_are_measured_in_the_first_view(tiny: Path) -> None:
    """Steps of log depth, or of normals, are exactly the edges; those of another view are not."""
    scene = next(iter(Dataset(tiny).scenes()))
    depths, normals = (
        [values(scene.read(name, view).astype(float)) for view in (0, 1)]
        for name, values in (("depth_m", lambda z: np.log(z)[None]), ("normal_world", lambda n: n.transpose(2, 0, 1)))
    )
    assert not any(np.isnan(each).any() for each in (*depths, *normals))
    assert _structure(depths[0], scene, 2.0)["depth_edge_ap"] == pytest.approx(1)
    assert _structure(normals[0], scene, 2.0)["normal_edge_ap"] == pytest.approx(1)
    assert _structure(depths[1], scene, 2.0)["depth_edge_ap"] < 0.9
    assert _structure(normals[1], scene, 2.0)["normal_edge_ap"] < 0.9


def test_cosine_structure_ignores_descriptor_length(tiny: Path) -> None:
    scene = next(iter(Dataset(tiny).scenes()))
    colours = scene.read("rgb", 0).transpose(2, 0, 1) / 255 + 0.1
    longer = colours * np.random.default_rng(0).uniform(0.1, 10, colours.shape[1:])
    for name in ("depth_edge_ap", "normal_edge_ap"):
        assert _structure(longer, scene, "cosine")[name] == pytest.approx(_structure(colours, scene, "cosine")[name], abs=1e-4)
        assert _structure(longer, scene, 2.0)[name] != pytest.approx(_structure(colours, scene, 2.0)[name], abs=1e-2)
        assert _structure(colours, scene, math.inf)[name] != pytest.approx(_structure(colours, scene, 2.0)[name], abs=1e-4)
    unit = colours / np.linalg.norm(colours, axis=0)
    assert _structure(unit, scene, 2.0)["depth_edge_ap"] == pytest.approx(_structure(colours, scene, "cosine")["depth_edge_ap"], abs=1e-6)


def test_probe_predicts_the_most_confident_class() -> None:
    class Probe:
        classes_ = np.array([3, 7, 40])

        def predict_proba(self, features: np.ndarray) -> np.ndarray:
            return features

    found = _predicted(Probe(), np.array([[0.1, 0.2, 0.7], [0.5, 0.3, 0.2]]), np.array([40, 7]))
    assert (found.confidence.tolist(), found.predicted.tolist(), found.truth.tolist()) == ([0.7, 0.5], [40, 3], [40, 7])
