"""The elements of PLY files (Turk 1994) as arrays: ASCII, little-endian and big-endian."""

import re
import warnings
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int, Shaped

from ..base import BadModelError

TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2", "ushort": "u2", "uint16": "u2",
    "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4", "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
    "int64": "i8", "uint64": "u8",
}  # fmt: skip
ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}


@dataclass(frozen=True)
class Property:
    """A property: its name, the type of its values, and of the number before them if it is a list."""

    name: str
    kind: str
    count_kind: str | None = None


@dataclass(frozen=True)
class Ragged:
    """A list property: all its values, and how many each row has."""

    values: Shaped[np.ndarray, " values"]
    counts: Int[np.ndarray, " rows"]


Columns = dict[str, "np.ndarray | Ragged"]


@dataclass
class _Element:
    name: str
    count: int
    properties: list[Property] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class PlyFile:
    """The columns of each element by its name, and the comments of the header."""

    elements: dict[str, Columns]
    comments: list[str]


def read_ply_elements(data: bytes) -> PlyFile:
    """All elements of a PLY file. Raises BadModelError if it is not one, or ends early."""
    elements, comments, order, body = _header(data)
    try:
        rows = _Text(body) if not order else _Binary(body, order)
        return PlyFile({element.name: rows.take(element) for element in elements}, comments)
    except (ValueError, IndexError, OverflowError) as error:  # the last for a count that is infinite
        raise BadModelError("cannot be parsed", f"ply: {error}") from None


def ply_comments(data: bytes) -> list[str]:
    """The comments of the header; none if it is not one."""
    try:
        return _header(data)[1]
    except BadModelError:
        return []


def _header(data: bytes) -> tuple[list[_Element], list[str], str, bytes]:
    """Elements, comments, byte order (empty for text) and body."""
    end = re.search(rb"(?:\r\n|\n|\r)[ \t]*end_header[ \t]*(\r\n|\n|\r)", data)
    if end is None or not data.lstrip().startswith(b"ply"):
        raise BadModelError("cannot be parsed", "ply: no header that begins with 'ply' and ends with 'end_header'")
    elements: list[_Element] = []
    comments: list[str] = []
    order = None
    for line in data[: end.start()].decode("utf-8", "surrogateescape").splitlines():
        key, _, rest = line.strip().partition(" ")
        words = rest.split()
        try:
            if key == "format":
                order = ORDERS[words[0]]
            elif key in ("comment", "obj_info"):
                comments.append(rest.strip())
            elif key == "element":
                elements.append(_Element(words[0], int(words[1])))
                if not 0 <= elements[-1].count <= len(data):  # a row has a byte or more
                    raise ValueError
            elif key == "property" and words[0] == "list":
                elements[-1].properties.append(Property(words[3], TYPES[words[2]], TYPES[words[1]]))
            elif key == "property":
                elements[-1].properties.append(Property(words[1], TYPES[words[0]]))
        except (KeyError, IndexError, ValueError):
            raise BadModelError("cannot be parsed", f"ply: line '{line.strip()[:80]}' of the header") from None
    if order is None:
        raise BadModelError("cannot be parsed", "ply: no line 'format' in the header")
    return elements, comments, order, data[end.end() :]


class _Text:
    """Takes elements one after the other from the numbers of a text."""

    def __init__(self, body: bytes):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # text ends the array, which is noticed
            self._flat = np.fromstring(body.decode("latin-1"), sep=" ")
        self._at = 0

    def take(self, element: _Element) -> Columns:
        """The columns of the next element."""
        names, count = element.properties, element.count
        lists = [number for number, item in enumerate(names) if item.count_kind]
        if not lists:
            table = self._next(count * len(names), element).reshape(count, len(names))
            return {item.name: _typed(table[:, column], item.kind) for column, item in enumerate(names)}
        widths = self._uniform(element)
        if widths is None:
            return _columns(names, [self._row(element) for _ in range(count)])
        table = self._next(count * sum(widths), element).reshape(count, sum(widths))
        starts = np.cumsum([0, *widths])
        result: Columns = {}
        for item, start, end in zip(names, starts, starts[1:], strict=False):
            values = _typed(table[:, start + bool(item.count_kind) : end], item.kind)
            result[item.name] = Ragged(values.ravel(), np.full(count, end - start - 1)) if item.count_kind else values[:, 0]
        return result

    def _next(self, count: int, element: _Element) -> np.ndarray:
        if count < 0 or self._at + count > len(self._flat):
            raise ValueError(f"element '{element.name}' ends early, or holds something that is not a number")
        self._at += count
        return self._flat[self._at - count : self._at]

    def _uniform(self, element: _Element) -> list[int] | None:
        """Numbers in each property if all rows are as long as the first one."""
        at, widths = self._at, []
        for item in element.properties:
            widths.append(1 + int(self._flat[at]) if item.count_kind and at < len(self._flat) else 1)
            at += widths[-1]
        total, starts = sum(widths), np.cumsum([0, *widths])
        if total <= 0 or self._at + element.count * total > len(self._flat):
            return None
        table = self._flat[self._at : self._at + element.count * total].reshape(element.count, total)
        lists = [(start, width) for item, start, width in zip(element.properties, starts, widths, strict=False) if item.count_kind]
        return widths if all((table[:, start] == width - 1).all() for start, width in lists) else None

    def _row(self, element: _Element) -> list[np.ndarray]:
        row = []
        for item in element.properties:
            count = int(self._next(1, element)[0]) if item.count_kind else 1
            row.append(self._next(count, element))
        return row


class _Binary:
    """Takes elements one after the other from bytes."""

    def __init__(self, body: bytes, order: str):
        self._body, self._order, self._at = body, order, 0

    def take(self, element: _Element) -> Columns:
        """The columns of the next element."""
        widths = self._widths(element)
        fields: list[tuple[str, str] | tuple[str, str, tuple[int]]] = []
        for number, (item, width) in enumerate(zip(element.properties, widths, strict=True)):
            if item.count_kind:
                fields.append((f"count{number}", self._order + item.count_kind))
            fields.append((f"value{number}", self._order + item.kind, (width,)))
        kind = np.dtype(fields)
        if self._at + element.count * kind.itemsize <= len(self._body):
            table = np.frombuffer(self._body, kind, element.count, self._at)
            lists = [number for number, item in enumerate(element.properties) if item.count_kind]
            if all((table[f"count{number}"] == widths[number]).all() for number in lists):
                self._at += element.count * kind.itemsize
                return {
                    item.name: Ragged(table[f"value{number}"].ravel(), np.full(element.count, widths[number]))
                    if item.count_kind
                    else table[f"value{number}"][:, 0]
                    for number, item in enumerate(element.properties)
                }
            return _columns(element.properties, [self._row(element) for _ in range(element.count)])
        if any(item.count_kind for item in element.properties):
            return _columns(element.properties, [self._row(element) for _ in range(element.count)])
        raise ValueError(f"element '{element.name}' ends early")

    def _widths(self, element: _Element) -> list[int]:
        """Numbers in each property of the first row."""
        if not element.count or not any(item.count_kind for item in element.properties):
            return [1] * len(element.properties)
        at = self._at
        row = self._row(element)
        self._at = at
        return [len(values) for values in row]

    def _row(self, element: _Element) -> list[np.ndarray]:
        row = []
        for item in element.properties:
            count = int(self._next(item.count_kind, 1, element)[0]) if item.count_kind else 1
            row.append(self._next(item.kind, count, element))
        return row

    def _next(self, kind: str, count: int, element: _Element) -> np.ndarray:
        size = np.dtype(kind).itemsize * count
        if count < 0 or self._at + size > len(self._body):
            raise ValueError(f"element '{element.name}' ends early")
        self._at += size
        return np.frombuffer(self._body, self._order + kind, count, self._at - size)


def _columns(properties: list[Property], rows: list[list[np.ndarray]]) -> Columns:
    result: Columns = {}
    for column, item in enumerate(properties):
        values = [row[column] for row in rows]
        flat = _typed(np.concatenate(values), item.kind) if values else np.empty(0, item.kind)
        result[item.name] = Ragged(flat, np.array([len(value) for value in values], int)) if item.count_kind else flat
    return result


def _typed(values: Shaped[np.ndarray, "*any"], kind: str) -> Shaped[np.ndarray, "*any"]:
    """Values in the type of a property: those of a text may be out of its range, and become the nearest one."""
    if np.dtype(kind).kind == "f" or values.dtype == np.dtype(kind):
        return values.astype(kind)
    low, high = np.iinfo(kind).min, np.iinfo(kind).max
    return np.clip(np.nan_to_num(values), low, high).astype(kind)
