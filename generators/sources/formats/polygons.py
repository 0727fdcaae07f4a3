"""Cuts the polygons of a mesh into triangles: convex ones into a fan, concave ones by manifold3d.

mapbox-earcut would choose other diagonals, which would change existing data sets.
"""

from dataclasses import dataclass

import manifold3d as m3
import numpy as np
from jaxtyping import Bool, Float, Int

FLAT = 1e-6
"""A corner is concave if it turns against the polygon by more than this share of the polygon's area."""

POLYGONS = "polygons (triangulated)"
CONCAVE = "concave polygons (cut into triangles)"


@dataclass(frozen=True, eq=False)
class Cut:
    """Triangles as indices into the corners of all polygons, the index of the polygon of each, and which polygons were cut as concave."""

    corners: Int[np.ndarray, "triangles 3"]
    polygon: Int[np.ndarray, " triangles"]
    is_concave: Bool[np.ndarray, " polygons"]

    @property
    def concave(self) -> int:
        """Number of concave polygons."""
        return int(self.is_concave.sum())


def cut(points: Float[np.ndarray, "corners 3"], counts: Int[np.ndarray, " polygons"]) -> Cut:
    """The triangles, in the order of the polygons. `points` are the corners of all polygons, `counts` how many each has.

    Polygons with fewer than three corners give none.
    """
    starts = np.cumsum(counts) - counts
    corners, owners = [np.empty((0, 3), np.int64)], [np.empty(0, np.int64)]
    concave = np.zeros(len(counts), bool)
    for size in np.unique(counts[counts >= 3]):
        polygon = np.flatnonzero(counts == size)
        index = starts[polygon, None] + np.arange(size)
        notched = _concave(points[index]) if size > 3 else np.zeros(len(polygon), bool)
        corners.append(_fans(index[~notched]))
        owners.append(np.repeat(polygon[~notched], size - 2))
        for row in np.flatnonzero(notched):
            triangles = _triangles(points[index[row]])
            concave[polygon[row]] = triangles is not None
            corners.append(index[row][triangles] if triangles is not None else _fans(index[row : row + 1]))
            owners.append(np.full(len(corners[-1]), polygon[row]))
    owner = np.concatenate(owners)
    order = np.argsort(owner, kind="stable")
    return Cut(np.concatenate(corners)[order], owner[order], concave)


def halves_first(rows: Int[np.ndarray, " rows"]) -> Int[np.ndarray, " rows"]:
    """Triangles of quads, the first halves before the second ones, because the bytes of existing data sets depend on that order."""
    return np.concatenate([rows[::2], rows[1::2]])


def _fans(index: Int[np.ndarray, "polygons size"]) -> Int[np.ndarray, "triangles 3"]:
    size = index.shape[1]
    if size == 4:
        return index[:, [0, 1, 2, 2, 3, 0]].reshape(-1, 3)
    fan = np.stack([np.zeros(size - 2, int), np.arange(1, size - 1), np.arange(2, size)], axis=1)
    return index[:, fan].reshape(-1, 3)


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


def _triangles(polygon: Float[np.ndarray, "corners 3"]) -> Int[np.ndarray, "triangles 3"] | None:
    """Triangles of a concave polygon; None if it cannot be triangulated."""
    normal = _plane(polygon[None] - polygon.mean(axis=0))[0]
    normal /= max(float(np.linalg.norm(normal)), 1e-300)
    x = np.cross(normal, np.eye(3)[np.abs(normal).argmin()])
    x /= max(float(np.linalg.norm(x)), 1e-300)
    flat = (polygon - polygon[0]) @ np.column_stack([x, np.cross(normal, x)])
    found = np.asarray(m3.triangulate([flat / max(float(np.abs(flat).max()), 1e-300)]))
    return found if len(found) else None
