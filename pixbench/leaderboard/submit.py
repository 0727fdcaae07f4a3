"""Requirements of a pull request with a new row."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..errors import UserError
from ..evaluation.record import Record, StoredRecord
from ..evaluation.reproduction import Comparison
from ..evaluation.suite import SUITES
from ..evaluation.task import TASKS
from .verify import check_definitions

LARGEST_BYTES = 1_000_000
"""Largest size in bytes of each committed file."""

SHOWN = 5
TRAINED_HERE = "checkpoint"

OWN_PATH = re.compile(r"(?<![\w:/.])(/(?:home|root|Users|data|mnt|media|scratch|tmp|work|opt|srv)/[^\s\"']*|[A-Za-z]:\\\\[^\s\"']+)")


@dataclass(frozen=True)
class Check:
    """A requirement of a submission, and what is missing; empty if it is met."""

    what: str
    missing: str = ""


def check(stored: StoredRecord, others: Sequence[StoredRecord], rescored: Sequence[Comparison] | UserError) -> list[Check]:
    """All that can be checked of a record. `others` are the leaderboard's records, `rescored` the numbers recomputed from its predictions,
    or the reason why there are none.
    """
    record = stored.record
    return [
        Check("it is of a published suite", "" if _published(record) else f"{record.data.suite} is not a suite: use --suite"),
        Check("suite and metrics are those of this version", _error_of(lambda: check_definitions(stored))),
        Check("the files that it names lie beside it", _error_of(lambda: _check_files(stored))),
        Check("each file is under 1 MB", _too_large(stored)),
        Check("its predictions give its numbers", _differing_numbers(rescored)),
        Check("every pair was answered", "; ".join(f"{n} pairs failed: {why}" for why, n in record.data.failed.items())),
        Check("its name is its own", _name_conflict(stored, others)),
        Check("it says what was trained on", _missing_training_set(record)),
        Check("no path of your machine is in it", _paths(record)),
    ]


def _differing_numbers(rescored: Sequence[Comparison] | UserError) -> str:
    if isinstance(rescored, UserError):
        return str(rescored)
    differing = [each.name for each in rescored if not each.same]
    more = f" and {len(differing) - SHOWN} more" if len(differing) > SHOWN else ""
    return f"{', '.join(differing[:SHOWN])}{more} differ: evaluate again" if differing else ""


def _published(record: Record) -> bool:
    name, version = record.suite
    return version is not None and name in SUITES.names()


def _error_of(action: Callable[[], None]) -> str:
    try:
        action()
    except UserError as error:
        return str(error)
    return ""


def _check_files(stored: StoredRecord) -> None:
    stored.beside("predictions")
    if stored.record.pairs is not None:
        stored.beside("pairs")


def _too_large(stored: StoredRecord) -> str:
    names = [stored.path.name, *(part.file for part in (stored.record.predictions, stored.record.pairs) if part is not None)]
    sizes = {name: path.stat().st_size for name in names if (path := stored.path.with_name(name)).is_file()}
    return ", ".join(f"{name} has {size} bytes" for name, size in sizes.items() if size > LARGEST_BYTES)


def _name_conflict(stored: StoredRecord, others: Sequence[StoredRecord]) -> str:
    record = stored.record
    same = [
        each
        for each in others
        if each.path.resolve() != stored.path.resolve() and (each.record.model, each.record.data.suite) == (record.model, record.data.suite)
    ]
    return f"{same[0].path} has the name '{record.model}' already: rename the run or the factory" if same else ""


def _missing_training_set(record: Record) -> str:
    if record.model_info.get("kind") != TRAINED_HERE or not TASKS.get(record.task).of_pairs or record.data.trained_on:
        return ""
    return "evaluate again with --trained-on DATA, which also splits scores by what was seen"


def _paths(record: Record) -> str:
    found = OWN_PATH.search(record.model_dump_json())
    return f"'{found[0]}' stands in it: use another name for weights and data" if found else ""
