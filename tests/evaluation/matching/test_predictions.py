import math
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from pixbench.errors import UserError
from pixbench.evaluation.matching.dense_matcher import Matches
from pixbench.evaluation.matching.predictions import PairPredictions, Predictions, read_predictions, write_predictions


def _answers(uv: Any, pixel: Any = None, reason: str = "", **given: Any) -> PairPredictions:
    """Predictions for the pixels of one row, or for the given pixels."""
    uv = np.asarray(uv, float).reshape(-1, 2)
    asked = np.stack([np.arange(len(uv)), np.zeros(len(uv))], axis=1) if pixel is None else np.asarray(pixel)
    fields = {name: np.asarray(values, float) for name, values in given.items()}
    return PairPredictions(asked.astype(np.uint16), Matches(**{**Matches.only(uv).__dict__, **fields}), reason)


def _predictions(*answers: PairPredictions) -> Predictions:
    return Predictions(np.array([(0, k, k + 1) for k in range(len(answers))]).reshape(-1, 3), answers, "mine", "c" * 64)


def _round_trip(path: Path, *answers: PairPredictions) -> Predictions:
    write_predictions(path, _predictions(*answers))
    return read_predictions(path)


def test_predictions_round_trip(tmp_path: Path) -> None:
    first = _answers([[1.25, 2], [3, 4]], [(7, 1), (65535, 1)], distance=[0.5, 1.5])
    empty, failed = _answers([]), _answers([[np.nan, np.nan]], reason="ValueError: no")
    again = _round_trip(tmp_path / "p.h5", first, empty, failed)
    assert again.pairs.tolist() == [[0, 0, 1], [0, 1, 2], [0, 2, 3]]
    assert (again.model, again.content_sha256) == ("mine", "c" * 64)
    assert [answer.reason for answer in again.answers] == ["", "", "ValueError: no"]
    assert again.answers[0].pixel.tolist() == [[7, 1], [65535, 1]]
    assert again.answers[0].matches.uv.tolist() == [[1.25, 2], [3, 4]]
    assert again.answers[0].matches.distance.tolist() == [0.5, 1.5]
    assert [len(answer.pixel) for answer in again.answers] == [2, 0, 1]
    assert np.isnan(again.answers[2].matches.uv).all()
    assert all(answer.matches.points_a is None for answer in again.answers)


def test_cycle_errors_and_ratios_are_quantised(tmp_path: Path) -> None:
    """Cycle errors are rounded up to whole pixels, since they are compared with thresholds only; ratios to 1/128."""
    cycle, ratio = [0.0, 0.2, 1.0, 1.001, math.nan, math.inf], [0.5, 0.5 + 1 / 300, 0.5 + 1 / 200, 1.0, math.nan, 0.0]
    found = _round_trip(
        tmp_path / "p.h5", _answers(np.zeros((6, 2)), cycle_error_px=cycle, ratio=ratio, distance=[1e9, *range(5)])
    ).answers[0]
    np.testing.assert_array_equal(found.matches.cycle_error_px, [0, 1, 1, 2, math.nan, math.inf])
    np.testing.assert_array_equal(found.matches.ratio, [0.5, 0.5, 0.5 + 1 / 128, 1.0, math.nan, 0.0])
    # Beyond half precision's range a distance is infinite.
    assert found.matches.distance.tolist() == [math.inf, 0, 1, 2, 3, 4]


def test_points_of_a_matcher_round_trip_per_pair(tmp_path: Path) -> None:
    a, b = np.array([[1.5, 2.5], [3.5, 4.5]]), np.array([[5.5, 6.5], [7.5, 8.5]])
    again = _round_trip(
        tmp_path / "p.h5",
        _answers([[0, 0]], points_a=a[:1], points_b=b[:1]),
        _answers([[0, 0]], points_a=np.empty((0, 2)), points_b=np.empty((0, 2))),
        _answers([[0, 0]]),
        _answers([[0, 0]], points_a=a, points_b=b),
    )
    points = [(m.points_a, m.points_b) for m in (answer.matches for answer in again.answers)]
    assert [None if first is None else first.tolist() for first, _ in points] == [[[1.5, 2.5]], [], None, a.tolist()]
    assert [None if second is None else second.tolist() for _, second in points] == [[[5.5, 6.5]], [], None, b.tolist()]


def test_misses_get_the_worst_values() -> None:
    given = _answers([[1, 1], [np.nan, 1]], distance=[0.5, np.nan], closer=[0.25, np.nan])
    found, other = _predictions(given, _answers([[np.nan, np.nan]])).with_misses().answers
    assert found.matches.distance.tolist() == [0.5, math.inf]
    assert found.matches.closer.tolist() == [0.25, 1.0]
    assert np.isnan(found.matches.ratio).all()
    # A pair of misses alone gets them too, as the model gives values for other pairs.
    assert (other.matches.distance.tolist(), other.matches.closer.tolist()) == ([math.inf], [1.0])
    assert np.isnan(other.matches.cycle_error_px).all()
    assert found.matches.points_a is None


def test_failed_pairs_of_a_matcher_have_no_matches() -> None:
    points = np.ones((3, 2))
    found = _predictions(_answers([[1, 1]], points_a=points, points_b=points), _answers([[np.nan, np.nan]])).with_misses()
    assert [len(answer.matches.points_a) for answer in found.answers] == [3, 0]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pixel", "in_order"),
    [([(0, 0), (1, 0), (0, 1)], True), ([(1, 0), (0, 0)], False), ([(0, 1), (5, 0)], False), ([(2, 2), (2, 2)], False), ([(9, 9)], True)],
)
def test_in_order_requires_row_major_pixels(pixel: list[tuple[int, int]], in_order: bool) -> None:
    assert _answers(np.zeros((len(pixel), 2)), pixel).in_order is in_order


def test_among_selects_predictions_at_queries() -> None:
    given = _answers([[1, 1], [2, 2], [3, 3]], [(4, 0), (0, 1), (4, 1)], distance=[1, 2, 3])
    found = given.among(np.array([(4, 1), (1, 0), (4, 0), (0, 4)]))
    assert found.pixel.tolist() == [[4, 0], [4, 1]]
    assert (found.matches.uv.tolist(), found.matches.distance.tolist()) == ([[1, 1], [3, 3]], [1, 3])


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("start", np.array([0, 2])),
        ("start", np.array([0, 2, 1, 3])),
        ("start", np.array([1, 2, 3, 3])),
        ("pixel", np.zeros((2, 2), np.uint16)),
        ("uv", np.zeros((3, 3))),
        ("uv", np.zeros((3, 2), int)),
        ("closer", np.zeros((3, 1))),
        ("pairs", np.zeros((3, 4), int)),
    ],
)
def test_inconsistent_arrays_are_rejected(name: str, array: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "p.h5"
    _round_trip(path, _answers([[1, 1], [2, 2]]), _answers([[3, 3]]), _answers([]))
    with h5py.File(path, "a") as file:
        del file[name]
        file[name] = array
    with pytest.raises(UserError, match="its arrays do not fit together"):
        read_predictions(path)


def test_format_version_2_has_no_closer_values(tmp_path: Path) -> None:
    path = tmp_path / "p.h5"
    _round_trip(path, _answers([[1, 1]], closer=[0.5], distance=[0.25]))
    for version, closer in ((2, math.nan), (3, 0.5)):
        with h5py.File(path, "a") as file:
            file.attrs["format_version"] = version
        matches = read_predictions(path).answers[0].matches
        np.testing.assert_array_equal([matches.closer[0], matches.distance[0]], [closer, 0.25])
    with h5py.File(path, "a") as file:
        file.attrs["format_version"] = 1
    with pytest.raises(UserError, match="is not a predictions file of format version 3"):
        read_predictions(path)
