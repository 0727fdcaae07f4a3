"""`pixbench leak-check`."""

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("leak-check")(leak_check)


def leak_check(
    train: Annotated[Path, typer.Argument(help="Folder of the data set that a model was trained on.")],
    test: Annotated[Path | None, typer.Argument(help="Folder of the test set. Default: the suite.")] = None,
    suite: Annotated[str | None, typer.Option(help="Test set to use without TEST. Default: mini.")] = None,
) -> None:
    """Check by hash that a training set has no room, object or picture of a test set. Exit code 1 where it has one."""
    from ..assets.paths import cache_folder
    from ..dataset.leakage import assets, shared
    from ..dataset.reader import Dataset
    from ..errors import UserError, VerificationError
    from ..evaluation.suite import SUITES, GeneratedSuite
    from .common import default_workers
    from .progress import progress_bar

    if test is not None and suite is not None:
        raise UserError(f"--suite {suite}: {test} is the test set; leave one of them out")
    if test is None:
        name = suite or "mini"
        wanted = SUITES.get(name)
        if not isinstance(wanted, GeneratedSuite) or wanted.own:
            raise UserError(f"suite {name} has no data set of its own to compare: give the folder of one as TEST")
        with progress_bar(f"suite {name}", wanted.work, "scenes") as advance:
            test = wanted.ensure(cache_folder(), workers=default_workers(), progress=advance)
    first, second = Dataset(train), Dataset(test)
    leaks = shared(first, second)
    counts = ", ".join(f"{len(assets(each))} assets in {each.folder.name}" for each in (first, second))
    if not leaks:
        typer.echo(f"no leak: {counts}, none in both")
        return
    for leak in leaks[:20]:
        typer.echo(f"{leak.kind} {leak.id} ({leak.sha256[:12]}): in {leak.scenes} scenes of {test.name}")
    if len(leaks) > 20:
        typer.echo(f"and {len(leaks) - 20} more")
    raise VerificationError(
        f"LEAK: {len(leaks)} assets of {test.name} are in {train.name} too ({counts}): scores on it do not measure unseen data"
    )
