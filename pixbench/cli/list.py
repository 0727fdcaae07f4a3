"""`pixbench list`."""

import sys
import textwrap
from shutil import get_terminal_size
from typing import Annotated

import typer

GROUPS = {
    "generators": "pixbench.generators",
    "object-sources": "pixbench.object_sources",
    "room-sources": "pixbench.room_sources",
    "renderers": "pixbench.renderers",
    "casters": "pixbench.casters",
    "tasks": "pixbench.evaluation_tasks",
    "suites": "pixbench.suites",
    "layouts": "pixbench.layouts",
    "objectives": "pixbench.objectives",
    "baselines": "pixbench.baselines",
    "adapters": "pixbench.model_adapters",
}
"""Kinds of names and the group of their entry points."""

KINDS = (*GROUPS, "models", "experiments")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("list")(list_names)


def list_names(
    kind: Annotated[str | None, typer.Argument(metavar="[KIND]", help=f"{', '.join(KINDS)}. Default: the names of all kinds.")] = None,
) -> None:
    """List the names that commands accept: of one KIND with a description each, or of all kinds."""
    from ..errors import unknown_name

    if kind is not None and kind not in KINDS:
        raise unknown_name("kind", kind, KINDS)
    if kind is None:
        for each in KINDS:
            _print_names(each)
        typer.echo("\n'pixbench list KIND' describes each in one line; 'pixbench metrics list' has the metrics")
        return
    found = _titles(kind)
    width = max(map(len, found), default=0)
    # A terminal gets one line each; a pipe gets the full text.
    room = get_terminal_size().columns - width - 2 if sys.stdout.isatty() else None
    for name, words in found.items():
        typer.echo(f"{name:<{width}}  {words if room is None else textwrap.shorten(words, max(room, 20), placeholder=' …')}")


def _print_names(kind: str) -> None:
    from .registry_titles import names

    found = names(GROUPS[kind]) if kind in GROUPS else list(_titles(kind))
    lines = textwrap.wrap(", ".join(found), get_terminal_size().columns - 16, break_long_words=False, break_on_hyphens=False)
    for number, line in enumerate(lines):
        typer.echo(f"{'' if number else kind:<15} {line}")


def _titles(kind: str) -> dict[str, str]:
    """One line about each name."""
    from .registry_titles import titles

    if kind in GROUPS:
        return titles(GROUPS[kind])
    if kind == "models":
        from ..models.pretrained import pretrained_names, pretrained_title

        return {f"pretrained:{name}": pretrained_title(name) for name in pretrained_names()}
    from ..experiments import EXPERIMENTS

    return dict(EXPERIMENTS)
