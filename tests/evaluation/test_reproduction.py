import math

import pytest

from pixbench.evaluation.record import Record, Value
from pixbench.evaluation.reproduction import ROUNDING, TOLERANCE, Comparison, compare_metrics


@pytest.mark.parametrize(
    ("reported", "measured", "same"),
    [
        (0.5, 0.5 + 0.9 * ROUNDING, True),
        (0.5, 0.5 + 1.1 * ROUNDING, False),
        (200.0, 200.0 * (1 + 0.9 * ROUNDING), True),
        (200.0, 200.0 * (1 + 1.1 * ROUNDING), False),
        (None, None, True),
        (None, 0.0, False),
        (0.0, None, False),
        (math.inf, math.inf, True),
        (math.inf, 1e9, False),
    ],
)
def test_tolerance_is_absolute_up_to_one_and_relative_above(reported: float | None, measured: float | None, same: bool) -> None:
    assert Comparison("delta_avg", reported, measured).same is same


def test_tolerance_can_be_widened() -> None:
    assert Comparison("pck@1", 0.5, 0.5 + 0.9 * TOLERANCE, tolerance=TOLERANCE).same
    assert not Comparison("pck@1", 0.5, 0.5 + 1.1 * TOLERANCE, tolerance=TOLERANCE).same


def test_metrics_missing_from_the_record_are_compared() -> None:
    record = Record.model_construct(metrics={"a": Value.model_construct(value=0.5), "b": Value.model_construct(value=None)})
    found = compare_metrics(record, {"a": 0.5, "b": math.nan, "c": 0.25}, undecided=("a",))
    assert [(each.name, each.reported, each.measured, each.same) for each in found] == [
        ("a", 0.5, 0.5, True),
        ("b", None, None, True),
        ("c", None, 0.25, False),
    ]


def test_undecided_metrics_are_not_compared() -> None:
    record = Record.model_construct(metrics={"speed": Value.model_construct(value=3.0)})
    assert [each.same for each in compare_metrics(record, {}, undecided=("speed",))] == [True]
    assert [each.same for each in compare_metrics(record, {})] == [False]
