"""Reads OFF files (Geomview): OFF, COFF, NOFF, STOFF and their combinations, as text or binary, with colours of faces."""

import re
from collections import Counter

import numpy as np
from jaxtyping import UInt8

from ..base import BadModelError
from .colors import as_bytes
from .parts import NO_MATERIAL, WHITE, Part
from .polygons import CONCAVE, POLYGONS, cut, halves_first

HEADER = re.compile(rb"\s*(ST)?(C)?(N)?(4)?(n)?OFF(\s+BINARY[^\n]*\n)?")


def read_off(data: bytes, defects: Counter[str]) -> list[Part]:
    """The part of an OFF file. Raises BadModelError if it cannot be parsed."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    header = HEADER.match(data)
    if header is None and not re.match(rb"\s*(#[^\n]*\n\s*)*\d+\s+\d+", data):
        raise BadModelError("cannot be parsed", "off: no line OFF at its beginning")
    if header is not None and (header[4] or header[5]):
        raise BadModelError("points of four or more dimensions", "off")
    with_texels, with_colors, with_normals = (header is not None and header[k] is not None for k in (1, 2, 3))
    body = data[header.end() :] if header else data
    widths = (3, 3 * with_normals, None if with_colors else 0, 2 * with_texels)
    try:
        rows, polygons = (_binary if header and header[6] else _read_text)(body, widths)
    except (ValueError, IndexError) as error:
        raise BadModelError("cannot be parsed", f"off: {error}") from None
    return _off_parts(rows, polygons, widths, defects)


Widths = tuple[int, int, int | None, int]
"""Numbers of a vertex: position, normal, colour (None: as many as there are), texture coordinates."""

Polygon = tuple[list[int], list[str]]
"""The vertices of a polygon, and the words of its colour."""


def _read_text(body: bytes, widths: Widths) -> tuple[list[list[float]], list[Polygon]]:
    lines = [line.partition("#")[0].split() for line in body.decode("latin-1").replace("\r", "\n").split("\n")]
    lines = [line for line in lines if line]
    vertices, faces = int(lines[0][0]), int(lines[0][1])
    if min(vertices, faces) < 0:
        raise ValueError("a negative number of vertices or faces is announced")
    if len(lines) < 1 + vertices + faces:
        raise ValueError(f"{vertices} vertices and {faces} faces are announced, {len(lines) - 1} lines follow")
    rows = [[float(word) for word in line] for line in lines[1 : 1 + vertices]]
    polygons = []
    for line in lines[1 + vertices : 1 + vertices + faces]:
        size = max(int(line[0]), 0)
        corners = [int(word) for word in line[1 : 1 + size]]
        if len(corners) < size:
            raise ValueError(f"face '{' '.join(line)}' has fewer corners than it says")
        polygons.append((corners, line[1 + size :]))
    return rows, polygons


def _binary(body: bytes, widths: Widths) -> tuple[list[list[float]], list[Polygon]]:
    """Big-endian int32 and float32."""
    vertices, faces, _ = (int(value) for value in np.frombuffer(body, ">i4", 3))
    width = sum(4 if number is None else number for number in widths)
    at = 12 + 4 * width * vertices
    rows = np.frombuffer(body, ">f4", width * vertices, 12).reshape(vertices, width).tolist()
    polygons: list[Polygon] = []
    for _ in range(faces):
        size = int(np.frombuffer(body, ">i4", 1, at)[0])
        corners = np.frombuffer(body, ">i4", size, at + 4).tolist()
        colors = int(np.frombuffer(body, ">i4", 1, at + 4 + 4 * size)[0])
        if size < 0 or colors < 0:
            raise ValueError("a face has a negative number of corners or colours")
        at += 8 + 4 * size
        polygons.append((corners, [repr(float(value)) for value in np.frombuffer(body, ">f4", colors, at)]))
        at += 4 * colors
    return rows, polygons


def _off_parts(rows: list[list[float]], polygons: list[Polygon], widths: Widths, defects: Counter[str]) -> list[Part]:
    shortest = min((len(row) for row in rows), default=0)
    if shortest < 3:
        raise BadModelError("cannot be parsed", "off: a vertex with fewer than three coordinates")
    table = np.array([row[:shortest] for row in rows])
    counts = np.array([len(corners) for corners, _ in polygons], np.int64)
    faces = np.array([corner for corners, _ in polygons for corner in corners], np.int64)
    if not len(faces):
        raise BadModelError("no faces", f"a point cloud of {len(table)} points")
    if ((faces < 0) | (faces >= len(table))).any():
        raise BadModelError("faces with corners that are not there")
    triangles = cut(table[faces, :3], counts)
    defects[CONCAVE] += triangles.concave
    defects[POLYGONS] += bool((counts > 3).any())
    order = np.arange(len(triangles.polygon))
    if (counts == 4).all() and not triangles.concave:
        order = halves_first(order)
    corners, polygon = faces[triangles.corners[order]], triangles.polygon[order]
    color = _face_colors([words for _, words in polygons], defects)
    color = None if color is None else np.repeat(color[polygon][:, None], 3, axis=1)
    start, more = 3 + widths[1], shortest - widths[3] - 3 - widths[1]
    # Colours without a C in the header are told from normals by their size.
    if more >= 3 and (widths[2] is None or table[:, start : start + 3].max() > 1):
        color = as_bytes(table[:, start : start + 3])[corners]
    elif more > 0:
        defects["numbers behind vertices (left out)"] = 1
    uv = None
    if widths[3]:
        uv = table[:, shortest - 2 :][corners] * [1, -1]
        defects["texture coordinates without a texture"] = 1
    return [Part(table[:, :3], corners, NO_MATERIAL if color is None else WHITE, uv, color)]


def _face_colors(words: list[list[str]], defects: Counter[str]) -> UInt8[np.ndarray, "faces 3"] | None:
    """The colours behind faces, white for a face without; None if no face has one."""
    if any(len(row) in (1, 2) for row in words):
        defects["colours from a colour map (left out)"] = 1
    if not any(len(row) >= 3 for row in words):
        return None
    whole = all("." not in word and "e" not in word.lower() for row in words for word in row[:3])
    white = [255.0 if whole else 1.0] * 3
    values = np.array([[float(word) for word in row[:3]] if len(row) >= 3 else white for row in words])
    return as_bytes(values.astype(np.int64) if whole else values)
