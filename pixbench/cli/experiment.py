"""`pixbench sweep` and `report`."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from ..io.threads import use_threads

Name = Annotated[str, typer.Argument(help="experiment1, experiment2, supervised or negatives: see 'pixbench list'.")]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command()(sweep)
    app.command()(report)


def sweep(
    experiment: Name,
    out: Annotated[Path | None, typer.Option(help="Folder of the sweep; finished cells are never run again.")] = None,
    preset: Annotated[str, typer.Option(help="cpu (minutes to hours on two cores), or one for GPUs: paper, of negatives gpu.")] = "cpu",
    p: Annotated[list[str] | None, typer.Option(help="Only these norms: 1, 2 or inf; may be repeated.")] = None,
    between_weight: Annotated[list[float] | None, typer.Option(help="Only these shares c; may be repeated.")] = None,
    objective: Annotated[str | None, typer.Option(help="Of experiment1: another objective in the method's place.")] = None,
    variant: Annotated[list[str] | None, typer.Option(help="Of negatives: only these members; may be repeated.")] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="Number of seeds. Default: the preset's.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Cells at once. Default: one a core.")] = None,
    cluster: Annotated[str | None, typer.Option(metavar="ADDRESS|FILE", help="Use your Dask cluster, as 'pixbench generate' does.")] = None,
) -> None:
    """Run the grid of an experiment: every cell that has no record yet."""
    use_threads()
    from ..errors import UserError
    from ..experiments import experiment_named
    from ..experiments.sweep import sweep as run
    from .common import default_workers, given
    from .progress import progress_bar

    module = experiment_named(experiment)
    if workers is not None and cluster is not None:
        raise UserError("--workers and --cluster were both given: choose one")
    for norm in p or ():
        if norm not in ("1", "2", "inf"):
            raise UserError(f"--p {norm}: expected 1, 2 or inf")
    for weight in between_weight or ():
        if not 0 <= weight <= 1:
            raise UserError(f"--between-weight {weight}: expected a number from 0 to 1")
    norms = [float(norm) for norm in p] if p else None
    only = given(p=norms, between_weight=between_weight, objective=objective, variants=variant)
    _refuse(experiment, module.cells, only)
    grid = module.cells(preset, seeds=seeds, **only)
    folder = out or Path("results") / f"{experiment}-{preset}"
    with progress_bar(f"{experiment} {preset}", len(grid), "cells") as advance:
        done = run(experiment, grid, folder, workers=workers or default_workers(), cluster=cluster, progress=advance)
    typer.echo(f"{folder}: {len(grid)} cells, {done} run now; figure and table: pixbench report {experiment} --data {folder}")


def report(
    target: Annotated[str, typer.Argument(metavar="OUT|EXPERIMENT", help="A folder for a page; or an experiment, whose table is printed.")],
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="SOURCE...", help="What the page shows, as of 'pixbench view'. Default: results."),
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Of a page: the data set of its models. Of an experiment: the sweep's folder.")] = None,
    out: Annotated[Path | None, typer.Option(help="Of an experiment: picture to write. Default: figure.png in the sweep's folder.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Of a page: how many scenes, and how many pairs, are taken along.")] = 8,
    as_json: Annotated[bool, typer.Option("--json", help="Of an experiment: print one JSON object last, with every seed.")] = False,
) -> None:
    """Write the page of 'pixbench view' as a folder that opens from disk; or make table and figure of a sweep from its records."""
    import json
    from difflib import get_close_matches

    from ..errors import UserError
    from ..experiments import EXPERIMENTS, experiment_named
    from ..experiments.sweep import read_cells
    from .page import write_page

    if target not in EXPERIMENTS or sources:
        near = get_close_matches(target, EXPERIMENTS, 1, cutoff=0.8)
        if target in EXPERIMENTS or out is not None or as_json or (near and not sources and not Path(target).exists()):
            raise UserError(
                f"report {target}: a page needs a folder that is not called as an experiment, and takes neither --out nor --json; an "
                f"experiment is one of {', '.join(EXPERIMENTS)}, without sources"
            )
        return write_page(Path(target), sources, data, limit)
    module = experiment_named(target)
    folder = data or Path("results") / f"{target}-cpu"
    found = read_cells(target, folder)
    rows = module.summary(found)
    picture = out or folder / "figure.png"
    module.draw(found, picture)
    typer.echo(f"{picture}\n\n{module.table(rows)}")
    if as_json:
        typer.echo(json.dumps({"experiment": target, "cells": rows}))


def _refuse(experiment: str, cells: Callable[..., Any], only: dict[str, Any]) -> None:
    """UserError for an option that the grid of an experiment does not have."""
    from inspect import signature

    from ..errors import UserError

    for name in only:
        if name not in signature(cells).parameters:
            raise UserError(f"--{name.removesuffix('s').replace('_', '-')}: {experiment} has no such option")
