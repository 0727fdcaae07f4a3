"""`pixbench model`."""

from pathlib import Path
from typing import Annotated

import typer

model = typer.Typer(help="A file for a model of your own.", no_args_is_help=True, rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.add_typer(model, name="model")


@model.command("new")
def new(
    name: Annotated[str, typer.Argument(help="Name of the model, a Python name such as my_model.")],
    folder: Annotated[Path, typer.Option(help="Folder to write it to.")] = Path(),
) -> None:
    """Write NAME.py, a working model to change, and test_NAME.py, its test."""
    from ..models.template import write_model

    files = write_model(name, folder)
    typer.echo(f"{', '.join(map(str, files))}: written; try it:")
    typer.echo(f"  pixbench evaluate --model {name}:build --trust-code")
