"""The leaderboard for the page: every number with its protocol and definition, every record to read."""

from collections.abc import Iterator, Sequence
from typing import Any

from ..evaluation.record import StoredRecord
from ..evaluation.task import METRICS
from ..leaderboard.entries import seed_of
from ..leaderboard.pareto import pareto_points, pareto_svg
from ..leaderboard.tables import Scored, Table, build_tables
from .site import PagePart


class TablePart(PagePart):
    """Tables of records."""

    name = "table"

    def __init__(self, stored: Sequence[StoredRecord]):
        self._stored = {f"record-{number}": each for number, each in enumerate(stored)}
        self._names = {id(each): name for name, each in self._stored.items()}
        self._tables = build_tables(stored, statistics=True)

    def index(self) -> dict[str, Any]:
        """All tables, and the plot of both scores."""
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
            "protocol": f"{protocol.scored}; search: {protocol.search}"
            + (f"; every {protocol.query_stride}th pixel of every {protocol.query_stride}th row" if protocol.query_stride else ""),
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
            "rows": [self._row(row, table) for row in table.rows],
        }

    def _row(self, row: Scored, table: Table) -> dict[str, Any]:
        entry, info = row.entry, row.entry.first.model_info
        return {
            "rank": row.rank,
            "name": entry.name,
            "p": info.get("p"),
            "channels": info.get("channels"),
            "bounds": row.bounds,
            "p_above": row.p_above,
            "seeds": {name: entry.values(name) for name in table.columns},
            "means": {name: entry.mean(name) for name in table.columns},
            "bimodal": [name for name in table.columns if entry.is_bimodal(name)],
            "seed_numbers": [seed_of(each.record) for each in entry.stored],
            "records": [self._names[id(each)] for each in entry.stored],
            "files": [each.path.name for each in entry.stored],
        }
