"""JSON files with a format name and version: written atomically, read with errors of one line."""

import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ..errors import UserError
from .files import write_whole
from .text import printable
from .untrusted import check_shown, read_text, reason

Document = TypeVar("Document", bound=BaseModel)


def write_document(path: Path, document: BaseModel) -> None:
    """Write a document as indented JSON."""
    write_whole(path, json.dumps(document.model_dump(), indent=1) + "\n")


def read_json(path: Path, mend: str) -> Any:
    """Read a JSON file. Raises UserError, which ends with the advice `mend`, if it is not valid."""
    text = read_text(path)
    try:
        found = json.loads(text)
        check_shown(found)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not valid JSON ({reason(error)}): {mend}") from None
    return found


def parse(path: Path, raw: Any, kind: type[Document], mend: str) -> Document:
    """Validate `raw`, the JSON of the file `path`. Raises UserError for another format or version, or inconsistent fields."""
    wanted, version = (kind.model_fields[name].default for name in ("format", "format_version"))
    if format_of(raw) != wanted:
        raise UserError(f"{path} is not a PixBench file of this kind: expected format '{wanted}'")
    if raw.get("format_version") != version:
        raise UserError(
            f"{path} has format version {str(raw.get('format_version'))[:40]}, this PixBench reads version {version}: "
            "install the PixBench that wrote it, or a newer one"
        )
    return validated(path, raw, kind, mend)


def validated(path: Path, raw: Any, kind: type[Document], mend: str) -> Document:
    """`raw`, the JSON of the file `path`, as a document. Raises UserError for inconsistent fields."""
    try:
        return kind.model_validate(raw)
    except RecursionError:
        raise UserError(f"{path} is nested too deep: {mend}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "whole file"
        raise UserError(f"{path}: field '{printable(where)}': {first['msg'].removeprefix('Value error, ')}; {mend}") from None


def format_of(raw: Any) -> Any:
    """The format name of a JSON document; None if it is not a PixBench document."""
    return raw.get("format") if isinstance(raw, dict) else None
