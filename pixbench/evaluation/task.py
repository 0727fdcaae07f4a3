"""Evaluation tasks: how models are run and scored, and which columns tables show. Registries of tasks and metrics."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..errors import UserError
from ..registry import Registry
from .metric import Metric
from .model import Model
from .record import DataPart, Record, StoredRecord
from .reproduction import Comparison
from .request import DataAccess, EvaluationRequest

OF_DATASETS = "matching"
"""The task of a data set that belongs to no suite."""


class Task(ABC):
    """An evaluation task. Other packages add one with an entry point of the group `pixbench.evaluation_tasks`.

    `name` is what records store. Rows are ranked by the metric `primary`; `columns` are the metrics that a table shows, in order, with
    their headings (see the files `columns.py`); those that are `ranked` too have ranks of their own. `units` are what statistics
    resample, None if predictions do not contain them. A task `of_pairs` stores the predictions of `matching.predictions`, splits its
    scores by what was trained on, and can be shown pair by pair.
    """

    name: str
    title: str
    primary: str
    columns: Mapping[str, str]
    metrics: Sequence[Metric]
    ranked: Sequence[str] = ()
    units: str | None = None
    of_pairs: bool = False

    @abstractmethod
    def run(self, model: Model, request: EvaluationRequest) -> tuple[Path, Record]:
        """Score a model: writes predictions and a record into `request.folder`; returns the record and its path.

        Raises UserError for a model of an unsupported kind, and for options that do not apply to the task.
        """

    @abstractmethod
    def rescore(self, stored: StoredRecord, access: DataAccess, progress: Callable[[int], None] = lambda done: None) -> list[Comparison]:
        """Recompute every number of a record from its predictions. `progress` is called with the number of pairs done, or with 1 for a
        record without pairs.
        """

    def renew(self, stored: StoredRecord, access: DataAccess, progress: Callable[[int], None] = lambda done: None) -> Record:
        """Rewrite a record from its predictions with the metrics of this version. Raises UserError if predictions do not suffice."""
        raise UserError(f"{stored.path}: rows of the task '{self.name}' are not scored again in place: run 'pixbench evaluate' again")

    @abstractmethod
    def caption(self, record: Record, shown: Mapping[str, str]) -> str:
        """Caption of a table with the columns `shown`."""

    def open_data(self, record: Record, access: DataAccess) -> None:
        """Open the data that a record was scored on, so that it is generated once and not by several processes at the same time. Does
        nothing by default.
        """
        del record, access

    def unit_sums(self, stored: StoredRecord, metric: str) -> dict[int, tuple[float, float]]:
        """Sum and number of a metric's values for each unit, from the files beside a record; empty if the metric is not a mean over
        them.
        """
        del stored, metric
        return {}

    def columns_of(self, record: Record) -> Mapping[str, str]:
        """Columns of the table that lists a record, metric id to heading; rows are ranked by the first."""
        del record
        return {self.primary: self.columns[self.primary]} | dict(self.columns)

    def size(self, data: DataPart) -> str:
        """The amount of data that was scored, in words."""
        return f"{data.scenes} images"

    def aggregation(self, metric: Metric) -> str:
        """How a metric is aggregated, in words."""
        del metric
        return "over the whole test set, as the definition says"


TASKS: Registry[Task] = Registry("evaluation task", "pixbench.evaluation_tasks")

METRICS: Registry[Metric] = Registry(
    "metric", "pixbench.metrics", builtin=lambda: {metric.id: metric for task in TASKS.values() for metric in task.metrics}
)
"""The metrics of all tasks, and those that other packages add to them."""


def metrics_of(task: str) -> list[Metric]:
    """All metrics of a task, sorted by id."""
    return [metric for metric in METRICS.values() if metric.task == task]


def compared_metrics(record: Record) -> list[Metric]:
    """Metrics that a record is checked against: the built-in ones of its task, and others that it reports. Metrics that a package adds
    later are not required.
    """
    own = TASKS.get(record.task).metrics
    added = sorted(record.metrics.keys() - {metric.id for metric in own})
    return sorted([*own, *map(METRICS.get, added)], key=lambda metric: metric.id)


def ordered_tasks() -> list[Task]:
    """All tasks as tables list them: those of pairs first, then by name."""
    return sorted(TASKS.values(), key=lambda task: (not task.of_pairs, task.name))


def evaluate(model: Model, request: EvaluationRequest) -> tuple[Path, Record]:
    """Score a model on a suite by the suite's task, or on a data set by matching; see `Task.run`."""
    return TASKS.get(OF_DATASETS if request.suite is None else request.suite.task).run(model, request)
