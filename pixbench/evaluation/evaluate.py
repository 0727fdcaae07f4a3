"""`pixbench evaluate`: predict to a file, then score the file, then write the record."""

import math
import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..errors import UserError
from ..files import file_sha256
from ..geometry import pixel_index
from ..registry import METRICS
from ..shards.reader import Dataset
from ..truth import Status
from .metrics import summarise
from .model import Model
from .predictions import Predictions, predict, read_predictions, write_predictions
from .record import DataPart, PredictionsPart, Protocol, Record, Value, environment, now, write_record

STRIDE = 4
"""Every fourth pixel of every fourth row is a query."""


def score(predictions: Predictions, dataset: Dataset) -> list[np.ndarray]:
    """Endpoint errors in pixels of the visible queries of each pair; an answer that is not finite counts as infinitely far."""
    if predictions.content_sha256 != dataset.manifest.content_sha256():
        raise UserError("the predictions were made on another data set: run 'pixbench evaluate' again")
    rows = {(key.scene, key.a, key.b): key for key in dataset.pair_keys()}
    column, row = pixel_index(predictions.query_uv).T
    errors = []
    for (scene, a, b), answer in zip(predictions.pairs, predictions.uv, strict=True):
        truth = dataset.pair(rows[int(scene), int(a), int(b)]).truth
        visible = truth.status[row, column] == Status.VISIBLE
        distance = np.linalg.norm(answer[visible].astype(float) - truth.uv_b[row, column][visible].astype(float), axis=1)
        errors.append(np.nan_to_num(distance, nan=math.inf))
    return errors


def evaluate(
    model: Model, data: Path, out: Path, *, suite: str, progress: Callable[[int], None] = lambda done: None
) -> tuple[Path, Record]:
    """Score a model on a data set. Writes `NAME.h5` and `NAME.json` into `out`; returns the record and its path."""
    dataset = Dataset(data)
    dataset.check_hashes()
    out.mkdir(parents=True, exist_ok=True)
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", model.name)
    started = time.perf_counter()
    predictions = predict(model, dataset, stride=STRIDE, progress=progress)
    seconds = time.perf_counter() - started
    write_predictions(out / f"{stem}.h5", predictions)
    errors = score(read_predictions(out / f"{stem}.h5"), dataset)
    record = Record(
        model=model.name,
        model_info=model.info,
        data=_data_part(dataset, errors, suite),
        protocol=Protocol(query_stride=STRIDE),
        metrics={
            name: Value(version=METRICS.get(name).version, value=_json(value), pooled=_json(pooled))
            for name, (value, pooled) in summarise(errors).items()
        },
        predictions=PredictionsPart(file=f"{stem}.h5", sha256=file_sha256(out / f"{stem}.h5")),
        environment=environment(),
        seconds=round(seconds, 3),
        created=now(),
    )
    dataset.close()
    write_record(out / f"{stem}.json", record)
    return out / f"{stem}.json", record


def _data_part(dataset: Dataset, errors: list[np.ndarray], suite: str) -> DataPart:
    manifest = dataset.manifest
    return DataPart(
        suite=suite,
        recipe_sha256=manifest.recipe_sha256,
        content_sha256=manifest.content_sha256(),
        split=manifest.split,
        seed=manifest.seed,
        scenes=manifest.scenes,
        pairs=len(errors),
        pairs_without_points=sum(not len(pair) for pair in errors),
        points=sum(len(pair) for pair in errors),
    )


def _json(value: float) -> float | None:
    return value if math.isfinite(value) else None
