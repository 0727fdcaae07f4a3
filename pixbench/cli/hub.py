"""`pixbench hub`."""

from pathlib import Path
from typing import Annotated

import typer

hub = typer.Typer(help="Runs and data sets on the Hugging Face hub.", no_args_is_help=True, rich_markup_mode=None)
License = Annotated[str | None, typer.Option("--license", help="Licence of what you share, a URL or an SPDX name.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.add_typer(hub, name="hub")


@hub.command("push")
def push(
    folder: Annotated[Path, typer.Argument(help="A run of 'pixbench train', or a data set.")],
    repository: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="Repository on the hub; made if it is not there.")],
    private: Annotated[bool, typer.Option("--private", help="Make the repository private.")] = False,
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
