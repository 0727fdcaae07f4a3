"""Compiled ray kernels against NumPy, and joined casters against a single caster of all triangles."""

import numpy as np
import pytest

from pixbench.generators.casters.embree import EmbreeCaster
from pixbench.geometry.rays import JoinedCaster, PlacedCaster, exact_hits, hit_normals, triangle_normals


def test_exact_hits_match_linear_solve() -> None:
    rng = np.random.default_rng(0)
    corners = rng.normal(size=(7, 3, 3)).astype(np.float32)
    triangle = rng.integers(-1, 7, 60).astype(np.int32)
    origins, directions = rng.normal(size=(2, 60, 3))
    hits = exact_hits(corners, triangle, origins, directions)
    hit = triangle >= 0
    a, b, c = corners[triangle[hit]].astype(float).transpose(1, 0, 2)
    solved = np.linalg.solve(np.stack([-directions[hit], b - a, c - a], axis=2), (origins[hit] - a)[..., None])[..., 0]
    np.testing.assert_allclose(np.column_stack([hits.t[hit], hits.barycentric[hit]]), solved, rtol=1e-8)
    assert hits.triangle.tolist() == triangle.tolist()
    assert np.isinf(hits.t[~hit]).all()


def test_ray_in_the_triangle_plane_is_a_miss() -> None:
    corners = np.array([[[0, 0, 0], [1, 0, 0], [0, 1, 0]]], np.float32)
    hits = exact_hits(corners, np.array([0], np.int32), np.array([[-1.0, 0.2, 0.0]]), np.array([[1.0, 0.0, 0.0]]))
    assert hits.triangle.tolist() == [-1]
    assert np.isinf(hits.t[0])


def test_normals_match_cross_products() -> None:
    corners = np.random.default_rng(1).normal(size=(9, 3, 3)).astype(np.float32)
    corners[4, 2] = corners[4, 1]
    a, b, c = corners.astype(float).transpose(1, 0, 2)
    across = np.cross(b - a, c - a)
    expected = across / np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-300)
    np.testing.assert_allclose(triangle_normals(corners), expected, atol=1e-12)
    assert not expected[4].any()
    of_hits = hit_normals(corners, np.array([3, -1], np.int32))
    np.testing.assert_allclose(of_hits[0], expected[3], atol=1e-12)
    assert np.isnan(of_hits[1]).all()


@pytest.fixture
def casters() -> tuple[JoinedCaster, EmbreeCaster, np.ndarray]:
    """Two placed bodies and a background, as a joined caster and as a single one, and the array of all triangles."""
    rng = np.random.default_rng(2)
    fixed = (rng.normal(size=(40, 1, 3)) * 3 + rng.normal(size=(40, 3, 3))).astype(np.float32)
    parts, world = [], [fixed]
    for angle, shift in ((0.3, (1.0, 0.5, -0.2)), (2.0, (-1.5, 0.2, 0.4))):
        own = rng.normal(size=(30, 3, 3)).astype(np.float32) * 0.5
        T = np.eye(4)
        T[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        T[:3, 3] = shift
        flat = own.reshape(-1, 3)
        parts.append(PlacedCaster(EmbreeCaster(own), len(own), np.stack([flat.min(axis=0), flat.max(axis=0)]).astype(float), T))
        world.append((own @ T[:3, :3].T + T[:3, 3]).astype(np.float32))
    return JoinedCaster(EmbreeCaster(fixed), len(fixed), tuple(parts)), EmbreeCaster(np.concatenate(world)), np.concatenate(world)


def test_joined_caster_matches_single_caster(casters: tuple[JoinedCaster, EmbreeCaster, np.ndarray]) -> None:
    joined, one, _ = casters
    rng = np.random.default_rng(3)
    origins = rng.normal(size=(4000, 3)) * 6
    directions = rng.normal(size=(4000, 3)) - origins * 0.3
    (a, t_a), (b, t_b) = joined.first_hit(origins, directions), one.first_hit(origins, directions)
    # A ray that grazes the edge of a triangle may hit or miss it depending on the frame, through rounding.
    same = a == b
    assert same.mean() > 0.998
    assert len(np.unique(a)) > 90
    np.testing.assert_allclose(t_a[same], t_b[same], rtol=1e-4)
    reach = np.where(np.isfinite(t_b), t_b * rng.choice([0.9, 1.1], 4000), 50.0).astype(np.float32)
    hidden = joined.occluded(origins, directions, reach)
    assert (hidden == one.occluded(origins, directions, reach)).mean() > 0.998
    assert 0.1 < hidden.mean() < 0.9
