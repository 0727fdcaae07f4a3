"""Embree against Open3D: first hits and occlusion agree, except for ties."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from extras import needs

from pixbench.errors import UserError
from pixbench.generators.casters.embree import EmbreeCaster
from pixbench.generators.casters.open3d import Open3DCaster
from pixbench.generators.rooms.config import Config3D
from pixbench.generators.rooms.generator import Generator3D
from pixbench.geometry.correspondence import exact_pair, trace_view
from pixbench.geometry.pixels import pixel_samples
from pixbench.geometry.rays import exact_hits

CONFIG = Config3D(views=2, size=96, seed=11)
SCENES = range(3)
TIE = 1e-6
RARE = 1e-4
ONE = np.array([[[0, 0, 0], [1, 0, 0], [0, 1, 0]]], np.float32)

Rays = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    needs(lambda: Open3DCaster(ONE))


@cache
def _generator() -> Generator3D:
    return Generator3D(CONFIG)


def _room(index: int) -> tuple[np.ndarray, Rays]:
    """Triangles of a generated scene, with rays through every pixel sample and as many in random directions."""
    scene, geometry, _, _ = _generator().composer.compose(index)
    rng = np.random.default_rng(index)
    seen = np.concatenate([camera.rays(pixel_samples(camera.width, camera.height)).reshape(-1, 3) for camera in scene.cameras])
    centres = np.repeat([camera.centre for camera in scene.cameras], len(seen) // len(scene.cameras), axis=0)
    directions = np.concatenate([seen, rng.normal(size=seen.shape)])
    return geometry.owned().corners, (np.concatenate([centres, centres]), directions)


def _tent() -> tuple[np.ndarray, Rays]:
    """Eight triangles about one peak, with rays straight at the edges that they share, at the peak, and past them."""
    angle = np.arange(9) * np.pi / 4
    rim = np.stack([np.cos(angle), np.sin(angle), np.zeros(9)], axis=1)
    corners = np.stack([np.broadcast_to([0.0, 0.0, 0.3], (8, 3)), rim[:-1], rim[1:]], axis=1).astype(np.float32)
    on_edges = (corners[:, 0] * 0.25 + corners[:, 1] * 0.75)[:, None] + np.zeros((1, 50, 1))
    rng = np.random.default_rng(0)
    targets = np.concatenate([on_edges.reshape(-1, 3), corners[:1, 0], rng.uniform(-1.5, 1.5, (2000, 3))])
    origins = rng.uniform([-1, -1, 2], [1, 1, 3], targets.shape)
    return corners, (origins, targets - origins)


CASES: list[Callable[[], tuple[np.ndarray, Rays]]] = [*(lambda k=k: _room(k) for k in SCENES), _tent]


@pytest.mark.parametrize("case", CASES, ids=[*(f"room {k}" for k in SCENES), "tent"])
def test_first_hits_agree_except_for_ties(case: Callable[[], tuple[np.ndarray, Rays]]) -> None:
    corners, (origins, directions) = case()
    (a, t_a), (b, t_b) = (caster(corners).first_hit(origins, directions) for caster in (EmbreeCaster, Open3DCaster))
    assert a.dtype == b.dtype == np.int32
    assert t_a.dtype == t_b.dtype == np.float32
    np.testing.assert_array_equal(a == -1, b == -1)
    np.testing.assert_array_equal(np.isinf(t_b), b == -1)
    np.testing.assert_allclose(t_a, t_b, rtol=1e-6)
    other = a != b
    exact = [exact_hits(corners, ids[other], origins[other], directions[other]).t for ids in (a, b)]
    np.testing.assert_allclose(*exact, rtol=TIE)
    if case is not _tent:
        assert other.mean() < RARE
        assert (a >= 0).mean() > 0.9
    else:
        assert 0.2 < (a >= 0).mean() < 0.9


@pytest.mark.parametrize("case", CASES, ids=[*(f"room {k}" for k in SCENES), "tent"])
def test_occlusion_agrees(case: Callable[[], tuple[np.ndarray, Rays]]) -> None:
    corners, (origins, directions) = case()
    embree, open3d = EmbreeCaster(corners), Open3DCaster(corners)
    t = embree.first_hit(origins, directions)[1]
    share = np.random.default_rng(0).choice([0.1, 0.999, 1.001, 3.0], len(t))
    reach = np.where(np.isinf(t), 100.0, t * share)
    hidden = open3d.occluded(origins, directions, reach)
    np.testing.assert_array_equal(embree.occluded(origins, directions, reach), hidden)
    np.testing.assert_array_equal(hidden, np.isfinite(t) & (share > 1))


def test_empty_ray_batch_and_infinite_range() -> None:
    for caster in (EmbreeCaster(ONE), Open3DCaster(ONE)):
        down, at = np.array([[0.0, 0.0, -2.0]] * 2), np.array([[0.2, 0.2, 4.0], [5.0, 5.0, 4.0]])
        assert caster.first_hit(at, down)[1].tolist() == pytest.approx([2.0, np.inf])
        assert caster.occluded(at, down, np.array([np.inf, np.inf])).tolist() == [True, False]
        assert caster.occluded(at, down, np.array([1.99, 9.0])).tolist() == [False, False]
        assert len(caster.first_hit(at[:0], down[:0])[0]) == len(caster.occluded(at[:0], down[:0], np.zeros(0))) == 0


@pytest.mark.parametrize("index", SCENES)
def test_pair_ground_truth_agrees(index: int) -> None:
    scene, geometry, _, _ = _generator().composer.compose(index)
    status = []
    for caster in (EmbreeCaster(geometry.corners), Open3DCaster(geometry.corners)):
        a, b = (trace_view(caster, geometry.corners, geometry.instance, camera) for camera in scene.cameras)
        status.append(exact_pair(caster, geometry.corners, a, b).status)
    assert (status[0] != status[1]).mean() < RARE
    assert len(np.unique(status[0])) >= 3


def test_generated_scene_does_not_depend_on_the_caster() -> None:
    one, other = (Generator3D(CONFIG.model_copy(update={"caster": name})).scene(0).arrays for name in ("embree", "open3d"))
    assert one.keys() == other.keys()
    for name in ("instance", "triangle", "status"):
        assert (one[name] != other[name]).mean() < RARE, name
    np.testing.assert_array_equal(one["T_world_cam"], other["T_world_cam"])


@pytest.mark.parametrize("failure", [ImportError("no module"), OSError("libGL.so.1: cannot open shared object file")])
def test_missing_package_error_is_one_line(monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
    def fails(name: str) -> None:
        raise failure

    monkeypatch.setattr("pixbench.generators.casters.open3d.import_module", fails)
    with pytest.raises(
        UserError, match=r'caster open3d needs the package open3d: pip install "pixbench\[open3d\]" and the system'
    ) as exc_info:
        Open3DCaster(ONE)
    assert "\n" not in str(exc_info.value)
