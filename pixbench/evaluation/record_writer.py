"""Writes the record of a run beside its predictions: the same for all tasks."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..io.environment import environment, now, peak_memory_mb
from ..io.files import file_sha256
from .model import DescriptorModel, Model, described_model
from .record import (
    DataPart,
    FilePart,
    GroupPart,
    Protocol,
    Record,
    TimingPart,
    Value,
    number,
    write_record,
)
from .record_place import file_stem, model_sha256
from .task import METRICS


@dataclass(frozen=True)
class Timing:
    """Seconds spent describing images and matching pairs in this run; what an earlier run had finished is not counted."""

    describe_s: float = 0.0
    images: int = 0
    match_s: float = 0.0
    pairs: int = 0

    def plus(self, other: "Timing") -> "Timing":
        """The sum of both."""
        return Timing(
            self.describe_s + other.describe_s, self.images + other.images, self.match_s + other.match_s, self.pairs + other.pairs
        )


def record_result(
    model: Model,
    task: str,
    data: DataPart,
    protocol: Protocol,
    scores: Mapping[str, float],
    predictions: Path,
    *,
    timing: Timing,
    seconds: float,
    pooled: Mapping[str, float] | None = None,
    groups: Mapping[str, GroupPart] | None = None,
    details: Mapping[str, Any] | None = None,
    pair_table: Path | None = None,
) -> tuple[Path, Record]:
    """Write the record of a run beside its predictions, under their name; `seconds` is the whole run's time."""
    record = Record(
        task=task,
        model=model.name,
        model_info=described_info(model),
        model_sha256=model_sha256(model),
        data=data,
        protocol=protocol,
        metrics=values(scores, pooled or {}),
        groups=dict(groups or {}),
        details=dict(details or {}),
        predictions=file_part(predictions),
        pairs=None if pair_table is None else file_part(pair_table),
        timing=_timing_part(timing, seconds),
        environment=environment(protocol.device),
        created=now(),
    )
    path = predictions.with_name(f"{file_stem(model.name)}.json")
    return path, write_record(path, record)


def described_info(model: Model) -> dict[str, Any]:
    """The model's info, with the size of its descriptors."""
    info = described_model(model)
    if model.asks_for:
        info["asks_for"] = list(model.asks_for)
    if isinstance(model, DescriptorModel) and model.described is not None:
        channels, rows, columns = model.described
        info |= {"channels": channels, "described_rows": rows, "described_columns": columns}
    return info


def values(metrics: Mapping[str, float], pooled: Mapping[str, float]) -> dict[str, Value]:
    """Metrics with the version and hash of their definitions."""
    known = {name: METRICS.get(name) for name in metrics}
    return {
        name: Value(
            version=known[name].version,
            sha256=known[name].sha256(),
            value=number(value),
            pooled=number(pooled.get(name, math.nan)),
        )
        for name, value in metrics.items()
    }


def file_part(path: Path) -> FilePart:
    """Name and hash of a file beside a record."""
    return FilePart(file=path.name, sha256=file_sha256(path), bytes=path.stat().st_size)


def _timing_part(timing: Timing, seconds: float) -> TimingPart:
    return TimingPart(
        seconds=round(seconds, 3),
        images_per_s=round(timing.images / timing.describe_s, 3) if timing.describe_s > 0 else None,
        pairs_per_s=round(timing.pairs / timing.match_s, 3) if timing.match_s > 0 else None,
        peak_memory_mb=peak_memory_mb(),
    )
