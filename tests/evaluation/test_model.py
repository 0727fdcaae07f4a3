"""Inputs and outputs of models, against hand-computed values."""

import math
import re
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from pixbench.dataset.reader import Pair, PairKey
from pixbench.errors import UserError
from pixbench.evaluation.matched_points import LAYOUTS
from pixbench.evaluation.matching.dense_matcher import Matches
from pixbench.evaluation.model import (
    DescriptorModel,
    MatcherModel,
    Model,
    described_model,
    failing_in_one_line,
    image_batch,
    norm_name,
    parse_norm,
)
from pixbench.evaluation.network_input import CellGrid, NetworkInput
from pixbench.geometry.correspondence import PairTruth, Status


def _pair(rgb_a: np.ndarray, rgb_b: np.ndarray, uv_b: Any = np.nan, status: Status = Status.NO_SURFACE) -> Pair:
    """Every pixel of a has one true match and status."""
    shape = rgb_a.shape[:2]
    truth = PairTruth(np.broadcast_to(np.asarray(uv_b, np.float32), (*shape, 2)).copy(), np.full(shape, status, np.uint8))
    return Pair(PairKey(5, 4, 3, 2), rgb_a, rgb_b, truth)


def _images(*shape: int) -> Any:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (*shape, 3), np.uint8) for _ in range(2)]


def test_image_batch_is_channels_first_in_the_unit_range() -> None:
    first, second = _images(2, 3)
    batch = image_batch(first, second)
    assert batch.shape == (2, 3, 2, 3)
    assert batch.dtype == torch.float32
    np.testing.assert_allclose(batch[1, 2, 1].numpy(), second[1, :, 2] / 255, rtol=1e-6)


class RecordingModel(Model):
    """Keeps the pair that it was given."""

    name = "remembers"

    def match(self, pair: Pair, query_uv: np.ndarray) -> Matches:
        self.asked = pair
        return Matches.only(query_uv)


def test_models_see_neither_pair_key_nor_ground_truth() -> None:
    model, given = RecordingModel(), _pair(*_images(4, 5), uv_b=(1.0, 2.0), status=Status.VISIBLE)
    model.answer(given, np.zeros((1, 2)))
    asked = model.asked
    assert asked.key == PairKey(0, 0, 0, 1)
    assert np.isnan(asked.truth.uv_b).all()
    assert (asked.truth.uv_b.shape, asked.truth.status.shape) == ((4, 5, 2), (4, 5))
    assert (asked.truth.status == Status.NO_SURFACE).all()
    assert np.array_equal(asked.rgb_a, given.rgb_a)
    assert np.array_equal(asked.rgb_b, given.rgb_b)
    assert not np.shares_memory(asked.rgb_a, given.rgb_a)
    assert not np.shares_memory(asked.rgb_b, given.rgb_b)
    model.asks_for = ("truth",)
    model.answer(given, np.zeros((1, 2)))
    assert model.asked is given


class Pixels(DescriptorModel):
    """Colours themselves, or the mean of cells of `cell` pixels."""

    name = "pixels"

    def __init__(self, p: Any = 2.0, cell: int = 1):
        self.p, self._cell = p, cell

    def describe(self, images: Tensor) -> Tensor:
        return torch.nn.functional.avg_pool2d(images, self._cell)


def test_queries_match_the_nearest_descriptor_and_ties_the_first() -> None:
    rgb_a, rgb_b = np.zeros((2, 3, 3), np.uint8), np.full((2, 4, 3), 200, np.uint8)
    rgb_a[0, 1], rgb_a[1, 2] = 90, 10
    rgb_b[1, 1], rgb_b[1, 2], rgb_b[0, 3] = 100, 100, 40
    found = Pixels().match(_pair(rgb_a, rgb_b), np.array([[1.5, 0.5], [2.9, 1.1]]))
    assert found.uv.tolist() == [[1.5, 1.5], [3.5, 0.5]]
    # Back from the pixel of 40 the nearest is that of 10, from those of 100 that of 90.
    assert found.cycle_error_px.tolist() == [0, 0]
    np.testing.assert_allclose(found.distance, np.sqrt(3) * np.array([10, 30]) / 255, rtol=1e-5)


@pytest.mark.parametrize(
    ("uv_b", "status", "closer"),
    [
        # Of the true match's three rivals one is closer, and one of the same colour counts half.
        ((2.5, 0.5), Status.VISIBLE, 1.5 / 3),
        # In float32 a point just inside the image may lie on its border.
        ((4.0, 1.0), Status.VISIBLE, 1.5 / 3),
        ((0.5, 0.5), Status.VISIBLE, 0.0),
        ((2.5, 0.5), Status.OCCLUDED, math.nan),
    ],
)
def test_share_of_pixels_closer_than_the_true_match(uv_b: tuple[float, float], status: Status, closer: float) -> None:
    rgb_b = np.array([[[50], [99], [80], [80]]], np.uint8).repeat(3, axis=2)
    found = Pixels().match(_pair(np.full((1, 1, 3), 50, np.uint8), rgb_b, uv_b, status), np.array([[0.5, 0.5]]))
    assert found.closer[0] == pytest.approx(closer, nan_ok=True)


@pytest.mark.parametrize(
    ("given", "grid", "step"),
    [
        (NetworkInput(), None, 4.0),
        # In an image enlarged by two, cells are half as far apart.
        (NetworkInput(64), None, 2.0),
        (NetworkInput(64), CellGrid(6.0), 3.0),
        # Padding does not move the cells.
        (NetworkInput(multiple=16), None, 4.0),
    ],
)
def test_descriptor_stride_is_in_image_pixels(given: NetworkInput, grid: CellGrid | None, step: float) -> None:
    model = Pixels(cell=4)
    model.input, model.grid = given, grid
    assert model.dense(torch.rand(2, 3, 24, 32)).shape == (2, 3, 24, 32)
    assert model.grid_px == step
    rows, columns = (-(-side // 4) for side in given.prepared(torch.zeros(1, 1, 24, 32)).shape[2:])
    assert model.described == (3, rows, columns)


@pytest.mark.parametrize("found", [None, torch.zeros(3, 8, 8), torch.zeros(2, 3, 8, 8), torch.zeros(1, 3, 8, 30)])
def test_invalid_descriptor_shapes_are_rejected(found: Any) -> None:
    class Wrong(Pixels):
        def describe(self, images: Tensor) -> Tensor:
            return found

    with pytest.raises(ValueError, match=r"pixels gave .*: expected a tensor \(batch, channels, rows, columns\)"):
        Wrong().dense(torch.zeros(1, 3, 8, 8))


def _matcher(*found: Any) -> MatcherModel:
    return MatcherModel(lambda image_a, image_b: found, "points")


def test_queries_follow_the_nearest_match_within_reach() -> None:
    a, b = np.array([[10.0, 10.0], [20.0, 10.0]]), np.array([[12.0, 15.0], [21.0, 9.0]])
    pair = _pair(*_images(32, 32))
    # A query at 4 px is still within reach, and each query takes the nearest point.
    query = np.array([[10.0, 14.0], [17.0, 10.0], [10.0, 14.1], [20.0, 10.0]])
    found = _matcher(a, b, np.array([0.75, 0.5])).match(pair, query)
    np.testing.assert_allclose(found.uv, [[12, 19], [18, 9], [np.nan, np.nan], [21, 9]])
    np.testing.assert_allclose(found.distance, [0.25, 0.5, np.nan, 0.5])
    assert found.points_a is not None
    assert found.points_a.tolist() == a.tolist()
    assert np.isnan(_matcher(a, b).match(pair, query).distance).all()
    assert np.isnan(_matcher(np.empty((0, 2)), np.empty((0, 2))).match(pair, query).uv).all()


def test_matcher_gets_the_images_in_order() -> None:
    def dark_to_bright(image_a: Tensor, image_b: Tensor) -> Any:
        assert (float(image_a.max()), float(image_b.min())) == (0, 1)
        assert (image_a.shape, image_b.shape) == ((3, 6, 9), (3, 6, 7))
        # This position exists only in the wider image.
        return np.array([[8.5, 2.0]]), np.array([[6.5, 3.0]])

    model, dark, bright = MatcherModel(dark_to_bright, "dark"), np.zeros((6, 9, 3), np.uint8), np.full((6, 7, 3), 255, np.uint8)
    assert model.match(_pair(dark, bright), np.array([[8.5, 2.0]])).uv.tolist() == [[6.5, 3.0]]


def test_points_outside_either_image_are_dropped() -> None:
    a = np.array([[1.0, 1], [32.0, 1], [1, 1], [1, 1], [31.9, 23.9]])
    b = np.array([[1.0, 1], [1, 1], [1, 16.0], [-0.1, 1], [15.9, 15.9]])
    matched = _matcher(a, b).points(np.zeros((24, 32, 3), np.uint8), np.zeros((16, 16, 3), np.uint8))
    assert [points.tolist() for points in matched] == [[[1, 1], [31.9, 23.9]], [[1, 1], [15.9, 15.9]]]


@pytest.mark.parametrize("p", [1.0, 2.0, math.inf, "cosine"])
def test_norm_names_round_trip(p: Any) -> None:
    assert parse_norm(norm_name(p)) == p
    model = Pixels(p)
    model.scales = (0.5, 1.0)
    assert described_model(model) == {"p": {1.0: "1", 2.0: "2", math.inf: "inf"}.get(p, p), "scales": [0.5, 1.0]}


@pytest.mark.parametrize("text", ["3", "0", "", "Cosine", "l2"])
def test_unknown_norms_are_rejected(text: str) -> None:
    with pytest.raises(ValueError, match=f"got {text}, expected 1, 2, inf or cosine"):
        parse_norm(text)


def test_matchers_have_no_norm() -> None:
    model = _matcher()
    model.input = NetworkInput(640)
    assert described_model(model) == {"kind": "matcher", "channels": None, "reach_px": 4.0, "p": None, "input_size": 640}


def test_a_wrong_output_of_a_matcher_is_explained_whole() -> None:
    matcher = MatcherModel(lambda image_a, image_b: {"first_points_of_mine": 1, "second_points_of_mine": 2}, "a-matcher-of-mine")
    with pytest.raises(UserError, match=re.escape(LAYOUTS) + "$"), failing_in_one_line(matcher):
        matcher.points(*np.zeros((2, 8, 8, 3), np.uint8))
