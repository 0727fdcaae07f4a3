"""Finds the models of a ShapeNetCore copy: version 1 or 2, extracted or in zip archives."""

import os
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Protocol, runtime_checkable

from pixbench.errors import UserError
from pixbench.io.untrusted import LARGEST_TEXT, read_bytes

from ..loading.archive import Files, FolderFiles, ZipFiles

SYNSET = re.compile(r"\d{8}")
IN_ZIP = re.compile(r"(?:^|/)(\d{8})/([^/]+)/(?:models/model_normalized|model)\.obj$")
OBJ_PATHS = ("models/model_normalized.obj", "model.obj")
"""Paths in the folder of a model, in version 2 and 1."""

LEVEL = "ShapeNetCore*"
"""An extra folder level that some copies have."""


@runtime_checkable
class Home(Protocol):
    """A folder or a zip archive with models of some classes."""

    @property
    def files(self) -> Files:
        """The files that paths refer to."""
        ...

    def models(self) -> Mapping[str, Sequence[str]]:
        """Model ids by synset."""
        ...

    def path(self, synset: str, model: str) -> str | None:
        """The path of the OBJ file of a model in `files`, None if there is none."""
        ...


class FolderHome:
    """An extracted tree. Only folders are listed; whether a folder contains an OBJ file is found out when it is loaded."""

    def __init__(self, root: Path):
        self.root = root
        self.files: Files = FolderFiles(root)

    def models(self) -> Mapping[str, Sequence[str]]:
        """See Home."""
        return {synset: _folders(self.root / synset) for synset in _folders(self.root) if SYNSET.fullmatch(synset)}

    def path(self, synset: str, model: str) -> str | None:
        """See Home."""
        paths = (f"{synset}/{model}/{path}" for path in OBJ_PATHS)
        return next((path for path in paths if self.files.has(path)), None)


class ZipHome:
    """A zip archive of one class or of all, listed from its central directory. The classes may be at any depth."""

    def __init__(self, path: Path):
        self.files: Files = ZipFiles(path)

    @cached_property
    def _paths(self) -> Mapping[str, Mapping[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for name in self.files.names():
            match = IN_ZIP.search(name)
            if match:
                found.setdefault(match[1], {}).setdefault(match[2], name)
        return found

    def models(self) -> Mapping[str, Sequence[str]]:
        """See Home."""
        return {synset: list(paths) for synset, paths in self._paths.items()}

    def path(self, synset: str, model: str) -> str | None:
        """See Home."""
        return self._paths.get(synset, {}).get(model)


class Tree:
    """A ShapeNetCore copy in a folder or a zip archive. Raises UserError if there is none at `location`."""

    def __init__(self, location: Path):
        self._roots = [location, *(path for path in sorted(location.glob(LEVEL)) if path.is_dir())] if location.is_dir() else []
        self._zips = sorted(path for root in self._roots for path in root.glob("*.zip") if _may_hold_models(path))
        if location.is_file():
            self._zips, self._roots = [location], [location.parent]
        folders = [] if location.is_file() else [root for root in self._roots if any(map(SYNSET.fullmatch, _folders(root)))]
        self._folder_homes = [FolderHome(root) for root in folders]
        self._zip_homes = {path: ZipHome(path) for path in self._zips}
        if not self._folder_homes and not any(home.models() for home in self._zip_homes.values()):
            raise UserError(
                f"{location} is not a copy of ShapeNetCore: looked for folders SYNSET/MODEL (SYNSET is eight digits), SYNSET.zip and "
                "ShapeNetCore*.zip, there and one level down in ShapeNetCore*"
            )

    @property
    def homes(self) -> Sequence[Home]:
        """All folders, then all archives: extracted files are faster to read."""
        return [*self._folder_homes, *self._zip_homes.values()]

    def find(self, synset: str, model: str) -> tuple[Files, str] | None:
        """The files, and in them the path, of the OBJ file of a model. Archives of other classes are not opened."""
        homes: list[Home] = [*self._folder_homes]
        homes += [home for path, home in self._zip_homes.items() if path.stem == synset or not SYNSET.fullmatch(path.stem)]
        for home in homes:
            path = home.path(synset, model)
            if path is not None:
                return home.files, path
        return None

    def list_file(self, name: str) -> bytes | None:
        """`all.csv` or `taxonomy.json`, from the folder of the models or an archive of all classes; None if there is none."""
        for root in self._roots:
            if (root / name).is_file():
                return read_bytes(root / name, LARGEST_TEXT)
        for path, home in self._zip_homes.items():
            inside = [] if SYNSET.fullmatch(path.stem) else [member for member in home.files.names() if member.rpartition("/")[2] == name]
            if inside:
                return home.files.read(min(inside, key=len))
        return None


def _may_hold_models(path: Path) -> bool:
    return bool(SYNSET.fullmatch(path.stem)) or path.match(f"{LEVEL}.zip")


def _folders(root: Path) -> list[str]:
    with os.scandir(root) as entries:
        return sorted(entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir())
