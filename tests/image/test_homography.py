"""Homographies: correspondences against hand-computed points and inverses, warped images against OpenCV."""

import cv2
import numpy as np
import pytest
import torch

from pixbench.image.homography import WARPS, about, apply_homography, correspondences, from_corners, rotation, shift, warped
from pixbench.training.data.pairs import PointDataset, TrainingPairs
from pixbench.training.data.warped_pairs import WarpedPictures


def test_rotation_and_shift_match_hand_computed_points() -> None:
    quarter = about(np.array([4.0, 4.0]), rotation(np.pi / 2))
    # Rotation by 90 degrees from x towards y: a point right of the centre moves below it.
    assert apply_homography(quarter, np.array([[6.0, 4.0], [4.0, 4.0]])) == pytest.approx(np.array([[4.0, 6.0], [4.0, 4.0]]))
    uv, inside = correspondences(np.eye(3), shift(np.array([3.0, 0.0])), 8, 4)
    assert uv[1, 2] == pytest.approx([5.5, 1.5])
    assert inside[1].tolist() == [True] * 5 + [False] * 3


def test_from_corners_maps_corners_to_their_targets() -> None:
    corners = np.array([[0.0, 0], [10, 0], [10, 8], [0, 8]])
    to = corners + np.array([[1.0, 2], [-1, 1], [0.5, -2], [2, 0]])
    H = from_corners(corners, to)
    assert apply_homography(H, corners) == pytest.approx(to)
    assert apply_homography(np.linalg.inv(H), to) == pytest.approx(corners)


def test_points_beyond_the_horizon_are_nan() -> None:
    H = np.array([[1.0, 0, 0], [0, 1, 0], [-0.2, 0, 1]])
    assert np.isnan(apply_homography(H, np.array([6.0, 1.0]))).all()
    assert np.isfinite(apply_homography(H, np.array([4.0, 1.0]))).all()


@pytest.mark.parametrize("name", list(WARPS))
def test_warped_images_match_opencv(name: str) -> None:
    rng = np.random.default_rng(5)
    smooth = cv2.GaussianBlur(rng.random((48, 48, 3)).astype(np.float32), (0, 0), 3)
    for H in WARPS[name](rng, 48, 3):
        ours = warped(torch.from_numpy(smooth.transpose(2, 0, 1)), H, 48, 48).numpy().transpose(1, 2, 0)
        # OpenCV has pixel centres at integers, PixBench at .5.
        half = shift(np.array([0.5, 0.5]))
        theirs = cv2.warpPerspective(smooth, np.linalg.inv(half) @ H @ half, (48, 48), flags=cv2.INTER_LINEAR)
        # OpenCV rounds positions to 1/32 pixel.
        assert np.abs(ours - theirs).max() < 0.02


@pytest.mark.parametrize("name", list(WARPS))
def test_matched_points_have_the_same_colour(name: str) -> None:
    y, x = np.mgrid[0:40, 0:40] / 40
    picture = (255 * np.stack([x, y, (x + y) / 2], axis=-1)).astype(np.uint8)
    source = WarpedPictures(picture[None], size=40, warps=name, description={})
    assert isinstance(source, TrainingPairs)
    views = source.views(0, rng=np.random.default_rng(2))
    row, column = np.argwhere(views.matched).T
    uv = views.uv_b[row, column]
    inner = (np.abs(uv - 20) < 18).all(axis=1) & (views.image_a[0].numpy()[row, column] > 0.05)
    grid = torch.from_numpy(uv[inner] / 20 - 1).float()[None, None]
    sampled = torch.nn.functional.grid_sample(views.image_b[None], grid, align_corners=False)[0, :, 0].numpy()
    differences = np.abs(sampled - views.image_a.numpy()[:, row[inner], column[inner]]).max(axis=0)
    assert inner.sum() > 100
    # Image borders are blurred differently in the two views.
    assert np.quantile(differences, 0.9) < 0.02


def test_sample_depends_only_on_index_and_seed() -> None:
    pictures = np.random.default_rng(0).integers(256, size=(3, 28, 28, 3), dtype=np.uint8)
    source = WarpedPictures(pictures, size=32, warps="turn-and-crop", description={"set": "x"})
    first, again, other = (PointDataset(source, points=20, keep=0.5, seed=seed)[4] for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["image_a"], other["image_a"])
    assert source.description == {"set": "x", "size": 32, "warps": "turn-and-crop"}
