"""Tables and comparisons on a terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from ..evaluation.comparison import Comparison
from ..evaluation.record import StoredRecord
from .tables import Table


def print_tables(tables: Sequence[Table]) -> None:
    """Print tables to the terminal."""
    console = Console()
    # A table that is piped or shown on a narrow terminal keeps all its columns.
    console.width = max(console.width, 120)
    for table in tables:
        shown = RichTable(title=Text(table.title), caption=Text(table.caption), title_style="bold", caption_justify="left")
        for number, name in enumerate(table.header):
            shown.add_column(name, justify="right" if number else "left", no_wrap=not number)
        for row in table.cells:
            shown.add_row(*map(Text, row))  # as text: a name may look like markup
        console.print(shown)


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
