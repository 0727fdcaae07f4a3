"""`pixbench info`."""

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(info)


def info(data: Annotated[Path, typer.Argument(help="Folder of a data set, or of several.")]) -> None:
    """Summarise a data set, or list the data sets of a folder."""
    from ..dataset.manifest import MANIFEST
    from ..dataset.summary import dataset_lines, one_line

    inside = sorted(path.parent for path in data.rglob(MANIFEST)) if not (data / MANIFEST).exists() else []
    for line in map(one_line, inside) if inside else dataset_lines(data):
        typer.echo(line)
    if inside:
        typer.echo(f"pixbench info {inside[0]} says more")
