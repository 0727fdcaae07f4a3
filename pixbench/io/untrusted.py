"""Reading of untrusted files: only regular files within size limits; errors of parsers become one line with the file's name."""

import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any
from xml.etree import ElementTree

from pydantic import AfterValidator

from ..errors import UserError, VerificationError
from .text import is_printable, printable

LARGEST_TEXT = 2**26
"""Largest document in bytes; a manifest of a million scenes has half of that."""

LARGEST_BYTES = 2**29
"""Largest number of bytes read at once, also after decompression."""

LARGEST_TENSORS = 2**36
"""Largest file of tensors in bytes."""

LARGEST_PICTURE = 900_000_000
"""Largest memory in bytes for decoding an image: about 110 megapixels in RGB."""

SHORT_MEMBER = 256
"""Bytes of a gzip member that are tried first."""

ZEROS = re.compile(rb"\0*")

REASON = 160
"""Largest number of characters quoted from a parser's message."""


@contextmanager
def parsing(source: object, mend: str) -> Iterator[None]:
    """Context in which every exception becomes a UserError of one line: the source, the reason, and the advice `mend`."""
    try:
        yield
    except (UserError, VerificationError):
        raise
    except Exception as error:  # parsers raise errors of any type
        raise UserError(f"{source} cannot be read ({reason(error)}): {mend}") from None


def reason(error: BaseException) -> str:
    """The message of an error, on one line."""
    if isinstance(error, MemoryError):
        return "it needs more memory than there is"
    message = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return printable(" ".join(message.split()))[:REASON] or type(error).__name__


def check_regular(path: Path, largest: int = LARGEST_BYTES) -> int:
    """The size of a regular file in bytes. Raises UserError for anything else, such as a pipe, and for files above the limit."""
    try:
        found = os.stat(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({reason(error)}): expected a file") from None
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a pipe or a device"
        raise UserError(f"{path} is {kind}: expected a file")
    if found.st_size > largest:
        raise UserError(f"{path} has {found.st_size} bytes: at most {largest} are read of such a file")
    return found.st_size


def read_bytes(path: Path, largest: int = LARGEST_BYTES) -> bytes:
    """The bytes of a regular file. UserError as of `check_regular`."""
    check_regular(path, largest)
    with parsing(path, "expected a file that can be read"):
        return path.read_bytes()


def read_text(path: Path, largest: int = LARGEST_TEXT) -> str:
    """The text of a regular file in UTF-8. UserError as of `check_regular`, and for other bytes."""
    check_regular(path, largest)
    with parsing(path, "expected a text in UTF-8"):
        return path.read_text(encoding="utf-8")


def parse_xml(data: bytes | str) -> ElementTree.Element:
    """The root of an XML document. Raises ValueError for anything else, in whatever way it is damaged."""
    try:
        return ElementTree.fromstring(data)  # noqa: S314  (Python's expat bounds the expansion of entities)
    except (ElementTree.ParseError, LookupError) as error:  # the second for an encoding that Python does not know
        raise ValueError(f"it is not valid XML: {error}") from None


def gunzip(data: bytes, largest: int = LARGEST_BYTES) -> bytes:
    """Decompress gzip data, all members of it. Raises ValueError for more than `largest` bytes, and where it is cut off."""
    found, at, view = bytearray(), 0, memoryview(data)
    while at < len(data):
        member, step = zlib.decompressobj(wbits=31), SHORT_MEMBER
        # In growing steps, because zlib copies what follows the end of a member.
        while not member.eof:
            if at >= len(data):
                raise ValueError("it is cut off")
            found += member.decompress(view[at : at + step], largest + 1 - len(found))
            if len(found) > largest:
                raise ValueError(f"it unpacks to more than {largest} bytes")
            at, step = min(at + step, len(data)), 2 * step
        at = _after_zeros(data, at - len(member.unused_data))
    return bytes(found)


def _after_zeros(data: bytes, at: int) -> int:
    """The position of the first byte that is not zero, from `at` on: archives are padded with zeros."""
    found = ZEROS.match(data, at)
    return found.end() if found else at


def check_unpacked(archive: zipfile.ZipFile, largest: int = LARGEST_BYTES) -> None:
    """Raises ValueError for a zip archive that says it unpacks to more than `largest` bytes; zipfile gives no more than it says."""
    size = sum(member.file_size for member in archive.infolist())
    if size > largest:
        raise ValueError(f"it unpacks to {size} bytes, at most {largest} are read")


def check_tensors(path: Path) -> None:
    """Check a file of torch.save before torch makes room for it. UserError as of `check_regular`, ValueError for a packed one."""
    size = check_regular(path, LARGEST_TENSORS)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > size:
                raise ValueError("it is compressed in a way that torch does not write")


def check_pixels(width: int, height: int, bytes_per_pixel: int = 8) -> None:
    """Raises ValueError for a picture that is too large to be held."""
    if width * height * bytes_per_pixel > LARGEST_PICTURE:
        raise ValueError(f"it has {width} x {height} px, at most {LARGEST_PICTURE // bytes_per_pixel} of its kind are read")


def check_shown(value: Any) -> None:
    """Raises ValueError for a document with control characters in its text, which a terminal would interpret."""
    if isinstance(value, str):
        if not is_printable(value):
            raise ValueError(f"it has control characters in '{printable(value[:60])}'")
    elif isinstance(value, dict):
        for name, item in value.items():
            check_shown(name)
            check_shown(item)
    elif isinstance(value, list):
        for item in value:
            check_shown(item)


def _is_name(name: str) -> str:
    if not name or name in (".", "..") or any(mark in name for mark in "/\\\0:"):
        raise ValueError(f"'{name}' leads elsewhere: expected the name of a file in the same folder")
    return name


FileName = Annotated[str, AfterValidator(_is_name)]
"""A plain file name, without a path to another folder."""


def inside(folder: Path, relative: str) -> Path:
    """The path of `relative` below a folder. Raises ValueError if it leads out of it."""
    path = folder / relative
    if not relative or Path(relative).is_absolute() or ".." in Path(relative).parts or "\\" in relative:
        raise ValueError(f"'{relative}' leads out of the folder")
    return path
