"""Shading normals of meshes."""

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import coo_matrix

from pixbench.rays import triangle_normals

from .rows import first_equal_row

CREASE_COSINE = np.cos(np.radians(38))
"""Faces that meet at less than this angle are shaded as one smooth surface."""


def corner_normals(vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"]) -> Float[np.ndarray, "faces 3 3"]:
    """At each corner the mean normal of the faces that share its position (to 10 um) and meet it below the crease angle.

    A neighbour that is wound the other way counts with its normal turned, because winding is not reliable in the wild.
    """
    normals = triangle_normals(vertices[faces].astype(np.float64))
    shared = first_equal_row(np.round(vertices.astype(float) * 1e5).astype(np.int64))
    corner_vertex = shared[faces].ravel()
    face = np.repeat(np.arange(len(faces)), 3)
    incidence = coo_matrix((np.ones(len(face)), (np.arange(len(face)), corner_vertex))).tocsr()
    # Row: a corner; column: every corner at the same place.
    pairs = (incidence @ incidence.T).tocoo()
    mine, other = face[pairs.row], face[pairs.col]
    cosine = np.einsum("ij,ij->i", normals[mine], normals[other])
    smooth = np.abs(cosine) > CREASE_COSINE
    weights = (np.sign(cosine[smooth]), (pairs.row[smooth], other[smooth]))
    total = coo_matrix(weights, shape=(len(face), len(faces))).tocsr() @ normals
    total /= np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)
    return total.reshape(-1, 3, 3).astype(np.float32)


def vertex_normals(vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"]) -> Float[np.ndarray, "faces 3 3"]:
    """At each corner the area-weighted mean over all faces of its vertex: for scans, which are smooth and have millions of faces."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    weighted = np.cross(b - a, c - a)
    sums = [np.bincount(faces.ravel(), np.repeat(weighted[:, axis], 3), minlength=len(vertices)) for axis in range(3)]
    total = np.stack(sums, axis=1)
    lengths = np.linalg.norm(total, axis=1, keepdims=True)
    return (total / np.maximum(lengths, 1e-12)).astype(np.float32)[faces]
