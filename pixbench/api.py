"""High-level functions of the API: load, show, train and evaluate in one call each."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from .errors import UserError, unknown_name
from .training.data.pairs import PairDataset, PairSample, TrainingPairs

# Imports that a single function needs stand in that function, so that reading data does not import the training code.
if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import nn

    from .evaluation.matching.nearest import Norm
    from .evaluation.model import Model, PointMatcher
    from .evaluation.record import Record
    from .inference.matches import ImageMatches
    from .inference.model import PictureSource


def load(path: str | Path) -> PairDataset:
    """The ordered pairs of views of a data set on disk. Raises UserError if there is none, or one that is not finished.

    For example:

        ds = pixbench.load("data/train")
        pair = ds[0]  # image_a, image_b (3, H, W); uv_b (H, W, 2) in pixels; visible, status (H, W)
        for batch in ds.loader(batch=6):  # never two pairs of one scene in a batch
            ...
    """
    return PairDataset(path)


def show(
    shown: "PairSample | ImageMatches", image_a: "PictureSource | None" = None, image_b: "PictureSource | None" = None, *, title: str = ""
) -> "Figure":
    """A matplotlib figure of a pair with its ground-truth matches, or of matches between two images, which must then be given.

    A notebook shows it; elsewhere, save it with `savefig`. Raises UserError for matches without their pictures.

    For example:

        pixbench.show(pixbench.load("data/train")[0]).savefig("pair.png")
        pixbench.show(pixbench.match("a.jpg", "b.jpg"), "a.jpg", "b.jpg")
    """
    from .image.picture import as_picture
    from .visualization.match_lines import match_figure
    from .visualization.pair_figure import pair_figure

    if isinstance(shown, PairSample):
        return pair_figure(shown, title)
    if image_a is None or image_b is None:
        raise UserError("show: matches are drawn over their pictures: pass image_a and image_b too")
    return match_figure(as_picture(image_a).rgb, as_picture(image_b).rgb, shown, title)


def train(
    data: str | Path | TrainingPairs,
    out: str | Path | None = None,
    *,
    validation: str | Path | TrainingPairs | None = None,
    init: str | Path | None = None,
    accelerator: str = "auto",
    workers: int = 0,
    progress: bool = True,
    **settings: Any,
) -> "Model":
    """Train a network on pairs of views; returns it, ready for `evaluate` and `match`.

    `settings` are those of `pixbench.training.config.TrainConfig`, such as steps, batch, objective, p, learning_rate. With `out` the run is
    kept in that folder: the same call resumes a stopped run, and a larger `steps` extends a finished one. Without `out` only the returned
    model remains. `init` is a run, a checkpoint or pretrained:NAME, whose weights training starts from. Raises UserError for wrong settings
    or data.

    For example:

        model = pixbench.train(pixbench.load("data/train"), steps=2000)
    """
    from .cli.common import build_config
    from .cli.progress import progress_bar
    from .evaluation.request import no_progress_bar
    from .models.loading import load_model
    from .training.config import TrainConfig
    from .training.initial_weights import inherited_settings, initial_checkpoint
    from .training.objectives.base import check_used
    from .training.train import train as run

    start = None if init is None else initial_checkpoint(init)
    config = build_config(TrainConfig, settings, preset={} if start is None else inherited_settings(start))
    check_used(config.objective, settings)
    with _folder(out) as folder:
        bar = progress_bar if progress else no_progress_bar
        place = Path(folder) / "trained" if out is None else Path(folder)
        with bar("train", config.steps, "steps") as advance:
            run(
                _source(data),
                place,
                config,
                validation=None if validation is None else _source(validation),
                init=start,
                accelerator=accelerator,
                workers=workers,
                progress=lambda done, loss: advance(done, f"loss {loss:.4f}"),
            )
        return load_model(place)


def evaluate(
    model: "Model | nn.Module | PointMatcher | str | Path",
    data: str | Path = "mini",
    *,
    out: str | Path | None = None,
    p: "Norm | str | None" = None,
    workers: int | None = None,
    trust_code: bool = False,
    progress: bool = True,
    **options: Any,
) -> "Record":
    """Score a model on a suite, by its name, or on the data set in a folder.

    `model` is what `load_model` or `train` returned, a name for `load_model`, a torch module from images (B, 3, H, W) in [0, 1] to
    descriptors (B, D, h, w), or a function of two images (3, H, W) to their matched points. `p` is the norm of descriptors for a model that
    declares none: 1, 2, inf or cosine (default). `options` are those of `pixbench.evaluation.request.EvaluationRequest`, such as
    query_stride. `trust_code` allows a model to run its own code. With `out`, record and predictions are kept in a subfolder of it. Raises
    UserError for an unknown model, suite or folder.

    For example:

        record = pixbench.evaluate("baseline:dense-sift", "mini")
        print(record.value("delta_avg"), record.value("pck@1"))
    """
    from .assets.paths import cache_folder
    from .cli.common import default_workers
    from .cli.progress import progress_bar
    from .evaluation.request import EvaluationRequest, no_progress_bar
    from .evaluation.suite import SUITES, Opening
    from .evaluation.task import evaluate as run
    from .models.loading import as_model

    asked = as_model(model, p=p, trust_code=trust_code)
    suite = SUITES.get(str(data)) if str(data) in SUITES.names() else None
    if suite is None and not Path(data).exists():
        raise UserError(f"{data}: no such folder, and no suite of that name: suites are {', '.join(SUITES.names())}")
    known = {each.name for each in fields(EvaluationRequest)} - {"suite", "out", "opening", "data", "progress_bar"}
    for name in options:
        if name not in known:
            raise unknown_name("option of evaluate", name, known)
    with _folder(out) as folder:
        request = EvaluationRequest(
            suite=suite,
            out=Path(folder),
            opening=Opening(cache_folder(), workers or default_workers()),
            data=None if suite is not None else Path(data),
            progress_bar=progress_bar if progress else no_progress_bar,
            **options,
        )
        return run(asked, request)[1]


def _folder(out: str | Path | None) -> AbstractContextManager[str | Path]:
    """The user's folder, or one that is removed afterwards."""
    return nullcontext(out) if out is not None else TemporaryDirectory(prefix="pixbench-")


def _source(data: str | Path | TrainingPairs) -> TrainingPairs:
    return PairDataset(data) if isinstance(data, str | Path) else data
