"""Tolerances between the scores of one predictions file on two copies of a data set that were generated on different processors.

The predictions are the same, but the ground truth differs in its last digits. The tolerance of each number is the sum of three effects:
true matches move by up to `TRUTH_PX`, so that an error next to a threshold may cross it; queries may exist, or be visible, in one copy
only; queries next to a bound of scale, anisotropy or texture may change their group.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from ....errors import UserError
from ...metric import Metric
from ...reproduction import ROUNDING
from ..scoring import QUERIES_TOLERANCE, Group, PairRow, Scores

TRUTH_PX = 1e-3
"""Largest distance in pixels between the true matches of a query in two copies.

Ray casters compute in float32: a hit on a wall of five metres moves by some micrometres, which is less than this at 256 px.
"""

STRATIFIED = "delta_avg_matchable"
"""The metric of a pair that depends on bounds of scale, anisotropy and texture."""

Table = Sequence[Mapping[str, str | None]]


@dataclass(frozen=True)
class Tolerances:
    """Tolerance of each number of a record, `ROUNDING` by default. `rows` are the rows of the table of pairs, each by column."""

    metrics: Mapping[str, float]
    pooled: Mapping[str, float]
    groups: Mapping[str, Mapping[str, float]]
    rows: Sequence[Mapping[str, float]]
    same_copy: bool = False

    def metric(self, name: str) -> float:
        """Tolerance of a metric over pairs."""
        return self.metrics.get(name, ROUNDING)

    def over_points(self, name: str) -> float:
        """Tolerance of a metric over all points at once."""
        return self.pooled.get(name, ROUNDING)

    def group(self, group: str, name: str) -> float:
        """Tolerance of a metric of a group."""
        return self.groups.get(group, {}).get(name, ROUNDING)

    def cell(self, row: int, column: str) -> float:
        """Tolerance of a cell in the table of pairs."""
        return self.rows[row].get(column, ROUNDING) if self.rows else ROUNDING


SAME_COPY = Tolerances({}, {}, {}, (), same_copy=True)
"""Tolerances on the same copy, where only rounding differs."""


def between_copies(scores: Scores, table: Table, metrics: Sequence[Metric], rescored: Callable[[float], Scores]) -> Tolerances:
    """Tolerances of all numbers; `rescored` scores with all errors larger by some pixels. `table` is the record's table of pairs.

    Raises UserError if more than one query in a thousand is visible in one of the copies only.
    """
    shifted = [rescored(-TRUTH_PX), rescored(TRUTH_PX)]
    flips = _flips(scores.rows, table)
    rows = [replace(row, changed=row.changed + more, unsure=row.unsure + more) for row, more in zip(scores.rows, flips, strict=True)]
    groups = {name: _of_group(group, [each.groups.get(name) for each in shifted], sum(flips)) for name, group in scores.groups.items()}
    return Tolerances(
        _numbers(scores.metrics, [each.metrics for each in shifted], _shares(rows, {metric.id for metric in metrics if metric.per_pair})),
        _numbers(scores.pooled, [each.pooled for each in shifted], _shares_of_points(rows)),
        groups,
        [_cells(row, [each.rows[number].values for each in shifted], metrics) for number, row in enumerate(rows)],
    )


def _of_group(group: Group, shifted: Sequence[Group | None], flips: float) -> dict[str, float]:
    # The pair of a changed query is unknown: the query may be the only one of its pair.
    share = min(group.changed + flips / group.pairs, 1.0)
    return _numbers(group.metrics, [{} if each is None else each.metrics for each in shifted], lambda name: share)


def _flips(rows: Sequence[PairRow], table: Table) -> list[float]:
    """For each pair, the difference in visible points: queries of both copies that are visible in one copy only."""
    found = [abs(row.points - _number(line.get("points"))) for row, line in zip(rows, table, strict=True)]
    most = max(QUERIES_TOLERANCE * sum(row.points for row in rows), 1.0)
    if not sum(found) <= most:
        raise UserError(f"the table of pairs has {sum(found):g} visible points more or fewer than this copy, at most {most:.0f} may differ")
    return found


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan


def _numbers(values: Mapping[str, float], shifted: Sequence[Mapping[str, float]], share: Callable[[str], float]) -> dict[str, float]:
    """Sum of rounding, the change with shifted errors, and the share of changed queries; relative for values above 1."""
    return {
        name: ROUNDING + max(_difference(value, each.get(name, math.nan)) for each in shifted) / max(1.0, abs(value)) + share(name)
        for name, value in values.items()
    }


def _difference(one: float, other: float) -> float:
    return 0.0 if one == other or math.isnan(one + other) else abs(one - other)


def _shares(rows: Sequence[PairRow], estimated: Collection[str]) -> Callable[[str], float]:
    """Share of changed queries by metric over pairs. One changed match may change an estimate from all matches of a pair arbitrarily."""
    changed, unsure = (_mean([_share(getattr(row, name), row.points) for row in rows]) for name in ("changed", "unsure"))
    pairs = _mean([float(row.changed > 0) for row in rows])
    return lambda name: pairs if name in estimated else unsure if name == STRATIFIED else changed


def _shares_of_points(rows: Sequence[PairRow]) -> Callable[[str], float]:
    points = sum(row.points for row in rows)
    changed, unsure = (_share(sum(getattr(row, name) for row in rows), points) for name in ("changed", "unsure"))
    return lambda name: unsure if name == STRATIFIED else changed


def _cells(row: PairRow, shifted: Sequence[Mapping[str, float]], metrics: Sequence[Metric]) -> dict[str, float]:
    estimated = {metric.column for metric in metrics if metric.per_pair} if row.changed else set()
    unsure, changed = _share(row.unsure, row.points), _share(row.changed, row.points)
    found = _numbers(row.values, shifted, lambda name: math.inf if name in estimated else unsure if name == STRATIFIED else changed)
    # The first two are rounded to two and four digits.
    return {"angle_deg": 0.011, "visible_share": QUERIES_TOLERANCE + 1e-4, "points": changed, **found}


def _share(changed: float, points: int) -> float:
    return min(changed / max(points, 1), 1.0)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / max(len(values), 1)
