"""Functions on records of cells that all experiments share."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from ..errors import unknown_name
from ..io.environment import environment
from ..training.run_folder import RUN, read_curve
from . import Record, cell_format


def cell_record(experiment: str, cell: Any, measured: Record) -> Record:
    """The record of a finished cell: its settings, what was measured, and the versions that it ran with."""
    return {"format": cell_format(experiment), "format_version": 1, **asdict(cell), **measured, "environment": environment()}


def training_facts(run: Path) -> Record:
    """How a run was trained: precision, threads, and the seconds of training alone, of all attempts up to what each had saved.

    The seconds are None for a run that diverged before its first save.
    """
    stored, curve = json.loads((run / RUN).read_text(encoding="utf-8")), read_curve(run)
    return {name: stored.get(name) for name in ("precision", "threads")} | {"train_seconds": curve[-1]["train_seconds"] if curve else None}


def file_name(text: str) -> str:
    """A text as part of a file's name: hyphens in place of everything but letters and digits."""
    plain = "".join(letter if letter.isalnum() else "-" for letter in text)
    return "-".join(filter(None, plain.split("-")))


def by_settings(
    cells: Sequence[Record], *names: str, order: Mapping[str, Callable[[Any], Any]] = MappingProxyType({})
) -> Iterator[tuple[tuple[Any, ...], list[Record]]]:
    """Records grouped by the values of these settings, in order of the values, or of a key of a setting in `order`.

    Each group is sorted by seed.
    """
    keys = [order.get(name, lambda value: value) for name in names]
    settings = {tuple(cell[name] for name in names) for cell in cells}
    for values in sorted(settings, key=lambda values: [key(value) for key, value in zip(keys, values, strict=True)]):
        group = (cell for cell in cells if tuple(cell[name] for name in names) == values)
        yield values, sorted(group, key=lambda cell: int(cell["seed"]))


def exact(number: float) -> str:
    """A number in the name of a cell: in short where that is exact, otherwise with all digits, so that two numbers never look alike."""
    short = f"{number:g}"
    return short if float(short) == number else repr(number)


def budget_row(cells: Sequence[Record]) -> Record:
    """The common part of a row: the settings of these cells, and the score of each seed."""
    first = cells[0]
    scores = [cell["metrics"]["delta_avg"] for cell in cells]
    return {"variant": first["variant"], "steps": first["steps"], "preset": first["preset"], "delta_avg": scores}


def best_first(rows: Sequence[Record]) -> list[Record]:
    """Rows by number of steps, and among equal steps by mean `delta_avg`, the highest first."""
    return sorted(rows, key=lambda row: (row["steps"], -sum(row["delta_avg"]) / len(row["delta_avg"])))


def check_variants(variants: Sequence[str], known: Collection[str]) -> None:
    """Raises UserError, with a suggestion, for an unknown variant."""
    for variant in variants:
        if variant not in known:
            raise unknown_name("variant", variant, known)


def thinned(losses: Sequence[float]) -> list[float]:
    """The losses of all steps as at most 100 means over equal numbers of steps, in order."""
    return [round(float(part.mean()), 6) for part in np.array_split(np.array(losses), min(len(losses), 100))]
