"""Errors of predictions and of matches, on a flat image whose points all move by the same shift."""

import math
from dataclasses import replace

import numpy as np
import pytest
from flat_pairs import MOVE, answered, flat_pair

from pixbench.evaluation.matching.levels.strata import Queries, Strata
from pixbench.evaluation.matching.metrics.pair_result import joined, pair_result, truth_at
from pixbench.evaluation.matching.metrics.values import homography_error, matches, mma
from pixbench.geometry.correspondence import PairTruth, Status
from pixbench.geometry.pixels import pixel_centres


def _status(**pixels: tuple[int, int]) -> np.ndarray:
    """All visible, except the given pixels (column, row), by the name of their status."""
    status = np.full((6, 8), Status.VISIBLE, np.uint8)
    for name, (column, row) in pixels.items():
        status[row, column] = Status[name.upper()]
    return status


def test_errors_of_predictions() -> None:
    pair = flat_pair(_status(occluded=(3, 1), ambiguous=(5, 1), no_surface=(7, 1), out_of_frame=(1, 3)))
    pixel = [(1, 1), (3, 1), (5, 1), (7, 1), (1, 3), (3, 3), (5, 3)]
    off = [(3, 4), (0, 0), (0, 0), (0, 0), (0, 0), (np.nan, np.nan), (0, -2)]
    numbers = np.arange(7) / 10
    result = pair_result(pair, answered(pixel, off, closer=numbers, cycle_error_px=numbers, ratio=numbers), mutual_px=0.5)
    # Only visible and occluded pixels are queries, and only visible ones have an error.
    assert result.error_px.tolist() == [5, math.inf, 2]
    assert result.visible.tolist() == [True, False, True, True]
    assert result.cycle_error_px.tolist() == [0.0, 0.1, 0.5, 0.6]
    assert result.closer.tolist() == [0.0, 0.5, 0.6]
    # Mutual within .5 px, inclusive; any match of an occluded point is wrong.
    assert result.match_error_px.tolist() == [5, math.inf, math.inf]
    assert result.uv_a.tolist() == [[1.5, 1.5], [3.5, 1.5], [3.5, 3.5]]
    assert result.uv_b[:2].tolist() == [[5.5, 6.0], [4.5, 2.0]]
    assert result.ratio.tolist() == [0.0, 0.1, 0.5]
    assert (result.covered, result.matchable, result.edge_error_px) == (None, None, None)


def test_answers_without_cycle_errors_give_no_matches() -> None:
    pixel = [(1, 1), (3, 1), (5, 1)]
    exact, silent = answered(pixel, (0, 0)), answered(pixel, (np.nan, np.nan))
    unknown = pair_result(flat_pair(homography=np.array([[1, 0, 1], [0, 1, 0.5], [0, 0, 1]])), exact, mutual_px=1.0)
    for value in (mma(unknown, 3), matches(unknown), homography_error(unknown), mma(joined([unknown, unknown]), 3)):
        assert math.isnan(value)
    # A model that answers nothing has no matches, which counts.
    none = pair_result(flat_pair(), silent, mutual_px=1.0)
    assert (mma(none, 3), matches(none)) == (0.0, 0.0)
    # Nor is an answer that is matched back far away, beside one that is not matched back at all.
    apart = pair_result(flat_pair(), answered(pixel, (0, 0), cycle_error_px=[9, np.nan, np.nan]), mutual_px=1.0)
    assert (mma(apart, 3), matches(apart)) == (0.0, 0.0)


def test_side_of_the_target_image() -> None:
    pair = replace(flat_pair(_status(occluded=(3, 1))), rgb_b=np.zeros((5, 20, 3), np.uint8))
    assert pair_result(pair, answered([(1, 1), (3, 1), (5, 1)], (0, 0))).side_b_px.tolist() == [20, 20]


def test_a_mask_restricts_queries_and_matches() -> None:
    left = np.zeros((6, 8), bool)
    left[:, :4] = True
    pixel, off = [(1, 1), (3, 1), (5, 1), (7, 1)], [(1, 0), (2, 0), (3, 0), (4, 0)]
    result = pair_result(flat_pair(), answered(pixel, off, cycle_error_px=[0, 0, 0, 0]), left)
    assert result.error_px.tolist() == result.match_error_px.tolist() == [1, 2]
    points = np.array([[1.5, 1.5], [3.9, 1.5], [4.1, 1.5]])
    own = pair_result(flat_pair(), answered(pixel, off, points_a=points, points_b=points + MOVE), left)
    assert own.uv_a.tolist() == points[:2].tolist()


@pytest.mark.parametrize(("shift", "errors"), [(0.25, [0.25, 1.25, math.inf]), (-0.25, [0, 0.75, math.inf]), (0.0, [0, 1, math.inf])])
def test_shifted_errors_are_never_negative(shift: float, errors: list[float]) -> None:
    pixel, off = [(1, 1), (3, 1), (5, 1)], [(0, 0), (1, 0), (np.nan, 0)]
    points = np.array([[1.5, 1.5], [3.5, 1.5]])
    result = pair_result(flat_pair(), answered(pixel, off, cycle_error_px=[0, 0, 9]), shift_px=shift)
    assert result.error_px.tolist() == errors
    assert result.match_error_px.tolist() == errors[:2]
    own = pair_result(
        flat_pair(), answered(pixel, off, points_a=points, points_b=points + MOVE + np.array([[0, 0], [1, 0]])), shift_px=shift
    )
    assert own.match_error_px.tolist() == errors[:2]


def test_matches_of_a_keypoint_matcher() -> None:
    pair = flat_pair(_status(occluded=(3, 1), ambiguous=(5, 1), no_surface=(7, 1), out_of_frame=(1, 3)))
    points = np.array([[1.5, 1.5], [3.5, 1.5], [5.5, 1.5], [7.5, 1.5], [1.5, 3.5], [8.0, 3.5], [-0.1, 3.5], [3.5, 6.0], [6.2, 4.8]])
    answers = answered([(3, 3), (5, 3), (7, 3)], [(0, 0), (9, 9), (0, np.nan)], points_a=points, points_b=points + MOVE + [0, 1])
    result = pair_result(pair, answers)
    # Matches on edges, without a surface, or outside are not counted; matches of points that the target does not see are wrong.
    assert result.uv_a.tolist() == points[[0, 1, 4, 8]].tolist()
    np.testing.assert_allclose(result.match_error_px, [1, math.inf, math.inf, 1])
    assert np.isnan(result.ratio).all()
    # A query is covered where there is a prediction, right or wrong.
    assert result.covered is not None
    assert result.covered.tolist() == [True, True, False]


def test_level_queries_have_matchable_and_edge_errors() -> None:
    pixel = np.array([(1, 1), (3, 1), (5, 1), (7, 1)])
    strata = Strata(np.array([1.0, 3.0, 1.0, 1.0]), np.ones(4), np.full(4, 9.0), np.array([False, False, True, False]))
    pair = flat_pair(_status(ambiguous=(5, 1), occluded=(7, 1)), asked=Queries(pixel, strata), level="hard")
    result = pair_result(pair, answered(pixel, [(1, 0), (2, 0), (3, 0), (4, 0)]))
    assert result.matchable is not None
    assert result.matchable.tolist() == [True, False]
    assert (result.error_px.tolist(), result.edge_error_px.tolist(), result.level) == ([1, 2], [3], "hard")  # type: ignore[union-attr]
    right = np.zeros((6, 8), bool)
    right[:, 3:] = True
    kept = pair_result(pair, answered(pixel, [(1, 0), (2, 0), (3, 0), (4, 0)]), right, shift_px=1)
    assert (kept.error_px.tolist(), kept.edge_error_px.tolist()) == ([3], [4])  # type: ignore[union-attr]


def test_ground_truth_at_subpixel_positions() -> None:
    """Bilinear interpolation is exact for an affine map; where it is not possible, a point moves with its pixel."""
    A, t = np.array([[1.5, 0.25], [-0.5, 0.75]]), np.array([2.0, -1.0])
    pair = flat_pair(_status(no_surface=(5, 3), occluded=(2, 2)))
    object.__setattr__(pair, "truth", PairTruth((pixel_centres(8, 6) @ A.T + t).astype(np.float32), pair.truth.status))
    inner = np.array([[0.5, 0.5], [2.75, 1.2], [7.5, 5.5], [2.1, 2.9], [4.49, 3.5]])
    np.testing.assert_allclose(truth_at(pair, inner), inner @ A.T + t, atol=1e-5)
    # Less than half a pixel from the border, and beside a pixel without a surface.
    for uv, centre in (([0.25, 3.0], [0.5, 3.5]), ([7.75, 1.5], [7.5, 1.5]), ([3.5, 0.2], [3.5, 0.5]), ([4.75, 3.5], [4.5, 3.5])):
        expected = A @ centre + t + np.subtract(uv, centre)
        np.testing.assert_allclose(truth_at(pair, np.array([uv])), [expected], atol=1e-5)


def test_joined_drops_fields_that_one_result_lacks() -> None:
    points = np.array([[1.5, 1.5]])
    own = pair_result(flat_pair(), answered([(1, 1)], (0, 0), points_a=points, points_b=points))
    dense = pair_result(flat_pair(), answered([(1, 1), (3, 1)], (1, 0)))
    assert joined([own, dense]).covered is None
    assert joined([own, own]).covered.tolist() == [True, True]  # type: ignore[union-attr]
    both = joined([own, dense])
    assert (both.error_px.tolist(), both.width, both.height, both.level) == ([0, 1, 1], 8, 6, "")
