"""Scans: coloured, labelled meshes in PLY files."""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import trimesh
from jaxtyping import Float, Int, UInt8
from scipy.spatial import cKDTree

from ..base import BadModelError

SAME_PLACE_M = 0.05
"""A vertex takes the label of a vertex of another mesh of the same room that is not farther away."""

FEW_COLORS = 256
NEARLY_ALL = 0.95


@dataclass(frozen=True, eq=False)
class Scan:
    """A mesh with a colour and a label a vertex, as far as its file has them; in the file's frame."""

    vertices: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "faces 3"]
    color: UInt8[np.ndarray, "vertices 3"] | None
    label: Int[np.ndarray, " vertices"] | None


def read_scan(data: bytes) -> Scan:
    """A PLY file's scan; BadModelError where it cannot be parsed or has no faces."""
    try:
        mesh = trimesh.load(io.BytesIO(data), file_type="ply", process=False)
    except Exception as error:  # a parser's trouble has a hundred types
        raise BadModelError("cannot be parsed", f"{type(error).__name__}: {error}") from None
    if not isinstance(mesh, trimesh.Trimesh) or not len(mesh.faces):
        raise BadModelError("no faces")
    faces, vertices = np.asarray(mesh.faces, np.int64), np.asarray(mesh.vertices, np.float64)
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise BadModelError("faces with corners that are not there")
    if not np.isfinite(vertices[faces]).all():
        raise BadModelError("coordinates that are no numbers")
    visual: Any = mesh.visual
    color = np.asarray(visual.vertex_colors, np.uint8)[:, :3] if visual.kind == "vertex" else None
    return Scan(vertices, faces, color, _labels(mesh))


def _labels(mesh: trimesh.Trimesh) -> Int[np.ndarray, " vertices"] | None:
    """The vertex property `label`, which trimesh keeps among the file's raw columns."""
    try:
        return np.asarray(mesh.metadata["_ply_raw"]["vertex"]["data"]["label"]).astype(np.int64).ravel()
    except (KeyError, ValueError, IndexError):
        return None


def labels_from(other: Scan, vertices: Float[np.ndarray, "vertices 3"]) -> Int[np.ndarray, " vertices"] | None:
    """Labels of the nearest vertices of another scan of the same room; None where it has none, or lies elsewhere.

    A vertex with no neighbour within SAME_PLACE_M has label 0; more than half of those, and the frames are not the same.
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
    """The value that most corners of each face have; the first corner's where all differ."""
    a, b, c = values.T
    return np.where(b == c, b, a)


def has_instance_colors(color: UInt8[np.ndarray, "vertices 3"], label: Int[np.ndarray, " vertices"] | None) -> bool:
    """Whether colours tell instances apart instead of showing them: equal within a label, or, without labels, very few."""
    packed = color.astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])
    if label is None:
        counts = np.sort(np.unique(packed, return_counts=True)[1])[::-1]
        return bool(counts[:FEW_COLORS].sum() >= NEARLY_ALL * len(packed) and len(packed) > 4 * FEW_COLORS)
    pair, counts = np.unique((label << 24) + packed, return_counts=True)
    first = np.unique(pair >> 24, return_index=True)[1]
    return bool(np.maximum.reduceat(counts, first).sum() >= NEARLY_ALL * len(packed))
