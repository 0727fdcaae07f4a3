"""Tables: a pure function of records and of the files beside them.

Which metrics they show is the task's: `evaluation/matching/metrics/columns.py`, `evaluation/probing/columns.py`. The others are here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from ..evaluation.record import StoredRecord
from ..evaluation.task import METRICS, TASKS, Task, ordered_tasks
from .entries import Entry, entries, training
from .statistics import FEWEST_UNITS, LEVEL, MODE_GAP, MODE_SPREADS, SIGNIFICANT, Samples, interval, paired_p, shared_ranks

WITH_BETWEEN_WEIGHT = ("paper",)
"""Objectives that use the run's `between_weight`; the others of the method's family have settings of their own."""


@dataclass(frozen=True, eq=False)
class Scored:
    """An entry with its place among the others of its table: rank, bounds of its first number, and the test against the method above.

    References have neither rank nor test. `ranks` are the ranks by other metrics (`Task.ranked`).
    """

    entry: Entry
    rank: int | None = None
    bounds: tuple[float, float] | None = None
    p_above: float | None = None
    ranks: Mapping[str, int | None] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Table:
    """Rows scored on the same data by the same protocol, sorted by the first column, best first. `columns` maps metrics to headings."""

    task: str
    suite: str
    title: str
    caption: str
    columns: Mapping[str, str]
    rows: tuple[Scored, ...]
    statistics: bool

    @property
    def header(self) -> tuple[str, ...]:
        """Headings of the columns."""
        first, *others = self.columns.values()
        if not self.statistics:
            return ("model", "norm", "D", "c", first, *others)
        return ("rank", "model", "norm", "D", "c", first, f"{LEVEL:.0%} interval", "p, method above", "each seed", *others)

    @property
    def cells(self) -> tuple[tuple[str, ...], ...]:
        """The rows as text."""
        return tuple(self._cells(row) for row in self.rows)

    def _cells(self, row: Scored) -> tuple[str, ...]:
        entry, (first, *others) = row.entry, self.columns
        config = training(entry.first)
        weight = config.get("between_weight") if config.get("objective") in WITH_BETWEEN_WEIGHT else None
        info = entry.first.model_info
        who = (entry.name, *("–" if value is None else str(value) for value in (info.get("p"), info.get("channels"), weight)))
        rest = tuple(
            _number(name, entry.mean(name))
            + (" (bimodal)" if entry.is_bimodal(name) else "")
            + (f" ({row.ranks[name]})" if row.ranks.get(name) is not None else "")
            for name in others
        )
        value = _number(first, entry.mean(first)) + (" (bimodal)" if entry.is_bimodal(first) else "")
        if not self.statistics:
            return (*who, value, *rest)
        bounds = "–" if row.bounds is None else " to ".join(_number(first, bound) for bound in row.bounds)
        p = "–" if row.p_above is None else "< 0.001" if row.p_above < 0.001 else f"{row.p_above:.3f}"
        seeds = " ".join(_number(first, each) for each in entry.values(first)) if len(entry.stored) > 1 else "–"
        return ("–" if row.rank is None else str(row.rank), *who, value, bounds, p, seeds, *rest)


def build_tables(stored: Sequence[StoredRecord], *, statistics: bool = False) -> list[Table]:
    """One table for each suite, data set, protocol and set of metric definitions: numbers that differ in those never stand side by side.
    Tables of earlier versions of a suite come last.

    A data set is identified by the hash of its recipe, because the last bits of its contents may differ between processors. With
    `statistics` rows have ranks, intervals and tests, for which the files beside the records are read.
    """
    groups: dict[tuple[str, ...], list[_Group]] = {}
    for each in sorted(stored, key=lambda each: str(each.path)):
        record = each.record
        protocol = f"{record.protocol.query_stride} {record.protocol.scored} {record.protocol.selection}"
        columns = TASKS.get(record.task).columns_of(record)
        alike = groups.setdefault((record.task, record.data.suite, record.data.recipe_sha256, protocol, " ".join(columns)), [])
        definitions = {name: value.sha256 for name, value in record.metrics.items() if name in columns}
        group = next((group for group in alike if group.agrees(definitions)), None)
        if group is None:
            alike.append(group := _Group())
        group.definitions |= definitions
        group.stored.append(each)
    tasks, newest = [task.name for task in ordered_tasks()], _newest(stored)
    superseded = {key: group[0].stored[0].record.suite != newest[group[0].stored[0].record.suite[0]] for key, group in groups.items()}
    ordered = sorted(groups, key=lambda key: (tasks.index(key[0]), superseded[key], *key))
    return [_table(entries(group.stored), statistics) for key in ordered for group in sorted(groups[key], key=_Group.order)]


def _newest(stored: Sequence[StoredRecord]) -> dict[str, tuple[str, int | None]]:
    """The last version of each suite that there are records of."""
    suites = sorted((each.record.suite for each in stored), key=lambda suite: suite[1] or 0)
    return {suite[0]: suite for suite in suites}


@dataclass
class _Group:
    """Records of one table, and the definitions of the metrics that any of them has: a record may lack one that was added later."""

    definitions: dict[str, str] = field(default_factory=dict)
    stored: list[StoredRecord] = field(default_factory=list)

    def agrees(self, definitions: Mapping[str, str]) -> bool:
        return all(self.definitions.get(name, sha256) == sha256 for name, sha256 in definitions.items())

    def order(self) -> list[tuple[str, str]]:
        return sorted(self.definitions.items())


def _table(found: Sequence[Entry], statistics: bool) -> Table:
    record = found[0].first
    data, task = record.data, TASKS.get(record.task)
    columns = task.columns_of(record)
    first = next(iter(columns))
    shown = {name: words for name, words in columns.items() if name == first or any(entry.values(name) for entry in found)}
    ordered = sorted(found, key=lambda entry: (-(entry.mean(first) or 0.0), entry.name, entry.first.created))
    return Table(
        task=task.name,
        suite=data.suite,
        title=f"{data.suite} ({data.split}, {task.size(data)}, recipe {data.recipe_sha256[:12]})",
        caption=task.caption(record, shown) + (f" {_explained(task, shown, found)}" if statistics else ""),
        columns=shown,
        rows=tuple(_ranked(ordered, first) if statistics else map(Scored, ordered)),
        statistics=statistics,
    )


def _ranked(ordered: Sequence[Entry], metric: str) -> list[Scored]:
    samples = {entry: entry.samples(metric) for entry in ordered}
    others = {name: _ranks_by(ordered, name) for name in TASKS.get(ordered[0].first.task).ranked if name != metric}
    methods = [entry for entry in ordered if not entry.is_reference]
    ranks = dict(zip(methods, shared_ranks([samples[entry] for entry in methods]), strict=True))
    tests = {below: _p(samples[above], samples[below]) for above, below in pairwise(methods)}
    return [
        Scored(entry, ranks.get(entry), _bounds(samples[entry]), tests.get(entry), {name: by[entry] for name, by in others.items()})
        for entry in ordered
    ]


def _bounds(samples: Samples | None) -> tuple[float, float] | None:
    return interval(samples) if samples else None


def _p(one: Samples | None, other: Samples | None) -> float | None:
    return paired_p(one, other) if one and other else None


def _ranks_by(found: Sequence[Entry], metric: str) -> dict[Entry, int | None]:
    """The rank of each entry by a metric other than the first; references and entries without a value have none."""
    valued = [entry for entry in found if entry.mean(metric) is not None and not entry.is_reference]
    ordered = sorted(valued, key=lambda entry: -(entry.mean(metric) or 0.0))
    ranks = shared_ranks([entry.samples(metric) for entry in ordered])
    return dict.fromkeys(found, None) | dict(zip(ordered, ranks, strict=True))


def _explained(task: Task, shown: Mapping[str, str], found: Sequence[Entry]) -> str:
    units = task.units
    if units is None:
        return "Predictions do not say which scene a pixel is of, so there are no intervals or tests."
    ranked = [words for name, words in shown.items() if name in task.ranked]
    references = " The oracle and chance are references, without rank and test." if any(entry.is_reference for entry in found) else ""
    levels = f" In parentheses: ranks by {', '.join(ranked)}." if ranked else ""
    return (
        f"Intervals: bootstrap over {units}, and over seeds where there are several. p: sign-flip test over {units} against the method "
        f"above, not corrected for the number of rows; methods that cannot be told apart (p ≥ {SIGNIFICANT}) from the first of their "
        f"group share its rank; with fewer than {FEWEST_UNITS} {units} nothing can, and there are no ranks.{references} 'Bimodal' marks "
        f"an accuracy whose seeds form two groups, more than {MODE_GAP} and {MODE_SPREADS} standard deviations within groups apart.{levels}"
    )


def _number(name: str, value: float | None) -> str:
    return "–" if value is None else f"{value:.{METRICS.get(name).digits}f}"
