"""Ratios, shares of closer pixels and subpixel positions, on images of one channel and one row."""

import math

import pytest
import torch
from torch import Tensor

from pixbench.evaluation.matching.dense_matcher import Search, match_dense, vertex


def _row(*values: float) -> Tensor:
    """One channel of an image that is one row high."""
    return torch.tensor(values, dtype=torch.float32).reshape(1, 1, -1)


FIRST = torch.tensor([[0, 0]])


@pytest.mark.parametrize(("exclude_px", "ratio"), [(5.0, 1 / 4), (1.0, 1 / 2), (0.5, 1 / 1.25), (6.5, 1 / 50), (99.0, 0.0)])
def test_ratio_excludes_pixels_near_the_match(exclude_px: float, ratio: float) -> None:
    target = _row(50, 1, 1.25, 2, 50, 50, 50, 4, 50)
    found = match_dense(_row(0.0, 99.0), target, FIRST, p=1.0, search=Search(exclude_px=exclude_px))
    assert found.uv.tolist() == [[1.5, 0.5]]
    assert found.distance.tolist() == [1.0]
    assert found.ratio.tolist() == pytest.approx([ratio])


def test_ratio_of_two_perfect_matches_is_one() -> None:
    found = match_dense(_row(3.0), _row(3, 9, 9, 9, 9, 9, 9, 3), FIRST, p=1.0)
    assert (found.uv.tolist(), found.ratio.tolist()) == ([[0.5, 0.5]], [1.0])


def test_cycle_error_of_matching_back() -> None:
    # The nearest to 0 is 2, whose nearest is 3, two pixels from the query.
    found = match_dense(_row(0.0, 8.0, 3.0), _row(2.0, 30.0), torch.tensor([[0, 0], [2, 0]]), p=1.0)
    assert found.cycle_error_px.tolist() == [2, 0]


@pytest.mark.parametrize(
    ("truth", "radius_px", "closer"),
    [
        # Of seven other pixels two are closer than the true match, and one is as close.
        (3, math.inf, 2.5 / 7),
        (1, math.inf, 0.0),
        # Only pixels up to 2 px (inclusive) from the query's position are searched; the share is of all pixels.
        (3, 2.0, 1.5 / 7),
        (2, 1.0, 1.0 / 7),
        # A true match outside the search window does not count itself, but pixels inside may be closer.
        (7, 3.0, 3.0 / 7),
    ],
)
def test_share_of_pixels_closer_than_the_true_match(truth: int, radius_px: float, closer: float) -> None:
    source, target = _row(99.0, 0.0), _row(20, 1, 5, 5, 30, 2, 40, 10)
    search, truth_pixel = Search(radius_px=radius_px), torch.tensor([[truth, 0]])
    found = match_dense(source, target, torch.tensor([[1, 0]]), p=1.0, search=search, truth_pixel=truth_pixel)
    assert found.closer.tolist() == pytest.approx([closer])


@pytest.mark.parametrize("truth", [(-1, -1), (-1, 0), (0, -1)])
def test_closer_is_nan_without_a_true_match(truth: tuple[int, int]) -> None:
    assert math.isnan(match_dense(_row(0.0), _row(1.0, 2.0), FIRST, p=1.0, truth_pixel=torch.tensor([truth])).closer[0])


@pytest.mark.parametrize(
    ("before", "middle", "after", "place"),
    [
        (3.0, 1.0, 3.0, 0.0),
        # (x - 1/6)^2, times 3, at -1, 0 and 1.
        (3 * (7 / 6) ** 2, 3 / 36, 3 * (5 / 6) ** 2, 1 / 6),
        (2.0, 1.0, 3.0, -1 / 6),
        (10.0, 1.0, 0.5, 0.5),
        (0.5, 1.0, 10.0, -0.5),
        # No curvature, or an unknown one.
        (1.0, 1.0, 1.0, 0.0),
        (1.0, 2.0, 1.5, 0.0),
        (math.inf, 1.0, 2.0, 0.0),
        (math.nan, 1.0, 2.0, 0.0),
    ],
)
def test_parabola_vertex(before: float, middle: float, after: float, place: float) -> None:
    found = vertex(*(torch.tensor([value], dtype=torch.float64) for value in (before, middle, after)))
    assert found.tolist() == pytest.approx([place], abs=1e-12)


@pytest.mark.parametrize(("transposed", "column"), [(False, 2), (True, 2), (False, 0), (True, 0), (False, 4), (True, 4)])
def test_subpixel_position_along_one_axis(transposed: bool, column: int) -> None:
    """The neighbours of the best pixel are 3 and 2; there is no parabola at the border, nor along an axis of one pixel."""
    values = [9.0] * 5
    values[column] = 1.0
    for side, value in ((column - 1, 3.0), (column + 1, 2.0)):
        if 0 <= side < 5:
            values[side] = value
    target = _row(*values)
    found = match_dense(_row(0.0), target.transpose(1, 2) if transposed else target, FIRST, p=1.0, search=Search(subpixel=True))
    along, across = found.uv[0][::-1] if transposed else found.uv[0]
    assert across == 0.5
    assert along == pytest.approx(column + 0.5 + (1 / 6 if column == 2 else 0))
