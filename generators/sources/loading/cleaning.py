"""Cleans meshes for exact ground truth: every surface point belongs to one triangle, and every triangle has an area."""

from collections import Counter

import fast_simplification
import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial import cKDTree

from ...meshes.normals import corner_normals, vertex_normals
from ...meshes.unique_rows import first_equal_row
from ...scene import Mesh
from ..base import BadModelError
from ..formats.parts import RawModel

SAME_POINT = 1e-6
"""Vertices closer than this share of the model's largest extent are merged."""

SMOOTH_ABOVE = 300_000
"""Meshes with more faces are taken for scans and get vertex normals, because noise makes crease angles meaningless."""

FAR = 20
"""A mesh further from the origin than this many times its extent is moved to it, because float32 would round its coordinates."""

FAR_AWAY = "coordinates far from the origin (moved to it)"

MOST_PAIRS = 50_000_000
"""Crease angles are computed for at most this many pairs of corners, about 2 GB."""


def cleaned(raw: RawModel, *, most_faces: int) -> tuple[Mesh, Counter[str]]:
    """The cleaned mesh in the frame of its file, and the number of its defects by kind. Raises BadModelError if no face is left.

    Vertices at the same position are merged. Degenerate faces are dropped, and so are coincident faces except the first: two faces
    with different windings and colours would give a surface point two ids. Meshes with more than `most_faces` faces are decimated
    by quadric error metrics (Garland and Heckbert 1997).
    """
    defects = Counter(raw.defects)
    vertices, faces = _welded(raw.vertices, raw.faces)
    vertices, moved = _near_origin(vertices)
    defects[FAR_AWAY] += moved
    keep = np.ones(len(faces), bool)
    for kind, sound in (("degenerate faces (dropped)", _has_area), ("coincident faces (dropped)", _first_of_its_kind)):
        good = sound(vertices, faces[keep])
        defects[kind] += int((~good).sum())
        keep[np.flatnonzero(keep)] = good
    if not keep.any():
        raise BadModelError("no faces with an area")
    columns = {"faces": faces[keep], "uv": raw.uv[keep], "material": raw.material[keep]}
    columns["color"] = raw.color[keep] if raw.color is not None else None  # type: ignore[assignment]
    columns["part"] = raw.group[keep] if raw.group is not None else np.zeros(int(keep.sum()), np.int64)
    if len(columns["faces"]) > most_faces:
        defects["huge mesh (decimated)"] += 1
        vertices, columns = _decimated(vertices, columns, most_faces)
    vertices, faces = _used(vertices, columns["faces"])
    smooth = _is_smooth(faces)
    if not smooth and _is_wound_both_ways(faces):
        defects["inconsistent winding (shaded from both sides)"] += 1
    # Normals do not depend on the scale, but the tolerance for equal positions does.
    unit = (vertices - vertices.min(axis=0)) / _extent(vertices)
    normals = vertex_normals(unit, faces) if smooth else corner_normals(unit, faces)
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


def _used(
    vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"]
) -> tuple[Float[np.ndarray, "used 3"], Int[np.ndarray, "faces 3"]]:
    """Vertices and faces without unreferenced vertices."""
    used = np.zeros(len(vertices), bool)
    used[faces] = True
    return vertices[used], (np.cumsum(used) - 1)[faces]


def _near_origin(vertices: Float[np.ndarray, "vertices 3"]) -> tuple[Float[np.ndarray, "vertices 3"], bool]:
    """The vertices, moved by the middle of their box along each axis on which they are far away; and whether they were moved."""
    if not len(vertices):
        return vertices, False
    middle = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    far = np.abs(middle) > FAR * _extent(vertices)
    return (vertices - np.where(far, middle, 0.0), True) if far.any() else (vertices, False)


def _extent(vertices: Float[np.ndarray, "vertices 3"]) -> float:
    return float(max(np.ptp(vertices, axis=0).max(), 1e-12))


def _welded(
    vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"]
) -> tuple[Float[np.ndarray, "used 3"], Int[np.ndarray, "faces 3"]]:
    """Merge vertices at the same position. Texture coordinates and colours are kept: they belong to corners, not to vertices."""
    vertices, faces = _used(vertices, faces)
    cells = np.round((vertices - vertices.min(axis=0)) / (_extent(vertices) * SAME_POINT)).astype(np.int32)
    return vertices, first_equal_row(cells)[faces]


def _has_area(vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"]) -> Bool[np.ndarray, " faces"]:
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    with np.errstate(over="ignore", invalid="ignore"):  # a face whose area overflows has none
        double_area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
        longest = np.max([np.linalg.norm(edge, axis=1) for edge in (b - a, c - b, a - c)], axis=0)
        # The height over the longest edge, relative to the model's size: a thinner sliver is below the resolution of float32.
        sound: np.ndarray = double_area > SAME_POINT * _extent(vertices) * np.maximum(longest, 1e-300)
    return sound


def _first_of_its_kind(vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"]) -> Bool[np.ndarray, " faces"]:
    """False for a face with the same vertices as an earlier face, in any order."""
    first: np.ndarray = first_equal_row(np.sort(faces, axis=1)) == np.arange(len(faces))
    return first


def _is_smooth(faces: Int[np.ndarray, "faces 3"]) -> bool:
    """Whether to use vertex normals: for a scan, or if too many pairs of faces share a vertex."""
    pairs = float((np.bincount(faces.ravel()).astype(float) ** 2).sum())
    return len(faces) > SMOOTH_ABOVE or pairs > MOST_PAIRS


def _is_wound_both_ways(faces: Int[np.ndarray, "faces 3"]) -> bool:
    """Whether two faces that share an edge with no third face traverse it in the same direction."""
    start, end = faces.astype(np.int64).ravel(), np.roll(faces, -1, axis=1).astype(np.int64).ravel()
    edges = np.minimum(start, end) * (faces.max() + 1) + np.maximum(start, end)
    _, edge, count = np.unique(edges, return_inverse=True, return_counts=True)
    return bool(np.any((count == 2) & (np.bincount(edge, start < end) != 1)))


def _decimated(
    vertices: Float[np.ndarray, "vertices 3"], columns: dict[str, np.ndarray], most_faces: int
) -> tuple[Float[np.ndarray, "new 3"], dict[str, np.ndarray]]:
    """Decimated mesh. Each face gets material, part, colour and (affine) texture coordinates of the nearest original face."""
    faces = columns["faces"]
    points, new_faces = fast_simplification.simplify(
        vertices.astype(np.float32), faces.astype(np.int32), target_reduction=1 - most_faces / len(faces)
    )
    points, new_faces = points.astype(np.float64), new_faces.astype(np.int64)
    points, new_faces = _welded(points, new_faces)
    new_faces = new_faces[_has_area(points, new_faces)]
    new_faces = new_faces[_first_of_its_kind(points, new_faces)]
    nearest = cKDTree(vertices[faces].mean(axis=1)).query(points[new_faces].mean(axis=1))[1]
    weights = _plane_weights(vertices[faces[nearest]], points[new_faces])
    new = {name: values[nearest] for name, values in columns.items() if name not in ("faces", "color") and values is not None}
    new["uv"] = np.einsum("fcw,fwk->fck", weights, columns["uv"][nearest])
    new["color"] = None
    if columns["color"] is not None:
        mixed = np.einsum("fcw,fwk->fck", np.clip(weights, 0, 1), columns["color"][nearest].astype(float))
        new["color"] = np.clip(mixed / np.clip(weights, 0, 1).sum(axis=2, keepdims=True), 0, 255).round().astype(np.uint8)
    return points, new | {"faces": new_faces}


def _plane_weights(triangle: Float[np.ndarray, "faces 3 3"], corners: Float[np.ndarray, "faces 3 3"]) -> Float[np.ndarray, "faces 3 3"]:
    """Barycentric weights of three points in the plane of each triangle, one row per point."""
    a, e1, e2 = triangle[:, 0], triangle[:, 1] - triangle[:, 0], triangle[:, 2] - triangle[:, 0]
    offset = corners - a[:, None]
    d11, d12, d22 = (np.einsum("fk,fk->f", x, y)[:, None] for x, y in ((e1, e1), (e1, e2), (e2, e2)))
    p1, p2 = np.einsum("fck,fk->fc", offset, e1), np.einsum("fck,fk->fc", offset, e2)
    scale = d11 * d22 - d12 * d12
    v, w = (d22 * p1 - d12 * p2) / scale, (d11 * p2 - d12 * p1) / scale
    return np.stack([1 - v - w, v, w], axis=2)
