"""The arrays of a glTF file."""

import numpy as np
from jaxtyping import Float, Int, Shaped

from .document import Document, Json

COMPONENTS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
MOST_ZEROS = 30_000_000
"""Largest number of values of an accessor without stored bytes: a file of a few bytes must not fill the memory."""

COLUMNS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}


def floats(document: Document, number: int) -> Float[np.ndarray, "rows columns"]:
    """The values of an accessor, float64; normalized integers are divided by their largest value."""
    accessor = document.items("accessors")[number]
    values = _raw(document, accessor)
    if accessor.get("normalized") and values.dtype.kind in "iu":
        return np.maximum(values.astype(np.float64) / np.iinfo(values.dtype).max, -1.0)
    return values.astype(np.float64)


def integers(document: Document, number: int) -> Int[np.ndarray, "rows columns"]:
    """The values of an accessor as int64."""
    return _raw(document, document.items("accessors")[number]).astype(np.int64)


def _raw(document: Document, accessor: Json) -> Shaped[np.ndarray, "rows columns"]:
    columns, kind = COLUMNS[accessor["type"]], np.dtype(COMPONENTS[accessor["componentType"]])
    count = accessor["count"]
    if "bufferView" not in accessor and count * columns > MOST_ZEROS:
        raise ValueError(f"an accessor of {count} rows without a buffer view")
    values = np.zeros((count if "bufferView" not in accessor else 0, columns), kind)
    if "bufferView" in accessor:
        values = _rows(document, accessor["bufferView"], accessor.get("byteOffset", 0), kind, count, columns)
    if "sparse" in accessor:
        sparse = accessor["sparse"]
        values = values.copy()
        at, new = sparse["indices"], sparse["values"]
        where = np.dtype(COMPONENTS[at["componentType"]])
        rows = _rows(document, at["bufferView"], at.get("byteOffset", 0), where, sparse["count"], 1)[:, 0]
        values[rows] = _rows(document, new["bufferView"], new.get("byteOffset", 0), kind, sparse["count"], columns)
    return values


def _rows(document: Document, view: int, offset: int, kind: np.dtype, count: int, columns: int) -> Shaped[np.ndarray, "rows columns"]:
    data = document.view(view)[offset:]
    width = kind.itemsize * columns
    stride = document.stride(view) or width
    if len(data) < stride * (count - 1) + width:
        raise ValueError(f"buffer view {view} holds {len(data)} bytes from {offset}, {count} rows of {stride} are wanted")
    return np.ndarray((count, columns), kind, data, 0, (stride, kind.itemsize))
