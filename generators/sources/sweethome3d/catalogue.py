"""Catalogues of Sweet Home 3D: Java properties in Latin-1, with one numbered record per piece of furniture or texture."""

import re

from ..loading.archive import Files

NAME = re.compile(r"(\w+)#(\d{1,9})")


def read_catalogue(files: Files, path: str) -> list[dict[str, str]]:
    r"""The records of a catalogue in the order of their numbers: lines `key#N=value`, with \uXXXX escapes and continued lines.

    Raises FileNotFoundError if the catalogue does not exist.
    """
    text = re.sub(r"\\\r?\n\s*", "", files.read(path).decode("latin-1"))
    records: dict[int, dict[str, str]] = {}
    # Line by line: an expression over the whole text looks at a run of blank lines again from each of them.
    for line in text.splitlines():
        name, _, value = line.partition("=")
        if match := NAME.fullmatch(name.strip()):
            records.setdefault(int(match[2]), {})[match[1]] = _unescaped(value.strip())
    return [records[number] for number in sorted(records)]


def _unescaped(value: str) -> str:
    return re.sub(r"\\(?:u([0-9a-fA-F]{4})|(.))", lambda match: chr(int(match[1], 16)) if match[1] else match[2], value)


def slug(text: str) -> str:
    """A name as part of an id: lower case, with other characters than letters and digits replaced by dashes."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
