"""Files: hashes, and atomic writing."""

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write a text file in UTF-8, whatever the locale, atomically: readers see the old or the new one."""
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A temporary name beside `path`, renamed to it on success. Errors (OSError) name `path`."""
    temporary = path.with_name(f".{os.getpid()}.tmp.{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def file_sha256(path: Path) -> str:
    """sha256 of a file, hexadecimal. Raises OSError if it is not a regular file or cannot be read."""
    if path.exists() and not path.is_file():
        # Reading a pipe or a device would never end.
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def has_contents(path: Path, size: int, sha256: str) -> bool:
    """Whether a file has this many bytes and this hash. The size comes first: a wrong file may have gigabytes.

    Raises OSError as `file_sha256` does.
    """
    return path.stat().st_size == size and file_sha256(path) == sha256
