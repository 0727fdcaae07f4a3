"""Shared code of commands: parsing of options into configurations, checks of paths."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import UserError, unknown_name
from ..io.threads import allowed_cores

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

    C = TypeVar("C", bound=BaseModel)


def given(**options: Any) -> dict[str, Any]:
    """The options that were given, without those that are None."""
    return {name: value for name, value in options.items() if value is not None}


def sources_given(generator: str, kind: "type[BaseModel]", **sources: Any) -> dict[str, Any]:
    """The sources that were given. Raises UserError for one that a generator's configuration does not have."""
    found = given(**sources)
    for name in found:
        if name not in kind.model_fields:
            raise UserError(f"--{name}: generator {generator} has no such option; see 'pixbench settings {generator}'")
    return found


def build_config(kind: "type[C]", values: dict[str, Any], settings: Sequence[str] = (), preset: Mapping[str, Any] | None = None) -> "C":
    """A configuration from options and `--set name=value` (value as JSON, or a plain word); UserError names the option.

    `preset` holds the values of settings that neither of them gives.
    """
    from pydantic import ValidationError

    options, values = values, {**(preset or {}), **values}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise UserError(f"--set {setting}: expected NAME=VALUE")
        if name.split(".")[0] not in kind.model_fields:
            raise unknown_name("setting", name, kind.model_fields)
        if name in values and name in options:
            raise UserError(f"--set {setting}: there is an option for it, --{name}, and it was given too: leave one out")
        # The name of a source in locations may contain dots.
        path = name.split(".", 1) if name.startswith("locations.") else name.split(".")
        _set(values, path, _parse(text))
    try:
        return kind(**values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "configuration"
        raise UserError(f"{where}: {_reason(first)}") from None


def _reason(error: "ErrorDetails") -> str:
    """Why a value is invalid, and what is expected."""
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "value_error":
        return message[:1].lower() + message[1:]
    if error["type"] in ("tuple_type", "list_type", "missing", "too_long"):
        return f"expected a list in brackets, as [1, 2], got {error['input']!r}"
    if error["type"] in ("dict_type", "model_type"):
        return f"expected settings inside, as --set {'.'.join(map(str, error['loc']))}.NAME=VALUE, got {error['input']!r}"
    return f"{message[:1].lower()}{message[1:]}, got {error['input']!r}"


def _set(values: dict[str, Any], path: list[str], value: Any) -> None:
    for depth, name in enumerate(path[:-1]):
        values = values.setdefault(name, {})
        if not isinstance(values, dict):
            raise UserError(f"--set {'.'.join(path)}: {'.'.join(path[: depth + 1])} has no settings inside")
    values[path[-1]] = value


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
    except RecursionError:
        raise UserError(f"--set ...={text[:20]}...: the value is nested too deep") from None


def check_folder(path: Path | None) -> None:
    """Raise UserError, before any work starts, if the folder of an output file does not exist, or if the path is one itself."""
    if path is not None and path.is_dir():
        raise UserError(f"{path} is a folder: expected the name of a file to write")
    if path is not None and not path.parent.is_dir():
        raise UserError(f"{path}: folder {path.parent} does not exist; make it, or choose another place")


def check_outputs(outputs: Iterable[Path | None], inputs: Iterable[Path]) -> None:
    """Raise UserError, before any work starts, if an output file cannot be made (see `check_folder`), is an input, or is named twice."""
    # Not Path.resolve, which raises RuntimeError for a link to itself.
    known = {os.path.realpath(path): "is a picture to read" for path in inputs}
    for path in outputs:
        check_folder(path)
        if path is None:
            continue
        place = os.path.realpath(path)
        if place in known:
            raise UserError(f"{path} {known[place]}: expected another name of the file to write")
        known[place] = "is written already"


def default_workers() -> int:
    """Default number of worker processes: the number of cores that this process may use."""
    return len(allowed_cores())
