"""File names of records, and the check that a record of another model is not overwritten."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from ..errors import UserError
from .model import Model, described_model
from .record import Protocol, read_record


def file_stem(name: str) -> str:
    """A model's name as a file name."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name)


def model_sha256(model: Model) -> str:
    """Hash of a model's name and info, which include the hashes of its weights."""
    return hashlib.sha256(json.dumps([model.name, described_model(model)], sort_keys=True, default=str).encode()).hexdigest()


def check_replaced(path: Path, model: Model, suite: str, recipe_sha256: str | None, protocol: Protocol | None, *, force: bool) -> None:
    """Raises UserError if `path` holds the record of another model, of other data, or of another protocol."""
    if force or not path.exists():
        return
    existing = read_record(path)
    differs = {
        "model": existing.model_sha256 != model_sha256(model),
        "suite": existing.data.suite != suite,
        "data": recipe_sha256 not in (None, existing.data.recipe_sha256),
        "protocol": protocol is not None and _compared(protocol) != _compared(existing.protocol),
    }
    if any(differs.values()):
        what = " and ".join(name for name, other in differs.items() if other)
        raise UserError(f"{path} is the record of another {what}: give this one its own --name, another --out, or --force to replace it")


def _compared(protocol: Protocol) -> dict[str, Any]:
    """The protocol without device and batch size, which do not affect scores, and without the tolerance, which follows from the model."""
    return protocol.model_dump(exclude={"batch", "device", "mutual_px"})
