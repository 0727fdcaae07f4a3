"""Reads scans: meshes with vertex colours and labels in PLY files."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8
from scipy.spatial import cKDTree

from ..base import BadModelError
from ..formats.ply import colors_of, triangles_of, vertex_points
from ..formats.ply_elements import Columns, read_ply_elements

LABELS = ("label", "objectId", "object_id")

SAME_PLACE_M = 0.05
"""Labels are transferred between vertices of two meshes of a room that are at most this far apart."""

FEW_COLORS = 256
NEARLY_ALL = 0.95


@dataclass(frozen=True, eq=False)
class Scan:
    """A mesh in the frame and unit of its file, with colour (uint8) and label per vertex (None if the file has none)."""

    vertices: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "faces 3"]
    color: UInt8[np.ndarray, "vertices 3"] | None
    label: Int[np.ndarray, " vertices"] | None


@np.errstate(invalid="ignore")  # as in `read_model`
def read_scan(data: bytes) -> Scan:
    """The scan in a PLY file: text or binary of either byte order, with any columns. Raises BadModelError if it has no faces.

    Polygons are cut into triangles. `label` may be called `objectId` or `object_id`, as in files that were written anew.
    """
    file = read_ply_elements(data)
    vertex = file.elements.get("vertex", {})
    vertices = vertex_points(vertex)
    faces = triangles_of(file, vertices)
    if not np.isfinite(vertices[faces]).all():
        raise BadModelError("coordinates that are no numbers")
    return Scan(vertices, faces, colors_of(vertex), _labels(vertex))


def _labels(vertex: Columns) -> Int[np.ndarray, " vertices"] | None:
    """The label of each vertex; None if there is none."""
    found = next((values for name in LABELS if isinstance(values := vertex.get(name), np.ndarray)), None)
    if found is None:
        return None
    if not np.isfinite(found).all():
        raise BadModelError("labels that are no numbers")
    return found.astype(np.int64)


def labels_from(other: Scan, vertices: Float[np.ndarray, "vertices 3"]) -> Int[np.ndarray, " vertices"] | None:
    """Labels of the nearest vertices of another scan of the same room; None if it has no labels or another frame.

    A vertex without a neighbour within SAME_PLACE_M gets label 0. If these are more than half, the frames differ.
    """
    if other.label is None:
        return None
    if len(other.vertices) == len(vertices) and np.abs(other.vertices - vertices).max() < SAME_PLACE_M:
        return other.label
    distance, nearest = cKDTree(other.vertices).query(vertices, distance_upper_bound=SAME_PLACE_M, workers=-1)
    near = np.isfinite(distance)
    if near.mean() < 0.5:
        return None
    return np.where(near, other.label[np.where(near, nearest, 0)], 0)


def majority(values: Int[np.ndarray, "faces 3"]) -> Int[np.ndarray, " faces"]:
    """The most frequent value among the corners of each face; that of the first corner if all differ."""
    a, b, c = values.T
    return np.where(b == c, b, a)


def has_instance_colors(color: UInt8[np.ndarray, "vertices 3"], label: Int[np.ndarray, " vertices"] | None) -> bool:
    """Whether colours encode instances: they are constant within each label, or, without labels, very few."""
    packed = color.astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])
    if label is None:
        counts = np.sort(np.unique(packed, return_counts=True)[1])[::-1]
        return bool(counts[:FEW_COLORS].sum() >= NEARLY_ALL * len(packed) and len(packed) > 4 * FEW_COLORS)
    pair, counts = np.unique((label << 24) + packed, return_counts=True)
    first = np.unique(pair >> 24, return_index=True)[1]
    return bool(np.maximum.reduceat(counts, first).sum() >= NEARLY_ALL * len(packed))
