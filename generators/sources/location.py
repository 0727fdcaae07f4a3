"""The location of a source's files as a user writes it: a path, and options after a question mark (`PATH?up=y&instance-colors=ok`)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import parse_qsl

from pixbench.errors import UserError, unknown_name

Known = Mapping[str, Sequence[str] | None]
"""Options of a source, with their allowed values; None allows any value."""


def parsed(source: str, location: str | None, known: Known | None = None) -> tuple[Path, dict[str, str]]:
    """The path and the options of a location. Raises UserError if it is empty, does not exist, or has unknown options or values."""
    if not location:
        raise UserError(f"'{source}' needs the place of your copy: write {source}:PATH")
    written, _, query = (location, "", "") if Path(location).exists() else _divided(location)
    if not written:
        raise UserError(f"'{source}' needs the place of your copy: write {source}:PATH")
    path = Path(written).expanduser()
    if not path.exists():
        raise UserError(f"'{source}' finds nothing at {path}")
    options = dict(parse_qsl(query, keep_blank_values=True))
    for name, value in options.items():
        _check_option(source, name, value, known or {})
    return path, options


def _divided(location: str) -> tuple[str, str, str]:
    """Path and options. Options follow the last question mark, because a path may contain others."""
    path, mark, query = location.rpartition("?")
    return (path, mark, query) if mark else (location, "", "")


def _check_option(source: str, name: str, value: str, known: Known) -> None:
    if name not in known:
        raise unknown_name(f"option of '{source}'", name, known)
    values = known[name]
    if values is not None and value not in values:
        raise UserError(f"option {name} of '{source}' is '{value}': it can be {' or '.join(values)}")
