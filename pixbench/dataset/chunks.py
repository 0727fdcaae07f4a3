"""Reads and writes single views without going through HDF5: chunk offsets are looked up once, then a read is one system call and a few
compiled passes.

HDF5 takes longer to open a dataset than to read a view of it, and its zlib twice as long as libdeflate.
"""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, no_type_check

import deflate
import h5py
import numpy as np
from jaxtyping import UInt8

from ..errors import UserError
from ..io.hdf5 import DEFLATE, FLETCHER32, SHUFFLE, ZSTD, filters_of
from ..jit import kernel

Decode = Callable[[memoryview, int], Any]
"""A decoder: from compressed bytes and the expected number of decompressed bytes to the decompressed bytes."""


@dataclass(frozen=True, eq=False)
class Chunks:
    """A field whose chunks are its views: offset and size of each in the open `file`, and how to decode them."""

    file: h5py.File
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    places: list[tuple[int, int]]
    decode: Decode

    def read(self, view: int) -> np.ndarray:
        """One view as an array. Raises UserError if its bytes are damaged."""
        offset, size = self.places[view]
        stored = os.pread(self.file.id.get_vfd_handle(), size, offset)
        result = np.empty(self.shape, self.dtype)
        try:
            if not _checksum_holds(np.frombuffer(stored, np.uint8)):
                raise ValueError("its checksum is wrong")
            planes = np.frombuffer(self.decode(memoryview(stored)[:-4], result.nbytes), np.uint8).reshape(result.itemsize, result.size)
        except Exception as error:  # each decoder raises its own errors
            raise UserError(f"{self.file.filename}: a view cannot be read ({error}): check the data set with 'pixbench verify'") from None
        _join_bytes(planes, result.reshape(-1).view(f"u{result.itemsize}"))
        return result


def find_chunks(dataset: h5py.Dataset) -> Chunks | None:
    """The chunks of a field; None if it is not stored view by view, or not as this writer stores it."""
    decode, shape = _decoder(dataset), dataset.shape[1:]
    plain = dataset.dtype.kind in "iuf" and dataset.dtype.isnative and dataset.dtype.itemsize in (1, 2, 4)
    if decode is None or not plain or dataset.chunks != (1, *shape):
        return None
    infos = [dataset.id.get_chunk_info_by_coord((view, *(0 for _ in shape))) for view in range(len(dataset))]
    end = dataset.file.id.get_filesize()
    if not infos or any(info.filter_mask or info.byte_offset is None or info.byte_offset + info.size > end for info in infos):
        return None
    return Chunks(dataset.file, dataset.dtype, shape, [(info.byte_offset, info.size) for info in infos], decode)


def _decoder(dataset: h5py.Dataset) -> Decode | None:
    filters = filters_of(dataset)
    if filters == [SHUFFLE, DEFLATE, FLETCHER32]:
        return deflate.zlib_decompress
    return _zstd() if filters == [SHUFFLE, ZSTD, FLETCHER32] else None


def _zstd() -> Decode | None:
    try:
        import zstandard
    except ImportError:
        return None
    # Costly to create, and not safe to share between threads.
    here = threading.local()

    def decode(stored: memoryview, size: int) -> bytes:
        if not hasattr(here, "decompressor"):
            here.decompressor = zstandard.ZstdDecompressor()
        if zstandard.frame_content_size(stored) > size:
            raise ValueError("it unpacks to more than it should")
        return here.decompressor.decompress(stored, max_output_size=size)

    return decode


def _checksum_holds(stored: UInt8[np.ndarray, " bytes"]) -> bool:
    """Whether the last four bytes are HDF5's Fletcher checksum of those before."""
    data, checksum = stored[:-4], stored[-4:].view(np.uint16)
    even = len(data) // 2 * 2
    first, second = _fletcher(data[:even].view(np.uint16))
    if len(data) > even:
        first += int(data[-1])
        second += first
    # HDF5 sums big-endian words. Modulo 65535 a swap of bytes is a factor of 256.
    return (first * 256 - int(checksum[0])) % 65535 == 0 and (second * 256 - int(checksum[1])) % 65535 == 0


def encoded(view: np.ndarray, level: int) -> bytes:
    """What HDF5 would store for a chunk through its filters shuffle, deflate and fletcher32; several times faster."""
    planes = np.ascontiguousarray(view.reshape(-1).view(np.uint8).reshape(-1, view.itemsize).T)
    data = np.frombuffer(deflate.zlib_compress(planes.tobytes(), level), np.uint8)
    even = len(data) // 2 * 2
    first, second = _fletcher(data[:even].view(np.uint16))
    if len(data) > even:
        first += int(data[-1])
        second += first
    # As in _checksum_holds; HDF5's own sums reach 65535 where they are a multiple of it.
    sums = [int(total) * 256 % 65535 or 65535 for total in (first, second)]
    return data.tobytes() + np.array(sums, "<u2").tobytes()


@kernel
@no_type_check
def _fletcher(words):
    """Sums modulo 65535: of the words, and of the words weighted by how many are left. Reduced between blocks, before they overflow."""
    first, second, count, modulus = np.uint64(0), np.uint64(0), len(words), np.uint64(65535)
    for start in range(0, count, 1 << 20):
        for i in range(start, min(start + (1 << 20), count)):
            word = np.uint64(words[i])
            first += word
            second += word * np.uint64(count - i)
        first, second = first % modulus, second % modulus
    return first, second


@kernel
@no_type_check
def _join_bytes(planes, words):
    """Undo the shuffle: byte b of every word lies in plane b."""
    if len(planes) == 1:
        for i in range(len(words)):
            words[i] = planes[0, i]
    elif len(planes) == 2:
        for i in range(len(words)):
            words[i] = planes[0, i] | planes[1, i] << 8
    else:
        for i in range(len(words)):
            words[i] = planes[0, i] | planes[1, i] << 8 | planes[2, i] << 16 | planes[3, i] << 24
