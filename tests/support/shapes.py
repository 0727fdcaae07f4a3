"""Plain meshes for tests: trimesh's primitives as assets."""

import numpy as np
import trimesh

from pixbench.generators.scene import Asset, Material, Mesh


def mesh_of(shape: trimesh.Trimesh) -> Mesh:
    """A plain mesh of a trimesh primitive."""
    faces = np.asarray(shape.faces)
    count = len(faces)
    normals = np.repeat(np.asarray(shape.face_normals)[:, None], 3, axis=1).astype(np.float32)
    zeros = np.zeros(count, np.int32)
    vertices = np.asarray(shape.vertices, np.float32)
    return Mesh(vertices, faces.astype(np.int32), np.zeros((count, 3, 2), np.float32), normals, zeros, zeros, (Material(),))


def asset_of(shape: trimesh.Trimesh, name: str = "box", placement: str = "floor") -> Asset:
    return Asset(f"test/{name}", name, "", mesh_of(shape), placement)


def box(x: float, y: float, z: float) -> trimesh.Trimesh:
    """A box that stands on z = 0."""
    made = trimesh.creation.box((x, y, z))
    made.apply_translation((0, 0, z / 2))
    return made
