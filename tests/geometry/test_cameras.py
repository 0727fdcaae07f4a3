import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from pixbench.geometry.cameras import Camera, inverse_rigid, look_at, transform_points
from pixbench.geometry.pixels import (
    in_image,
    nearest_pixel_index,
    normalised_grid,
    pixel_centres,
    pixel_corners,
    pixel_index,
    pixel_samples,
    resize_uv,
)

sizes = st.integers(1, 40)
unit = st.floats(-1, 1)


@st.composite
def cameras(draw: st.DrawFn) -> Camera:
    eye = np.array([draw(unit), draw(unit), draw(unit)])
    away = np.array([draw(st.floats(0.5, 2)), draw(unit), draw(unit)])
    f = draw(st.floats(20, 500))
    width, height = draw(sizes), draw(sizes)
    K = np.array([[f, draw(unit), width / 2], [0, f * 1.1, height / 2], [0, 0, 1]])
    return Camera(K, look_at(eye, eye + away, roll_rad=draw(unit)), width, height)


def test_pixel_centres_corners_and_samples_match_hand_computed_values() -> None:
    assert pixel_centres(3, 2)[1, 2].tolist() == [2.5, 1.5]
    assert pixel_corners(3, 2).shape == (3, 4, 2)
    assert pixel_corners(3, 2)[-1, -1].tolist() == [3.0, 2.0]
    samples = pixel_samples(3, 2)
    assert samples.shape == (4, 6, 2)
    # One sample in each quadrant of a pixel, and in each strip a quarter of a pixel wide: no two share a row or column.
    for row in range(4):
        for column in range(6):
            assert (np.floor(samples[row, column] * 2) == [column, row]).all()
    assert sorted(samples[:2, :2, 0].ravel()) == sorted(samples[:2, :2, 1].ravel()) == [0.125, 0.375, 0.625, 0.875]


def test_pixels_include_their_left_and_upper_borders() -> None:
    uv = np.array([[0.0, 0.0], [3.999, 2.999], [4.0, 1.0], [1.0, 3.0], [-1e-9, 1.0], [np.nan, 1.0]])
    assert in_image(uv, 4, 3).tolist() == [True, True, False, False, False, False]
    assert pixel_index(uv[:2]).tolist() == [[0, 0], [3, 2]]
    assert nearest_pixel_index(uv, 4, 3).tolist() == [[0, 0], [3, 2], [3, 1], [1, 2], [0, 1], [0, 1]]


@given(sizes, sizes)
def test_pixel_index_inverts_pixel_centres(width: int, height: int) -> None:
    uv = pixel_centres(width, height)
    assert in_image(uv, width, height).all()
    column, row = pixel_index(uv).transpose(2, 0, 1)
    assert (column == np.arange(width)).all()
    assert (row == np.arange(height)[:, None]).all()


def test_resize_uv_matches_torch_interpolate() -> None:
    assert resize_uv(np.array([[8.0, 4.0]]), (8, 4), (16, 2)).tolist() == [[16.0, 2.0]]
    ramp = torch.arange(8.0).reshape(1, 1, 1, 8)
    small = torch.nn.functional.interpolate(ramp, size=(1, 4), mode="area")[0, 0, 0]
    # A pixel of the small image covers two of the large: its centre lies between theirs, where the ramp has their mean.
    centres = resize_uv(pixel_centres(4, 1)[0], (4, 1), (8, 1))
    assert np.allclose(small.numpy(), centres[:, 0] - 0.5)


@given(sizes, sizes)
def test_normalised_grid_matches_grid_sample(width: int, height: int) -> None:
    image = torch.rand(1, 1, height, width, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    grid = torch.from_numpy(normalised_grid(pixel_centres(width, height), width, height))[None]
    assert torch.allclose(torch.nn.functional.grid_sample(image, grid, align_corners=False), image, atol=1e-9)


@given(cameras(), st.lists(st.tuples(unit, unit, st.floats(0.01, 30)), min_size=1, max_size=8))
def test_projection_inverts_unprojection(camera: Camera, values: list[tuple[float, float, float]]) -> None:
    uv = np.array([[(u + 1) / 2 * camera.width, (v + 1) / 2 * camera.height] for u, v, _ in values])
    depth = np.array([z for *_, z in values])
    found, z = camera.project(camera.unproject(uv, depth))
    assert np.allclose(found, uv, atol=1e-7)
    assert np.allclose(z, depth)


@given(cameras())
def test_principal_ray_is_forward_and_pose_is_a_rigid_motion(camera: Camera) -> None:
    ray = camera.rays(np.array([camera.K[0, 2], camera.K[1, 2]]))
    assert np.allclose(ray, camera.forward)
    assert np.allclose(camera.T_world_cam @ inverse_rigid(camera.T_world_cam), np.eye(4))
    assert np.isclose(np.linalg.det(camera.T_world_cam[:3, :3]), 1)


def test_projection_uses_opencv_axes() -> None:
    camera = Camera(np.array([[100.0, 0, 50], [0, 100, 50], [0, 0, 1]]), look_at(np.zeros(3), np.array([0.0, 2, 0])), 100, 100)
    # The camera looks along +y: world x points right, and world z points up, which is negative v in the image.
    uv, depth = camera.project(np.array([[1.0, 2, 0], [0, 2, 1], [0, -1, 0]]))
    assert np.allclose(uv[:2], [[100, 50], [50, 0]])
    assert np.isnan(uv[2]).all()
    assert depth.tolist() == [2, 2, -1]
    assert np.allclose(transform_points(camera.T_world_cam, np.array([[0.0, 0, 1]])), [[0, 1, 0]])
