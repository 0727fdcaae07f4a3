"""Makes a mesh fit for exact truth: every point of a surface belongs to one triangle, and every triangle has an area."""

from collections import Counter

import fast_simplification
import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial import cKDTree

from ..normals import corner_normals, vertex_normals
from ..scene import Mesh
from .base import BadModelError
from .model import RawModel

SAME_POINT = 1e-6
"""Corners nearer than this share of the model's largest extent are one point."""

SMOOTH_ABOVE = 300_000
"""Meshes with more faces are scans: shaded by vertex normals, because crease angles say nothing amid their noise."""


def cleaned(raw: RawModel, *, most_faces: int) -> tuple[Mesh, Counter[str]]:
    """The mesh in the file's frame, and its defects by kind; BadModelError where nothing is left.

    Degenerate faces and all but the first of coincident faces are dropped (a face given twice, in two windings and colours,
    would give one surface point two ids); more than `most_faces` faces are decimated by quadrics (Garland and Heckbert 1997).
    """
    defects = Counter(raw.defects)
    keep = np.ones(len(raw.faces), bool)
    for kind, sound in (("degenerate faces (dropped)", _has_area), ("coincident faces (dropped)", _first_of_its_kind)):
        good = sound(raw.vertices, raw.faces[keep])
        defects[kind] += int((~good).sum())
        keep[np.flatnonzero(keep)] = good
    if not keep.any():
        raise BadModelError("no faces with an area")
    columns = {name: getattr(raw, name)[keep] for name in ("faces", "uv", "material")}
    columns["color"] = raw.color[keep] if raw.color is not None else None
    columns["part"] = raw.group[keep] if raw.group is not None else np.zeros(int(keep.sum()), np.int64)
    vertices = raw.vertices
    if len(columns["faces"]) > most_faces:
        defects["huge mesh (decimated)"] += 1
        vertices, columns = _decimated(vertices, columns, most_faces)
    used, faces = np.unique(columns["faces"], return_inverse=True)
    vertices, faces = vertices[used], faces.reshape(-1, 3)
    # Normals do not depend on scale, but what counts as one place does.
    unit = (vertices - vertices.min(axis=0)) / max(np.ptp(vertices, axis=0).max(), 1e-12)
    normals = vertex_normals(unit, faces) if len(faces) > SMOOTH_ABOVE else corner_normals(unit, faces)
    mesh = Mesh(
        vertices.astype(np.float32),
        faces.astype(np.int32),
        columns["uv"].astype(np.float32),
        normals,
        columns["material"].astype(np.int32),
        columns["part"].astype(np.int32),
        raw.materials,
        columns["color"],
    )
    return mesh, +defects


def _scale(vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"]) -> float:
    used = vertices[faces.ravel()]
    return float(max(np.ptp(used, axis=0).max(), 1e-12)) if len(used) else 1.0


def _has_area(vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"]) -> Bool[np.ndarray, " faces"]:
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    double_area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    longest = np.max([np.linalg.norm(edge, axis=1) for edge in (b - a, c - b, a - c)], axis=0)
    # Height over the longest edge, against the model's size: a sliver that thin is below float32's resolution.
    sound: np.ndarray = double_area > SAME_POINT * _scale(vertices, faces) * np.maximum(longest, 1e-300)
    return sound


def _first_of_its_kind(vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"]) -> Bool[np.ndarray, " faces"]:
    """False for a face whose three corners lie where those of an earlier face lie, in whatever order."""
    quantised = np.round(vertices / (_scale(vertices, faces) * SAME_POINT)).astype(np.int64)
    _, place = np.unique(quantised, axis=0, return_inverse=True)
    _, first = np.unique(np.sort(place.ravel()[faces], axis=1), axis=0, return_index=True)
    sound = np.zeros(len(faces), bool)
    sound[first] = True
    return sound


def _decimated(
    vertices: Float[np.ndarray, "vertices 3"], columns: dict[str, np.ndarray], most_faces: int
) -> tuple[Float[np.ndarray, "new 3"], dict[str, np.ndarray]]:
    """Fewer faces; each takes material, part, colour and the (affine) texture coordinates of the nearest old face."""
    faces = columns["faces"]
    points, new_faces = fast_simplification.simplify(
        vertices.astype(np.float32), faces.astype(np.int32), target_reduction=1 - most_faces / len(faces)
    )
    points, new_faces = points.astype(np.float64), new_faces.astype(np.int64)
    new_faces = new_faces[_has_area(points, new_faces)]
    new_faces = new_faces[_first_of_its_kind(points, new_faces)]
    nearest = cKDTree(vertices[faces].mean(axis=1)).query(points[new_faces].mean(axis=1))[1]
    weights = _plane_weights(vertices[faces[nearest]], points[new_faces])
    new = {name: values[nearest] for name, values in columns.items() if name not in ("faces", "color") and values is not None}
    new["uv"] = np.einsum("fcw,fwk->fck", weights, columns["uv"][nearest])
    new["color"] = None  # type: ignore[assignment]
    if columns["color"] is not None:
        mixed = np.einsum("fcw,fwk->fck", np.clip(weights, 0, 1), columns["color"][nearest].astype(float))
        new["color"] = np.clip(mixed / np.clip(weights, 0, 1).sum(axis=2, keepdims=True), 0, 255).round().astype(np.uint8)
    return points, new | {"faces": new_faces}


def _plane_weights(triangle: Float[np.ndarray, "faces 3 3"], corners: Float[np.ndarray, "faces 3 3"]) -> Float[np.ndarray, "faces 3 3"]:
    """Barycentric weights of three points in each triangle's plane, row = point."""
    a, e1, e2 = triangle[:, 0], triangle[:, 1] - triangle[:, 0], triangle[:, 2] - triangle[:, 0]
    offset = corners - a[:, None]
    d11, d12, d22 = (np.einsum("fk,fk->f", x, y)[:, None] for x, y in ((e1, e1), (e1, e2), (e2, e2)))
    p1, p2 = np.einsum("fck,fk->fc", offset, e1), np.einsum("fck,fk->fc", offset, e2)
    scale = d11 * d22 - d12 * d12
    v, w = (d22 * p1 - d12 * p2) / scale, (d11 * p2 - d12 * p1) / scale
    return np.stack([1 - v - w, v, w], axis=2)
