"""Tables: a pure function of records."""

from collections.abc import Sequence
from dataclasses import dataclass

from .evaluation.record import Record

COLUMNS = ("delta_avg", "pck@1", "pck@2", "pck@4", "pck@8", "epe_mean", "epe_median")
HEADINGS = {
    "delta_avg": "δ_avg",
    "pck@1": "PCK@1",
    "pck@2": "PCK@2",
    "pck@4": "PCK@4",
    "pck@8": "PCK@8",
    "epe_mean": "mean EPE, px",
    "epe_median": "median EPE, px",
}


@dataclass(frozen=True)
class Table:
    """Rows that were scored on the same data by the same protocol, best δ_avg first."""

    title: str
    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """The table in Markdown, with its caption."""
        lines = ["| " + " | ".join(self.header) + " |", "|---|" + "---|" * (len(self.header) - 1)]
        lines += ["| " + " | ".join(row) + " |" for row in self.rows]
        return f"**{self.title}**\n\n" + "\n".join(lines) + f"\n\n{self.caption}\n"


def build_tables(records: Sequence[Record]) -> list[Table]:
    """One table for each data set, protocol and set of metric versions: numbers that differ in those are never side by side."""
    groups: dict[tuple[str, ...], list[Record]] = {}
    for record in records:
        versions = ",".join(f"{name}v{value.version}" for name, value in sorted(record.metrics.items()))
        key = (record.data.suite, record.data.content_sha256, record.protocol.model_dump_json(), versions)
        groups.setdefault(key, []).append(record)
    return [_table(groups[key]) for key in sorted(groups)]


def _table(records: list[Record]) -> Table:
    data, protocol = records[0].data, records[0].protocol
    ranked = sorted(records, key=lambda record: (-_ranked_value(record), record.model, record.created))
    return Table(
        title=f"{data.suite} ({data.split}, {data.scenes} scenes, {data.pairs} ordered pairs, data {data.content_sha256[:12]})",
        caption=(
            f"{data.points} visible queries (every {protocol.query_stride}th pixel of every {protocol.query_stride}th row), each matched "
            f"against the {protocol.search}; means over pairs. Higher is better, but for EPE (endpoint error)."
        ),
        header=("model", "norm", "D", "c", *(HEADINGS[name] for name in COLUMNS)),
        rows=tuple(_row(record) for record in ranked),
    )


def _ranked_value(record: Record) -> float:
    found = record.metrics.get("delta_avg")
    return found.value or 0.0 if found else 0.0


def _row(record: Record) -> tuple[str, ...]:
    info = record.model_info
    training = info.get("training")
    config = training.get("config") if isinstance(training, dict) else None
    weight = config.get("between_weight") if isinstance(config, dict) else None
    described = (info.get("p"), info.get("channels"), weight)
    return (
        record.model,
        *("–" if value is None else str(value) for value in described),
        *(_cell(record, name) for name in COLUMNS),
    )


def _cell(record: Record, name: str) -> str:
    value = record.metrics[name].value if name in record.metrics else None
    if value is None:
        return "–"
    return f"{value:.2f}" if name.startswith("epe") else f"{value:.3f}"
