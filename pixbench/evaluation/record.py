"""The record of one evaluation: model, data, protocol, environment and metrics. Tables are a pure function of records."""

import hashlib
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import UserError
from ..io.files import has_contents, write_whole
from ..io.text import printable
from ..io.untrusted import LARGEST_TEXT, FileName, check_regular, check_shown, parsing, read_text

FORMAT = "pixbench-record"

WEIGHTS = ("checkpoint_sha256", "weights_sha256", "sha256")
"""Keys of a model's info that hold the hash of its weights, by kind of model."""

SUITE_VERSION = re.compile(r"(.+) v(\d+)")
"""The full name of a suite."""

Number = Annotated[float, Field(allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class LayoutPart(_Part):
    """How real pairs were read from a folder."""

    name: str
    """Name of the layout, such as `hpatches`."""
    version: int
    """Version of the layout."""
    long_side_px: int
    """Longer side of the images after scaling; 0 if they are not scaled."""
    ground_truth: str
    """Source of the ground truth, and its tolerance."""


class DataPart(_Part):
    """The data that was evaluated on."""

    suite: str
    """Name and version of the suite, or the name of the user's data set."""
    recipe_sha256: str
    """Hash of the recipe and its assets: the same on every machine."""
    content_sha256: str
    """Hash of the contents. It may differ between machines, in the last bits of floating-point numbers."""
    split: str
    """Split of the data set."""
    seed: int
    """Seed of the data set."""
    scenes: int
    """Scenes, or images for tasks without pairs."""
    pairs: int = 0
    """Ordered pairs of views."""
    pairs_without_points: int = 0
    """Pairs without a visible query pixel, which have no score."""
    points: int = 0
    """Visible query pixels of all pairs."""
    failed: dict[str, int] = Field(default_factory=dict)
    """Number of pairs on which the model failed, by the reason. Their queries count as wrong."""
    trained_on: str | None = None
    """Hash of the contents of the training set, if one was named."""
    layout: LayoutPart | None = None
    """Layout of a folder of real pairs; null for suites and PixBench data sets."""


class Value(_Part):
    """A metric over all data of the evaluation."""

    version: int
    """Version of the metric's definition."""
    sha256: str
    """Hash of the metric's definition and parameters."""
    value: Number | None
    """Mean over all pairs for which the metric is defined; null if there are none."""
    pooled: Number | None = None
    """The metric over all points of all pairs at once; null if it is not defined."""


class GroupPart(_Part):
    """Means over a subset of the pairs, or over one kind of pixels."""

    pairs: int
    """Number of pairs in the group."""
    points: int
    """Number of visible query pixels in the group."""
    metrics: dict[str, Number | None]
    """Mean of each metric, by its id; null if it is not defined."""


class Protocol(_Part):
    """How the model was evaluated."""

    query_stride: int | None = None
    """Every n-th pixel of every n-th row is a query."""
    scored: str
    """What is scored: which pixels, or which features of an image."""
    search: str
    """Where a match may lie; `own` for a matcher that returns its own matches, `none` for tasks without matching."""
    radius_px: float | None = None
    """Radius of the search around the query's position; null for the whole image."""
    subpixel: bool = False
    """Whether matches are refined to fractions of a pixel."""
    ratio_excludes_px: float | None = None
    """Distance from the match beyond which the second-best match of the ratio is searched for."""
    mutual_px: float | None = None
    """Largest distance between a query and the match of its match, rounded up to whole pixels, for the match to be mutual; null for a
    matcher's own matches."""
    batch: int
    """Number of images that the model describes at once."""
    device: str
    """Device on which the model ran."""
    selection: list[str] = Field(default_factory=list)
    """How hyperparameters on top of the model were selected, such as the regularisation of a probe; empty if there are none."""

    @property
    def queries(self) -> str:
        """The grid of queries in words, such as "every 2nd pixel of every 2nd row"; empty without one."""
        stride = self.query_stride or 0
        suffix = "th" if stride % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(stride % 10, "th")
        return "" if not stride else "every pixel" if stride == 1 else f"every {stride}{suffix} pixel of every {stride}{suffix} row"


class FilePart(_Part):
    """A file beside the record."""

    file: Annotated[FileName, Field(pattern=r"^[^/\\\\]+$")]
    """Name of the file, without a folder."""
    sha256: str
    """Hash of the file."""
    bytes: int
    """Size of the file."""


class TimingPart(_Part):
    """Time and memory of the last run of the evaluation. Work that an earlier, interrupted run had done is not included."""

    seconds: float = Field(ge=0)
    """Duration."""
    images_per_s: float | None
    """Images described per second; null if none was left to describe."""
    pairs_per_s: float | None
    """Pairs matched per second; null if none was left to match."""
    peak_memory_mb: float | None
    """Peak memory of the process."""


class Record(_Part):
    """One evaluation."""

    format: Literal["pixbench-record"] = "pixbench-record"
    """The name of this format."""
    format_version: Literal[2] = 2
    """Version of this format."""
    task: str
    """Name of the evaluation task: see `pixbench list`."""
    model: str
    """Name of the row on the leaderboard."""
    model_info: dict[str, Any]
    """Properties of the model: kind, norm, channels, hashes of weights, training."""
    model_sha256: str
    """Hash of `model` and `model_info`."""
    data: DataPart
    """The data that was evaluated on."""
    protocol: Protocol
    """How the model was evaluated."""
    metrics: dict[str, Value]
    """The value of each metric, by its id."""
    groups: dict[str, GroupPart] = Field(default_factory=dict)
    """Metrics by baseline angle, by visible share, by kind of pixel, and by whether the assets were in the training set."""
    details: dict[str, Any] = Field(default_factory=dict)
    """Further results of the task, such as classes, domains and selected hyperparameters."""
    predictions: FilePart
    """The predictions that the scores are computed from."""
    pairs: FilePart | None = None
    """A table of all metrics, one line per pair."""
    timing: TimingPart
    """Time and memory."""
    environment: dict[str, str]
    """Versions of software, and hardware."""
    created: str
    """Time at which the record was written: UTC, ISO 8601."""
    sha256: str | None = None
    """Hash of everything else in the record; null in records of older versions."""

    def own_sha256(self) -> str:
        """Hash of everything but `sha256`."""
        contents = self.model_dump(mode="json", exclude={"sha256"})
        return hashlib.sha256(json.dumps(contents, sort_keys=True).encode()).hexdigest()

    def value(self, metric: str) -> float | None:
        """A metric's value; None where the record has none."""
        return self.metrics[metric].value if metric in self.metrics else None

    @property
    def suite(self) -> tuple[str, int | None]:
        """Name and version of the suite; no version for data of the user's."""
        named = SUITE_VERSION.fullmatch(self.data.suite)
        return (named[1], int(named[2])) if named else (self.data.suite, None)

    @property
    def weights_sha256(self) -> str:
        """Identifies the checkpoint: the hash of its weights, or the model's name if there is none."""
        return str(next((self.model_info[key] for key in WEIGHTS if self.model_info.get(key)), self.model))


DIGITS = 6
"""Decimal places of numbers in records, and significant digits in tables of pairs: more would be noise between processors."""


def number(value: float) -> float | None:
    """A number for JSON, rounded to `DIGITS` decimal places: None for NaN and infinity."""
    return round(value, DIGITS) if math.isfinite(value) else None


def schema_json() -> str:
    """The JSON Schema of records, as it is published."""
    return json.dumps(Record.model_json_schema(), indent=1) + "\n"


def write_record(path: Path, record: Record) -> Record:
    """Write a record as indented JSON, with the hash of its contents; returns what was written."""
    sealed = record.model_copy(update={"sha256": record.own_sha256()})
    write_whole(path, json.dumps(sealed.model_dump(mode="json"), indent=1) + "\n")
    return sealed


def read_record(path: Path) -> Record:
    """Read and validate a record. Raises UserError with the file and the invalid field."""
    with parsing(path, "it is no record; run 'pixbench evaluate' again"):
        try:
            record = Record.model_validate_json(read_text(path))
        except ValidationError as error:
            first = error.errors()[0]
            where = printable(".".join(map(str, first["loc"]))) or "file"
            raise UserError(f"{path} is not a record: field '{where}': {first['msg']}; run 'pixbench evaluate' again") from None
        check_shown(record.model_dump(mode="json"))
        if record.sha256 not in (None, record.own_sha256()):
            raise ValueError("sha256 is not the hash of the rest: something in it was changed")
        return record


@dataclass(frozen=True)
class StoredRecord:
    """A record and the path of its file."""

    path: Path
    record: Record

    def beside(self, which: Literal["predictions", "pairs"]) -> Path:
        """The path of the predictions or of the table of pairs. Raises UserError if the file is missing, or not the one that the record was
        made with.
        """
        part = getattr(self.record, which)
        if part is None:
            raise UserError(f"{self.path} has no file of {which}: run 'pixbench evaluate' again")
        path = self.path.with_name(part.file)
        if not path.is_file():
            raise UserError(f"{path} is missing: {self.path.name} needs it beside itself; copy it there, or run 'pixbench evaluate' again")
        check_regular(path)
        if not has_contents(path, part.bytes, part.sha256):
            raise UserError(f"{path} is not the file that {self.path.name} was made with: run 'pixbench evaluate' again")
        return path


def find_records(paths: Sequence[Path]) -> list[StoredRecord]:
    """All records in files and folders, in order of path. JSON files of another format in folders are passed over. Raises UserError for a
    path that does not exist, or a record that is not valid, such as an emptied one beside its predictions.
    """
    found = []
    for path in paths:
        if not path.exists():
            raise UserError(f"{path} does not exist: give records or folders that 'pixbench evaluate' wrote")
        files = [path]
        if path.is_dir():
            below = sorted(file for file in path.rglob("*.json") if file.is_file() and file.stat().st_size <= LARGEST_TEXT)
            files = [file for file in below if file.with_suffix(".h5").is_file() or _has_format(file)]
        found += [StoredRecord(file, read_record(file)) for file in files]
    return found


def _has_format(file: Path) -> bool:
    return f'"{FORMAT}"' in file.read_text(encoding="utf-8", errors="replace")
