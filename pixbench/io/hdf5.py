"""Safe reading of untrusted HDF5 files: external links, and chunks that decompress to more than declared, are refused."""

import math
import mmap
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py

from .untrusted import check_regular, parsing

SHUFFLE, FLETCHER32, DEFLATE, ZSTD = h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32, h5py.h5z.FILTER_DEFLATE, 32015
FILTERS = frozenset((SHUFFLE, FLETCHER32, DEFLATE, ZSTD))

KINDS = "biufS"
"""Allowed types: plain numbers and fixed-length text; others refer to other positions in the file."""

LARGEST = 2**28
"""Bytes that any array may have; larger arrays only in proportionally large files."""

LARGEST_RATIO = 200
"""Largest ratio of an array's size to that of its file."""

DEFLATE_RATIO = 1032
"""Largest compression ratio of deflate, a property of the format (zlib.net/zlib_tech.html)."""

LARGEST_FILE = 2**50

HEAP = b"GCOL\1\0\0\0"
"""Beginning of a global heap, which holds texts of any length; then come its size and its entries (HDF5 file format, III.E)."""

WITHOUT_LOCKS = (5, 11, 37, 38, 95, 116)
"""Error codes of file systems without locks: EIO, EAGAIN, ENOLCK, ENOSYS, EOPNOTSUPP, ESTALE."""


def open_file(path: Path) -> h5py.File:
    """An HDF5 file, open for reading. Raises UserError for what is no regular file, OSError for a damaged one."""
    if check_regular(path, LARGEST_FILE):
        _check_heaps(path)
    file = _opened(path, "r")
    if file.id.get_create_plist().get_sizes() != (8, 8):
        file.close()
        raise OSError("its addresses or sizes do not have 8 bytes")
    return file


def _check_heaps(path: Path) -> None:
    """Raises OSError for a global heap whose entries do not follow each other: HDF5 2.0 loops forever at an entry of size zero."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        # Entries have 16 bytes or more: there can only be more where heaps overlap, and those would be read again and again.
        start, most = data.find(HEAP), len(data) // 16
        while start >= 0:
            most -= _check_heap(data, start, start + int.from_bytes(data[start + 8 : start + 16], "little"), most)
            start = data.find(HEAP, start + 1)


def _check_heap(data: mmap.mmap, start: int, end: int, most: int) -> int:
    """The number of entries of a heap. Raises OSError for more than `most`, and where one is damaged."""
    at, count = start + 16, 0
    while at + 16 <= min(end, len(data)):
        number, size = int.from_bytes(data[at : at + 2], "little"), int.from_bytes(data[at + 8 : at + 16], "little")
        # Number 0 is the free rest, with its header; others are padded to 8 bytes.
        length = 16 + -(-size // 8) * 8 if number else size
        count += 1
        if not 0 < length <= end - at or count > most:
            raise OSError(f"the heap of texts at byte {start} is damaged")
        at += length
    return count


def create_file(path: Path, **options: Any) -> h5py.File:
    """A new file, in place of what has its name."""
    return _opened(path, "w", **options)


def _opened(path: Path, mode: str, **options: Any) -> h5py.File:
    """Open a file, locked where the file system supports it, by h5py's default setting: HDF5 refuses to open a file with two settings."""
    try:
        return h5py.File(path, mode, **options)
    except OSError as error:
        if error.errno not in WITHOUT_LOCKS:
            raise
        return h5py.File(path, mode, locking=False, **options)


@contextmanager
def read_file(path: Path, mend: str) -> Iterator[h5py.File]:
    """Context of an open HDF5 file; every exception inside becomes a UserError that names the file."""
    with parsing(path, mend), open_file(path) as file:
        yield file


def member(group: h5py.Group, name: str) -> Any:
    """A group or an array that lies in `group` itself. Raises KeyError for none, ValueError for what leads elsewhere or is too large."""
    if not name or "/" in name or name == ".":
        raise ValueError(f"'{name}' is not a valid name in a file")
    link = group.get(name, getlink=True)
    if not isinstance(link, h5py.HardLink):
        if link is None:
            raise KeyError(f"it holds no {name}")
        raise ValueError(f"{name} is a link to another place, which is not followed")
    item = group[name]
    if isinstance(item, h5py.Dataset):
        _check_array(name, item)
    return item


def _check_array(name: str, dataset: h5py.Dataset) -> None:
    properties = dataset.id.get_create_plist()
    if properties.get_layout() == h5py.h5d.VIRTUAL or properties.get_external_count():
        raise ValueError(f"{name} takes its values from other files, which are not opened")
    filters = filters_of(dataset)
    if not FILTERS.issuperset(filters) or len(set(filters)) < len(filters) or {DEFLATE, ZSTD}.issubset(filters):
        raise ValueError(f"{name} is compressed in a way that PixBench does not write")
    if dataset.dtype.kind not in KINDS or dataset.dtype.shape:
        raise ValueError(f"{name} has type {dataset.dtype}: expected numbers, or texts of a fixed length")
    largest = max(LARGEST, LARGEST_RATIO * dataset.file.id.get_filesize())
    size = max(math.prod(dataset.shape), math.prod(dataset.chunks or (0,))) * dataset.dtype.itemsize
    if size > largest:
        raise ValueError(f"{name} would have {size} bytes, at most {largest} go with a file of this size")


def filters_of(dataset: h5py.Dataset) -> list[int]:
    """The numbers of the filters through which the chunks of an array go, in order."""
    properties = dataset.id.get_create_plist()
    return [properties.get_filter(index)[0] for index in range(properties.get_nfilters())]


def values(dataset: h5py.Dataset, key: Any = ()) -> Any:
    """Values of an array that `member` gave, through HDF5's filters. Raises ValueError if a chunk would unpack to more than it should."""
    # HDF5 unpacks all that there is before it looks at the size.
    filters = filters_of(dataset)
    if ZSTD in filters or (DEFLATE in filters and dataset.id.get_storage_size() > LARGEST // DEFLATE_RATIO):
        size = math.prod(dataset.chunks) * dataset.dtype.itemsize
        for index in range(dataset.id.get_num_chunks()):
            info = dataset.id.get_chunk_info(index)
            if ZSTD in filters or info.size > LARGEST // DEFLATE_RATIO:
                _check_chunk(dataset, info, size, ZSTD in filters)
    return dataset[key]


def _check_chunk(dataset: h5py.Dataset, info: Any, size: int, zstd: bool) -> None:
    mask, stored = dataset.id.read_direct_chunk(info.chunk_offset)
    unpacked = _zstd_size(stored, size) if zstd else len(zlib.decompressobj().decompress(stored, size + 1))
    if mask or not 0 <= unpacked <= size:
        raise ValueError(f"a part of {dataset.name} unpacks to more than its {size} bytes")


def _zstd_size(stored: bytes, size: int) -> int:
    """Decompressed size in the header of a zstd frame, negative if unknown: HDF5's filter allocates that much."""
    try:
        import zstandard
    except ImportError:
        return size
    found: int = zstandard.frame_content_size(stored)
    return found
