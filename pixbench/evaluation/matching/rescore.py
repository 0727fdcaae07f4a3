"""Rescores stored predictions: compares every number of the record with the recomputed one, or replaces it."""

import csv
import hashlib
import io
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from ...errors import UserError
from ...io.files import write_whole
from ...io.untrusted import parsing, read_text
from ..record import Record, StoredRecord, number, write_record
from ..record_writer import file_part, values
from ..reproduction import Comparison
from ..task import compared_metrics
from .evaluate import group_parts, pair_table
from .metrics.copy_tolerances import SAME_COPY, Tolerances, between_copies
from .pairs import EvaluationPairs, Identity
from .predictions import Predictions, read_predictions
from .scoring import BY_TRAINING, Scores, score


def rescore(
    stored: StoredRecord, open_pairs: Callable[[], EvaluationPairs], progress: Callable[[int], None] = lambda done: None
) -> list[Comparison]:
    """Recompute every number of a record that its predictions determine, and its table of pairs."""
    record, source = stored.record, open_pairs()
    predictions = _predictions(stored, source)
    same_copy = predictions.content_sha256 == source.identity.content_sha256
    metrics, mutual_px = compared_metrics(record), record.protocol.mutual_px or 0.0
    scores = score(predictions, source, progress, mutual_px=mutual_px, metrics=metrics, elsewhere=True)
    tables = _tables(stored, pair_table(scores))
    tolerances = SAME_COPY
    if not same_copy:
        # Pose estimates do not depend on errors, so they need not be rescored.
        by_errors = [metric for metric in metrics if not metric.per_pair]

        def rescored(shift_px: float) -> Scores:
            return score(predictions, source, mutual_px=mutual_px, metrics=by_errors, elsewhere=True, shift_px=shift_px)

        tolerances = between_copies(scores, tables[0], metrics, rescored)
    return [
        *_metrics(record, scores, tolerances),
        *_pooled(record, scores, tolerances),
        *_groups(record, scores, tolerances),
        *_pair_columns(*tables, tolerances),
        *_data(record, scores, source.identity, counts=same_copy),
    ]


def renew(stored: StoredRecord, open_pairs: Callable[[], EvaluationPairs], progress: Callable[[int], None] = lambda done: None) -> Record:
    """Rewrite a record and its table of pairs from its predictions with the metrics of this version.

    Older records without a tolerance of mutual matches have tolerance 0: a mutual match then returned to the same pixel. Groups that need
    the training set keep the metrics whose definitions have not changed.
    """
    record, source = stored.record, open_pairs()
    predictions = _predictions(stored, source)
    protocol = record.protocol
    if protocol.mutual_px is None and all(answer.matches.points_a is None for answer in predictions.answers):
        protocol = protocol.model_copy(update={"mutual_px": 0.0})
    scores = score(predictions, source, progress, mutual_px=protocol.mutual_px or 0.0)
    table = stored.beside("pairs")
    write_whole(table, pair_table(scores))
    renewed = values(scores.metrics, scores.pooled)
    same = {name for name, value in renewed.items() if name in record.metrics and record.metrics[name].sha256 == value.sha256}
    kept = {
        name: group.model_copy(update={"metrics": {metric: value for metric, value in group.metrics.items() if metric in same}})
        for name, group in record.groups.items()
        if name in BY_TRAINING
    }
    update = {"metrics": renewed, "groups": kept | group_parts(scores), "pairs": file_part(table), "protocol": protocol}
    return write_record(stored.path, record.model_copy(update=update))


def _predictions(stored: StoredRecord, source: EvaluationPairs) -> Predictions:
    """A record's predictions. Raises UserError if they or the data are not the record's."""
    record, path = stored.record, stored.beside("predictions")
    if source.identity.recipe_sha256 != record.data.recipe_sha256:
        raise UserError(
            f"{stored.path} was scored on recipe {record.data.recipe_sha256[:12]}, the data here has "
            f"{source.identity.recipe_sha256[:12]}: give the data set that it names"
        )
    predictions = read_predictions(path)
    if predictions.model != record.model:
        raise UserError(f"{path} holds predictions of {predictions.model}, the record is of {record.model}: evaluate again")
    return predictions


def _metrics(record: Record, scores: Scores, tolerances: Tolerances) -> list[Comparison]:
    """All metrics of the record, and metrics of the task that it lacks."""
    measured = {name: number(value) for name, value in scores.metrics.items()}
    names = {**record.metrics, **measured}
    return [Comparison(name, record.value(name), measured.get(name), tolerance=tolerances.metric(name)) for name in names]


def _pooled(record: Record, scores: Scores, tolerances: Tolerances) -> list[Comparison]:
    """Metrics over all points at once, of the record and of the scores."""
    reported = {name: value.pooled for name, value in record.metrics.items()}
    names = [*scores.pooled, *(name for name, value in reported.items() if value is not None and name not in scores.pooled)]
    return [
        Comparison(f"{name}, pooled", reported.get(name), number(scores.pooled.get(name, math.nan)), tolerance=tolerances.over_points(name))
        for name in names
    ]


def _groups(record: Record, scores: Scores, tolerances: Tolerances) -> list[Comparison]:
    """Every group of the record and of the scores. Groups by what was seen in training are not decided without the training set."""
    found = []
    for group in {**record.groups, **scores.groups}:
        decided = group not in BY_TRAINING or group in scores.groups
        recorded, rescored = record.groups.get(group), scores.groups.get(group)
        for count in ("pairs", "points"):
            reported_count, measured_count = (None if each is None else float(getattr(each, count)) for each in (recorded, rescored))
            found.append(Comparison(f"{group}, {count}", reported_count, measured_count, decided=decided and tolerances.same_copy))
        reported: Mapping[str, float | None] = {} if recorded is None else recorded.metrics
        measured: Mapping[str, float] = {} if rescored is None else rescored.metrics
        for name in {**reported, **measured}:
            both = (reported.get(name), number(measured.get(name, math.nan)))
            found.append(Comparison(f"{group}, {name}", *both, decided=decided, tolerance=tolerances.group(group, name)))
    return found


def _data(record: Record, scores: Scores, identity: Identity, *, counts: bool) -> list[Comparison]:
    """The data fields of a record as numbers; for text, 1 if it equals that of the data, otherwise 0."""
    data, rows = record.data, scores.rows
    sizes = {
        "scenes": (data.scenes, identity.scenes, True),
        "pairs": (data.pairs, len(rows), True),
        "pairs without points": (data.pairs_without_points, sum(not row.points for row in rows), counts),
        "points": (data.points, sum(row.points for row in rows), counts),
        "pairs that failed": (sum(data.failed.values()), sum(bool(row.reason) for row in rows), True),
        "reasons of failures": (1, int(data.failed == dict(Counter(row.reason for row in rows if row.reason))), True),
        "split and seed": (1, int((data.split, data.seed) == (identity.split, identity.seed)), True),
    }
    return [Comparison(name, float(reported), float(measured), decided) for name, (reported, measured, decided) in sizes.items()]


Table = list[dict[str, str]]


def _tables(stored: StoredRecord, measured: str) -> tuple[Table, Table]:
    """The record's table of pairs and the measured one. Raises UserError if they have other rows or columns."""
    path = stored.beside("pairs")
    with parsing(path, "evaluate again"):
        reported, here = (list(csv.DictReader(io.StringIO(each))) for each in (read_text(path), measured))
    if len(reported) != len(here) or _filled(reported).keys() != _filled(here).keys():
        raise UserError(f"{stored.path}: its table of pairs has other rows or columns than its predictions give: evaluate again")
    return reported, here


def _pair_columns(reported: Table, measured: Table, tolerances: Tolerances) -> list[Comparison]:
    """For each column of the table of pairs, the cell with the largest difference, cells outside their tolerance first."""
    found = []
    for column in _filled(measured):
        cells = [
            Comparison(
                f"table of pairs, {column}", _cell(one[column]), _cell(other[column]), tolerance=tolerances.cell(number_of_row, column)
            )
            for number_of_row, (one, other) in enumerate(zip(reported, measured, strict=True))
        ]
        found.append(max(cells, key=lambda cell: (not cell.same, _apart(cell.reported, cell.measured))))
    return found


def _filled(rows: Sequence[Mapping[str, str]]) -> dict[str, None]:
    """Columns with a value in some row, in order. Empty columns are ignored: metrics that were added later have no value in older rows."""
    return {name: None for row in rows for name, text in row.items() if text}


def _cell(text: str | None) -> float | None:
    # A row that is cut off lacks its last cells.
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        # Text, such as the reason of a failure, is compared by its hash.
        return float(int(hashlib.sha256(text.encode()).hexdigest()[:12], 16))


def _apart(one: float | None, other: float | None) -> float:
    if one == other:
        return 0.0
    return math.inf if one is None or other is None or not math.isfinite(one - other) else abs(one - other) / max(1.0, abs(one))
