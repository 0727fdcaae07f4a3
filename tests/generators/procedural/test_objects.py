import numpy as np
import pytest

from pixbench.generators.procedural.objects import CATEGORIES, build
from pixbench.generators.scene import Mesh

SEEDS = range(4)


def _areas(mesh: Mesh) -> np.ndarray:
    corners = mesh.vertices[mesh.faces].astype(float)
    return np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2


@pytest.mark.parametrize("name", sorted(CATEGORIES))
def test_objects_rest_on_the_ground_with_realistic_sizes(name: str) -> None:
    for seed in SEEDS:
        asset = build(name, seed)
        low, high = asset.mesh.bounds
        assert abs(low[2]) < 1e-6
        assert np.allclose(low[:2], -high[:2], atol=1e-5)
        assert 0.05 < (high - low).max() < 2.6
        assert len(asset.synset) == 8


@pytest.mark.parametrize("name", sorted(CATEGORIES))
def test_meshes_have_valid_faces_and_unit_normals(name: str) -> None:
    for seed in SEEDS:
        mesh = build(name, seed).mesh
        assert _areas(mesh).min() > 5e-10
        # No duplicate faces, in either winding: one surface point would have two ids.
        keys = np.sort(
            np.round(mesh.vertices[mesh.faces] * 1e6).astype(np.int64).view([("x", "i8"), ("y", "i8"), ("z", "i8")])[..., 0], axis=1
        )
        assert len(np.unique(keys, axis=0)) == len(keys)
        assert np.allclose(np.linalg.norm(mesh.normals, axis=2), 1, atol=1e-3)


def test_closed_meshes_are_wound_outwards() -> None:
    for name in ("speaker", "mug", "bowl", "jar", "bottle", "cabinet"):
        mesh = build(name, 1).mesh
        corners = mesh.vertices[mesh.faces].astype(float)
        volume = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6
        assert volume > 0


def test_objects_are_determined_by_their_seed() -> None:
    one, same, other = build("chair", 5), build("chair", 5), build("chair", 6)
    assert np.array_equal(one.mesh.vertices, same.mesh.vertices)
    assert one.id == same.id == "procedural/chair/0000000000000005"
    assert one.mesh.vertices.shape != other.mesh.vertices.shape or not np.array_equal(one.mesh.vertices, other.mesh.vertices)
