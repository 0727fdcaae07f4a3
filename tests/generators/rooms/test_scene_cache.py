"""Compiled kernels of cached rooms against NumPy."""

import numpy as np
import trimesh
from shapes import mesh_of

from pixbench.generators.casters.embree import EmbreeCaster
from pixbench.generators.rooms.furnishing import pose
from pixbench.generators.rooms.scene_cache import BLOCK, CachedAsset, CachedRoom
from pixbench.generators.scene import Asset, Mesh, Placed, Room
from pixbench.geometry.cameras import transform_points


def _textured(shape: trimesh.Trimesh, seed: int) -> Mesh:
    """A mesh with random texture coordinates and random normals."""
    mesh, rng = mesh_of(shape), np.random.default_rng(seed)
    normals = rng.normal(size=(len(mesh.faces), 3, 3))
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    uv = rng.random((len(mesh.faces), 3, 2)).astype(np.float32)
    return Mesh(mesh.vertices, mesh.faces, uv, normals.astype(np.float32), mesh.material, mesh.part, mesh.materials)


def _room() -> CachedRoom:
    mesh = _textured(trimesh.creation.icosphere(subdivisions=3, radius=2.0), 0)
    assert len(mesh.faces) > 2 * BLOCK
    return CachedRoom(Room("test/room", mesh, np.array([[-1.0] * 3, [1.0] * 3]), ("room",), ()), EmbreeCaster)


def test_near_returns_triangles_whose_bounds_overlap_the_box() -> None:
    room, rng = _room(), np.random.default_rng(1)
    low, high = room.corners.min(axis=1), room.corners.max(axis=1)
    for _ in range(20):
        box = np.sort(rng.uniform(-2.5, 2.5, (2, 3)), axis=0).astype(np.float32)
        expected = room.corners[((low <= box[1]) & (high >= box[0])).all(axis=1)]
        assert np.array_equal(room.near(box), expected)


def test_furnished_geometry_is_in_world_coordinates() -> None:
    room = _room()
    asset = Asset("test/cone", "cone", "", _textured(trimesh.creation.cone(0.3, 0.5), 2))
    T = pose(0.4, -0.2, 0.1, 0.7)
    geometry, _ = room.furnished((Placed(asset, T),), (CachedAsset(asset, EmbreeCaster),))
    mesh, first = asset.mesh, len(room.room.mesh.faces)
    np.testing.assert_allclose(geometry.corners[first:], transform_points(T, mesh.vertices[mesh.faces].astype(float)), rtol=0, atol=1e-6)
    np.testing.assert_allclose(geometry.normals[first:], mesh.normals @ T[:3, :3].T, rtol=0, atol=1e-6)
    assert np.array_equal(geometry.uv[first:], mesh.uv)
    assert np.array_equal(geometry.uv[:first], room.room.mesh.uv)
