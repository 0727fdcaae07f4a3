"""Scores a model on pairs: predicts to a file, then scores the file, then writes the record."""

import csv
import io
import logging
import math
import time
from collections import Counter
from pathlib import Path

import torch

from ...errors import UserError
from ...io.files import write_whole
from ...io.lock import locked, remove_temporary
from ...models.identity import model_identity
from ..model import DescriptorModel, MatcherModel, Model, failure, image_batch
from ..record import DIGITS, DataPart, GroupPart, Protocol, Record, number
from ..record_place import check_replaced, file_stem, model_sha256
from ..record_writer import record_result
from ..request import ProgressBar, no_progress_bar
from .dense_matcher import Search
from .pairs import EvaluationPairs, Identity
from .predict import discard, predict, work_folder
from .predictions import read_predictions, write_predictions
from .scoring import Scores, score

logger = logging.getLogger("pixbench")

LEAST_MUTUAL_PX = 1.0


def evaluate(
    model: Model,
    source: EvaluationPairs,
    out: Path,
    *,
    search: Search = Search(),  # noqa: B008  (frozen)
    batch: int = 4,
    trained_on: str | None = None,
    force: bool = False,
    progress_bar: ProgressBar = no_progress_bar,
) -> tuple[Path, Record]:
    """Score a model on pairs. Writes `NAME.h5`, `NAME.pairs.csv` and `NAME.json` into `out`; returns the record and its path.

    `progress_bar` is opened twice: for matching the pairs and for scoring them. An interrupted run resumes. Raises UserError if `out`
    holds the record, or the interrupted run, of another model or protocol under the same name; with `force` it is replaced. Raises it for
    data without pairs, too, and for options of `search` with a model that is not searched.
    """
    _check_search(model, search)
    if not any(source.groups()):
        raise UserError(f"{source.identity.suite} has no pairs of pictures: there is nothing to score")
    stem, protocol = file_stem(model.name), _protocol(model, source, search, batch)
    with locked(out, f".{stem}.lock"):
        remove_temporary(out, f"{stem}.*")
        check_replaced(out / f"{stem}.json", model, source.identity.suite, source.identity.recipe_sha256, protocol, force=force)
        return _evaluated(model, source, out, stem, protocol, search, trained_on, force, progress_bar)


def _evaluated(
    model: Model,
    source: EvaluationPairs,
    out: Path,
    stem: str,
    protocol: Protocol,
    search: Search,
    trained_on: str | None,
    force: bool,
    progress_bar: ProgressBar,
) -> tuple[Path, Record]:
    started, identity = time.perf_counter(), f"{model_sha256(model)} {model_identity(model)}"
    work, predictions, table = work_folder(out, stem), out / f"{stem}.h5", out / f"{stem}.pairs.csv"
    pairs = sum(map(len, source.groups()))
    with progress_bar(f"match {model.name}", pairs, "pairs") as advance:
        found, timing = predict(
            model, source, work, search=search, batch=protocol.batch, model_hash=identity, force=force, progress=advance
        )
    write_predictions(predictions, found)
    if not isinstance(model, MatcherModel):
        protocol = protocol.model_copy(update={"mutual_px": mutual_tolerance(_grid_px(model, source, timing.images))})
    with progress_bar(f"score {model.name}", pairs, "pairs") as advance:
        scores = score(read_predictions(predictions), source, advance, mutual_px=protocol.mutual_px or 0.0)
    if not any(row.points for row in scores.rows):
        logger.warning(
            "%s: no query has a match that is visible in the other picture, so nothing was scored: check the units, the direction and the "
            "pixel centres of the ground truth, or, for pictures hardly larger than the query stride of %d px, lower that",
            source.identity.suite,
            source.query_stride,
        )
    write_whole(table, pair_table(scores))
    written = record_result(
        model,
        "matching",
        _data_part(source.identity, scores, trained_on),
        protocol,
        scores.metrics,
        predictions,
        timing=timing,
        seconds=time.perf_counter() - started,
        pooled=scores.pooled,
        groups=group_parts(scores),
        pair_table=table,
    )
    discard(work)
    return written


def pair_table(scores: Scores) -> str:
    """CSV with one line per pair: its index, visible share, reason of failure, and the value of each metric; empty if there is none."""
    columns = sorted({name for row in scores.rows for name in row.values})
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["scene", "a", "b", "angle_deg", "visible_share", "points", "failed", *columns])
    for row in scores.rows:
        numbers = (row.values.get(name, math.nan) for name in columns)
        # Infinite stays infinite: an unanswered query, or a pose that was not found.
        cells = ["" if math.isnan(value) else f"{value:.{DIGITS}g}" for value in numbers]
        angle = "" if math.isnan(row.angle_deg) else f"{row.angle_deg:.2f}"
        writer.writerow([row.scene, row.a, row.b, angle, f"{row.overlap:.4f}", row.points, row.reason, *cells])
    return text.getvalue()


def group_parts(scores: Scores) -> dict[str, GroupPart]:
    """Scores of groups in the format of records."""
    return {
        name: GroupPart(pairs=group.pairs, points=group.points, metrics={key: number(value) for key, value in group.metrics.items()})
        for name, group in scores.groups.items()
    }


def mutual_tolerance(grid_px: float) -> float:
    """Largest cycle error of a mutual match, in pixels, for descriptors with a stride of `grid_px`: half the stride, at least 1.

    On a coarse grid a match would return to exactly the same pixel by chance only. It is a whole number, because stored cycle errors are
    rounded up to whole pixels.
    """
    return max(LEAST_MUTUAL_PX, float(math.floor(grid_px / 2)))


def _check_search(model: Model, search: Search) -> None:
    """Raises UserError for options that would change nothing, because the model has a search of its own."""
    given = {"radius": not math.isinf(search.radius_px), "subpixel": search.subpixel}
    refused = [option for option, is_given in given.items() if is_given]
    if refused and not isinstance(model, DescriptorModel):
        raise UserError(f"--{refused[0]}: {model.name} has no descriptors to search among; leave it out")


def _data_part(identity: Identity, scores: Scores, trained_on: str | None) -> DataPart:
    return DataPart(
        suite=identity.suite,
        recipe_sha256=identity.recipe_sha256,
        content_sha256=identity.content_sha256,
        split=identity.split,
        seed=identity.seed,
        scenes=identity.scenes,
        pairs=len(scores.rows),
        pairs_without_points=sum(not row.points for row in scores.rows),
        points=sum(row.points for row in scores.rows),
        failed=dict(Counter(row.reason for row in scores.rows if row.reason)),
        trained_on=trained_on,
        layout=identity.layout,
    )


def _grid_px(model: Model, source: EvaluationPairs, described: int) -> float:
    """Stride of a model's descriptors in pixels: that of the last picture, as pictures of several sizes may have several strides.

    A resumed run, which had fewer pictures `described` than there are, describes it again, to get the same number as an unbroken one.
    """
    if not isinstance(model, DescriptorModel):
        return 1.0
    groups = [(keys[0].scene, sorted({view for key in keys for view in (key.a, key.b)})) for keys in source.groups()]
    if described < sum(len(views) for _, views in groups):
        for scene, views in reversed(groups):
            try:
                model.cells(image_batch(source.images(scene)[views[-1]]))
                break
            except Exception as error:
                failure(error)  # raises those of the machine; a model that fails on this picture was described by the one before
    return model.grid_px


def _protocol(model: Model, source: EvaluationPairs, search: Search, batch: int) -> Protocol:
    """The protocol; the tolerance of mutual matches follows from the stride of the descriptors."""
    dense = isinstance(model, DescriptorModel)
    return Protocol(
        query_stride=source.query_stride,
        scored="visible queries",
        search="own" if not dense else "whole target image" if math.isinf(search.radius_px) else "disk around the query's place",
        radius_px=None if math.isinf(search.radius_px) else search.radius_px,
        subpixel=search.subpixel,
        ratio_excludes_px=search.exclude_px if dense else None,
        batch=batch,
        device=str(getattr(model, "device", torch.device("cpu"))),
    )
