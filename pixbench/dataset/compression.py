"""The two ways in which a shard is compressed: gzip, which any HDF5 reads, and zstd, which is read twice as fast."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import h5py

from ..errors import UserError
from ..io.hdf5 import open_file

Compression = Literal["gzip", "zstd"]

ZSTD_LEVEL = -1
"""Chosen for reading: level 3 makes data sets 9 % smaller and takes half as long again to decompress."""


def require(compression: str) -> None:
    """Enable this compression for HDF5 in this process. Raises UserError if the package for it is missing."""
    if compression == "zstd":
        try:
            import hdf5plugin  # noqa: F401  importing it registers the filter
        except ImportError:
            raise UserError("compression zstd needs the package hdf5plugin: pip install 'pixbench[zstd]'") from None


def open_shard(path: Path) -> h5py.File:
    """An open shard whose compression this process can read. Raises UserError if a package is missing, OSError for a damaged file."""
    with ExitStack() as opened:
        file = opened.enter_context(open_file(path))
        try:
            require(file.attrs.get("compression", "gzip"))
        except UserError as error:
            raise UserError(f"{path}: {error}") from None
        opened.pop_all()
    return file


def filters(compression: Compression) -> dict[str, Any]:
    """The arguments for h5py's `create_dataset`. Bytes of like significance are stored together, and chunks carry a checksum."""
    return {**_codec(compression), "shuffle": True, "fletcher32": True}


def _codec(compression: Compression) -> dict[str, Any]:
    if compression == "gzip":
        return {"compression": "gzip", "compression_opts": 4}
    require(compression)
    import hdf5plugin

    return dict(hdf5plugin.Zstd(clevel=ZSTD_LEVEL))
