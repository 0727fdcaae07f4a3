"""Verification of rows: from their stored predictions, or from their checkpoint."""

import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import UserError, unknown_name
from ..evaluation.model import DescriptorModel, MatcherModel, Model
from ..evaluation.network_input import ONE
from ..evaluation.record import WEIGHTS, Record, StoredRecord
from ..evaluation.reproduction import TOLERANCE, Comparison, compare_metrics
from ..evaluation.request import DataAccess, EvaluationRequest, ProgressBar, no_progress_bar
from ..evaluation.suite import find_suite
from ..evaluation.task import METRICS, TASKS, compared_metrics
from ..io.processes import in_processes
from .entries import entries


def find_rows(stored: Sequence[StoredRecord], name: str | None) -> list[StoredRecord]:
    """Records with the name of a model, of a file, or of a row, which stands for all its seeds; without a name, all records. Raises
    UserError if there is no such row.
    """
    if name is None:
        return list(stored)
    rows = {each.path: entry.name for entry in entries(stored) for each in entry.stored}
    found = [each for each in stored if name in (rows[each.path], each.record.model, each.path.stem, str(each.path))]
    if not found:
        raise unknown_name("row", name, {each.record.model for each in stored})
    return found


def check_definitions(stored: StoredRecord) -> None:
    """Raises UserError for a record of another version of a metric or suite than those here, which could not be compared."""
    record, known = stored.record, METRICS.names()
    for name, value in record.metrics.items():
        if name not in known:
            raise UserError(f"{stored.path}: metric '{name}' is not known here: install the PixBench, or the plug-in, that made it")
        metric = METRICS.get(name)
        if (metric.version, metric.sha256()) != (value.version, value.sha256):
            raise UserError(
                f"{stored.path}: metric '{name}' is version {value.version} ({value.sha256[:12]}), here it is version {metric.version} "
                f"({metric.sha256()[:12]}): numbers of different definitions are not compared; run 'pixbench evaluate' again"
            )
    name, version = record.suite
    if version is not None:
        try:
            find_suite(name, version)
        except UserError as error:
            raise UserError(f"{stored.path}: {error}") from None


def rescore(stored: StoredRecord, access: DataAccess, progress: Callable[[int], None] = lambda done: None) -> list[Comparison]:
    """Recompute every number of a record that its predictions determine; see `Task.rescore`."""
    check_definitions(stored)
    return TASKS.get(stored.record.task).rescore(stored, access, progress)


Row = tuple[int, StoredRecord, DataAccess]
"""A row's number among others, its record, and where its data are."""


Found = list[Comparison] | UserError
"""The comparisons of a row, or why it could not be compared."""


def rescore_all(
    stored: Sequence[StoredRecord], access: DataAccess, workers: int, progress: Callable[[int], None] = lambda done: None
) -> list[Found]:
    """`rescore` of each row, several at once; suites are made first. `progress` gets pairs, or 1 for a row without any."""
    for each in stored:
        # Its error is reported with its row.
        with suppress(UserError):
            check_definitions(each)
            TASKS.get(each.record.task).open_data(each.record, access)
    if workers == 1 or len(stored) == 1:
        return [_rescored(each, access, progress) for each in stored]
    # Open files cannot be passed to another process.
    rows: list[Row] = [(number, each, replace(access, opened={})) for number, each in enumerate(stored)]
    found = dict(in_processes(_rescore_row, rows, workers, progress))
    return [found[number] for number in range(len(stored))]


def _rescore_row(row: Row, tick: Callable[[int], None]) -> tuple[int, Found]:
    """Runs in a worker."""
    number, stored, access = row
    return number, _rescored(stored, access, tick)


def _rescored(stored: StoredRecord, access: DataAccess, progress: Callable[[int], None]) -> Found:
    try:
        return rescore(stored, access, progress)
    except UserError as error:
        return error


def rerun(stored: StoredRecord, model: Model, access: DataAccess, progress_bar: ProgressBar = no_progress_bar) -> list[Comparison]:
    """Recompute every metric by running the model. Raises UserError if it is not the record's model."""
    record = stored.record
    check_definitions(stored)
    for key in WEIGHTS:
        recorded, given = (info.get(key) for info in (record.model_info, model.info))
        if recorded != given:
            raise UserError(
                f"{stored.path} was made by {key} {str(recorded)[:12]}, the model here has {str(given)[:12]}: give its checkpoint"
            )
    recorded_model = _with_settings(model, record.model_info)
    with tempfile.TemporaryDirectory() as folder:
        _, rerun_record = TASKS.get(record.task).run(recorded_model, _request(record, access, Path(folder), progress_bar))
    compared = {metric.id for metric in compared_metrics(record)}
    values = {name: value.value for name, value in rerun_record.metrics.items() if name in compared}
    measured = {name: math.nan if value is None else value for name, value in values.items()}
    return compare_metrics(record, measured, tolerance=TOLERANCE)


def _with_settings(model: Model, info: Mapping[str, Any]) -> Model:
    """The model with the record's size of input and scales, or without any if the record has none."""
    from ..models.loading import with_input, with_scales

    if isinstance(model, DescriptorModel | MatcherModel):
        model = with_input(model, info.get("input_size", 0), info.get("input_multiple", 1))
    return with_scales(model, info.get("scales", ONE)) if isinstance(model, DescriptorModel) else model


def _request(record: Record, access: DataAccess, out: Path, progress_bar: ProgressBar) -> EvaluationRequest:
    """The evaluation request of a record."""
    name, version = record.suite
    if version is None and access.data is None:
        raise UserError(f"{record.model} was scored on the data set '{name}', which is not a suite: give it with --data")
    own = version is None
    return EvaluationRequest(
        suite=None if version is None else find_suite(name, version),
        out=out,
        opening=replace(access.opening, sources={}) if own else access.opening,
        data=access.data if own else None,
        batch=record.protocol.batch,
        radius_px=record.protocol.radius_px,
        subpixel=record.protocol.subpixel,
        query_stride=record.protocol.query_stride if own else None,
        long_side=None if record.data.layout is None else record.data.layout.long_side_px,
        progress_bar=progress_bar,
    )
