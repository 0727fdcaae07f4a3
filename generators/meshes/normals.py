"""Shading normals of meshes."""

import numpy as np
from jaxtyping import Float, Int

from pixbench.geometry.rays import triangle_normals

from .unique_rows import first_equal_row

CREASE_COSINE = np.cos(np.radians(38))
"""Cosine of the crease angle: faces that meet at a smaller angle are shaded as one smooth surface."""


def corner_normals(vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"]) -> Float[np.ndarray, "faces 3 3"]:
    """Unit shading normals: at each corner, the mean over the faces at its position (to 10 um) that meet it below the crease angle.

    The normal of a neighbour with the opposite winding is flipped, because winding is not reliable in real models.
    """
    normals = triangle_normals(vertices[faces]).astype(np.float32)
    place = first_equal_row(np.round(vertices.astype(float) * 1e5).astype(np.int64))[faces].ravel()
    order = np.argsort(place, kind="stable")
    place, mine = place[order], normals[order // 3]
    total = mine.copy()
    # Corners at the same position are consecutive: each is compared with the next one, the one after that, and so on.
    first = np.arange(len(order) - 1)
    step = 1
    while len(first):
        first = first[: np.searchsorted(first, len(order) - step)]
        first = first[place[first] == place[first + step]]
        cosine = np.einsum("ij,ij->i", mine[first], mine[first + step])
        smooth, turn = first[np.abs(cosine) > CREASE_COSINE], np.sign(cosine[np.abs(cosine) > CREASE_COSINE])[:, None]
        total[smooth] += turn * mine[smooth + step]
        total[smooth + step] += turn * mine[smooth]
        step += 1
    total /= np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)
    result = np.empty_like(total)
    result[order] = total
    return result.reshape(-1, 3, 3)


def vertex_normals(vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"]) -> Float[np.ndarray, "faces 3 3"]:
    """Unit shading normals: at each corner, the area-weighted mean over all faces of its vertex. For scans with millions of faces."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    weighted = np.cross(b - a, c - a)
    sums = [np.bincount(faces.ravel(), np.repeat(weighted[:, axis], 3), minlength=len(vertices)) for axis in range(3)]
    total = np.stack(sums, axis=1)
    lengths = np.linalg.norm(total, axis=1, keepdims=True)
    return (total / np.maximum(lengths, 1e-12)).astype(np.float32)[faces]
