"""Exceptions that the command line reports in one line: user errors (exit code 2) and failed verification (exit code 1)."""

import copyreg
import difflib
from collections.abc import Iterable
from typing import Any


class UserError(Exception):
    """An error that the user can fix. The message is one line: what is wrong, the value received, and what is expected."""

    def __reduce__(self) -> tuple[Any, ...]:
        # By default pickle would call __init__ with the message alone: an error that cannot be unpickled looks like a killed worker.
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class VerificationError(Exception):
    """Files that do not match their hashes, format or recorded values; the command line exits with code 1."""


MANY_NAMES = 30
"""More names than this are not all listed where one of them is suggested."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UserError:
    """The error for an unknown name, with the most similar known name as a suggestion."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean '{near[0]}'? " if near else ""
    listed = f"{len(names)} are known" if near and len(names) > MANY_NAMES else f"known are {', '.join(names) or 'none'}"
    return UserError(f"unknown {kind} '{name}': {hint}{listed}")
