"""Finds the files that a mesh file names: materials, textures and buffers, spelled as on the machine that wrote them."""

import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

from ..base import BadModelError
from ..loading.archive import Files, joined_path

MISSING = "missing file (material or texture)"

PLACES = (
    "", "textures", "texture", "images", "image", "maps", "materials/textures",
    "..", "../textures", "../texture", "../images", "../materials/textures", "../../materials/textures",
)  # fmt: skip
"""Folders, relative to that of the file, in which a file is looked for by its bare name: the last ones are those of Google
Scanned Objects."""


class Companions:
    """The files beside a mesh file. `read` remembers what was read, for the content hash, and what is missing."""

    def __init__(self, files: Files, folder: str):
        self._files, self._folder = files, folder
        self.read_files: dict[str, bytes] = {}
        """Contents by the name that was asked for; empty for a missing file."""
        self.missing: set[str] = set()
        self._places: dict[str, str | None] = {}

    def read(self, name: str, *, beside: str | None = None) -> bytes | None:
        """The contents of a file that is named in the mesh file, or in its companion `beside`; None, and noted as missing, if it does
        not exist. Raises BadModelError if the model names too many files.
        """
        place = self.locate(name.strip(), beside=beside)
        key = name.strip()
        if self._places.setdefault(key, place) != place:
            key = f"{key} beside {beside}"  # two libraries in two folders may each have a file of that name
        if key not in self.read_files:
            if len(self.read_files) >= MOST_NAMES:
                raise BadModelError("cannot be parsed", f"it names more than {MOST_NAMES} files")
            try:
                self.read_files[key] = self._files.read(place) if place is not None else b""
            except OSError:
                place = None
                self.read_files[key] = b""
            if place is None:
                self.missing.add(key)
        return None if key in self.missing else self.read_files[key]

    def locate(self, name: str, *, beside: str | None = None) -> str | None:
        """The path of a file by its name in the mesh file; None if there is none."""
        homes = [self._folder]
        if beside is not None and (path := self.locate(beside)) is not None:
            homes = list(dict.fromkeys([path.rpartition("/")[0], self._folder]))
        return next((path for home in homes if (path := find(self._files, home, name)) is not None), None)


LONGEST_NAME, MOST_NAMES = 1000, 2000
"""Limits on the search for files: characters of a name, and names in one model."""


def find(files: Files, folder: str, name: str) -> str | None:
    """The path of the file that `name` means in `folder`: as written, in another letter case, or by its bare name nearby.

    Backslashes, drive letters, quotes, percent signs, a comment behind the name, and other ways of writing an accent are understood.
    """
    if len(name) > LONGEST_NAME:
        return None
    exact = joined_path(folder, name)
    if files.has(exact):
        return exact
    for spelling in dict.fromkeys(_spellings(name)):
        parts = [part for part in spelling.split("/") if part not in ("", ".")]
        if not parts or parts[-1] == "..":
            continue
        tails = [[folder, parts[start:]] for start in range(len(parts))]
        nearby = [[joined_path(folder, place), parts[-1:]] for place in PLACES]
        for home, tail in (*tails, *nearby):
            found = _without_case(files, str(home), list(tail))
            if found is not None:
                return found
    return None


def _spellings(name: str) -> Iterator[str]:
    if any("\udc80" <= letter <= "\udcff" for letter in name):
        name = name.encode("utf-8", "surrogateescape").decode("cp1252", "replace")
    for written in (name, uncommented(name)):
        plain = re.sub(r"^(file:/+)?([A-Za-z]:)?/*", "", written.strip().strip("\"'").replace("\\", "/"))
        yield plain
        if "%" in plain:
            yield unquote(plain)
        if ":" in plain:  # folders of old Macs
            yield plain.replace(":", "/")


def uncommented(text: str) -> str:
    """The text before a comment, or the whole text if nothing stands before it. A `#` within a word does not begin a comment."""
    whole = text.strip()
    # Only the last line may hold one that goes on to the end. The blanks before it are taken off afterwards, to look at them once.
    found = re.compile(r"\s#").search(whole, max(whole.rfind("\n"), 0))
    return (whole[: found.start()].rstrip() if found else whole) or text


def _without_case(files: Files, folder: str, parts: list[str]) -> str | None:
    """The path of a file below a folder, whatever its letter case."""
    for number, part in enumerate(parts):
        if part == "..":
            folder = joined_path(folder, "..")
            continue
        same = [name for name in files.listing(folder) if _folded(name) == _folded(part)]
        if not same:
            return None
        best = part if part in same else min(same)
        folder = joined_path(folder, best)
        if number == len(parts) - 1:
            return folder if files.has(folder) else None
    return None


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
