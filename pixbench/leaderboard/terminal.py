"""Tables and comparisons on a terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from ..evaluation.record import StoredRecord
from ..evaluation.reproduction import Comparison
from .tables import Table

LEAST_COLUMNS = 2
"""Columns that are always shown: the model and a number."""


def print_tables(tables: Sequence[Table]) -> None:
    """Print tables to the terminal. One that is wider loses its last columns, which are the least important; a pipe gets them all."""
    console = Console()
    for table in tables:
        widths = _widths(table)
        shown = _fitting(widths, console.width) if console.is_terminal else len(widths)
        if not console.is_terminal:
            console.width = max(console.width, _total(widths))
        console.print(_as_rich(table, widths[:shown]))
        if shown < len(widths):
            left_out = ", ".join(table.header[shown:])
            console.print(Text(f"Left out for the width: {left_out}. 'pixbench leaderboard show --markdown' has all columns."))


def _widths(table: Table) -> list[int]:
    """The narrowest that each column can be: headings may break between words, cells may not."""
    columns = zip(table.header, *table.cells, strict=True)
    return [max(*map(len, head.split()), *map(len, cells)) for head, *cells in columns]


def _total(widths: Sequence[int]) -> int:
    """The width of a table with its borders."""
    return sum(widths) + 3 * len(widths) + 1


def _fitting(widths: Sequence[int], width: int) -> int:
    """How many of the first columns fit."""
    shown = len(widths)
    while shown > LEAST_COLUMNS and _total(widths[:shown]) > width:
        shown -= 1
    return shown


def _as_rich(table: Table, widths: Sequence[int]) -> RichTable:
    """The first columns of a table."""
    shown = RichTable(title=Text(table.title), caption=Text(table.caption), title_style="bold", caption_justify="left")
    for number, (name, width) in enumerate(zip(table.header, widths, strict=False)):
        shown.add_column(Text(name), justify="right" if number else "left", width=width, overflow="fold")
    for row in table.cells:
        shown.add_row(*map(Text, row[: len(widths)]))  # as text: a name may look like markup
    return shown


def print_comparisons(stored: StoredRecord, comparisons: Sequence[Comparison]) -> None:
    """Print reported and measured numbers of a row side by side."""
    shown = RichTable(title=f"{stored.record.model} on {stored.record.data.suite}", title_style="bold")
    for name in ("metric", "reported", "measured", "difference"):
        shown.add_column(name, justify="left" if name == "metric" else "right")
    for each in comparisons:
        numbers = ["–" if value is None else f"{value:.6f}" for value in (each.reported, each.measured)]
        known = each.reported is not None and each.measured is not None
        apart = f"{each.measured - each.reported:+.6f}" if known else "–"  # type: ignore[operator]
        shown.add_row(each.name, *numbers, apart if each.same else f"{apart} (too far)")
    Console().print(shown)
