"""`pixbench sweep`."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from ..io.threads import use_threads

Name = Annotated[
    str, typer.Argument(help="experiment1, experiment2, networks, supervised, budgets, stability or negatives: see 'pixbench list'.")
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(sweep)


def sweep(
    experiment: Name,
    out: Annotated[Path | None, typer.Option(help="Folder of the sweep; finished cells are never run again.")] = None,
    preset: Annotated[
        str,
        typer.Option(
            help="cpu (up to hours on two cores), or larger: paper (experiment1, experiment2, networks, supervised), paper-jitter, "
            "cpu-long, cpu-longer (experiment1), gpu (negatives), long (budgets, stability)."
        ),
    ] = "cpu",
    p: Annotated[list[str] | None, typer.Option(help="Only these norms: 1, 2 or inf; may be repeated.")] = None,
    between_weight: Annotated[
        list[float] | None, typer.Option(help="Only these values of between_weight, from 0 to 1; may be repeated.")
    ] = None,
    objective: Annotated[str | None, typer.Option(help="Of experiment1: train with this objective instead of 'paper'.")] = None,
    variant: Annotated[
        list[str] | None, typer.Option(help="Of negatives, networks, budgets, stability: only these; may be repeated.")
    ] = None,
    precision: Annotated[list[str] | None, typer.Option(help="Of stability: only 32-true or bf16-mixed; may be repeated.")] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="Number of seeds. Default: the preset's.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Cells that run in parallel. Default: one per core.")] = None,
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
    only = given(p=norms, between_weight=between_weight, objective=objective, variants=variant, precisions=precision)
    _refuse(experiment, module.cells, only)
    # An option that was given twice means the same cells.
    grid = list(dict.fromkeys(module.cells(preset, seeds=seeds, **only)))
    folder = out or Path("results") / f"{experiment}-{preset}"
    with progress_bar(f"{experiment} {preset}", len(grid), "cells", log=folder / "sweep.log") as advance:
        done = run(experiment, grid, folder, workers=workers or default_workers(), cluster=cluster, progress=advance)
    typer.echo(f"{folder}: {len(grid)} cells, {done} run now; figure and table: pixbench report {experiment} --data {folder}")


def _refuse(experiment: str, cells: Callable[..., Any], only: dict[str, Any]) -> None:
    """Raises UserError for an option that the grid of an experiment does not have."""
    from inspect import signature

    from ..errors import UserError

    for name in only:
        if name not in signature(cells).parameters:
            raise UserError(f"--{name.removesuffix('s').replace('_', '-')}: {experiment} has no such option")
