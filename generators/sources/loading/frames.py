"""Coordinate frames of model files, and the transforms from them to PixBench's frame: z up, front along -y, metres."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from ...scene import Mesh

Y_UP_FRONT_MINUS_Z = np.array([[-1.0, 0, 0], [0, 0, 1], [0, 1, 0]])
"""Rotation from ShapeNet's frame: (x, y, z) becomes (-x, z, y)."""

Y_UP_FRONT_Z = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
"""Rotation from the frame of glTF, of Sweet Home 3D and of most OBJ files: (x, y, z) becomes (x, -z, y)."""

Z_UP_FRONT_MINUS_Y = np.eye(3)
"""Rotation from a frame that is PixBench's own already."""

ROTATIONS = {
    "z": Z_UP_FRONT_MINUS_Y,
    "y": Y_UP_FRONT_Z,
    "x": np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]]),
    "-z": np.diag([1.0, -1, -1]),
    "-y": np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]),
    "-x": np.array([[0.0, -1, 0], [0, 0, 1], [-1, 0, 0]]),
}
"""Rotations to z up from frames by the axis that is up in them."""


def longest_edge(mesh: Mesh) -> float:
    """Length of the longest edge of the axis-aligned bounding box, in the mesh's unit."""
    return float(np.ptp(mesh.bounds, axis=0).max())


def rotate_and_scale(mesh: Mesh, R: Float[np.ndarray, "3 3"], scale: float = 1.0) -> Mesh:
    """A copy of the mesh, rotated by R and then scaled.

    Arrays that do not change are shared with `mesh`; they may be read-only memory maps of a file.
    """
    vertices = mesh.vertices.astype(np.float64) @ (R.T * scale)
    normals = mesh.normals @ R.T.astype(np.float32)
    return replace(mesh, vertices=vertices.astype(np.float32), normals=normals)


def stand_on_floor(mesh: Mesh) -> Mesh:
    """A copy of the mesh, translated so that it stands on z = 0 and is centred on x = y = 0."""
    low, high = mesh.bounds
    shift = np.array([*(low + high)[:2] / 2, low[2]])
    return replace(mesh, vertices=(mesh.vertices - shift).astype(np.float32))


def transform(mesh: Mesh, A: Float[np.ndarray, "3 3"], t: Float[np.ndarray, "3"]) -> Mesh:
    """A copy of the mesh under the affine map A x + t. A must be invertible and may mirror; normals keep unit length."""
    normals = mesh.normals.astype(np.float64) @ np.linalg.inv(A)
    normals /= np.maximum(np.linalg.norm(normals, axis=2, keepdims=True), 1e-12)
    return replace(mesh, vertices=(mesh.vertices @ A.T + t).astype(np.float32), normals=normals.astype(np.float32))


def fit_box(mesh: Mesh, R: Float[np.ndarray, "3 3"], size: Float[np.ndarray, "3"]) -> Mesh:
    """A copy of the mesh, rotated by R, its bounding box stretched to `size` in metres and centred on the origin.

    An axis along which the mesh is flat is not stretched.
    """
    rotated = transform(mesh, R, np.zeros(3))
    low, high = rotated.bounds
    flat = high - low < 1e-9 * max((high - low).max(), 1e-12)
    scale = np.where(flat, 1.0, size / np.where(flat, 1.0, high - low))
    return transform(rotated, np.diag(scale), -scale * (low + high) / 2)
