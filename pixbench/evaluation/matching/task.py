"""The matching task: finding the points of one view in another."""

import csv
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

from ...dataset.leakage import assets
from ...dataset.reader import Dataset
from ...errors import UserError
from ..metric import Metric
from ..model import Model
from ..record import DataPart, Record, StoredRecord
from ..reproduction import Comparison
from ..request import DataAccess, EvaluationRequest
from ..suite import MatchingSuite, find_suite
from ..task import METRICS, Task
from .dense_matcher import Search
from .evaluate import evaluate
from .levels.level import LEVELS
from .metrics import MATCHING_METRICS
from .metrics.columns import DENSE_COLUMNS, POINT_COLUMNS
from .pairs import EvaluationPairs
from .real.open import open_pairs
from .rescore import renew, rescore


class Matching(Task):
    """See Task. Scores are of pairs of views, of a suite or of any data set."""

    name = "matching"
    title = "where query pixels of one view lie in another"
    primary = "delta_avg"
    columns = DENSE_COLUMNS
    metrics = MATCHING_METRICS
    ranked = tuple(f"{metric}@{level}" for metric in ("delta_avg", "mma@3") for level in LEVELS)
    units = "scenes"
    of_pairs = True

    def run(self, model: Model, request: EvaluationRequest) -> tuple[Path, Record]:
        """See Task."""
        training = None if request.trained_on is None else Dataset(request.trained_on)
        source = _requested_pairs(request, None if training is None else frozenset(assets(training)))
        search = Search(radius_px=math.inf if request.radius_px is None else request.radius_px, subpixel=request.subpixel)
        return evaluate(
            model,
            source,
            request.folder,
            search=search,
            batch=request.batch,
            force=request.force,
            trained_on=None if training is None else training.manifest.content_sha256(),
            progress_bar=request.progress_bar,
        )

    def rescore(self, stored: StoredRecord, access: DataAccess, progress: Callable[[int], None] = lambda done: None) -> list[Comparison]:
        """See Task."""
        return rescore(stored, lambda: recorded_pairs(stored.record, access), progress)

    def renew(self, stored: StoredRecord, access: DataAccess, progress: Callable[[int], None] = lambda done: None) -> Record:
        """See Task."""
        return renew(stored, lambda: recorded_pairs(stored.record, access), progress)

    def open_data(self, record: Record, access: DataAccess) -> None:
        """See Task."""
        recorded_pairs(record, access)

    def unit_sums(self, stored: StoredRecord, metric: str) -> dict[int, tuple[float, float]]:
        """See Task. By scene, over its pairs. Raises UserError if the table of pairs is damaged."""
        sums: dict[int, tuple[float, float]] = {}
        column = METRICS.get(metric).column
        if METRICS.get(metric).summary is not None:
            return sums
        try:
            with stored.beside("pairs").open(newline="", encoding="utf-8") as file:
                for row in csv.DictReader(file):
                    if row[column]:
                        total, count = sums.get(int(row["scene"]), (0.0, 0.0))
                        sums[int(row["scene"])] = total + float(row[column]), count + 1
        except (KeyError, ValueError, TypeError) as error:
            raise UserError(f"{stored.path}: its table of pairs cannot be read ({error}): run 'pixbench evaluate' again") from None
        return sums

    def columns_of(self, record: Record) -> Mapping[str, str]:
        """See Task. Matchers of points have a table of their own, and are ranked by the share of their matches that are right."""
        return POINT_COLUMNS if _matches_points(record) else self.columns

    def size(self, data: DataPart) -> str:
        """See Task."""
        return f"{data.scenes} scenes, {data.pairs} ordered pairs"

    def caption(self, record: Record, shown: Mapping[str, str]) -> str:
        """See Task."""
        every = record.protocol.queries
        lower = [words for name, words in shown.items() if not METRICS.get(name).higher_is_better]
        if _matches_points(record):
            reach = f"{record.model_info['reach_px']:g} px"
            return (
                "Matchers that choose their points, ranked by the share of their matches within 3 px; means over pairs. Coverage is the "
                f"share of {record.data.points} visible queries ({every}) with a match within {reach}, right or wrong."
            )
        searched = "in the whole target image" + ", or within the radius that a row names" * (record.protocol.radius_px is not None)
        return (
            f"{record.data.points} visible queries ({every}), searched {searched}; means over pairs. "
            f"Higher is better{', but for ' * bool(lower)}{' and '.join(lower)}. 'pixbench metrics explain ID' says what a number means."
        )

    def aggregation(self, metric: Metric) -> str:
        """See Task."""
        return "computed from the errors of all pairs" if metric.summary else "mean over pairs that have a value"


def _matches_points(record: Record) -> bool:
    """Whether the model is a matcher that chooses its own points."""
    return "reach_px" in record.model_info


MATCHING = Matching()


def recorded_pairs(record: Record, access: DataAccess) -> EvaluationPairs:
    """The pairs that a record is of, opened once for all records of them: its suite's, or those of the user's own data set with the
    record's queries and size of pictures. Raises UserError if that data set is not given.
    """
    name, version = record.suite
    stride, side = record.protocol.query_stride, None if record.data.layout is None else record.data.layout.long_side_px
    key = (record.data.suite,) if version is not None else (record.data.suite, stride, side)
    if key not in access.opened:
        if version is not None:
            access.opened[key] = find_suite(name, version).open(access.opening)
        elif access.data is not None:
            access.opened[key] = open_pairs(access.data, name, query_stride=stride, long_side=side)
        else:
            raise UserError(f"{record.model} was scored on the data set '{name}', which is not a suite: give it with --data")
    pairs: EvaluationPairs = access.opened[key]
    return pairs


def _requested_pairs(request: EvaluationRequest, trained_on: Collection[str] | None) -> EvaluationPairs:
    """The pairs of a request, made or fetched first where a suite needs that. `trained_on` is the hashes of a training set's assets."""
    if request.data is not None:
        if request.opening.sources:
            raise UserError(f"--{next(iter(request.opening.sources))}: --data is made already; leave one of them out")
        return open_pairs(request.data, request.name, query_stride=request.query_stride, long_side=request.long_side, trained_on=trained_on)
    for option, value in (("query-stride", request.query_stride), ("long-side", request.long_side)):
        if value is not None:
            raise UserError(f"--{option}: suite {request.name} fixes its queries and sizes; use it with --data")
    suite = cast(MatchingSuite, request.suite)
    with request.progress_bar(f"suite {suite.name}", suite.work, "scenes") as advance:
        return suite.open(replace(request.opening, trained_on=trained_on), advance)
