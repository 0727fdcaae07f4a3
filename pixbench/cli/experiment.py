"""`pixbench sweep` and `report`."""

from pathlib import Path
from typing import Annotated

import typer

Name = Annotated[str, typer.Argument(help="Name of an experiment: experiment1.")]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command()(sweep)
    app.command()(report)


def sweep(
    experiment: Name,
    out: Annotated[Path | None, typer.Option(help="Folder of the sweep; finished cells are never run again.")] = None,
    preset: Annotated[str, typer.Option(help="cpu (hours on two cores) or paper (the paper's sizes, for GPUs).")] = "cpu",
    p: Annotated[list[str] | None, typer.Option(help="Only these norms: 1, 2 or inf; may be repeated.")] = None,
    between_weight: Annotated[list[float] | None, typer.Option(help="Only these shares c; may be repeated.")] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="Number of seeds. Default: the preset's.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Cells at once. Default: one a core.")] = None,
    cluster: Annotated[str | None, typer.Option(metavar="ADDRESS|FILE", help="Use your Dask cluster, as 'pixbench generate' does.")] = None,
) -> None:
    """Run the grid of an experiment: every norm, weight and seed that has no record yet."""
    from ..errors import UserError
    from ..experiments.experiment1 import cells
    from ..experiments.sweep import sweep as run
    from .common import default_workers, progress_bar

    _check(experiment)
    if workers is not None and cluster is not None:
        raise UserError("--workers and --cluster were both given: choose one")
    for norm in p or ():
        if norm not in ("1", "2", "inf"):
            raise UserError(f"--p {norm}: expected 1, 2 or inf")
    for weight in between_weight or ():
        if not 0 <= weight <= 1:
            raise UserError(f"--between-weight {weight}: expected a number from 0 to 1")
    grid = cells(preset, p=[float(norm) for norm in p or ()], between_weight=between_weight or (), seeds=seeds)
    folder = out or Path("results") / f"{experiment}-{preset}"
    with progress_bar(f"{experiment} {preset}", len(grid), "cells") as advance:
        done = run(grid, folder, workers=workers or default_workers(), cluster=cluster, progress=advance)
    typer.echo(f"{folder}: {len(grid)} cells, {done} run now; figure and table: pixbench report {experiment} --data {folder}")


def report(
    experiment: Name,
    data: Annotated[Path, typer.Option(help="Folder of a sweep.")] = Path("results/experiment1-cpu"),
    out: Annotated[Path | None, typer.Option(help="Picture to write. Default: figure.png in the sweep's folder.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object last: the cells with every seed.")] = False,
) -> None:
    """Make the table and the figure of a sweep from its records."""
    import json

    from ..experiments.report import draw, read_cells, summary, table

    _check(experiment)
    found = read_cells(data)
    rows = summary(found)
    picture = out or data / "figure.png"
    draw(found, picture)
    typer.echo(f"{picture}\n\n{table(rows)}")
    if as_json:
        typer.echo(json.dumps({"experiment": experiment, "cells": rows}))


def _check(experiment: str) -> None:
    from ..errors import unknown_name

    if experiment != "experiment1":
        raise unknown_name("experiment", experiment, ["experiment1"])
