"""A page as a set of named files: made when a browser asks for them, or written to a folder all at once.

Data are scripts, not JSON: a page that was opened from disk may run scripts beside it, but not fetch files.
"""

import base64
import gzip
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..errors import UserError

KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".json": "application/json", ".svg": "image/svg+xml"}
MARK = ".pixbench-page"


class PagePart(ABC):
    """One kind of data behind one or more tabs of the page. `name` is its folder among the data."""

    name: str

    @abstractmethod
    def index(self) -> dict[str, Any]:
        """Data that the page loads first; small, whatever the size of the data."""

    @abstractmethod
    def files(self) -> Iterator[str]:
        """Names of all data, for a folder."""

    @abstractmethod
    def read(self, name: str) -> dict[str, Any]:
        """The data of a name. Raises KeyError if there is none."""


def packed(array: np.ndarray) -> dict[str, Any]:
    """An array for the page: type, shape, and its bytes (little-endian), gzipped, in base64."""
    little = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<")))
    data = base64.b64encode(gzip.compress(little.tobytes(), 6, mtime=0)).decode()
    return {"dtype": array.dtype.name, "shape": list(array.shape), "data": data}


class Site:
    """All files of a page."""

    def __init__(self, parts: Sequence[PagePart], title: str):
        self._parts = {part.name: part for part in parts}
        self._title = title

    def static(self) -> list[str]:
        """Names of the files that are the same for every page."""
        return sorted(entry.name for entry in files("pixbench.page").joinpath("static").iterdir() if Path(entry.name).suffix in KINDS)

    def read(self, path: str) -> bytes:
        """A file's contents. Raises KeyError if there is none."""
        if path == "data/index.js":
            index = {"title": self._title, "version": __version__, "parts": {name: part.index() for name, part in self._parts.items()}}
            return _script("index", index)
        if path.startswith("data/") and path.endswith(".js"):
            part, _, name = path.removeprefix("data/").removesuffix(".js").partition("/")
            return _script(f"{part}/{name}", self._parts[part].read(name))
        if path in self.static():
            return files("pixbench.page").joinpath("static").joinpath(path).read_bytes()
        raise KeyError(path)

    def paths(self) -> list[str]:
        """Names of all files of a folder."""
        data = [f"data/{part.name}/{name}.js" for part in self._parts.values() for name in part.files()]
        return [*self.static(), "data/index.js", *data]

    def write(self, out: Path, progress: Callable[[int], None] = lambda done: None) -> int:
        """Write a folder that opens from disk; the number of its files. Raises UserError if the folder holds something else."""
        if out.exists() and any(out.iterdir()) and not (out / MARK).exists():
            raise UserError(f"{out} is not empty and is not a PixBench page: choose a new or empty folder")
        out.mkdir(parents=True, exist_ok=True)
        (out / MARK).touch()
        paths = self.paths()
        for old in out.rglob("*"):
            # Remove files of an earlier page.
            if old.is_file() and old.name != MARK and old.relative_to(out).as_posix() not in paths:
                old.unlink()
        for path in paths:
            (out / path).parent.mkdir(parents=True, exist_ok=True)
            (out / path).write_bytes(self.read(path))
            progress(1)
        return len(paths)


def _script(key: str, value: dict[str, Any]) -> bytes:
    return f"PixBench.put({json.dumps(key)}, {json.dumps(value, allow_nan=False)});\n".encode()
