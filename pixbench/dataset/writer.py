"""Writes shards: to a temporary name, closed, reopened and checked, then renamed, so that a shard with its name is whole."""

import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..errors import UserError
from ..geometry.correspondence import STATUS_MEANING
from ..geometry.selftest_result import SelfTest
from ..io.hdf5 import create_file, open_file
from .chunks import encoded, find_chunks
from .compression import Compression, filters
from .schema import FIELDS, FORMAT, FORMAT_VERSION, Field

FieldArrays = Mapping[str, np.ndarray]
SceneToWrite = tuple[str, FieldArrays, SelfTest, Mapping[str, Any]]
"""Name, arrays of the schema, self-test, recipe."""

# The 1.10 file format checksums its own metadata, so that any changed byte is found and can be placed.
LIBVER = ("v110", "v110")


def field_sha256(array: np.ndarray) -> str:
    """Hash of a field's values in C order, little-endian."""
    little = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
    return hashlib.sha256(little.tobytes()).hexdigest()


def write_shard(path: Path, scenes: Iterable[SceneToWrite], *, compression: Compression = "gzip") -> None:
    """Write scenes to `path`, atomically: after a failure there is no file of that name."""
    # A process id is not unique: two machines of a cluster may have the same one, and share the folder.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    digests: dict[str, dict[str, str]] = {}
    try:
        with _created(temporary, path) as file:
            with _writing(path):
                _write_header(file, compression)
            for name, arrays, self_test, recipe in scenes:
                with _writing(path):
                    digests[name] = _write_scene(file.create_group(name), arrays, self_test, recipe, filters(compression))
        _check_written(temporary, digests)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _created(temporary: Path, path: Path) -> Iterator[h5py.File]:
    """A new file, closed explicitly, because a full disk may be reported only on closing."""
    with _writing(path):
        # Without a chunk cache, the offsets of chunks do not depend on when Python releases a dataset. A profiler, such as that
        # of a Dask worker, keeps references to it for a while.
        file = create_file(temporary, libver=LIBVER, rdcc_nbytes=0)
    try:
        yield file
    finally:
        with _writing(path):
            file.close()


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Turn errors of HDF5 on writing, an OSError or RuntimeError of many lines, into a UserError of one line."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else " ".join(str(error).split())
        raise UserError(f"{path} cannot be written ({reason}): free space, or choose another place; finished work is kept") from None


def _write_header(file: h5py.File, compression: Compression) -> None:
    file.attrs["format"], file.attrs["format_version"] = FORMAT, FORMAT_VERSION
    file.attrs["compression"] = compression
    file.attrs["status_codes"] = json.dumps({int(code): f"{code.name.lower()}: {text}" for code, text in STATUS_MEANING.items()})


def _write_scene(
    group: h5py.Group, arrays: FieldArrays, self_test: SelfTest, recipe: Mapping[str, Any], filters: Mapping[str, Any]
) -> dict[str, str]:
    if set(arrays) != set(FIELDS):
        raise ValueError(f"scene fields differ from the schema: {sorted(set(arrays) ^ set(FIELDS))}")
    sizes: dict[str, int] = {}
    digests = {}
    for name, field in FIELDS.items():
        array = np.ascontiguousarray(arrays[name])
        _check_shape(name, field, array, sizes)
        # A chunk a view; small tables are one chunk too, because only chunks carry a checksum.
        chunks = (1, *array.shape[1:]) if field.chunk_first_axis else tuple(max(size, 1) for size in array.shape)
        # A table without rows still has a chunk's shape, for which it must be allowed to grow.
        most = tuple(size or None for size in array.shape)
        dataset = group.create_dataset(name, array.shape, field.stored_dtype, chunks=chunks, maxshape=most, **filters)
        _fill(dataset, array.view(field.stored_dtype), view_by_view=field.chunk_first_axis and filters["compression"] == "gzip")
        digests[name] = field_sha256(array)
        dataset.attrs["axes"], dataset.attrs["unit"], dataset.attrs["meaning"] = field.axes, field.unit, field.meaning
        dataset.attrs["sha256"] = digests[name]
    group.attrs["self_test"] = json.dumps(self_test.as_dict())
    group.attrs["recipe"] = json.dumps(dict(recipe), sort_keys=True)
    return digests


def _fill(dataset: h5py.Dataset, array: np.ndarray, *, view_by_view: bool) -> None:
    """Write the values; views are compressed here, because HDF5's zlib takes several times longer than libdeflate."""
    if not view_by_view:
        dataset[...] = array
        return
    for number, view in enumerate(array):
        dataset.id.write_direct_chunk((number, *(0 for _ in view.shape)), encoded(view, dataset.compression_opts))


def _check_shape(name: str, field: Field, array: np.ndarray, sizes: dict[str, int]) -> None:
    """Check that an array has the schema's type and axes, and that shared axes have the same size in all fields of the scene."""
    if array.dtype != np.dtype(field.dtype) or array.ndim != field.ndim:
        raise ValueError(f"{name}: expected {field.dtype} with axes {field.axes}, got {array.dtype} {array.shape}")
    for axis, size in zip(field.axes.split(), array.shape, strict=True):
        if size != (int(axis) if axis.isdigit() else sizes.setdefault(axis, size)):
            raise ValueError(f"{name}: axis {axis} has size {size}, elsewhere it has {sizes.get(axis, axis)}")


def _check_written(path: Path, digests: Mapping[str, Mapping[str, str]]) -> None:
    with open_file(path) as file:
        for scene, fields in digests.items():
            for name, digest in fields.items():
                if field_sha256(_read_back(file[scene][name])) != digest:
                    raise OSError(f"{path}: {scene}/{name} differs from what was written when it is read back")


def _read_back(dataset: h5py.Dataset) -> np.ndarray:
    """A whole field, read as a reader would."""
    chunks = find_chunks(dataset)
    return dataset[()] if chunks is None else np.stack([chunks.read(view) for view in range(len(dataset))])
