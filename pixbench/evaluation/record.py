"""The record of one evaluation: model, data, protocol, environment and metrics. Tables are a pure function of records."""

import hashlib
import json
import math
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
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
    version: int
    long_side_px: int
    """What pictures were shrunk to; 0 is not at all."""
    ground_truth: str
    """Where it comes from, with its tolerance."""


class DataPart(_Part):
    """The data that was scored on."""

    suite: str
    """Name and version of the suite, or the name of the user's data set."""
    recipe_sha256: str
    """Of the recipe and its assets: the same on every machine."""
    content_sha256: str
    """Of the contents: between processors the last bits of floats may differ."""
    split: str
    seed: int
    scenes: int
    """Scenes, or images for tasks without pairs."""
    pairs: int = 0
    """Ordered pairs of views."""
    pairs_without_points: int = 0
    points: int = 0
    """Visible query pixels of all pairs."""
    failed: dict[str, int] = Field(default_factory=dict)
    """Pairs that the model gave no answer on, by the reason; they count as misses."""
    trained_on: str | None = None
    """Hash of the contents of the training set, where one was named."""
    layout: LayoutPart | None = None
    """Of real pairs in a folder; null for suites and PixBench data sets."""


class Value(_Part):
    """A metric of the whole run; null where there is no value."""

    version: int
    sha256: str
    """Of the metric's definition and parameters."""
    value: Number | None
    """Mean over pairs that have one."""
    pooled: Number | None = None
    """Over all points of all pairs at once."""


class GroupPart(_Part):
    """Means over pairs of a part of the pairs, or of a kind of pixels."""

    pairs: int
    points: int
    metrics: dict[str, Number | None]


class Protocol(_Part):
    """How the model was asked."""

    query_stride: int | None = None
    """Every n-th pixel of every n-th row is a query."""
    scored: str
    search: str
    radius_px: float | None = None
    """Of the search around the query's place; null for the whole image."""
    subpixel: bool = False
    ratio_excludes_px: float | None = None
    """The best rival of a match lies farther away than this."""
    mutual_px: float | None = None
    """A match is mutual where it is matched back to within this of its query; null for a matcher's own matches."""
    batch: int
    device: str
    selection: list[str] = Field(default_factory=list)
    """How what was tuned on top of the model was chosen, for scores that have such a thing."""

    @property
    def queries(self) -> str:
        """The grid of queries in words, such as "every 2nd pixel of every 2nd row"; empty without one."""
        stride = self.query_stride or 0
        suffix = "th" if stride % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(stride % 10, "th")
        return "" if not stride else "every pixel" if stride == 1 else f"every {stride}{suffix} pixel of every {stride}{suffix} row"


class FilePart(_Part):
    """A file beside the record."""

    file: Annotated[FileName, Field(pattern=r"^[^/\\\\]+$")]
    """Its name, without a folder."""
    sha256: str
    bytes: int


class TimingPart(_Part):
    """Of this run, without what an earlier one had done: null where nothing was left to do."""

    seconds: float = Field(ge=0)
    images_per_s: float | None
    pairs_per_s: float | None
    peak_memory_mb: float | None
    """The most that the process held."""


class Record(_Part):
    """One evaluation."""

    format: Literal["pixbench-record"] = "pixbench-record"
    format_version: Literal[2] = 2
    task: str
    """The evaluation task's name: see `pixbench list`."""
    model: str
    """The row's name."""
    model_info: dict[str, Any]
    """What the model says of itself: kind, norm, channels, hashes of weights, training."""
    model_sha256: str
    """Of name and info."""
    data: DataPart
    protocol: Protocol
    metrics: dict[str, Value]
    """By the metric's id."""
    groups: dict[str, GroupPart] = Field(default_factory=dict)
    """By baseline angle, visible share, kind of pixel, and what was trained on."""
    details: dict[str, Any] = Field(default_factory=dict)
    """What else a task says, such as classes, domains, what was selected."""
    predictions: FilePart
    """What the scores are computed from."""
    pairs: FilePart | None = None
    """One line a pair with every metric."""
    timing: TimingPart
    environment: dict[str, str]
    """Versions and hardware."""
    created: str
    """UTC, ISO 8601."""
    sha256: str | None = None
    """Of all the rest; null in records of older versions."""

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


def environment() -> dict[str, str]:
    """Versions and hardware, as far as they bear on the numbers."""
    return {
        **{name: version(name) for name in ("pixbench", "torch", "numpy", "kornia")},
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.system(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
    }


def peak_memory_mb() -> float | None:
    """Peak memory of this process in MB; None if the system does not report it."""
    try:
        import resource
    except ImportError:
        return None
    unit = 1 if platform.system() == "Darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20, 1)


def now() -> str:
    """The time in UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


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
