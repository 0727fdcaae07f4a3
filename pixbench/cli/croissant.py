"""`pixbench croissant`."""

from pathlib import Path
from typing import Annotated

import typer

License = Annotated[str | None, typer.Option("--license", help="Licence of what you share, a URL or an SPDX name.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("croissant")(croissant)


def croissant(
    data: Annotated[Path, typer.Argument(help="Folder of a data set.")],
    url: Annotated[str | None, typer.Option(help="Address that the folder can be downloaded from. Default: beside the metadata.")] = None,
    license_url: License = None,
    out: Annotated[Path | None, typer.Option(help="File to write. Default: croissant.json in the folder.")] = None,
) -> None:
    """Write a data set's description as Croissant metadata."""
    from ..errors import UserError
    from ..sharing.croissant import FILE, croissant, write_croissant

    path = out or data / FILE
    if url is None and path.resolve().parent != data.resolve():
        raise UserError(f"--out {out}: without --url the metadata must lie beside the files, in {data}; give --url")
    write_croissant(path, croissant(data, url=url, license_url=license_url))
    typer.echo(f"{path}: Croissant metadata" + ("" if license_url else "; it states no licence: give one with --license"))
