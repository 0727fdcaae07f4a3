"""Values of metrics of single pairs, over pairs, and of all pixels pooled.

Over pairs a metric is averaged, or, for areas under recall, computed from all pairs' errors; `pooled` takes all queries and matches of all
pairs at once. A pair on which a metric has no value (NaN) is left out of the mean.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from ...metric import Metric
from ...task import metrics_of
from .pair_result import PairResult, joined


def matching_metrics() -> list[Metric]:
    """All metrics of matching, those of other packages too, sorted by id."""
    return metrics_of("matching")


def per_pair(result: PairResult, metrics: Sequence[Metric]) -> dict[str, float]:
    """The values of one pair by column; what metrics share is computed once."""
    values: dict[str, float] = {}
    for metric in metrics:
        if metric.column not in values:
            values[metric.column] = metric(result)
    return values


def summarise(pairs: Sequence[Mapping[str, float]], metrics: Sequence[Metric]) -> dict[str, float]:
    """Each metric over pairs, from what `per_pair` gave; metrics that no pair has a column of are left out."""
    columns = set().union(*pairs)
    return {
        metric.id: metric.over(np.array([pair.get(metric.column, math.nan) for pair in pairs]))
        for metric in metrics
        if metric.column in columns
    }


def pooled(results: Sequence[PairResult], metrics: Sequence[Metric]) -> dict[str, float]:
    """Each metric that is defined by pixels, of all pairs as if they were one; NaN for the others and for no pairs."""
    whole = joined(results) if results else None
    return {metric.id: metric(whole) if whole is not None and metric.by_pixel else math.nan for metric in metrics}
