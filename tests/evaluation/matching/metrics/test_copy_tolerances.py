"""Tolerances between two copies of a data set, against hand-computed values."""

import math
from typing import Any

import pytest

from pixbench.errors import UserError
from pixbench.evaluation.matching.metrics.copy_tolerances import SAME_COPY, TRUTH_PX, Tolerances, between_copies
from pixbench.evaluation.matching.scoring import QUERIES_TOLERANCE, Group, PairRow, Scores
from pixbench.evaluation.reproduction import ROUNDING
from pixbench.evaluation.task import METRICS

METRIC_IDS = ("pck@1", "epe_mean", "delta_avg_matchable", "pose_auc@5/poselib")
POSE = "pose_error_deg/poselib"


def _scores(pck: float = 0.5, epe: float = 10.0) -> Scores:
    """Two pairs of 1000 and 3000 points; of the first, one query is in this copy alone, and three may be in another group."""
    values = {"pck@1": pck, "epe_mean": epe, "delta_avg_matchable": 0.25, POSE: 3.0}
    rows = [PairRow(0, 0, 1, 20.0, 0.5, 1000, "", values, 1, 3), PairRow(0, 1, 0, 20.0, 0.5, 3000, "", values)]
    summed = {"pck@1": pck, "epe_mean": epe, "delta_avg_matchable": 0.25, "pose_auc@5/poselib": 0.7}
    groups = {"pixels: room": Group(8, 4000, {"pck@1": pck}, 0.001), "level: easy": Group(1, 1, {"pck@1": pck}, 0.9)}
    return Scores(rows, summed, summed, groups)


def _tolerances(points: tuple[str, str] = ("1000", "3002")) -> Tolerances:
    """Where errors shrink, PCK is .52; where they grow, .49 and the error 10.001."""
    metrics = [METRICS.get(name) for name in METRIC_IDS]
    shifted = {-TRUTH_PX: _scores(0.52), TRUTH_PX: _scores(0.49, 10.001)}
    table: list[dict[str, str | None]] = [{"points": text} for text in points]
    return between_copies(_scores(), table, metrics, shifted.__getitem__)


def test_tolerances_are_summed() -> None:
    found = _tolerances()
    # A share of the queries that differ, over pairs: one of 1000, and two of 3000.
    changed, unsure = (1 / 1000 + 2 / 3000) / 2, (3 / 1000 + 2 / 3000) / 2
    assert found.metric("pck@1") == pytest.approx(ROUNDING + 0.02 + changed)
    # Tolerances are relative for values above 1.
    assert found.metric("epe_mean") == pytest.approx(ROUNDING + 0.001 / 10 + changed)
    assert found.metric("delta_avg_matchable") == pytest.approx(ROUNDING + unsure)
    # A pose may be anything where a query differs, as in both pairs.
    assert found.metric("pose_auc@5/poselib") == pytest.approx(ROUNDING + 1)
    assert found.over_points("pck@1") == pytest.approx(ROUNDING + 0.02 + 3 / 4000)
    assert found.over_points("delta_avg_matchable") == pytest.approx(ROUNDING + 5 / 4000)


def test_tolerances_of_groups_and_rows() -> None:
    found = _tolerances()
    assert found.group("pixels: room", "pck@1") == pytest.approx(ROUNDING + 0.02 + 0.001 + 2 / 8)
    assert found.group("level: easy", "pck@1") == pytest.approx(ROUNDING + 0.02 + 1)
    assert found.cell(0, "pck@1") == pytest.approx(ROUNDING + 0.02 + 1 / 1000)
    assert found.cell(1, "pck@1") == pytest.approx(ROUNDING + 0.02 + 2 / 3000)
    assert found.cell(0, "delta_avg_matchable") == pytest.approx(ROUNDING + 3 / 1000)
    assert found.cell(0, "points") == pytest.approx(1 / 1000)
    assert found.cell(0, POSE) == math.inf
    assert found.cell(0, "visible_share") == pytest.approx(QUERIES_TOLERANCE + 1e-4)
    same = _tolerances(("1000", "3000"))
    assert same.cell(1, POSE) == ROUNDING
    assert same.metric("pose_auc@5/poselib") == pytest.approx(ROUNDING + 0.5)


def test_unknown_names_have_only_the_rounding_tolerance() -> None:
    for found in (_tolerances(), SAME_COPY):
        numbers = (
            found.metric("x"),
            found.over_points("x"),
            found.group("x", "pck@1"),
            found.group("pixels: room", "x"),
            found.cell(0, "x"),
        )
        assert set(numbers) == {ROUNDING}
    assert (SAME_COPY.same_copy, _tolerances().same_copy) == (True, False)


@pytest.mark.parametrize("points", [("1000", "3004"), ("998", "3002"), ("1000", "2996")])
def test_point_counts_may_differ_by_one_per_thousand(points: Any) -> None:
    _tolerances(points)


@pytest.mark.parametrize("points", [("1000", "3005"), ("997", "3002"), ("1000", ""), ("1000", "many")])
def test_larger_differences_of_point_counts_are_rejected(points: Any) -> None:
    with pytest.raises(UserError, match=r"visible points more or fewer than this copy, at most 4 may differ"):
        _tolerances(points)


@pytest.mark.parametrize(("here", "there", "apart"), [(math.inf, math.inf, 0), (math.nan, 1.0, 0), (1.0, math.nan, 0), (0.5, 0.25, 0.25)])
def test_missing_values_add_no_tolerance(here: float, there: float, apart: float) -> None:
    def scores(value: float) -> Scores:
        return Scores([], {"pck@1": value}, {}, {})

    found = between_copies(scores(here), [], [METRICS.get("pck@1")], lambda shift: scores(there))
    assert found.metric("pck@1") == pytest.approx(ROUNDING + apart)


def test_small_sets_may_differ_by_one_point() -> None:
    scores = Scores([PairRow(0, 0, 1, 20.0, 0.5, 3, "", {"pck@1": 0.5})], {"pck@1": 0.5}, {}, {})

    def tolerances(points: str) -> Tolerances:
        return between_copies(scores, [{"points": points}], [METRICS.get("pck@1")], lambda shift: scores)

    assert tolerances("4").metric("pck@1") == pytest.approx(ROUNDING + 1 / 3)
    with pytest.raises(UserError, match="2 visible points more or fewer than this copy, at most 1 may differ"):
        tolerances("1")
