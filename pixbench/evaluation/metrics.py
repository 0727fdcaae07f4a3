"""Metrics of matching, each with an id, a version and a definition. All take endpoint errors of visible queries, in pixels.

A metric's value is the mean over pairs of its value on each pair; `pooled` takes all points of all pairs at once. A pair
without visible queries has no value and is counted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ..registry import METRICS

TAP_THRESHOLDS_PX = (1, 2, 4, 8, 16)


@dataclass(frozen=True)
class Metric:
    """A number for a set of endpoint errors. A changed definition is a new version."""

    id: str
    version: int
    definition: str
    higher_is_better: bool
    function: Callable[[Float[np.ndarray, " points"]], float]

    def __call__(self, errors_px: Float[np.ndarray, " points"]) -> float:
        """The value; NaN for no points."""
        return float(self.function(errors_px)) if len(errors_px) else float("nan")


def _within(threshold_px: float) -> Callable[[Float[np.ndarray, " points"]], float]:
    return lambda errors_px: float(np.mean(errors_px <= threshold_px))


def _delta_avg(errors_px: Float[np.ndarray, " points"]) -> float:
    return float(np.mean([np.mean(errors_px < threshold) for threshold in TAP_THRESHOLDS_PX]))


for _px in (1, 2, 4, 8, 16):
    METRICS.add(f"pck@{_px}")(
        Metric(
            f"pck@{_px}",
            1,
            f"share of visible queries with endpoint error <= {_px} px of the evaluated image",
            True,
            _within(_px),
        )
    )
METRICS.add("delta_avg")(
    Metric(
        "delta_avg",
        1,
        "mean over 1, 2, 4, 8, 16 px of the share with endpoint error < threshold (TAP-Vid, unscaled)",
        True,
        _delta_avg,
    )
)
METRICS.add("epe_mean")(Metric("epe_mean", 1, "mean endpoint error in px", False, lambda e: float(np.mean(e))))
METRICS.add("epe_median")(Metric("epe_median", 1, "median endpoint error in px", False, lambda e: float(np.median(e))))


def summarise(errors_px: Sequence[Float[np.ndarray, " _"]]) -> dict[str, tuple[float, float]]:
    """For each metric its mean over pairs that have points, and its pooled value; NaN where no pair has any."""
    filled = [errors for errors in errors_px if len(errors)]
    everything = np.concatenate(filled) if filled else np.empty(0)
    values = {}
    for name in METRICS.names():
        metric = METRICS.get(name)
        values[name] = (
            float(np.mean([metric(errors) for errors in filled])) if filled else float("nan"),
            metric(everything),
        )
    return values
