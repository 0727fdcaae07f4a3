"""`pixbench info`."""

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(info)


def info(data: Annotated[Path, typer.Argument(help="Folder of a data set.")]) -> None:
    """Say what a data set holds."""
    from ..dataset.summary import dataset_lines

    for line in dataset_lines(data):
        typer.echo(line)
