"""Texts as they can be shown on a terminal, whatever is in them."""

import io
import re
import sys
import unicodedata

COLOUR = re.compile(r"(\x1b\[[0-9;]*m)")
"""The only sequence that our own output has: it changes colours and nothing else."""


def printable(text: str, allowed: str = "\n") -> str:
    """A text as it can be shown: control characters, such as a terminal obeys, are written as escapes."""
    return "".join(c if c in allowed or _is_printable(c) else c.encode("unicode_escape").decode() for c in text)


def _is_printable(character: str) -> bool:
    # Cc are control characters, Cf invisible ones such as those that turn the direction of writing, Cs halves of others.
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs")


class ShownText(io.TextIOWrapper):
    """A stream on which names of strangers are printed: it has no control characters, and what its encoding lacks is escaped."""

    def write(self, text: str) -> int:
        """Write a text; colours stay."""
        if text.isprintable():
            return super().write(text)
        parts = COLOUR.split(text)
        return super().write("".join(part if number % 2 else printable(part, "\n\t\r") for number, part in enumerate(parts)))


def guard_output() -> None:
    """Put a `ShownText` in the place of standard output, and let standard error escape what its encoding lacks."""
    stream = sys.stdout
    if isinstance(stream, io.TextIOWrapper) and not isinstance(stream, ShownText):
        encoding, buffered = stream.encoding, stream.line_buffering
        sys.stdout = ShownText(stream.detach(), encoding=encoding, errors="backslashreplace", line_buffering=buffered)
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(errors="backslashreplace")
