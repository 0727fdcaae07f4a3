"""`pixbench train`."""

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from ..io.threads import use_threads
from .options import Threads


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(train)


def train(
    data: Annotated[Path, typer.Option(help="Folder of a data set.")],
    out: Annotated[Path, typer.Option(help="Folder of the run; the same command resumes one that was stopped.")],
    validation: Annotated[
        Path | None, typer.Option(help="Validation set; the checkpoint that matches it best is kept in OUT/best.")
    ] = None,
    preset: Annotated[
        str | None, typer.Option(help="Preset of settings, such as experiment2, the paper's for rooms; options override it.")
    ] = None,
    init: Annotated[
        str | None, typer.Option(help="Run, checkpoint or pretrained:NAME to fine-tune: its weights, network and norm.")
    ] = None,
    objective: Annotated[str | None, typer.Option(help="Training objective: see 'pixbench list'. Default: paper.")] = None,
    p: Annotated[str | None, typer.Option(help="Norm of the descriptors: 1, 2 or inf. Default: inf.")] = None,
    between_weight: Annotated[
        float | None, typer.Option(help="Share c of the between-image term, 0 to 1 (the paper's lambda is 1 - c). Default: 0.5.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Optimiser steps; a finished run in OUT is trained further by giving more. Default: 2000.")
    ] = None,
    batch: Annotated[int | None, typer.Option(help="Pairs per step and process. Default: 6.")] = None,
    learning_rate: Annotated[
        float | None, typer.Option("--learning-rate", "--lr", help="Peak learning rate of the one-cycle schedule. Default: 0.002.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of weights, sampling and augmentation. Default: 0.")] = None,
    devices: Annotated[int, typer.Option(min=1, help="Processes or GPUs on this machine.")] = 1,
    nodes: Annotated[int, typer.Option(min=1, help="Machines; start with torchrun when there are several.")] = 1,
    accelerator: Annotated[str, typer.Option(help="auto, cpu, gpu or cuda.")] = "auto",
    precision: Annotated[
        str, typer.Option(help="32-true, 64-true, bf16-mixed or 16-mixed; auto: bf16-mixed if the hardware supports it, else 32-true.")
    ] = "auto",
    workers: Annotated[int, typer.Option(min=0, help="Processes that read data; 0 reads in a thread of the training process.")] = 0,
    threads: Threads = None,
    check: Annotated[bool, typer.Option(help="Check the hash of each shard once; leave it out for very large, verified sets.")] = True,
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="Any other setting, such as points=512 or network=paper: see 'pixbench settings train'."
        ),
    ] = None,
) -> None:
    """Train the method on a data set's pairs of views."""
    chosen = use_threads(threads)
    from lightning_fabric.utilities.rank_zero import rank_zero_only

    from ..errors import UserError
    from ..training.config import TrainConfig, preset_values
    from ..training.initial_weights import inherited_settings, initial_checkpoint
    from ..training.objectives.base import check_used
    from ..training.train import train as run
    from .common import build_config, given
    from .progress import progress_bar

    if p not in (None, "1", "2", "inf"):
        raise UserError(f"--p {p}: expected 1, 2 or inf")
    values = given(
        objective=objective, p=p, between_weight=between_weight, steps=steps, batch=batch, learning_rate=learning_rate, seed=seed
    )
    start = initial_checkpoint(init) if init else None
    inherited = inherited_settings(start) if start else {}
    config = build_config(TrainConfig, values, setting or (), preset={**(preset_values(preset) if preset else {}), **inherited})
    check_used(config.objective, {*values, *(each.partition("=")[0] for each in setting or ())})
    pictures = 2 * config.batch * devices * nodes
    with progress_bar("train", config.steps, "steps", log=out / "train.log") as advance:
        checkpoint = run(
            data,
            out,
            config,
            validation=validation,
            init=start,
            devices=devices,
            nodes=nodes,
            accelerator=accelerator,
            precision=precision,
            workers=workers,
            threads=chosen,
            check=check,
            progress=_progress_with_loss(advance, pictures),
        )
    if getattr(rank_zero_only, "rank", 0) > 0:
        return  # the first process tells of them all
    typer.echo(f"{checkpoint}: trained for {config.steps} steps; loss curve in {out / 'loss.png'}")
    typer.echo(f"next: pixbench evaluate --model {out}")


def _progress_with_loss(advance: Callable[..., None], pictures: int) -> Callable[[int, float], None]:
    """Progress of a run with its loss and its images per second, averaged over about ten seconds."""
    recent: deque[tuple[float, int]] = deque(maxlen=50)

    def report(done: int, loss: float) -> None:
        recent.append((time.monotonic(), done))
        passed = recent[-1][0] - recent[0][0]
        rate = f", {pictures * sum(steps for _, steps in list(recent)[1:]) / passed:.0f} images/s" if passed > 0 else ""
        advance(done, f"loss {loss:.4f}{rate}")

    return report
