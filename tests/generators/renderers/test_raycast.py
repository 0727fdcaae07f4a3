"""The compiled kernels of the renderer `raycast`, each against the same computation in plain NumPy."""

import numpy as np
import pytest

from pixbench.generators.renderers.denoising import FILTER_STEPS, denoise
from pixbench.generators.renderers.lighting import add_light, shade
from pixbench.generators.renderers.secondary_rays import occlusion_rays, shadow_rays
from pixbench.generators.renderers.surface_samples import SurfaceSamples, fill_samples
from pixbench.generators.renderers.texture_atlas import Atlas, AtlasMaker
from pixbench.generators.renderers.tone_mapping import pixel_means
from pixbench.generators.scene import Geometry, Light, Material

GRID = (6, 8)
COUNT = GRID[0] * GRID[1]
CENTRE = np.array([0.1, -0.2, 0.3])
LAMP = Light("area", np.array([0.5, 0.5, 4.0]), np.array([1.5, 0, 0]), np.array([0, -1.2, 0]), np.array([3.0, 2.0, 1.0]))
SUN = Light("sun", np.array([0.6, 0.0, 0.8]), np.array([0, 1.0, 0]), np.array([-0.8, 0, 0.6]), np.array([1.0, 1.0, 1.0]))


def _unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def _random_geometry(rng: np.random.Generator) -> Geometry:
    table = np.empty((5, 24), np.float32)
    table[:, :9] = rng.normal(size=(5, 9)) * 2
    table[:, 9:18] = _unit(rng.normal(size=(5, 3, 3))).reshape(5, 9)
    table[:, 18:] = rng.random((5, 6))
    material = rng.integers(0, 2, 5)
    color = rng.integers(0, 256, (5, 3, 3)).astype(np.uint8)
    return Geometry(table, np.ones(5, int), np.zeros(5, int), material, (Material(), Material(gloss=0.5, emission=0.3)), color)


@pytest.fixture
def made() -> tuple[Geometry, np.ndarray, np.ndarray, SurfaceSamples]:
    """Triangles, ids of hit triangles (some -1), rays through random points of them, and the filled samples."""
    rng = np.random.default_rng(0)
    geometry, triangle = _random_geometry(rng), rng.integers(-1, 5, COUNT).astype(np.int32)
    weights = rng.dirichlet([1, 1, 1], COUNT)
    targets = np.einsum("nc,nck->nk", weights, geometry.corners[triangle].astype(float))
    directions = (targets - CENTRE) * rng.uniform(0.3, 2, (COUNT, 1))
    samples = SurfaceSamples.empty(GRID)
    fill_samples(geometry, triangle, CENTRE, directions, 0.01, samples)
    return geometry, triangle, directions, samples


def _atlas(geometry: Geometry) -> Atlas:
    return AtlasMaker().build(geometry.materials)


def test_samples_are_interpolated_at_the_hits(made: tuple[Geometry, np.ndarray, np.ndarray, SurfaceSamples]) -> None:
    geometry, triangle, directions, samples = made
    hit = triangle >= 0
    assert (samples.material[~hit] == -1).all()
    assert 0 < hit.sum() < COUNT
    k, d = triangle[hit], directions[hit]
    a, b, c = geometry.corners[k].astype(float).transpose(1, 0, 2)
    # The hit (t, v, w) solves centre + t d = a + v (b - a) + w (c - a).
    t, v, w = np.linalg.solve(np.stack([-d, b - a, c - a], axis=2), (CENTRE - a)[..., None])[..., 0].T
    weights = np.stack([1 - v - w, v, w], axis=1)
    facing = np.cross(b - a, c - a)
    normal = _unit(facing) * -np.sign(np.einsum("nk,nk->n", facing, d))[:, None]
    shading = _unit(np.einsum("nc,nck->nk", weights, geometry.normals[k].astype(float)))
    shading *= np.where(np.einsum("nk,nk->n", shading, normal) < 0, -1, 1)[:, None]
    close = {"rtol": 1e-4, "atol": 1e-5}
    np.testing.assert_allclose(samples.depth[hit], t, **close)
    np.testing.assert_allclose(samples.point[hit], CENTRE + t[:, None] * d, **close)
    np.testing.assert_allclose(samples.normal[hit], normal, **close)
    np.testing.assert_allclose(samples.shading_normal[hit], shading, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(samples.to_eye[hit], -_unit(d), **close)
    np.testing.assert_allclose(samples.texel[hit], np.einsum("nc,nck->nk", weights, geometry.uv[k]), **close)
    srgb = np.floor(np.einsum("nc,nck->nk", weights, geometry.color[k].astype(float)) + 0.5) / 255  # type: ignore[index]
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    # A mixture at a half may round to the next byte.
    assert (np.abs(samples.tint[hit] - linear) < 1e-4).mean() > 0.98


def test_occlusion_rays_are_cosine_distributed(made: tuple[Geometry, np.ndarray, np.ndarray, SurfaceSamples]) -> None:
    samples = made[3]
    numbers = np.random.default_rng(1).random((COUNT, 3), np.float32)
    rays = occlusion_rays(samples, numbers, (0.1, 1.2), 1e-3)
    at = np.flatnonzero(samples.material >= 0)
    assert rays.sample.tolist() == at.tolist()
    z, angle = 2 * numbers[at, 0] - 1, 2 * np.pi * numbers[at, 1]
    ball = np.stack([np.sqrt(1 - z**2) * np.cos(angle), np.sqrt(1 - z**2) * np.sin(angle), z], axis=1)
    np.testing.assert_allclose(rays.direction, _unit(samples.normal[at] + 0.999 * ball), rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(rays.origin, samples.point[at] + 1e-3 * samples.normal[at], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(rays.reach, 0.1 + 1.1 * numbers[at, 2], rtol=1e-5)


@pytest.mark.parametrize("light", [LAMP, SUN], ids=["area", "sun"])
def test_shadow_rays_point_to_the_light(light: Light, made: tuple[Geometry, np.ndarray, np.ndarray, SurfaceSamples]) -> None:
    samples = made[3]
    numbers = np.random.default_rng(2).random((COUNT, 2), np.float32)
    rays = shadow_rays(samples, light, numbers, 1e-3)
    a, b = 2 * numbers.T.astype(float) - 1
    soft = 0.02 if light.kind == "sun" else 1.0
    place = light.position + soft * (a[:, None] * light.u + b[:, None] * light.v)
    to = place if light.kind == "sun" else place - samples.point
    length = np.linalg.norm(to, axis=1)
    sees = (samples.material >= 0) & (np.einsum("nk,nk->n", to, samples.normal) > 0)
    sees &= np.einsum("nk,nk->n", to, samples.shading_normal) > 0
    if light.kind == "area":
        sees &= to @ np.cross(light.u, light.v) < 0
    assert 0 < sees.sum() < COUNT
    assert rays.sample.tolist() == np.flatnonzero(sees).tolist()
    np.testing.assert_allclose(rays.direction, _unit(to[sees]), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(rays.reach, (length[sees] if light.kind == "area" else 50.0) - 2e-3, rtol=1e-4)


@pytest.mark.parametrize("light", [LAMP, SUN], ids=["area", "sun"])
def test_add_light_sums_over_the_quarters_of_an_area_light(
    light: Light, made: tuple[Geometry, np.ndarray, np.ndarray, SurfaceSamples]
) -> None:
    geometry, _, _, samples = made
    atlas, color = _atlas(geometry), np.array([1.0, 0.5, 0.25], np.float32)
    visibility = np.random.default_rng(3).random(COUNT).astype(np.float32)
    direct, specular = np.zeros((COUNT, 3), np.float32), np.zeros((COUNT, 3), np.float32)
    add_light(samples, atlas, light, color, visibility, direct, specular)
    at = samples.material >= 0
    point, normal, eye = samples.point[at], samples.shading_normal[at], samples.to_eye[at]
    m = samples.material[at]
    quarters = [(x, y) for x in (-0.5, 0.5) for y in (-0.5, 0.5)] if light.kind == "area" else [(0, 0)]
    received, mirrored = np.zeros(at.sum()), np.zeros(at.sum())
    for a, b in quarters:
        to = np.broadcast_to(light.position + a * light.u + b * light.v, point.shape) - (point if light.kind == "area" else 0)
        square = np.maximum((to**2).sum(axis=1), 0.0025)
        to = to / np.sqrt(square)[:, None]
        strength = np.maximum(-(to @ np.cross(light.u, light.v)), 0) * 4 / np.pi / square if light.kind == "area" else np.ones(len(to))
        lit = strength * np.maximum(np.einsum("nk,nk->n", to, normal), 0)
        along = np.maximum(np.einsum("nk,nk->n", _unit(to + eye), normal), 0)
        received += lit
        mirrored += np.where(atlas.gloss[m] > 0, lit * along ** atlas.exponent[m], 0)
    share = (visibility[at] / len(quarters))[:, None] * color
    np.testing.assert_allclose(direct[at], received[:, None] * share, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(specular[at], mirrored[:, None] * share, rtol=1e-2, atol=1e-5)
    assert direct[at].max() > 0.01
    assert not direct[~at].any()


def test_shade_combines_albedo_light_and_specular_highlights(made: tuple[Geometry, np.ndarray, np.ndarray, SurfaceSamples]) -> None:
    geometry, _, _, samples = made
    atlas, rng = _atlas(geometry), np.random.default_rng(4)
    albedo, direct, specular = rng.random((3, COUNT, 3)).astype(np.float32)
    visible, ambient = rng.random(COUNT).astype(np.float32), np.array([0.3, 0.2, 0.1], np.float32)
    radiance = np.empty((COUNT, 3), np.float32)
    shade(samples, atlas, albedo, visible, ambient, direct, specular, radiance)
    at = samples.material >= 0
    m, mean = samples.material[at], albedo[at].mean(axis=0)
    received = (visible[at] * (0.925 + 0.075 * samples.shading_normal[at, 2]))[:, None] * ambient * (0.55 + 0.45 * mean / mean.mean())
    expected = albedo[at] * (received + direct[at] + atlas.emission[m][:, None]) + atlas.gloss[m][:, None] * specular[at]
    np.testing.assert_allclose(radiance[at], expected, rtol=1e-4)
    assert not radiance[~at].any()


def test_pixels_are_means_of_their_samples() -> None:
    radiance = np.random.default_rng(5).random((6, 8, 3), np.float32)
    np.testing.assert_allclose(pixel_means(radiance, 3, 4), radiance.reshape(3, 2, 4, 2, 3).mean(axis=(1, 3)), rtol=1e-5)


def test_denoise_averages_only_similar_neighbours() -> None:
    rng = np.random.default_rng(6)
    rows, columns = GRID
    samples = SurfaceSamples.empty(GRID)
    y, x = np.mgrid[:rows, :columns]
    # Two floors of different height, the left one slightly rough.
    step = x >= 5
    samples.point[:] = np.stack([x, y, np.where(step, 1.0, 0.0)], axis=-1).reshape(-1, 3)
    samples.normal[:] = _unit(np.stack([rng.normal(0, 0.2, GRID) * ~step, 0.0 * y, np.ones(GRID)], axis=-1)).reshape(-1, 3)
    samples.depth[:] = 3.0
    values = rng.random((2, COUNT)).astype(np.float32)
    expected = values.reshape(2, *GRID).astype(float)
    normal, point = samples.normal.reshape(*GRID, 3), samples.point.reshape(*GRID, 3)
    for distance in FILTER_STEPS:
        filtered = np.empty_like(expected)
        for row, column in np.ndindex(*GRID):
            total, weight = expected[:, row, column].copy(), 1.0
            for dy, dx in ((i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j):
                r, c = row + dy * distance, column + dx * distance
                if 0 <= r < rows and 0 <= c < columns:
                    alike = np.clip(8 * normal[row, column] @ normal[r, c] - 7, 0, 1)
                    on_plane = abs(normal[row, column] @ (point[row, column] - point[r, c])) < 0.006 * (3.0 + 3.0)
                    w = (0.5 if dy and dx else 0.75) * alike * on_plane
                    total, weight = total + w * expected[:, r, c], weight + w
            filtered[:, row, column] = total / weight
        expected = filtered
    np.testing.assert_allclose(denoise(values.copy(), samples).reshape(2, *GRID), expected, rtol=1e-3, atol=1e-4)
    assert not np.allclose(expected.reshape(2, -1), values, atol=0.05)
