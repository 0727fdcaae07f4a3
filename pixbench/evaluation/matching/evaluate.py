"""`pixbench evaluate`: predict to a file, then score the file, then write the record."""

import csv
import hashlib
import io
import json
import math
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import torch

from ...io.files import file_sha256, write_whole
from ...registry import METRICS
from ..model import DescriptorModel, Model
from ..record import DataPart, FilePart, GroupPart, Protocol, Record, TimingPart, Value, environment, now, peak_memory_mb, write_record
from .dense_matcher import Search
from .pairs import EvaluationPairs, Identity
from .predictions import Timing, discard, predict, read_predictions, work_folder, write_predictions
from .scoring import Scores, score

DIGITS = 6
"""Of numbers in records and tables of pairs: more would be noise between processors."""


def evaluate(
    model: Model,
    source: EvaluationPairs,
    out: Path,
    *,
    search: Search = Search(),  # noqa: B008  (frozen)
    batch: int = 4,
    trained_on: str | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> tuple[Path, Record]:
    """Score a model on pairs. Writes `NAME.h5`, `NAME.pairs.csv` and `NAME.json` into `out`; returns the record and its path.

    `progress` gets pairs, each twice: once predicted, once scored.
    """
    out.mkdir(parents=True, exist_ok=True)
    stem, model_hash = file_stem(model.name), model_sha256(model)
    work, started = work_folder(out, stem), time.perf_counter()
    predictions, timing = predict(model, source, work, search=search, batch=batch, model_hash=model_hash, progress=progress)
    write_predictions(out / f"{stem}.h5", predictions)
    scores = score(read_predictions(out / f"{stem}.h5"), source, progress)
    write_whole(out / f"{stem}.pairs.csv", pair_table(scores))
    record = Record(
        task="matching",
        model=model.name,
        model_info=described_info(model),
        model_sha256=model_hash,
        data=_data_part(source.identity, scores, trained_on),
        protocol=_protocol(model, source, search, batch),
        metrics=values(scores.metrics, scores.pooled),
        groups={
            name: GroupPart(pairs=group.pairs, points=group.points, metrics={key: number(value) for key, value in group.metrics.items()})
            for name, group in scores.groups.items()
        },
        predictions=file_part(out / f"{stem}.h5"),
        pairs=file_part(out / f"{stem}.pairs.csv"),
        timing=_timing_part(timing, time.perf_counter() - started),
        environment=environment(),
        created=now(),
    )
    write_record(out / f"{stem}.json", record)
    discard(work)
    return out / f"{stem}.json", record


def store_probe(
    model: DescriptorModel,
    predictions: Path,
    task: Literal["classification", "segmentation"],
    data: DataPart,
    protocol: Protocol,
    scores: Mapping[str, float],
    details: Mapping[str, Any],
    *,
    describe_s: float,
    seconds: float,
) -> tuple[Path, Record]:
    """Write the record of a probe of descriptors beside its predictions; `data.scenes` images were described in `describe_s`."""
    record = Record(
        task=task,
        model=model.name,
        model_info=described_info(model),
        model_sha256=model_sha256(model),
        data=data,
        protocol=protocol,
        metrics=values(scores, {}),
        details=dict(details),
        predictions=file_part(predictions),
        timing=_timing_part(Timing(describe_s=describe_s, images=data.scenes), seconds),
        environment=environment(),
        created=now(),
    )
    write_record(predictions.with_suffix(".json"), record)
    return predictions.with_suffix(".json"), record


def file_stem(name: str) -> str:
    """A model's name as a file's."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name)


def model_sha256(model: Model) -> str:
    """Hash of what a model says of itself, the hashes of its weights among it."""
    return hashlib.sha256(json.dumps([model.name, model.info], sort_keys=True, default=str).encode()).hexdigest()


def described_info(model: Model) -> dict[str, Any]:
    """A model's own words, and the size of the descriptors that it gave."""
    info = dict(model.info)
    if isinstance(model, DescriptorModel) and model.described is not None:
        channels, rows, columns = model.described
        info |= {"channels": channels, "described_rows": rows, "described_columns": columns}
    return info


def values(metrics: Mapping[str, float], pooled: Mapping[str, float]) -> dict[str, Value]:
    """Metrics with the version and hash of what they mean."""
    return {
        name: Value(
            version=METRICS.get(name).version,
            sha256=METRICS.get(name).sha256(),
            value=number(value),
            pooled=number(pooled.get(name, math.nan)),
        )
        for name, value in metrics.items()
    }


def number(value: float) -> float | None:
    """A number for JSON: None for NaN and infinity."""
    return round(value, DIGITS) if math.isfinite(value) else None


def file_part(path: Path) -> FilePart:
    """A file that was written beside a record."""
    return FilePart(file=path.name, sha256=file_sha256(path), bytes=path.stat().st_size)


def pair_table(scores: Scores) -> str:
    """One line a pair, as CSV: where it is, what it shares, why it failed, and each metric's value; empty where there is none."""
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
    )


def _protocol(model: Model, source: EvaluationPairs, search: Search, batch: int) -> Protocol:
    dense = isinstance(model, DescriptorModel)
    return Protocol(
        query_stride=source.query_stride,
        scored="visible queries",
        search="own" if not dense else "whole target image" if math.isinf(search.radius_px) else "disk around the query's place",
        radius_px=None if not dense or math.isinf(search.radius_px) else search.radius_px,
        subpixel=dense and search.subpixel,
        ratio_excludes_px=search.exclude_px if dense else None,
        batch=batch,
        device=str(getattr(model, "device", torch.device("cpu"))),
    )


def _timing_part(timing: Timing, seconds: float) -> TimingPart:
    return TimingPart(
        seconds=round(seconds, 3),
        images_per_s=round(timing.images / timing.describe_s, 3) if timing.describe_s > 0 else None,
        pairs_per_s=round(timing.pairs / timing.match_s, 3) if timing.match_s > 0 else None,
        peak_memory_mb=peak_memory_mb(),
    )
