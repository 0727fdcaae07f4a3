"""`pixbench verify`."""

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(verify)


def verify(
    data: Annotated[Path, typer.Argument(help="Folder of a data set.")],
    sample: Annotated[int | None, typer.Option(min=1, help="Check only this many random scenes, for very large sets.")] = None,
) -> None:
    """Check a data set from its files alone: hashes, fields, and the ground truth itself."""
    from ..dataset.manifest import read_manifest
    from ..dataset.summary import self_test_lines
    from ..dataset.verify import verify as run
    from .progress import progress_bar

    scenes = read_manifest(data).scenes
    with progress_bar("verify", min(sample or scenes, scenes), "scenes") as advance:
        test = run(data, sample=sample, progress=advance)
    what = "complete and correct" if sample is None else f"a sample of {min(sample, scenes)} of {scenes} scenes is complete and correct"
    typer.echo(f"{data}: {what} ({test.pairs} ordered pairs, {test.visible} visible pixels)")
    for line in (*self_test_lines("at generation", read_manifest(data).self_test), *self_test_lines("from the files", test.as_dict())):
        typer.echo(f"  {line}")
