"""`pixbench list`, `settings` and `leaderboard`."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ..leaderboard import Table

leaderboard = typer.Typer(help="Tables from records.", no_args_is_help=True, rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command("list")(list_names)
    app.command("settings")(list_settings)
    app.add_typer(leaderboard, name="leaderboard")


def list_names() -> None:
    """List generators, sources, renderers, ray casters, suites, baselines and metrics, with one line each."""
    from ..evaluation import metrics  # noqa: F401  (registers them)
    from ..experiments import EXPERIMENTS
    from ..registry import BASELINES, CASTERS, GENERATORS, METRICS, OBJECT_SOURCES, OBJECTIVES, RENDERERS, ROOM_SOURCES, SUITES, Registry

    registries: tuple[Registry[Any], ...] = (
        GENERATORS,
        OBJECT_SOURCES,
        ROOM_SOURCES,
        RENDERERS,
        CASTERS,
        SUITES,
        OBJECTIVES,
        BASELINES,
        METRICS,
    )
    for registry in registries:
        typer.echo(f"{registry.kind}s")
        width = max(14, *map(len, registry.names()))
        for name in registry.names():
            typer.echo(f"  {name:<{width}} {_one_line(registry.get(name))}")
    typer.echo("experiments")
    for name, words in EXPERIMENTS.items():
        typer.echo(f"  {name:<14} {words}")


def list_settings(of: Annotated[str, typer.Argument(help="A generator, or train.")]) -> None:
    """List what --set can change: each setting with its type and default, and what they mean."""
    import inspect

    from ..errors import unknown_name
    from ..registry import GENERATORS
    from ..training.config import TrainConfig

    if of not in ("train", *GENERATORS.names()):
        raise unknown_name("command with settings", of, ("train", *GENERATORS.names()))
    kind = TrainConfig if of == "train" else GENERATORS.get(of).config_type
    typer.echo(inspect.getdoc(kind) or "")
    typer.echo("Lists are written in brackets, such as --set 'fov_deg=[55, 70]'; what is inside another setting with a dot.\n")
    for name, field in kind.model_fields.items():
        written = field.annotation.__name__ if isinstance(field.annotation, type) else str(field.annotation)
        default = field.get_default(call_default_factory=True)
        typer.echo(f"  {name:<24} {default!s:<24} {re.sub(r'(typing|pathlib|pydantic[a-z_.]*)[.]', '', written)}")


def _one_line(item: object) -> str:
    text = getattr(item, "title", None) or getattr(item, "definition", None) or (item.__doc__ or "").strip()
    return str(text).splitlines()[0] if text else ""


@leaderboard.command("show")
def show(
    paths: Annotated[list[Path] | None, typer.Argument(help="Records, or folders of them. Default: results.")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
) -> None:
    """Print the table of records: one table a data set and protocol."""
    from ..errors import UserError
    from ..evaluation.record import find_records
    from ..leaderboard import build_tables

    folders = paths or [Path("results")]
    records = find_records(folders)
    if not records:
        raise UserError(f"no records in {', '.join(map(str, folders))}: make one with 'pixbench evaluate --model baseline:rgb-patch'")
    tables = build_tables(records)
    if markdown:
        typer.echo("\n".join(table.markdown() for table in tables))
    else:
        print_tables(tables)


def print_tables(tables: "Sequence[Table]") -> None:
    """Print tables to the terminal."""
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    console = Console()
    # A table that is piped or shown on a narrow terminal keeps all its columns.
    console.width = max(console.width, 120)
    for table in tables:
        shown = RichTable(title=Text(table.title), caption=Text(table.caption), title_style="bold", caption_justify="left")
        for number, name in enumerate(table.header):
            shown.add_column(name, justify="right" if number else "left", no_wrap=not number)
        for row in table.rows:
            shown.add_row(*map(Text, row))  # as text: a name may look like markup
        console.print(shown)
