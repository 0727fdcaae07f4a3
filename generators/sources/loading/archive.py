"""Files of a source, in a folder or in a zip archive that is not extracted."""

import os
import zipfile
from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Protocol, runtime_checkable

from pixbench.errors import UserError
from pixbench.io.untrusted import LARGEST_BYTES, LARGEST_TENSORS, check_regular, reason


@runtime_checkable
class Files(Protocol):
    """Reads files by their path relative to a root, with forward slashes."""

    def __hash__(self) -> int: ...

    def names(self) -> Sequence[str]:
        """All paths, sorted."""
        ...

    def has(self, path: str) -> bool:
        """Whether the file exists."""
        ...

    def listing(self, folder: str) -> Sequence[str]:
        """The names of the files and folders in a folder; none if it does not exist."""
        ...

    def read(self, path: str) -> bytes:
        """The contents of a file. Raises FileNotFoundError if it does not exist, OSError if it is damaged."""
        ...


class FolderFiles:
    """Files below a folder on disk: a path that leads out of it has no file."""

    def __init__(self, root: Path):
        self.root = root

    def names(self) -> Sequence[str]:
        """See Files."""
        return sorted(path.relative_to(self.root).as_posix() for path in self.root.rglob("*") if path.is_file())

    def has(self, path: str) -> bool:
        """See Files."""
        try:
            return not _leads_out(path) and (self.root / path).is_file()
        except (OSError, ValueError):  # a name too long, or with a zero byte
            return False

    def listing(self, folder: str) -> Sequence[str]:
        """See Files."""
        try:
            return [] if _leads_out(folder) else sorted(os.listdir(self.root / folder))
        except (OSError, ValueError):
            return []

    def read(self, path: str) -> bytes:
        """See Files."""
        found = self.root / path
        if _leads_out(path) or not found.exists():
            raise FileNotFoundError(f"{self.root} holds no {path}")
        try:
            check_regular(found)
        except UserError as error:
            raise OSError(str(error)) from None
        return found.read_bytes()


class ZipFiles:
    """Files in a zip archive (zip, jar, sh3f). It is opened on first use; a pickled copy opens it again."""

    def __init__(self, path: Path):
        self.path = path

    def __getstate__(self) -> dict[str, Path]:
        return {"path": self.path}

    @cached_property
    def _archive(self) -> zipfile.ZipFile:
        check_regular(self.path, LARGEST_TENSORS)
        try:
            return zipfile.ZipFile(self.path)
        except (OSError, zipfile.BadZipFile) as error:
            raise UserError(
                f"{self.path} cannot be read as a zip ({error}): restore it; a pack with 'pixbench assets fetch --force NAME'"
            ) from None

    @cached_property
    def _names(self) -> Sequence[str]:
        return sorted(name for name in self._archive.namelist() if not name.endswith("/"))

    def names(self) -> Sequence[str]:
        """See Files."""
        return self._names

    def has(self, path: str) -> bool:
        """See Files."""
        return path in self._archive.NameToInfo

    def listing(self, folder: str) -> Sequence[str]:
        """See Files."""
        start = f"{folder.rstrip('/')}/" if folder else ""
        names = self._names[bisect_left(self._names, start) : bisect_left(self._names, start + "\U0010ffff")]
        return sorted({name[len(start) :].partition("/")[0] for name in names})

    def read(self, path: str) -> bytes:
        """See Files."""
        try:
            size = self._archive.getinfo(path).file_size
            if size > LARGEST_BYTES:
                raise OSError(f"{path} in {self.path} unpacks to {size} bytes, at most {LARGEST_BYTES} are read")
            return self._archive.read(path)
        except KeyError:
            raise FileNotFoundError(f"{self.path} holds no {path}") from None
        except OSError:
            raise
        except Exception as error:  # zipfile's, and those of each way to pack
            raise OSError(f"{path} in {self.path} is damaged: {reason(error)}") from None


def _leads_out(path: str) -> bool:
    return os.path.isabs(path) or os.path.normpath(path).split(os.sep)[0] == ".."


def joined_path(folder: str, relative: str) -> str:
    """The path of `relative` to `folder`, with `..` resolved as far as there are folders, and backslashes replaced."""
    parts: list[str] = []
    for part in (*PurePosixPath(folder).parts, *PurePosixPath(relative.replace("\\", "/").lstrip("/")).parts):
        if part == "..":
            parts = parts[:-1] if parts and parts[-1] != ".." else [*parts, ".."]
        elif part not in (".", "/"):
            parts.append(part)
    return "/".join(parts)
