"""Comparison of reported numbers with the same numbers measured again."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from .record import Record, number

TOLERANCE = 1e-3
"""Tolerance for a data set generated on another machine: absolute for numbers up to 1, relative above."""

ROUNDING = 2e-6
"""Tolerance for the same predictions on the same data set: records are rounded to six decimal places, tables of pairs to six digits."""


@dataclass(frozen=True)
class Comparison:
    """One number of one row: what its record reports, and what was measured now; None where there is no value.

    `decided` is false for numbers that cannot be computed from the predictions, only from the model: they are not compared.
    """

    name: str
    reported: float | None
    measured: float | None
    decided: bool = True
    tolerance: float = ROUNDING

    @property
    def same(self) -> bool:
        """Whether both agree within the tolerance, which is relative for numbers above 1."""
        if not self.decided:
            return True
        if self.reported is None or self.measured is None or not (math.isfinite(self.reported) and math.isfinite(self.measured)):
            return self.reported == self.measured
        return abs(self.reported - self.measured) <= self.tolerance * max(1.0, abs(self.reported))


def compare_metrics(
    record: Record, measured: Mapping[str, float], undecided: Collection[str] = (), tolerance: float = ROUNDING
) -> list[Comparison]:
    """All metrics of the record, and metrics of its task that it lacks."""
    names = [*record.metrics, *(name for name in measured if name not in record.metrics)]
    return [Comparison(name, record.value(name), number(measured.get(name, math.nan)), name not in undecided, tolerance) for name in names]


REPORTED = ("model", "model_info", "data.trained_on", "timing", "environment", "created")
"""Fields of a record that cannot be computed from predictions, and so cannot be checked."""
