"""Whether a row's numbers come out again: from its stored predictions, or from its checkpoint."""

import math
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError, unknown_name
from ..evaluation import classify, segment
from ..evaluation.dense import Search
from ..evaluation.evaluate import evaluate as evaluate_matching
from ..evaluation.evaluate import number
from ..evaluation.predictions import read_predictions
from ..evaluation.record import Record, Stored, read_record
from ..evaluation.score import score
from ..evaluation.source import DatasetSource, PairSource
from ..evaluation.suite import STRIDE, Opening
from ..processes import in_processes
from ..registry import METRICS, SUITES
from .entries import entries

if TYPE_CHECKING:
    from ..evaluation.model import Model

TOLERANCE = 1e-3
"""By how much a number may differ on another machine: of shares as they are, of larger numbers relative to them."""


@dataclass(frozen=True)
class Comparison:
    """One metric of one row: what its record reports, and what was measured now; None where there is no value."""

    metric: str
    reported: float | None
    measured: float | None

    @property
    def same(self) -> bool:
        """Whether both agree within the tolerance."""
        if self.reported is None or self.measured is None:
            return self.reported is self.measured
        return abs(self.reported - self.measured) <= TOLERANCE * max(1.0, abs(self.reported))


def find_rows(stored: Sequence[Stored], name: str | None) -> list[Stored]:
    """Records by their model's name, their file's, or their row's, which means all its seeds; all records without a name."""
    if name is None:
        return list(stored)
    rows = {each.path: entry.name for entry in entries(stored) for each in entry.stored}
    found = [each for each in stored if name in (rows[each.path], each.record.model, each.path.stem, str(each.path))]
    if not found:
        raise unknown_name("row", name, {each.record.model for each in stored})
    return found


def check_definitions(stored: Stored) -> None:
    """UserError for a record of another version of a metric or suite than those here, which could not be compared."""
    record = stored.record
    for name, value in record.metrics.items():
        if name not in METRICS.names():
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
    stored: Stored, open_pairs: Callable[[Record], PairSource], progress: Callable[[int], None] = lambda done: None
) -> list[Comparison]:
    """Every metric that the predictions file decides, from that file."""
    record = stored.record
    check_definitions(stored)
    path = stored.beside("predictions")
    if record.task == "classification":
        measured = classify.score(classify.read_probabilities(path))
    elif record.task == "segmentation":
        measured = segment.score(segment.read_classes(path))
    else:
        source = open_pairs(record)
        if source.identity.recipe_sha256 != record.data.recipe_sha256:
            raise UserError(
                f"{stored.path} was scored on recipe {record.data.recipe_sha256[:12]}, the data here has "
                f"{source.identity.recipe_sha256[:12]}: give the data set that it names"
            )
        measured = dict(score(read_predictions(path), source, progress, elsewhere=True).metrics)
    return [Comparison(name, record.metrics[name].value, number(value)) for name, value in measured.items() if name in record.metrics]


Row = tuple[int, Stored, Opening, Path | None]
"""A row's number among others, its record, and where its pairs are."""


def rescore_all(
    stored: Sequence[Stored], opening: Opening, data: Path | None, workers: int, progress: Callable[[int], None] = lambda done: None
) -> list[list[Comparison]]:
    """`rescore` of each row, several at once; suites are made first. `progress` gets pairs, or 1 for a row without any."""
    open_pairs = pair_opener(opening, data)
    for each in stored:
        check_definitions(each)
        if each.record.task == "matching":
            open_pairs(each.record)
    rows: list[Row] = [(number, each, opening, data) for number, each in enumerate(stored)]
    if workers == 1 or len(rows) == 1:
        return [_progressing(each, open_pairs, progress) for each in stored]
    found = dict(in_processes(_rescore_row, rows, workers, progress))
    return [found[number] for number in range(len(stored))]


def _rescore_row(row: Row, tick: Callable[[int], None]) -> tuple[int, list[Comparison]]:
    """Runs in a worker."""
    number, stored, opening, data = row
    return number, _progressing(stored, pair_opener(opening, data), tick)


def _progressing(stored: Stored, open_pairs: Callable[[Record], PairSource], progress: Callable[[int], None]) -> list[Comparison]:
    found = rescore(stored, open_pairs, progress)
    if stored.record.task != "matching":
        progress(1)
    return found


def rerun(
    stored: Stored, model: "Model", open_pairs: Callable[[Record], PairSource], opening: Opening, progress: Callable[[int], None]
) -> list[Comparison]:
    """Every metric, from the model itself. UserError where it is not the record's."""
    record = stored.record
    check_definitions(stored)
    for key in ("checkpoint_sha256", "weights_sha256"):
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
    return [
        Comparison(name, value.value, again.metrics[name].value if name in again.metrics else None)
        for name, value in record.metrics.items()
    ]


def pair_opener(opening: Opening, data: Path | None) -> Callable[[Record], PairSource]:
    """Opens the pairs that a record is of, once for all records of a suite: its suite's, or those of the user's own data set."""
    opened: dict[str, PairSource] = {}

    def open_pairs(record: Record) -> PairSource:
        name, version = suite_of(record)
        if record.data.suite not in opened:
            if version is None and data is None:
                raise UserError(f"{record.model} was scored on the data set '{name}', which is no suite: give it with --data")
            own = data if version is None else None
            stride = record.protocol.query_stride or STRIDE
            opened[record.data.suite] = SUITES.get(name).open(opening) if own is None else DatasetSource(own, name, stride)
        return opened[record.data.suite]

    return open_pairs
