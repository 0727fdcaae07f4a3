"""`pixbench train` and `evaluate`."""

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from ..io.threads import use_threads

Threads = Annotated[
    int | None, typer.Option(min=1, help="Threads that compute. Default: OMP_NUM_THREADS, or one for each core that is idle now.")
]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command()(train)
    app.command()(evaluate)


def train(
    data: Annotated[Path, typer.Option(help="Folder of a data set.")],
    out: Annotated[Path, typer.Option(help="Folder of the run; the same command goes on with one that was stopped.")],
    validation: Annotated[Path | None, typer.Option(help="Data set for the validation loss; its lowest is kept in OUT/best.")] = None,
    preset: Annotated[str | None, typer.Option(help="Start from experiment2, the paper's settings for rooms; options change them.")] = None,
    objective: Annotated[str | None, typer.Option(help="What is minimised: see 'pixbench list'. Default: paper.")] = None,
    p: Annotated[str | None, typer.Option(help="Norm of the descriptors: 1, 2 or inf. Default: inf.")] = None,
    between_weight: Annotated[
        float | None, typer.Option(help="Share c of the between-image term, 0 to 1 (the paper's lambda is 1 - c). Default: 0.5.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Optimiser steps. Default: 2000.")] = None,
    batch: Annotated[int | None, typer.Option(help="Pairs a step and process. Default: 6.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Highest rate of the one-cycle schedule. Default: 0.002.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of weights and of all that is drawn. Default: 0.")] = None,
    devices: Annotated[int, typer.Option(min=1, help="Processes or GPUs on this machine.")] = 1,
    nodes: Annotated[int, typer.Option(min=1, help="Machines; start with torchrun when there are several.")] = 1,
    accelerator: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    precision: Annotated[
        str, typer.Option(help="32-true, bf16-mixed or 16-mixed; auto: bf16-mixed where the hardware multiplies it, else 32-true.")
    ] = "auto",
    workers: Annotated[int, typer.Option(min=0, help="Processes that read data; 0 reads in a thread of the training process.")] = 0,
    threads: Threads = None,
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="Any other setting, such as points=512 or network=paper: see 'pixbench settings train'."
        ),
    ] = None,
) -> None:
    """Train the method on a data set's pairs of views."""
    chosen = use_threads(threads)
    from ..errors import UserError
    from ..training.config import TrainConfig, preset_values
    from ..training.train import train as run
    from .common import build_config, given
    from .progress import progress_bar

    if p not in (None, "1", "2", "inf"):
        raise UserError(f"--p {p}: expected 1, 2 or inf")
    values = given(
        objective=objective, p=p, between_weight=between_weight, steps=steps, batch=batch, learning_rate=learning_rate, seed=seed
    )
    config = build_config(TrainConfig, values, setting or (), preset=preset_values(preset) if preset else {})
    pictures = 2 * config.batch * devices * nodes
    with progress_bar("train", config.steps, "steps", log=out / "train.log") as advance:
        checkpoint = run(
            data,
            out,
            config,
            validation=validation,
            devices=devices,
            nodes=nodes,
            accelerator=accelerator,
            precision=precision,
            workers=workers,
            threads=chosen,
            progress=_told(advance, pictures),
        )
    typer.echo(f"{checkpoint}: trained for {config.steps} steps; loss curve in {out / 'loss.png'}")
    typer.echo(f"next: pixbench evaluate --model {out}")


def _told(advance: Callable[..., None], pictures: int) -> Callable[[int, float], None]:
    """Progress of a run with its loss and images a second, over the last ten seconds or so."""
    recent: deque[tuple[float, int]] = deque(maxlen=50)

    def tell(done: int, loss: float) -> None:
        recent.append((time.monotonic(), done))
        passed = recent[-1][0] - recent[0][0]
        rate = f", {pictures * sum(steps for _, steps in list(recent)[1:]) / passed:.0f} images/s" if passed > 0 else ""
        advance(done, f"loss {loss:.4f}{rate}")

    return tell


def evaluate(
    model: Annotated[
        str,
        typer.Option(
            help="A run or checkpoint, pretrained:NAME or baseline:NAME (see 'pixbench list'), package.module:factory, or an exported file."
        ),
    ],
    data: Annotated[Path | None, typer.Option(help="Folder of a data set. Default: the suite, made and verified once.")] = None,
    suite: Annotated[str, typer.Option(help="Test set to use without --data: see 'pixbench list'.")] = "mini",
    out: Annotated[Path, typer.Option(help="Folder for the record and the predictions.")] = Path("results"),
    p: Annotated[str | None, typer.Option(help="Norm for descriptors: 1, 2, inf or cosine. Default: the model's own, or cosine.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    batch: Annotated[int, typer.Option(min=1, help="Images that a network gets at once.")] = 4,
    radius: Annotated[float | None, typer.Option(min=0, help="Search only this many pixels around a query's own place.")] = None,
    subpixel: Annotated[bool, typer.Option("--subpixel", help="Refine matches below the pixel by a parabola.")] = False,
    query_stride: Annotated[int | None, typer.Option(min=1, help="With --data: query stride in pixels. Default: 4.")] = None,
    trained_on: Annotated[Path | None, typer.Option(help="The model's training set: scores are split by what was in it.")] = None,
    objects: Annotated[str | None, typer.Option(help="Your copy, for suites that need one: shapenet:PATH.")] = None,
    rooms: Annotated[str | None, typer.Option(help="Your copy, for suites that need one: scenenn:PATH.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that make the suite. Default: one a core.")] = None,
    threads: Threads = None,
) -> None:
    """Score a model on a test set: where it finds the same point again, or whether it tells classes apart."""
    use_threads(threads)
    from ..assets.paths import cache_folder
    from ..errors import UserError
    from ..evaluation.matching.nearest import NORMS
    from ..evaluation.model import norm_name, parse_norm
    from ..evaluation.record import StoredRecord
    from ..evaluation.request import EvaluationRequest
    from ..evaluation.suite import SUITES, Opening
    from ..evaluation.task import evaluate as run
    from ..leaderboard.tables import build_tables
    from ..models.loading import load_model
    from .common import default_workers, given
    from .leaderboard import print_tables
    from .progress import progress_bar

    if p not in (None, *(norm_name(norm) for norm in NORMS)):
        raise UserError(f"--p {p}: expected 1, 2, inf or cosine")
    loaded = load_model(model, p=parse_norm(p) if p else None, device=device)
    sources = {name: (value,) for name, value in given(objects=objects, rooms=rooms).items()}
    request = EvaluationRequest(
        suite=SUITES.get(suite) if data is None else None,
        out=out,
        opening=Opening(cache_folder(), workers or default_workers(), sources),
        data=data,
        batch=batch,
        radius_px=radius,
        subpixel=subpixel,
        query_stride=query_stride,
        trained_on=trained_on,
        progress_bar=progress_bar,
    )
    path, record = run(loaded, request)
    print_tables(build_tables([StoredRecord(path, record)]))
    for reason, pairs in record.data.failed.items():
        typer.echo(f"failed on {pairs} pairs: {reason}", err=True)
    typer.echo(f"record {path}, predictions beside it; all rows: pixbench leaderboard show {out}")
