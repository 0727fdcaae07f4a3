"""The request of an evaluation, and access to the data of stored records."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import UserError
from .model import Model
from .record import SUITE_VERSION
from .record_place import check_replaced, file_stem
from .suite import Opening, Suite

ProgressBar = Callable[[str, int, str], AbstractContextManager[Callable[..., None]]]
"""Opens a progress bar from a description, a total and its unit; yields a function that takes the units done since its last call."""


@contextmanager
def no_progress_bar(what: str, total: int, unit: str) -> Iterator[Callable[..., None]]:
    """Shows nothing."""
    del what, total, unit
    yield lambda *_, **__: None


@dataclass(frozen=True)
class EvaluationRequest:
    """A suite, or the data set or real pairs in the folder `data`; results go to a folder of that name in `out`.

    A task raises UserError for options that do not apply to it. `trained_on` is the folder of the model's training set.
    `force` replaces the record of another model or protocol.
    """

    suite: Suite | None
    out: Path
    opening: Opening
    data: Path | None = None
    batch: int = 4
    radius_px: float | None = None
    subpixel: bool = False
    query_stride: int | None = None
    long_side: int | None = None
    trained_on: Path | None = None
    force: bool = False
    progress_bar: ProgressBar = no_progress_bar

    def __post_init__(self) -> None:
        """Raises UserError for numbers that cannot be."""
        for name, least in (("batch", 1), ("query_stride", 1), ("long_side", 0), ("radius_px", 0)):
            value = getattr(self, name)
            if value is not None and not value >= least:
                raise UserError(f"{name} {value}: expected at least {least}")

    @property
    def name(self) -> str:
        """The suite's key, or the name of the data set's folder. Raises UserError if the request names neither."""
        if self.suite is not None:
            return self.suite.key
        if self.data is None:
            raise UserError("nothing to evaluate on: give a suite or the folder of a data set")
        name = self.data.resolve().name
        if SUITE_VERSION.fullmatch(name):
            raise UserError(f"{self.data}: '{name}' reads as version {name.rpartition(' v')[2]} of a suite; rename the folder")
        return name

    @property
    def folder(self) -> Path:
        """Where results go."""
        return self.out / self.name

    def check_replaced(self, model: Model) -> None:
        """Raises UserError if the record would replace that of another model."""
        if self.suite is not None:
            path = self.folder / f"{file_stem(model.name)}.json"
            check_replaced(path, model, self.suite.full_name, None, None, force=self.force)

    def refuse_pair_options(self) -> None:
        """Raises UserError for an option that only applies to pairs of views."""
        options = {
            "radius": self.radius_px,
            "query-stride": self.query_stride,
            "long-side": self.long_side,
            "trained-on": self.trained_on,
            **self.opening.sources,
        }
        refused = [name for name, value in options.items() if value is not None] + ["subpixel"] * self.subpixel
        if refused:
            raise UserError(f"--{refused[0]}: suite {self.name} has no pairs; leave it out")


@dataclass(frozen=True)
class DataAccess:
    """How the data of records are opened: suites from a cache, other data sets from `data`. `opened` caches what is open (see
    `recorded_pairs`).
    """

    opening: Opening
    data: Path | None = None
    opened: dict[tuple[Any, ...], Any] = field(default_factory=dict)
