"""The one exception that the command line turns into a single line and exit code 2."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake that the user can mend.

    The message is one line: the thing, what was got, what would be right.
    """


class VerificationError(Exception):
    """Files that are not what they claim to be; the command line exits with code 1."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UserError:
    """The error for a name that is not in a list, with the nearest known name as a suggestion."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean '{near[0]}'? " if near else ""
    return UserError(f"unknown {kind} '{name}': {hint}known are {', '.join(names) or 'none'}")
