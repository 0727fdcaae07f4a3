"""Exclusive locks of folders by the operating system; released when the process ends."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import UserError

LOCK = ".lock"
LOG = logging.getLogger(__name__)


@contextmanager
def locked(folder: Path, name: str = LOCK, *, wait: bool = False) -> Iterator[None]:
    """Hold `folder`, which is made if it is not there, for the time of a block. Raises UserError if another process holds it.

    With `wait`, waits for it instead. On file systems without locks, or if the folder is not writable, the block runs without one.
    """
    path = folder / name
    with suppress(OSError):  # the write itself will report why that is impossible
        folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=-1 if wait else 0)
    except Timeout:
        raise UserError(f"{folder} is being written by another process: wait until it is done, or choose another place") from None
    except (OSError, NotImplementedError) as error:
        if folder.is_dir() and os.access(folder, os.W_OK):
            LOG.warning("%s cannot be locked (%s): start no second command on it", folder, error)
        yield
        return
    try:
        if name == LOCK:
            remove_temporary(folder)
        yield
    finally:
        # Unlinked while it is held: a waiting process sees that its file is gone, and locks a new one.
        path.unlink(missing_ok=True)
        lock.release()


def remove_temporary(folder: Path, name: str = "*") -> None:
    """Delete temporary files of a killed process, which were not renamed to a `name` yet (see `written_whole`); no other process writes
    these.
    """
    for path in folder.glob(f".*.tmp.{name}"):
        with suppress(OSError):
            path.unlink()


def holds_nothing(folder: Path, *own: str) -> bool:
    """Whether a folder is new, empty, or holds only leftovers of a command that was killed before it wrote any result.

    That is a lock, temporary files, and the empty folders or logs named in `own`.
    """
    if not folder.exists():
        return True
    return all(_is_leftover(path, own) for path in folder.iterdir())


def _is_leftover(path: Path, own: tuple[str, ...]) -> bool:
    if path.name == LOCK or (path.name.startswith(".") and ".tmp" in path.name and path.is_file()):
        return True
    return path.name in own and (path.is_file() or not any(path.iterdir()))
