"""`pixbench evaluate`."""

from pathlib import Path
from typing import Annotated

import typer

from ..io.threads import use_threads
from .options import Scales, Threads, TrustCode


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(evaluate)


def evaluate(
    model: Annotated[
        str,
        typer.Option(
            help="A run or checkpoint, pretrained:NAME or baseline:NAME (see 'pixbench list'), package.module:factory, or an exported file."
        ),
    ],
    data: Annotated[
        Path | None, typer.Option(help="Folder of a data set or of real pairs. Default: the suite, made and verified once.")
    ] = None,
    suite: Annotated[str | None, typer.Option(help="Test set to use without --data: see 'pixbench list'. Default: mini.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the record and the predictions.")] = Path("results"),
    p: Annotated[str | None, typer.Option(help="Norm for descriptors: 1, 2, inf or cosine. Default: the model's own, or cosine.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    batch: Annotated[int, typer.Option(min=1, help="Number of images in a batch.")] = 4,
    radius: Annotated[float | None, typer.Option(min=0, help="Search only within this many pixels of the query's own position.")] = None,
    subpixel: Annotated[bool, typer.Option("--subpixel", help="Refine matches to sub-pixel positions by a parabola.")] = False,
    input_size: Annotated[
        int | None, typer.Option(min=0, help="Enlarge smaller images to this longer side for the network (0: do not).")
    ] = None,
    pad_to: Annotated[int | None, typer.Option(min=1, help="Pad sides to a multiple of this for the network, such as 14 or 16.")] = None,
    scales: Scales = None,
    query_stride: Annotated[
        int | None, typer.Option(min=1, help="With --data: query stride in pixels. Default: 4; real pairs: 12.")
    ] = None,
    long_side: Annotated[
        int | None, typer.Option(min=0, help="Real pairs: longer side they are shrunk to (0: do not). Default: 640.")
    ] = None,
    trained_on: Annotated[Path | None, typer.Option(help="Training set of the model: scores are split by what was in it.")] = None,
    objects: Annotated[str | None, typer.Option(help="Your copy, for suites that need one: shapenet:PATH.")] = None,
    rooms: Annotated[str | None, typer.Option(help="Your copy, for suites that need one: scenenn:PATH.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that make the suite. Default: one per core.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the row and of its files. Default: that of the run, file or factory.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the record of another model or protocol with this name.")] = False,
    threads: Threads = None,
    trust_code: TrustCode = False,
) -> None:
    """Score a model on a test set: on matching, classification or segmentation."""
    use_threads(threads)
    from ..assets.paths import cache_folder
    from ..errors import UserError
    from ..evaluation.matching.nearest import NORMS
    from ..evaluation.model import norm_name, parse_norm
    from ..evaluation.network_input import parse_scales
    from ..evaluation.record import StoredRecord
    from ..evaluation.request import EvaluationRequest
    from ..evaluation.suite import SUITES, Opening
    from ..evaluation.task import evaluate as run
    from ..leaderboard.tables import build_tables
    from ..leaderboard.terminal import print_tables
    from ..models.loading import load_model
    from .common import default_workers, given
    from .progress import progress_bar

    if p not in (None, *(norm_name(norm) for norm in NORMS)):
        raise UserError(f"--p {p}: expected 1, 2, inf or cosine")
    for option, value in (("--suite", suite), ("--workers", workers)):
        if data is not None and value is not None:
            raise UserError(f"{option} {value}: --data names a set that is made already; leave one of them out")
    loaded = load_model(
        model,
        p=parse_norm(p) if p else None,
        device=device,
        trust_code=trust_code,
        input_size=input_size,
        pad_to=pad_to,
        scales=parse_scales(scales) if scales is not None else None,
    )
    loaded.name = name or loaded.name
    sources = {option: (value,) for option, value in given(objects=objects, rooms=rooms).items()}
    request = EvaluationRequest(
        suite=SUITES.get(suite or "mini") if data is None else None,
        out=out,
        opening=Opening(cache_folder(), workers or default_workers(), sources),
        data=data,
        batch=batch,
        radius_px=radius,
        subpixel=subpixel,
        query_stride=query_stride,
        long_side=long_side,
        trained_on=trained_on,
        force=force,
        progress_bar=progress_bar,
    )
    path, record = run(loaded, request)
    print_tables(build_tables([StoredRecord(path, record)]))
    if record.model_info.get("p_from") == "default":
        typer.echo(f"norm: cosine, because {record.model} declares none: set its attribute p, or give --p", err=True)
    if record.data.layout is not None:
        typer.echo(f"layout {record.data.layout.name}; ground truth: {record.data.layout.ground_truth}")
    for reason, pairs in record.data.failed.items():
        typer.echo(f"failed on {pairs} pairs: {reason}", err=True)
    typer.echo(f"record {path}; predictions are beside it\nnext: pixbench leaderboard show {out}")
