"""Escapes control characters in text that is printed to a terminal, and shortens texts."""

import io
import re
import sys
import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import Any, TextIO, cast

COLOUR = re.compile(r"(\x1b\[[0-9;]*m)")
"""The only escape sequence of PixBench's own output: it changes colours and nothing else."""


def printable(text: str, allowed: str = "\n") -> str:
    """The text with control characters escaped."""
    if is_printable(text, allowed):
        return text
    return _hidden(allowed).sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def shortened(text: str, most: int) -> str:
    """The text on one line. Beyond `most` characters it ends at a word's end, or within a very long word, with an ellipsis."""
    line = " ".join(text.split())
    if len(line) <= most:
        return line
    words, _, rest = line[:most].rpartition(" ")
    return f"{words if len(rest) < most // 2 else line[: most - 1]}…"


def is_printable(text: str, allowed: str = "\n") -> bool:
    """Whether `printable` leaves a text as it is."""
    return text.translate(dict.fromkeys(map(ord, allowed))).isprintable() or not _hidden(allowed).search(text)


@cache
def _hidden(allowed: str) -> re.Pattern[str]:
    # Cc are control characters, Cf invisible ones such as those that turn the direction of writing, Cs halves of others.
    found = [character for character in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(character) in ("Cc", "Cf", "Cs")]
    return re.compile(f"[{re.escape(''.join(character for character in found if character not in allowed))}]")


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


LARGEST_NUMBER = 1e7


def bounded_number(text: str) -> float:
    """The number that a text holds. Raises ValueError for NaN and for magnitudes above `LARGEST_NUMBER`, larger than any length."""
    value = float(text)
    if not abs(value) <= LARGEST_NUMBER:
        raise ValueError(f"{printable(text)[:40]} is not a number from {-LARGEST_NUMBER:g} to {LARGEST_NUMBER:g}")
    return value
