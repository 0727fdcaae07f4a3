import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from real_pairs import picture
from torch import Tensor

from pixbench.errors import UserError
from pixbench.evaluation.matching.evaluate import evaluate
from pixbench.evaluation.matching.pairs import Identity
from pixbench.evaluation.matching.real.layout import GroundTruth, RealPair, RealScene, RealView
from pixbench.evaluation.matching.real.open import open_pairs
from pixbench.evaluation.matching.real.pairs import GROUP_VIEWS, RealPairs, contents_sha256
from pixbench.evaluation.matching.real.truth import depth_truth, plane
from pixbench.evaluation.model import DescriptorModel
from pixbench.geometry.cameras import Camera
from pixbench.geometry.correspondence import Status

PICTURES = 12


class Counted(DescriptorModel):
    """Describes by colour, and counts the images."""

    name = "counted"
    p = 2.0
    count = 0

    def describe(self, images: Tensor) -> Tensor:
        self.count += len(images)
        return torch.cat([images, images.roll(1, dims=2)], dim=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for k in range(PICTURES):
        picture(tmp_path / "set" / f"{k}.png", 40, 40 + k, seed=k)
    return tmp_path / "set"


def _list(folder: Path, scene: str | None) -> None:
    identity = np.eye(3).tolist()
    pairs = [{"image_a": f"{k}.png", "image_b": f"{k + 1}.png", "homography": identity, "scene": scene} for k in range(0, PICTURES, 2)]
    (folder / "pairs.json").write_text(json.dumps({"pairs": pairs}))


def test_large_scenes_are_described_in_groups(folder: Path, tmp_path: Path) -> None:
    _list(folder, "one")
    source, model = open_pairs(folder, "one", long_side=20), Counted()
    assert [len(group) for group in source.groups()] == [GROUP_VIEWS // 2, (PICTURES - GROUP_VIEWS) // 2]
    record = evaluate(model, source, tmp_path / "one")[1]
    assert not record.data.failed
    assert (model.count, record.data.scenes, record.data.pairs) == (PICTURES, 1, PICTURES // 2)
    _list(folder, None)
    apart = evaluate(Counted(), open_pairs(folder, "apart", long_side=20), tmp_path / "apart")[1]
    assert apart.data.scenes == PICTURES // 2
    assert apart.metrics == record.metrics


def test_tolerance_of_mutual_matches_is_the_same_in_a_resumed_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells of 8 px, of which the last of 24 rows is left out, and of 30 rows only 3: strides of 8 px, then of 10 px."""

    class Cells(DescriptorModel):
        name, p = "cells", 2.0

        def describe(self, images: Tensor) -> Tensor:
            return torch.nn.functional.avg_pool2d(images, 8)

    for name, height in (("a", 24), ("b", 24), ("c", 30), ("d", 30)):
        picture(tmp_path / "set" / f"{name}.png", 32, height)
    pairs = [{"image_a": f"{a}.png", "image_b": f"{b}.png", "homography": np.eye(3).tolist()} for a, b in ("ab", "cd")]
    (tmp_path / "set" / "pairs.json").write_text(json.dumps({"pairs": pairs}))
    monkeypatch.setattr("pixbench.evaluation.matching.evaluate.discard", lambda work: None)  # as of a run killed at its end
    source = open_pairs(tmp_path / "set", "set", query_stride=4)
    first, again = (evaluate(Cells(), source, tmp_path / "out")[1] for _ in range(2))
    assert again.timing.images_per_s is None
    assert first.protocol.mutual_px == again.protocol.mutual_px == 5.0
    assert first.metrics == again.metrics


def test_identity_hashes_cover_contents_and_image_size(folder: Path) -> None:
    _list(folder, None)
    first = open_pairs(folder, "mine").identity
    assert open_pairs(folder, "mine").identity == first
    assert open_pairs(folder, "mine", long_side=320).identity.recipe_sha256 != first.recipe_sha256
    picture(folder / "3.png", 40, 43, seed=99)
    changed = open_pairs(folder, "mine").identity
    assert changed.content_sha256 != first.content_sha256
    assert changed.recipe_sha256 != first.recipe_sha256


def test_images_are_downscaled_but_never_upscaled(folder: Path) -> None:
    _list(folder, "one")
    assert [image.shape for image in open_pairs(folder, "mine", long_side=0).images(0)][:2] == [(40, 40, 3), (41, 40, 3)]
    shrunk = open_pairs(folder, "mine", long_side=41).images(0)
    assert [shrunk[k].shape for k in (0, 1, 11)] == [(40, 40, 3), (41, 40, 3), (41, 32, 3)]
    assert len(shrunk) == PICTURES


def _pairs(truth: Any, *sizes: tuple[int, int], long_side: int = 0, pairs: int = 1) -> RealPairs:
    """A scene of blank images of these sizes, and pairs of the first two."""
    views = [RealView(lambda k=k, size=size: np.full((size[1], size[0], 3), k, np.uint8)) for k, size in enumerate(sizes)]
    scene = RealScene("scene", views, [RealPair(0, 1, truth)] * pairs, [])
    return RealPairs([scene], Identity("mine", "0", "0", "test", 0, 1), query_stride=2, long_side=long_side)


def _never(size_a: tuple[int, int], size_b: tuple[int, int]) -> GroundTruth:
    raise AssertionError("no pair is asked for")


@pytest.mark.parametrize("long_side", [0, 8])
def test_view_angle_is_independent_of_image_size(long_side: int) -> None:
    """Two cameras a metre apart look at a wall at 4 m; the second has twice the focal length."""
    K = np.array([[16.0, 0, 8], [0, 16, 6], [0, 0, 1]])
    beside = np.eye(4)
    beside[0, 3] = 1
    cameras = Camera(K, np.eye(4), 16, 12), Camera(np.diag([2.0, 2, 1]) @ K, beside, 32, 24)
    depth = np.full((12, 16), 4.0), np.full((24, 32), 4.0)
    source = _pairs(lambda size_a, size_b: depth_truth(*depth, *cameras), (16, 12), (32, 24), long_side=long_side)
    pair = source.pair(source.groups()[0][0])
    seen = pair.truth.status == Status.VISIBLE
    shape = seen.shape
    row, column = np.nonzero(seen)
    scale = 16 / shape[1]
    point = np.stack([((column + 0.5) * scale - 8) / 4, ((row + 0.5) * scale - 6) / 4, np.full(len(row), 4.0)], axis=1)
    first, second = (ray / np.linalg.norm(ray, axis=1, keepdims=True) for ray in (point, point - [1, 0, 0]))
    assert pair.angle_deg == pytest.approx(np.degrees(np.median(np.arccos((first * second).sum(axis=1)))), abs=1e-4)
    # All but the first quarter of the columns.
    assert pair.overlap == pytest.approx(seen.mean()) == 0.75
    assert (pair.camera_b.width, pair.camera_b.height) == pair.rgb_b.shape[1::-1] == ((32, 24) if long_side == 0 else (8, 6))  # type: ignore[union-attr]


def test_views_without_overlap_have_nan_angle() -> None:
    apart = np.eye(4)
    apart[0, 3] = 100
    a, b = (Camera(np.array([[16.0, 0, 8], [0, 16, 6], [0, 0, 1]]), pose, 16, 12) for pose in (np.eye(4), apart))
    source = _pairs(lambda size_a, size_b: depth_truth(np.ones((12, 16)), np.ones((12, 16)), a, b), (16, 12), (16, 12))
    pair = source.pair(source.groups()[0][0])
    assert (np.isnan(pair.angle_deg), pair.overlap) == (True, 0.0)


def test_only_the_larger_view_is_downscaled() -> None:
    """Only the second image is too large: the homography maps to its downscaled version."""

    def truth(size_a: tuple[int, int], size_b: tuple[int, int]) -> GroundTruth:
        assert (size_a, size_b) == ((10, 8), (40, 20))
        return plane(np.diag([4.0, 2.5, 1.0]), size_b)

    source = _pairs(truth, (10, 8), (40, 20), long_side=20)
    pair = source.pair(source.groups()[0][0])
    np.testing.assert_allclose(pair.homography, np.diag([2.0, 1.25, 1.0]))
    np.testing.assert_allclose(pair.truth.uv_b[3, 4], [9, 3.5 * 1.25])


def test_a_long_picture_keeps_one_row() -> None:
    """40 x 16 pixels at a longer side of 1 px are 1 x 0.4: one pixel, onto which the whole second picture maps."""
    source = _pairs(lambda size_a, size_b: plane(np.eye(3), size_b), (40, 16), (40, 16), long_side=1)
    pair = source.pair(source.groups()[0][0])
    assert pair.rgb_a.shape == pair.rgb_b.shape == (1, 1, 3)
    np.testing.assert_allclose(pair.truth.uv_b, [[[0.5, 0.5]]])


def test_scene_images_are_a_sequence() -> None:
    images = _pairs(_never, (4, 3), (5, 3), (6, 3)).images(0)
    assert [image.shape[1] for image in images] == [4, 5, 6]
    assert [image.shape[1] for image in images[1:]] == [5, 6]
    assert (images[-1].shape[1], len(images)) == (6, 3)
    with pytest.raises(IndexError):
        images[3]


def test_a_scene_without_pairs_has_no_group(tmp_path: Path) -> None:
    source = _pairs(_never, (4, 3), (4, 3), pairs=0)
    assert source.groups() == []
    with pytest.raises(UserError, match=r"^mine has no pairs of pictures"):
        evaluate(Counted(), source, tmp_path)
    assert not list(tmp_path.iterdir())


def test_contents_hash_covers_relative_file_names(tmp_path: Path) -> None:
    def hashed(*names: str) -> str:
        files = [tmp_path / name for name in names]
        for file in files:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("the same")
        return contents_sha256([RealScene("scene", [], [], files)], tmp_path / "set")

    first = hashed("set/a/1.png", "set/b/1.png")
    assert hashed("set/a/1.png", "set/a/1.png", "set/b/1.png") == first
    assert len({first, hashed("set/b/1.png", "set/a/1.png"), hashed("set/a/1.png"), hashed("set/c/1.png", "set/b/1.png")}) == 4
    # Of a file outside the folder only the name counts, so that the hash does not depend on where a copy lies.
    assert hashed("elsewhere/1.png") == hashed("there/1.png")
