"""The self-test: misses at an edge within the map's precision pass, larger ones fail; images must be consistent with the map."""

from pathlib import Path

import numpy as np
import pytest

from pixbench.dataset.reader import stored_pairs
from pixbench.generation.job import Job
from pixbench.generation.protocol import GENERATORS
from pixbench.generators.casters.embree import EmbreeCaster
from pixbench.geometry.cameras import Camera, look_at
from pixbench.geometry.correspondence import exact_pair, trace_view
from pixbench.geometry.selftest import EDGE_PX, measure_exact
from pixbench.geometry.selftest_result import SelfTest

FOCAL_PX, DEPTH_M, PLATE_M = 32.0, 4.0, 3.98
K = np.array([[FOCAL_PX, 0, 16], [0, FOCAL_PX, 16], [0, 0, 1]])


def _wall(depth_m: float, left: float, right: float, below: float, above: float) -> np.ndarray:
    a, b, c, d = ([x, depth_m, z] for x, z in ((left, below), (right, below), (right, above), (left, above)))
    return np.array([[a, b, c], [a, c, d]], np.float32)


def _camera(x: float) -> Camera:
    return Camera(K, look_at(np.array([x, 0.0, 0.0]), np.array([x, 1.0, 0.0])), 32, 32)


def _self_test(reach_px: float) -> SelfTest:
    """Self-test of a wall with exact ground truth, and a plate in front of it that extends `reach_px` over one match in view b."""
    cameras, wall = [_camera(0.0), _camera(0.5)], _wall(DEPTH_M, -20, 20, -20, 20)
    caster = EmbreeCaster(wall)
    a, b = (trace_view(caster, wall, np.array([1, 1]), camera) for camera in cameras)
    truth = exact_pair(caster, wall, a, b)
    rgb = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    # View b shows the wall of view a, shifted by four pixels.
    rgb[1, :, :28] = rgb[0, :, 4:]
    depth = np.full((2, 32, 32), DEPTH_M, np.float32)
    normal = np.tile(np.array([0, -1, 0], np.float32), (2, 32, 32, 1))
    views: dict[str, np.ndarray] = {"rgb": rgb, "depth_m": depth, "normal_world": normal, "triangle": np.stack([a.triangle, b.triangle])}
    (pair,) = stored_pairs(views, cameras, [(0, 1)], truth.status[None])
    # The pixel (20, 10) of a lies at (16.5, 10.5) in b. In x the plate ends just after it, and it is a twentieth of a pixel high.
    per_px = PLATE_M / FOCAL_PX
    x, z = 0.5 + 0.5 * per_px, (16 - 10.5) * per_px
    plate = _wall(PLATE_M, x - 0.2 * per_px, x + reach_px * per_px, z - 0.025 * per_px, z + 0.025 * per_px)
    corners = np.concatenate([wall, plate])
    return measure_exact(pair, truth, a, EmbreeCaster(corners), corners, lambda triangle, _: np.zeros((len(triangle), 3)))


@pytest.mark.parametrize(("reach_px", "over"), [(-0.1, 0), (EDGE_PX / 4, 0), (0.02, 1)])
def test_cycle_errors_at_an_edge_within_precision_are_tolerated(reach_px: float, over: int) -> None:
    found = _self_test(reach_px)
    assert (found.cycle_pixels, found.cycle_over, found.cycle_over_grazing) == (28 * 32, over, 0)
    assert found.failures()[-1:] == ([f"{over} cycles miss by over 0.01 px and are not grazing"] if over else [])


@pytest.mark.parametrize(
    ("visible", "correlation", "moved", "passes"),
    [
        (5000, 0.90, 0.89, True),
        (5000, 0.90, 0.91, False),  # many points: the correlation must exceed that of the shifted map
        (435, 0.751, 0.783, True),  # three standard errors of r = 0.751 from 435 points are 0.063
        (435, 0.751, 0.815, False),
        (435, 0.10, 0.11, False),  # images that the map does not fit at all
        (435, 0.0, 0.0, False),  # images without contrast
        (435, float("nan"), 0.5, False),
    ],
)
def test_photometric_check_allows_for_chance(visible: int, correlation: float, moved: float, passes: bool) -> None:
    found = SelfTest(visible=visible, photometric_correlation=correlation, photometric_shifted=moved).failures()
    assert (found == []) == passes


def test_scene_with_tiny_images_passes_the_photometric_check(tmp_path: Path) -> None:
    # Regression: with 435 visible pixels, the correlation is 0.751, and 0.783 for a map shifted by 2 px; the whole set was rejected.
    config = GENERATORS.get("3d").config_type(scenes=14, views=2, size=32, seed=3, scenes_per_shard=1, object_count=(4, 6))
    job = Job("3d", config, tmp_path)
    (tmp_path / "shards").mkdir()
    job.make(13, lambda done: None)
    assert job.path(13).is_file()
