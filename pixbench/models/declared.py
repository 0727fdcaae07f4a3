"""Settings that a network declares: attributes of a torch module, or the extra file `pixbench.json` of an exported one."""

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..evaluation.matching.nearest import Norm
from ..evaluation.model import parse_norm
from ..evaluation.network_input import CellGrid

DECLARATION = "pixbench.json"
"""Name of the extra file that `torch.export.save(..., extra_files=...)` and `torch.jit.save(..., _extra_files=...)` write."""


def read_norm(value: Any) -> Norm:
    """The norm 1, 2, inf or cosine, given as a number or as text. Raises ValueError for anything else."""
    if isinstance(value, str) or value in (1, 2, math.inf):
        return parse_norm(value if isinstance(value, str) else f"{value:g}")
    raise ValueError(f"got {value}, expected 1, 2, inf or cosine")


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"got {value}, expected a whole number from 1")
    return value


def _length(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise ValueError(f"got {value}, expected a number of pixels")
    return float(value)


def _one_of(*known: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in known:
            raise ValueError(f"got {value}, expected {' or '.join(known)}")
        return str(value)

    return read


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"got {value}, expected True or False")
    return value


READERS: Mapping[str, Callable[[Any], Any]] = {
    "p": read_norm,
    "input_size": _whole,
    "input_multiple": _whole,
    "cell_stride": _length,
    "cell_offset": _length,
}
"""`p`: the norm. `input_size`: longer side that smaller images are enlarged to. `input_multiple`: sides are padded to a multiple of it.
`cell_stride`, `cell_offset`: distance between the centres of cells, and position of the first, in pixels of the network's input."""


MATCHER_READERS: Mapping[str, Callable[[Any], Any]] = {
    "takes": _one_of("images", "dictionary"),
    "grey": _flag,
    "pixel_centres": _one_of("half", "whole"),
}
"""Further settings of modules that match two images. `takes`: how they take the images. `grey`: as images of one channel.
`pixel_centres`: where the centre of the first pixel lies in their points, at 0.5 or at 0.
"""


def declared(network: Any) -> dict[str, Any]:
    """The settings in a module's attributes. Raises UserError for an invalid value."""
    return _declared(network, READERS)


def declared_by_matcher(module: Any) -> dict[str, Any]:
    """The settings of a module that matches two images, of which those in `MATCHER_READERS` have no default here."""
    return _declared(module, {**READERS, **MATCHER_READERS})


def _declared(network: Any, readers: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    found = {name: getattr(network, name) for name in readers if getattr(network, name, None) is not None}
    return _parse_fields(found, f"model {type(network).__name__}", readers)


def read_declaration(path: Path, text: str | bytes) -> dict[str, Any]:
    """The settings in the extra file of an exported network; empty without one. Raises UserError if it is not valid JSON, or has unknown
    keys.
    """
    if not text:
        return {}
    try:
        found = json.loads(text)
    except ValueError as error:
        raise UserError(f"--model {path}: its {DECLARATION} is not valid JSON ({error})") from None
    if not isinstance(found, dict):
        raise UserError(f"--model {path}: its {DECLARATION} is not a JSON object: expected {', '.join(READERS)}")
    if unknown := found.keys() - READERS.keys():
        raise UserError(f"--model {path}: its {DECLARATION} has {min(unknown)}: expected {', '.join(READERS)}")
    return _parse_fields(found, f"--model {path}")


def cell_grid(settings: Mapping[str, Any]) -> CellGrid | None:
    """The grid of cells; None if it is not declared."""
    if not settings.get("cell_stride"):
        return None
    return CellGrid(settings["cell_stride"], settings.get("cell_offset"))


def _parse_fields(found: Mapping[str, Any], whose: str, readers: Mapping[str, Callable[[Any], Any]] = READERS) -> dict[str, Any]:
    settings = {}
    for name, value in found.items():
        try:
            settings[name] = readers[name](value)
        except (ValueError, TypeError, RuntimeError) as error:
            # A tensor, such as a learned exponent, has neither one truth value nor a format.
            reason = str(error) if isinstance(error, ValueError) else f"got a {type(value).__name__}, expected a plain value"
            raise UserError(f"{whose}: {name}: {reason}") from None
    return settings
