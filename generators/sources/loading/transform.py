"""Moves meshes from a file's frame into ours."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from ...scene import Mesh

Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""Turns a y-up frame whose front is +z into ours: z up, front along -y."""


def transformed(mesh: Mesh, A: Float[np.ndarray, "3 3"], t: Float[np.ndarray, "3"]) -> Mesh:
    """The mesh at A x + t. A may mirror and stretch, but must have an inverse; normals stay unit vectors."""
    normals = mesh.normals.astype(np.float64) @ np.linalg.inv(A)
    normals /= np.maximum(np.linalg.norm(normals, axis=2, keepdims=True), 1e-12)
    return replace(mesh, vertices=(mesh.vertices @ A.T + t).astype(np.float32), normals=normals.astype(np.float32))


def boxed(mesh: Mesh, R: Float[np.ndarray, "3 3"], size: Float[np.ndarray, "3"]) -> Mesh:
    """The mesh, turned by R, with its bounding box stretched to `size` in metres and centred on the origin.

    A mesh that is flat along an axis keeps its (no) thickness there.
    """
    turned = transformed(mesh, R, np.zeros(3))
    low, high = turned.bounds
    flat = high - low < 1e-9 * max((high - low).max(), 1e-12)
    scale = np.where(flat, 1.0, size / np.where(flat, 1.0, high - low))
    return transformed(turned, np.diag(scale), -scale * (low + high) / 2)
