"""`pixbench croissant` and `hub`."""

from pathlib import Path
from typing import Annotated

import typer

hub = typer.Typer(help="Runs and data sets on the Hugging Face hub.", no_args_is_help=True, rich_markup_mode=None)

License = Annotated[str | None, typer.Option("--license", help="Licence of what you share, a URL or an SPDX name.")]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command("croissant")(describe)
    app.add_typer(hub, name="hub")


def describe(
    data: Annotated[Path, typer.Argument(help="Folder of a data set.")],
    url: Annotated[str | None, typer.Option(help="Where the folder can be fetched. Default: beside the metadata.")] = None,
    license_url: License = None,
    out: Annotated[Path | None, typer.Option(help="File to write. Default: croissant.json in the folder.")] = None,
) -> None:
    """Write a data set's description as Croissant metadata."""
    from ..errors import UserError
    from ..sharing.croissant import FILE, croissant, write_croissant

    path = out or data / FILE
    if url is None and path.resolve().parent != data.resolve():
        raise UserError(f"--out {out}: without --url files are named beside the metadata, which then belong into {data}; give --url")
    write_croissant(path, croissant(data, url=url, license_url=license_url))
    typer.echo(f"{path}: Croissant metadata" + ("" if license_url else "; no licence is stated in it: say one with --license"))


@hub.command("push")
def push(
    folder: Annotated[Path, typer.Argument(help="A run of 'pixbench train', or a data set.")],
    repository: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="Repository on the hub; made if it is not there.")],
    private: Annotated[bool, typer.Option("--private", help="Make it a private one.")] = False,
    license_name: License = None,
) -> None:
    """Copy a run or a data set to the hub, with a card and hashes."""
    from ..sharing.hub import push as run

    typer.echo(run(folder, repository, private=private, license_name=license_name))


@hub.command("pull")
def pull(
    repository: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="What was pushed.")],
    out: Annotated[Path, typer.Argument(help="A new or empty folder.")],
) -> None:
    """Fetch a run or a data set from the hub, and check its hashes."""
    from ..sharing.hub import pull as run

    kind = run(repository, out)
    typer.echo(f"{out}: the {'data set' if kind == 'dataset' else 'run'} {repository}, hashes as they were pushed")
