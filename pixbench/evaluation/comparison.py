"""A reported number beside the same number measured again."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from .record import Record, number

TOLERANCE = 1e-3
"""By how much a number may differ on another machine's copy of a set: of shares as they are, of larger numbers relative to them."""

ROUNDING = 2e-6
"""By how much it may differ where the same predictions are scored on the same copy: records are rounded to six digits."""


@dataclass(frozen=True)
class Comparison:
    """One number of one row: what its record reports, and what was measured now; None where there is no value.

    `decided` is false for numbers that the predictions do not decide, and only the model could: they are not compared.
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
    """All metrics of the record, and those that it lacks though its task has them."""
    names = [*record.metrics, *(name for name in measured if name not in record.metrics)]
    return [Comparison(name, record.value(name), number(measured.get(name, math.nan)), name not in undecided, tolerance) for name in names]


REPORTED = ("model", "model_info", "data.trained_on", "timing", "environment", "created")
"""What a record reports and no predictions can give: its reader takes it on trust."""
