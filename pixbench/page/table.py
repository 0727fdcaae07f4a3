"""The leaderboard for the page: every number with its protocol and definition, every record to read."""

from collections.abc import Iterator, Sequence
from typing import Any

from ..evaluation.matching.levels.level import LEVELS
from ..evaluation.record import StoredRecord
from ..evaluation.task import METRICS
from ..leaderboard.entries import Entry, seed_of
from ..leaderboard.pareto import pareto_points, pareto_svg
from ..leaderboard.tables import Scored, Table, build_tables
from .site import PagePart

STRATA = ("level", "scale", "anisotropy", "texture")
"""Groups that records split their scores by, besides the angle between views."""


class TablePart(PagePart):
    """Tables of records."""

    name = "table"

    def __init__(self, stored: Sequence[StoredRecord]):
        self._stored = {f"record-{number}": each for number, each in enumerate(stored)}
        self._names = {id(each): name for name, each in self._stored.items()}
        self._tables = build_tables(stored, statistics=True)

    def index(self) -> dict[str, Any]:
        """All tables, and the plot of both scores, empty where it shows no trade-off."""
        return {"tables": [self._table(table) for table in self._tables], "pareto": pareto_svg(pareto_points(self._tables))}

    def files(self) -> Iterator[str]:
        """All records."""
        yield from self._stored

    def read(self, name: str) -> dict[str, Any]:
        """`record-N`."""
        return {"file": self._stored[name].path.name, "record": self._stored[name].record.model_dump(mode="json")}

    def _table(self, table: Table) -> dict[str, Any]:
        protocol = table.rows[0].entry.first.protocol
        return {
            "suite": table.suite,
            "task": table.task,
            "title": table.title,
            "caption": table.caption,
            "protocol": f"{protocol.scored}; search: {protocol.search}" + (f"; {protocol.queries}" if protocol.queries else ""),
            "columns": [
                {
                    "id": name,
                    "words": words,
                    "higher": METRICS.get(name).higher_is_better,
                    "digits": METRICS.get(name).digits,
                    "definition": METRICS.get(name).definition,
                    "version": METRICS.get(name).version,
                    "sha256": METRICS.get(name).sha256()[:12],
                }
                for name, words in table.columns.items()
            ],
            "rows": [self._row(row, list(table.columns)) for row in table.rows],
        }

    def _row(self, row: Scored, columns: Sequence[str]) -> dict[str, Any]:
        entry, info = row.entry, row.entry.first.model_info
        return {
            "rank": row.rank,
            "reference": entry.is_reference,
            "by_angle": _split(entry, "angle", columns[0]),
            "strata": {what: _split(entry, what, columns[0]) for what in STRATA},
            "ranks": row.ranks,
            "name": entry.name,
            "p": info.get("p"),
            "channels": info.get("channels"),
            "bounds": row.bounds,
            "p_above": row.p_above,
            "seeds": {name: entry.values(name) for name in columns},
            "means": {name: entry.mean(name) for name in columns},
            "bimodal": [name for name in columns if entry.is_bimodal(name)],
            "seed_numbers": [seed_of(each.record) for each in entry.stored],
            "records": [self._names[id(each)] for each in entry.stored],
            "files": [each.path.name for each in entry.stored],
        }


def _split(entry: Entry, what: str, metric: str) -> list[tuple[str, float | None]]:
    """Values of a metric (means over seeds) in the groups `what: RANGE` of an entry's records, by range; empty without such groups."""
    names = sorted((name for name in entry.first.groups if name.startswith(f"{what}: ")), key=_place)
    values = {name: [each.record.groups[name].metrics.get(metric) for each in entry.stored if name in each.record.groups] for name in names}
    known = {name: [value for value in found if value is not None] for name, found in values.items()}
    return [
        (
            name.removeprefix(f"{what}: ").removesuffix(" deg").replace(" to ", "–"),
            sum(known[name]) / len(known[name]) if known[name] else None,
        )
        for name in names
    ]


def _place(group: str) -> float:
    """Sort key of a range: levels from easy to hard, numbers by their lower bound."""
    words = group.split(": ")[1]
    return LEVELS.index(words) if words in LEVELS else float(words.split()[0])
