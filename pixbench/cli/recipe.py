"""`pixbench recipe`."""

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(recipe)


def recipe(
    data: Annotated[Path, typer.Argument(help="Folder of a data set.")],
    out: Annotated[Path, typer.Option(help="File to write, a few kB of JSON.")],
) -> None:
    """Write the recipe of a data set, from which it can be made again elsewhere and compared."""
    from ..dataset.manifest import read_manifest
    from ..dataset.recipe import recipe_file, write_recipe_file

    written = recipe_file(read_manifest(data), data)
    write_recipe_file(out, written)
    typer.echo(f"{out}: {len(written.shards)} shards, {len(written.assets)} assets, content {written.content_sha256}")
