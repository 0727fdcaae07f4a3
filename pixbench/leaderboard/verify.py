"""Whether a row's numbers come out again: from its stored predictions, or from its checkpoint."""

import csv
import io
import math
import re
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import UserError, unknown_name
from ..evaluation.matching.dense_matcher import Search
from ..evaluation.matching.evaluate import evaluate as evaluate_matching
from ..evaluation.matching.evaluate import number, pair_table
from ..evaluation.matching.pairs import DatasetPairs, EvaluationPairs
from ..evaluation.matching.predictions import read_predictions
from ..evaluation.matching.scoring import Scores, score
from ..evaluation.probing import classification as classify
from ..evaluation.probing import segmentation as segment
from ..evaluation.record import WEIGHTS, Record, StoredRecord, read_record
from ..evaluation.suite import STRIDE, Opening
from ..io.processes import in_processes
from ..registry import METRICS, SUITES
from .entries import entries

if TYPE_CHECKING:
    from ..evaluation.model import Model

TOLERANCE = 1e-3
"""By how much a number may differ on another machine: of shares as they are, of larger numbers relative to them."""


@dataclass(frozen=True)
class Comparison:
    """One number of one row: what its record reports, and what was measured now; None where there is no value.

    `decided` is false for numbers that the predictions do not decide, and only the model could: they are not compared.
    """

    name: str
    reported: float | None
    measured: float | None
    decided: bool = True

    @property
    def same(self) -> bool:
        """Whether both agree within the tolerance."""
        if not self.decided:
            return True
        if self.reported is None or self.measured is None or not (math.isfinite(self.reported) and math.isfinite(self.measured)):
            return self.reported == self.measured
        return abs(self.reported - self.measured) <= TOLERANCE * max(1.0, abs(self.reported))


def find_rows(stored: Sequence[StoredRecord], name: str | None) -> list[StoredRecord]:
    """Records by their model's name, their file's, or their row's, which means all its seeds; all records without a name."""
    if name is None:
        return list(stored)
    rows = {each.path: entry.name for entry in entries(stored) for each in entry.stored}
    found = [each for each in stored if name in (rows[each.path], each.record.model, each.path.stem, str(each.path))]
    if not found:
        raise unknown_name("row", name, {each.record.model for each in stored})
    return found


def check_definitions(stored: StoredRecord) -> None:
    """UserError for a record of another version of a metric or suite than those here, which could not be compared."""
    record, known = stored.record, METRICS.names()
    for name, value in record.metrics.items():
        if name not in known:
            raise UserError(f"{stored.path}: metric '{name}' is not known here: install the PixBench that made it")
        metric = METRICS.get(name)
        if (metric.version, metric.sha256()) != (value.version, value.sha256):
            raise UserError(
                f"{stored.path}: metric '{name}' is version {value.version} ({value.sha256[:12]}), here it is version {metric.version} "
                f"({metric.sha256()[:12]}): numbers of different definitions are not compared; run 'pixbench evaluate' again"
            )
    name, version = suite_of(record)
    if version is not None and (name not in SUITES.names() or SUITES.get(name).version != version):
        here = f"version {SUITES.get(name).version}" if name in SUITES.names() else "not known"
        raise UserError(f"{stored.path}: suite '{name}' is version {version}, here it is {here}: run 'pixbench evaluate' again")


def suite_of(record: Record) -> tuple[str, int | None]:
    """Name and version of the suite that a record is of; no version for data of the user's."""
    named = re.fullmatch(r"(.+) v(\d+)", record.data.suite)
    return (named[1], int(named[2])) if named else (record.data.suite, None)


def rescore(
    stored: StoredRecord, open_pairs: Callable[[Record], EvaluationPairs], progress: Callable[[int], None] = lambda done: None
) -> list[Comparison]:
    """Every number of the record that its predictions decide, and its table of pairs, computed from the predictions again."""
    record = stored.record
    check_definitions(stored)
    path = stored.beside("predictions")
    if record.task == "classification":
        return _metrics(record, classify.score(classify.read_probabilities(path)))
    if record.task == "segmentation":
        return _metrics(record, segment.score(segment.read_classes(path)), undecided=segment.STRUCTURE)
    source = open_pairs(record)
    if source.identity.recipe_sha256 != record.data.recipe_sha256:
        raise UserError(
            f"{stored.path} was scored on recipe {record.data.recipe_sha256[:12]}, the data here has "
            f"{source.identity.recipe_sha256[:12]}: give the data set that it names"
        )
    predictions = read_predictions(path)
    if predictions.model != record.model:
        raise UserError(f"{path} holds predictions of {predictions.model}, the record is of {record.model}: evaluate again")
    scores = score(predictions, source, progress, elsewhere=True)
    same_copy = predictions.content_sha256 == source.identity.content_sha256
    return [
        *_metrics(record, scores.metrics),
        *(Comparison(f"{name}, pooled", _pooled(record, name), number(value)) for name, value in scores.pooled.items()),
        *_groups(record, scores),
        *_pair_columns(stored, pair_table(scores), cells=same_copy),
        Comparison("points", record.data.points, sum(row.points for row in scores.rows), decided=same_copy),
        Comparison("pairs that failed", sum(record.data.failed.values()), sum(bool(row.reason) for row in scores.rows)),
    ]


def _metrics(record: Record, measured: Mapping[str, float], undecided: Collection[str] = ()) -> list[Comparison]:
    """All metrics of the record, and those that it lacks though its task has them."""
    names = [*record.metrics, *(name for name in measured if name not in record.metrics)]
    return [Comparison(name, _value(record, name), number(measured.get(name, math.nan)), name not in undecided) for name in names]


def _value(record: Record, name: str) -> float | None:
    return record.metrics[name].value if name in record.metrics else None


def _pooled(record: Record, name: str) -> float | None:
    return record.metrics[name].pooled if name in record.metrics else None


def _groups(record: Record, scores: Scores) -> list[Comparison]:
    """Those groups that can be told without the training set, of which only its owner knows what was in it."""
    found = []
    for group, mine in scores.groups.items():
        reported = record.groups[group].metrics if group in record.groups else {}
        found += [Comparison(f"{group}, {name}", reported.get(name), number(value)) for name, value in mine.metrics.items()]
    return found


def _pair_columns(stored: StoredRecord, measured: str, *, cells: bool) -> list[Comparison]:
    """The table of pairs, column by column: the cell that is farthest off; on another processor's copy of the set the mean."""
    text = stored.beside("pairs").read_text()
    tables = [list(csv.DictReader(io.StringIO(each))) for each in (text, measured)]
    if len(tables[0]) != len(tables[1]) or any(row.keys() != tables[1][0].keys() for row in tables[0]):
        raise UserError(f"{stored.path}: its table of pairs has other rows or columns than its predictions give: evaluate again")
    found = []
    for column in tables[1][0]:
        pairs = [(_cell(one[column]), _cell(other[column])) for one, other in zip(*tables, strict=True)]
        if cells:
            worst = max(pairs, key=lambda pair: _apart(*pair))
        else:
            known = [pair for pair in pairs if None not in pair and all(map(math.isfinite, pair))]  # type: ignore[arg-type]
            worst = (float(np.mean([one for one, _ in known])), float(np.mean([other for _, other in known]))) if known else (None, None)
        found.append(Comparison(f"table of pairs, {column}", *worst))
    return found


def _cell(text: str) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        # Words, such as the reason of a failure: all that can be asked is whether they are there.
        return 1.0


def _apart(one: float | None, other: float | None) -> float:
    if one == other:
        return 0.0
    return math.inf if one is None or other is None or not math.isfinite(one - other) else abs(one - other) / max(1.0, abs(one))


Row = tuple[int, StoredRecord, Opening, Path | None]
"""A row's number among others, its record, and where its pairs are."""


Found = list[Comparison] | UserError
"""How a row's numbers came out, or why they could not be compared."""


def rescore_all(
    stored: Sequence[StoredRecord], opening: Opening, data: Path | None, workers: int, progress: Callable[[int], None] = lambda done: None
) -> list[Found]:
    """`rescore` of each row, several at once; suites are made first. `progress` gets pairs, or 1 for a row without any."""
    open_pairs = pair_opener(opening, data)
    for each in stored:
        if each.record.task == "matching":
            # What is wrong with it is said with its row.
            with suppress(UserError):
                check_definitions(each)
                open_pairs(each.record)
    rows: list[Row] = [(number, each, opening, data) for number, each in enumerate(stored)]
    if workers == 1 or len(rows) == 1:
        return [_progressing(each, open_pairs, progress) for each in stored]
    found = dict(in_processes(_rescore_row, rows, workers, progress))
    return [found[number] for number in range(len(stored))]


def _rescore_row(row: Row, tick: Callable[[int], None]) -> tuple[int, Found]:
    """Runs in a worker."""
    number, stored, opening, data = row
    return number, _progressing(stored, pair_opener(opening, data), tick)


def _progressing(stored: StoredRecord, open_pairs: Callable[[Record], EvaluationPairs], progress: Callable[[int], None]) -> Found:
    try:
        found = rescore(stored, open_pairs, progress)
    except UserError as error:
        return error
    if stored.record.task != "matching":
        progress(1)
    return found


def rerun(
    stored: StoredRecord, model: "Model", open_pairs: Callable[[Record], EvaluationPairs], opening: Opening, progress: Callable[[int], None]
) -> list[Comparison]:
    """Every metric, from the model itself. UserError where it is not the record's."""
    record = stored.record
    check_definitions(stored)
    for key in WEIGHTS:
        there, here = (info.get(key) for info in (record.model_info, model.info))
        if there != here:
            raise UserError(f"{stored.path} was made by {key} {str(there)[:12]}, the model here has {str(here)[:12]}: give its checkpoint")
    with tempfile.TemporaryDirectory() as folder:
        out, (name, _) = Path(folder), suite_of(record)
        if record.task == "classification":
            path, _ = classify.evaluate(model, SUITES.get(name), out, batch=record.protocol.batch, progress=progress)
        elif record.task == "segmentation":
            path, _ = segment.evaluate(model, SUITES.get(name), opening, out, batch=record.protocol.batch, progress=progress)
        else:
            radius = record.protocol.radius_px
            search = Search(subpixel=record.protocol.subpixel, radius_px=math.inf if radius is None else radius)
            path, _ = evaluate_matching(model, open_pairs(record), out, search=search, batch=record.protocol.batch, progress=progress)
        again = read_record(path)
    return _metrics(record, {name: math.nan if value.value is None else value.value for name, value in again.metrics.items()})


def pair_opener(opening: Opening, data: Path | None) -> Callable[[Record], EvaluationPairs]:
    """Opens the pairs that a record is of, once for all records of a suite: its suite's, or those of the user's own data set."""
    opened: dict[str, EvaluationPairs] = {}

    def open_pairs(record: Record) -> EvaluationPairs:
        name, version = suite_of(record)
        if record.data.suite not in opened:
            if version is None and data is None:
                raise UserError(f"{record.model} was scored on the data set '{name}', which is no suite: give it with --data")
            own = data if version is None else None
            stride = record.protocol.query_stride or STRIDE
            opened[record.data.suite] = SUITES.get(name).open(opening) if own is None else DatasetPairs(own, name, stride)
        return opened[record.data.suite]

    return open_pairs
