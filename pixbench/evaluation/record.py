"""The record of one evaluation: what was run, where, and what came out. Tables are a pure function of records."""

import json
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import UserError
from ..files import write_whole

FORMAT = "pixbench-record"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataPart(_Part):
    """The data that was scored on."""

    suite: str
    recipe_sha256: str
    content_sha256: str
    split: str
    seed: int
    scenes: int
    pairs: int
    pairs_without_points: int
    points: int


class Value(_Part):
    """A metric's mean over pairs, and its value over all points pooled; null where there is none."""

    version: int
    value: float | None
    pooled: float | None


class Protocol(_Part):
    """How the model was asked: queries on a grid, nearest neighbour over the whole target, scored where visible."""

    query_stride: int
    scored: str = "visible queries"
    search: str = "whole target image"


class PredictionsPart(_Part):
    """The file with the predictions, beside the record."""

    file: str
    sha256: str


class Record(_Part):
    """One evaluation."""

    format: Literal["pixbench-record"] = "pixbench-record"
    format_version: Literal[1] = 1
    model: str
    model_info: dict[str, Any]
    data: DataPart
    protocol: Protocol
    metrics: dict[str, Value]
    predictions: PredictionsPart
    environment: dict[str, str]
    seconds: float = Field(ge=0)
    created: str


def environment() -> dict[str, str]:
    """Versions and hardware, as far as they bear on the numbers."""
    return {
        **{name: version(name) for name in ("pixbench", "torch", "numpy", "kornia")},
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.system(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
    }


def now() -> str:
    """The time in UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def write_record(path: Path, record: Record) -> None:
    """Write a record as indented JSON."""
    write_whole(path, json.dumps(record.model_dump(mode="json"), indent=1) + "\n")


def read_record(path: Path) -> Record:
    """Read and validate a record; UserError names the file and the field that is wrong."""
    try:
        return Record.model_validate_json(path.read_text())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "file"
        raise UserError(f"{path} is not a record: field '{where}': {first['msg']}; run 'pixbench evaluate' again") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}") from None


def find_records(paths: list[Path]) -> list[Record]:
    """All records in files and folders, in order of path. JSON files of another format in folders are passed over."""
    records = []
    for path in paths:
        if not path.exists():
            raise UserError(f"{path} does not exist: give records or folders that 'pixbench evaluate' wrote")
        files = sorted(file for file in path.rglob("*.json") if file.is_file()) if path.is_dir() else [path]
        records += [read_record(file) for file in files if not path.is_dir() or f'"{FORMAT}"' in file.read_text(errors="replace")]
    return records
