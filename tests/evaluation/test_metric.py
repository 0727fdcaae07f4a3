import math
from dataclasses import replace

import numpy as np
import pytest

from pixbench.evaluation.metric import Metric

MEAN = Metric("mean", 1, "mean of the values", lambda values: np.mean(values), parameters={"px": 2})


def test_mean_ignores_pairs_without_a_value() -> None:
    assert MEAN.over(np.array([1.0, math.nan, 3.0])) == 2.0
    assert math.isnan(MEAN.over(np.array([math.nan])))
    assert math.isnan(MEAN.over(np.array([])))


def test_a_summary_replaces_the_mean() -> None:
    largest = replace(MEAN, summary=lambda values: values.max())
    assert largest.over(np.array([1.0, math.nan, 3.0])) == 3.0


def test_metrics_that_share_values_share_a_column() -> None:
    assert MEAN.column == "mean"
    assert replace(MEAN, per_pair="pose_error_deg").column == "pose_error_deg"
    assert MEAN(np.array([1, 2])) == 1.5


@pytest.mark.parametrize("change", [{"id": "other"}, {"version": 2}, {"definition": "median of the values"}, {"parameters": {"px": 3}}])
def test_hash_covers_the_definition(change: dict[str, object]) -> None:
    assert replace(MEAN, **change).sha256() != MEAN.sha256()  # type: ignore[arg-type]


def test_hash_ignores_display_options() -> None:
    assert replace(MEAN, digits=1, unit="px").sha256() == MEAN.sha256()


def test_hash_ignores_the_order_of_parameters() -> None:
    one, other = (replace(MEAN, parameters=dict(order)) for order in ([("px", 1), ("deg", 2)], [("deg", 2), ("px", 1)]))
    assert one.sha256() == other.sha256()


def test_infinite_values_enter_the_mean() -> None:
    assert MEAN.over(np.array([1.0, math.inf, math.nan])) == math.inf
