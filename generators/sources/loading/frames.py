"""From the frames of model files to ours: z up, front along -y, metres."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from ...scene import Mesh

Y_UP_FRONT_MINUS_Z = np.array([[-1.0, 0, 0], [0, 0, 1], [0, 1, 0]])
"""Of ShapeNet: (x, y, z) becomes (-x, z, y)."""

Y_UP_FRONT_Z = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
"""Of glTF, and of most who write OBJ: (x, y, z) becomes (x, -z, y)."""

Z_UP = np.eye(3)


def longest_edge(mesh: Mesh) -> float:
    """The longest edge of the axis-aligned box, in the mesh's unit."""
    return float(np.ptp(mesh.bounds, axis=0).max())


def turned(mesh: Mesh, rotation: Float[np.ndarray, "3 3"], scale: float = 1.0) -> Mesh:
    """A rotated and then scaled copy. What does not change is shared with `mesh`, which may be mapped from a file and read-only."""
    vertices = mesh.vertices.astype(np.float64) @ (rotation.T * scale)
    normals = mesh.normals @ rotation.T.astype(np.float32)
    return replace(mesh, vertices=vertices.astype(np.float32), normals=normals)


def standing(mesh: Mesh) -> Mesh:
    """A copy that stands on z = 0, centred on x = y = 0."""
    low, high = mesh.bounds
    shift = np.array([*(low + high)[:2] / 2, low[2]])
    return replace(mesh, vertices=(mesh.vertices - shift).astype(np.float32))
