"""Triangulates the concave polygons of an OBJ file.

trimesh splits every polygon into a fan, which is correct for convex polygons only. manifold3d triangulates: mapbox-earcut
chooses other diagonals, which would change existing data sets.
"""

import re

import manifold3d as m3
import numpy as np
from jaxtyping import Bool, Float, Int

FLAT = 1e-6
"""A corner is concave if it turns against the polygon by more than this share of the polygon's area."""


def without_concave_polygons(data: bytes) -> tuple[bytes, int]:
    """The OBJ file with its concave polygons replaced by triangles of the same corners, and the number of these polygons."""
    lines = [
        match for match in re.finditer(rb"^f[ \t]+(.*?)[ \t\r]*$", data, re.MULTILINE) if match[1].count(b" ") + match[1].count(b"\t") >= 3
    ]
    if not lines:
        return data, 0
    vertices, starts = _vertices(data)
    by_size: dict[int, list[int]] = {}
    corners = [match[1].split() for match in lines]
    for number, words in enumerate(corners):
        by_size.setdefault(len(words), []).append(number)
    replaced: dict[int, bytes] = {}
    for size, numbers in by_size.items():
        if size > 3:
            index = np.array([[int(word.partition(b"/")[0]) for word in corners[number]] for number in numbers])
            before = np.searchsorted(starts, [lines[number].start() for number in numbers])
            index = np.where(index < 0, index + before[:, None], index - 1)
            sound = ((index >= 0) & (index < len(vertices))).all(axis=1)
            for row in np.flatnonzero(sound)[_concave(vertices[index[sound]])]:
                replaced[numbers[row]] = _triangles(vertices[index[row]], corners[numbers[row]])
    pieces, end = [], 0
    for number in sorted(replaced):
        pieces += [data[end : lines[number].start()], replaced[number]]
        end = lines[number].end()
    return b"".join([*pieces, data[end:]]), len(replaced)


def _vertices(data: bytes) -> tuple[Float[np.ndarray, "vertices 3"], Int[np.ndarray, " vertices"]]:
    """The vertices, and the byte offset of each in the file."""
    found = list(re.finditer(rb"^v[ \t]+(\S+)[ \t]+(\S+)[ \t]+(\S+)", data, re.MULTILINE))
    try:
        values = np.array([match.groups() for match in found], dtype=float).reshape(-1, 3)
    except ValueError:
        values = np.full((len(found), 3), np.nan)  # not numbers: the reader reports it
    return values, np.array([match.start() for match in found], int)


def _plane(polygons: Float[np.ndarray, "polygons corners 3"]) -> Float[np.ndarray, "polygons 3"]:
    """Normals by Newell's method; their length is twice the area."""
    return np.cross(polygons, np.roll(polygons, -1, axis=1)).sum(axis=1)


def _concave(polygons: Float[np.ndarray, "polygons corners 3"]) -> Bool[np.ndarray, " polygons"]:
    centred = polygons - polygons.mean(axis=1, keepdims=True)
    normal = _plane(centred)
    edge = np.roll(centred, -1, axis=1) - centred
    turn = np.einsum("pck,pk->pc", np.cross(np.roll(edge, 1, axis=1), edge), normal)
    concave: np.ndarray = (turn < -FLAT * np.einsum("pk,pk->p", normal, normal)[:, None]).any(axis=1)
    return concave


def _triangles(polygon: Float[np.ndarray, "corners 3"], words: list[bytes]) -> bytes:
    """OBJ lines of the triangles, or of the polygon itself if it cannot be triangulated."""
    normal = _plane(polygon[None] - polygon.mean(axis=0))[0]
    normal /= max(float(np.linalg.norm(normal)), 1e-300)
    x = np.cross(normal, np.eye(3)[np.abs(normal).argmin()])
    x /= max(float(np.linalg.norm(x)), 1e-300)
    flat = (polygon - polygon[0]) @ np.column_stack([x, np.cross(normal, x)])
    cut = np.asarray(m3.triangulate([flat / max(float(np.abs(flat).max()), 1e-300)]))
    if not len(cut):
        return b"f " + b" ".join(words)
    return b"\n".join(b"f " + b" ".join(words[k] for k in triangle) for triangle in cut)
