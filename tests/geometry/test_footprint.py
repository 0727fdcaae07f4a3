"""Ambiguous pixels, on hand-built scenes in which the answer is known for every pixel."""

import numpy as np
import pytest

from pixbench.generators.casters.embree import EmbreeCaster
from pixbench.geometry.cameras import Camera, look_at
from pixbench.geometry.correspondence import GRAZING_COSINE, Status, View, exact_pair, trace_view
from pixbench.geometry.pixels import pixel_centres

SIZE = 64
K = np.array([[64.0, 0, 32], [0, 64, 32], [0, 0, 1]])


def _quad(a: list[float], b: list[float], c: list[float], d: list[float]) -> np.ndarray:
    return np.array([[a, b, c], [a, c, d]], np.float32)


def _camera(eye: list[float], target: list[float]) -> Camera:
    return Camera(K, look_at(np.array(eye, float), np.array(target, float)), SIZE, SIZE)


def _trace(corners: np.ndarray, instance: list[int], camera: Camera) -> View:
    return trace_view(EmbreeCaster(corners), corners, np.array(instance), camera)


WALL = _quad([-20, 4, -20], [20, 4, -20], [20, 4, 20], [-20, 4, 20])
FRONT = _camera([0, 0, 0], [0, 1, 0])


def _strip(u0: float, u1: float, depth: float) -> np.ndarray:
    """An upright board that covers columns u0 to u1 of the front camera, at a z-depth."""
    x0, x1 = ((u - 32) / 64 * depth for u in (u0, u1))
    return _quad([x0, depth, -9], [x1, depth, -9], [x1, depth, 9], [x0, depth, 9])


@pytest.mark.parametrize("edge", [20.02, 20.3, 20.5, 20.71, 20.98])
def test_only_the_column_with_a_depth_edge_is_ambiguous(edge: float) -> None:
    near = _strip(edge, 90, 2.0)
    view = _trace(np.concatenate([WALL, near]), [1, 1, 1, 1], FRONT)
    expected = np.zeros((SIZE, SIZE), bool)
    expected[:, 20] = True
    assert (view.ambiguous == expected).all()


@pytest.mark.parametrize("depth", [3.9, 3.97])
def test_depth_steps_above_one_percent_are_ambiguous(depth: float) -> None:
    view = _trace(np.concatenate([WALL, _strip(20.5, 90, depth)]), [1, 1, 1, 1], FRONT)
    assert view.ambiguous[:, 20].all() == (depth < 4 * 0.99)
    # A change of instance is an edge, however small the depth step.
    other = _trace(np.concatenate([WALL, _strip(20.5, 90, depth)]), [1, 1, 2, 2], FRONT)
    assert other.ambiguous[:, 20].all()
    assert other.ambiguous.sum() == SIZE


@pytest.mark.parametrize("left", np.linspace(30.01, 30.98, 12))
def test_pixels_with_a_subpixel_pole_are_ambiguous(left: float) -> None:
    right = left + 0.27
    view = _trace(np.concatenate([WALL, _strip(left, right, 2.0)]), [1, 1, 2, 2], FRONT)
    crossed = np.zeros(SIZE, bool)
    crossed[int(left) : int(np.ceil(right - 1e-9))] = True
    # A pixel that the pole does not reach is not ambiguous; one of which it covers a quarter of the width always is.
    assert not view.ambiguous[:, ~crossed].any()
    for column in np.flatnonzero(crossed):
        if min(right, column + 1) - max(left, column) >= 0.25:
            assert view.ambiguous[:, column].all()


def test_floor_is_ambiguous_at_grazing_angles() -> None:
    floor = _quad([-500, -500, -1], [500, -500, -1], [500, 500, -1], [-500, 500, -1])
    view = _trace(floor, [1, 1], FRONT)
    rows = pixel_centres(SIZE, SIZE)[:, 32, 1]
    slope = (rows - 32) / 64
    cosine = slope / np.sqrt(1 + slope**2)
    middle = view.ambiguous[:, 32]
    below = rows > 33
    # Near the horizon, depth varies by more than 1 % within a pixel too, but along the plane: only the angle matters.
    assert (middle[below] == (cosine[below] * 1.0 < GRAZING_COSINE)).all()
    assert middle[below].any()
    assert not middle[below].all()


def test_mirror_symmetric_objects_match_the_same_side() -> None:
    left, right = _strip(16, 28, 3.0), _strip(36, 48, 3.0)
    assert np.allclose(np.sort(left[..., 0].ravel()), np.sort(-right[..., 0].ravel()))
    corners = np.concatenate([WALL, left, right])
    caster, labels = EmbreeCaster(corners), np.array([1, 1, 2, 2, 2, 2])
    a, b = (trace_view(caster, corners, labels, camera) for camera in (FRONT, _camera([0.4, 0, 0], [0.4, 1, 0])))
    truth = exact_pair(caster, corners, a, b)
    # Both wings move left by 64 * 0.4 / 3 px; the mirrored point lies 20 px to the right of the true match.
    for columns in (slice(20, 27), slice(37, 47)):
        moved = truth.uv_b[32, columns, 0] - pixel_centres(SIZE, SIZE)[32, columns, 0]
        assert np.allclose(moved, -64 * 0.4 / 3, atol=1e-6)
        assert (truth.status[32, columns] == Status.VISIBLE).all()


def test_back_faces_seen_through_a_hole_are_occluded_from_the_front() -> None:
    # A scanned wall with a hole from x = -1 to 1; behind it another wall of which view a sees the back, view b the front.
    hole = np.concatenate(
        [_quad([-20, 4, -9], [-1, 4, -9], [-1, 4, 9], [-20, 4, 9]), _quad([1, 4, -9], [20, 4, -9], [20, 4, 9], [1, 4, 9])]
    )
    behind = _quad([-9, 6, -9], [9, 6, -9], [9, 6, 9], [-9, 6, 9])
    corners = np.concatenate([hole, behind])
    caster, labels = EmbreeCaster(corners), np.ones(len(corners), int)
    inside, outside = FRONT, _camera([0, 11, 0], [0, 10, 0])
    a, b = (trace_view(caster, corners, labels, camera) for camera in (inside, outside))
    truth = exact_pair(caster, corners, a, b)
    through = a.triangle[32] >= 4
    seen = through & ~a.ambiguous[32]
    assert seen.sum() >= 15
    assert (truth.status[32, seen] == Status.OCCLUDED).all()
    # The same surface from the same side: visible.
    same = trace_view(caster, corners, labels, _camera([0.2, 0, 0], [0.2, 1, 0]))
    status = exact_pair(caster, corners, a, same).status[32]
    assert (status[seen][4:-4] == Status.VISIBLE).all()
    edges = np.flatnonzero(np.diff(through.astype(int)))
    assert a.ambiguous[32][np.concatenate([edges, edges + 1])].any()


def test_poles_missed_by_the_pixel_samples_are_ambiguous() -> None:
    # A pole a twentieth of a pixel wide in view b, between its samples, but two pixels wide in view a, which stands close to it.
    u = 30.2
    pole = _strip(u, u + 0.05, 2.0)
    corners = np.concatenate([WALL, pole])
    caster, labels = EmbreeCaster(corners), np.array([1, 1, 2, 2])
    x = (u + 0.025 - 32) / 64 * 2.0
    close = _camera([x, 1.96, 0], [x, 3, 0])
    a, b = (trace_view(caster, corners, labels, camera) for camera in (close, FRONT))
    assert not b.ambiguous.any()
    assert not (b.triangle >= 2).any()
    on_pole = (a.triangle[32] >= 2) & ~a.ambiguous[32]
    assert on_pole.any()
    truth = exact_pair(caster, corners, a, b)
    assert (truth.status[32, on_pole] == Status.AMBIGUOUS).all()
    # The wall right behind the pole is hidden from b by it, although b's pixel shows the wall.
    behind = trace_view(caster, corners, labels, _camera([2 * x, 3.9, 0], [2 * x, 4, 0]))
    status = exact_pair(caster, corners, behind, b).status[32]
    columns = (behind.triangle[32] >= 0) & ~behind.ambiguous[32]
    hidden_places = np.abs(exact_pair(caster, corners, behind, b).uv_b[32, :, 0] - (u + 0.025)) < 0.02
    assert (status[columns & hidden_places] == Status.AMBIGUOUS).all()
    assert (columns & hidden_places).any()
    assert (status[columns & ~hidden_places] == Status.VISIBLE).mean() > 0.8
