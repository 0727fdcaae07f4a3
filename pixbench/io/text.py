"""Escapes control characters in text that is printed to a terminal."""

import io
import re
import sys
import unicodedata
from collections.abc import Iterable
from typing import Any, TextIO, cast

COLOUR = re.compile(r"(\x1b\[[0-9;]*m)")
"""The only sequence that our own output has: it changes colours and nothing else."""


def printable(text: str, allowed: str = "\n") -> str:
    """The text with control characters escaped."""
    return "".join(c if c in allowed or _is_printable(c) else c.encode("unicode_escape").decode() for c in text)


def _is_printable(character: str) -> bool:
    # Cc are control characters, Cf invisible ones such as those that turn the direction of writing, Cs halves of others.
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs")


class ShownText:
    """A stream that escapes control characters, except those that change colours, for text from untrusted files."""

    def __init__(self, stream: Any):
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text; colours are kept."""
        if text.isprintable():
            return int(self._stream.write(text))
        parts = COLOUR.split(text)
        return int(self._stream.write("".join(part if number % 2 else printable(part, "\n\t\r") for number, part in enumerate(parts))))

    def writelines(self, lines: Iterable[str]) -> None:
        """Write texts, one after the other."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def guard_output() -> None:
    """Put a `ShownText` before standard output, and let both streams escape what their encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if not isinstance(sys.stdout, ShownText):
        sys.stdout = cast(TextIO, ShownText(sys.stdout))
