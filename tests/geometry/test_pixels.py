"""The pixel convention, on images of known geometry and against libraries with other conventions."""

import cv2
import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates

from pixbench.geometry.pixels import (
    INTEGER_CENTRES_TO_UV,
    bilinear_cell,
    cell_centres,
    index_to_uv,
    integer_centres_from_uv,
    pixel_centre,
    pixel_centres,
    pixel_index,
    snap_to_centre,
    uv_from_integer_centres,
)

UV = np.array([[0.0, 0.0], [0.49, 3.51], [2.999, 1.0], [3.5, 2.5]])


def test_snap_to_centre_in_numpy_and_torch() -> None:
    expected = [[0.5, 0.5], [0.5, 3.5], [2.5, 1.5], [3.5, 2.5]]
    assert snap_to_centre(UV).tolist() == expected
    assert snap_to_centre(torch.from_numpy(UV)).tolist() == expected
    assert snap_to_centre(np.array([[-0.25, -1.0]])).tolist() == [[-0.5, -0.5]]
    assert index_to_uv(pixel_index(UV)).tolist() == expected
    assert index_to_uv(torch.from_numpy(pixel_index(UV)).double()).tolist() == expected


def test_index_to_uv_matches_pixel_centres() -> None:
    row, column = np.mgrid[0:3, 0:5]
    assert np.array_equal(index_to_uv(np.stack([column, row], axis=-1)), pixel_centres(5, 3))
    assert np.array_equal(pixel_centre(column, row), pixel_centres(5, 3))


def test_integer_centres_match_opencv() -> None:
    # A blurred dot around the centre of pixel (column 6, row 3): OpenCV's centre of mass is (6, 3), ours (6.5, 3.5).
    image = np.zeros((9, 12), np.float32)
    image[3, 6] = 1
    moments = cv2.moments(cv2.GaussianBlur(image, (5, 5), 1.0))
    xy = np.array([moments["m10"], moments["m01"]]) / moments["m00"]
    assert uv_from_integer_centres(xy) == pytest.approx([6.5, 3.5], abs=1e-6)
    assert INTEGER_CENTRES_TO_UV @ [*xy, 1] == pytest.approx([6.5, 3.5, 1], abs=1e-6)
    assert integer_centres_from_uv(uv_from_integer_centres(xy)) == pytest.approx(xy)


def test_bilinear_cell_matches_scipy() -> None:
    rng = np.random.default_rng(0)
    image = rng.random((6, 8))
    uv = rng.uniform(0.5, [7.5, 5.5], (200, 2))
    (column, row), (x, y) = (values.T for values in bilinear_cell(uv, 8, 6))
    upper = image[row, column] * (1 - x) + image[row, column + 1] * x
    lower = image[row + 1, column] * (1 - x) + image[row + 1, column + 1] * x
    expected = map_coordinates(image, integer_centres_from_uv(uv).T[::-1], order=1)
    assert upper * (1 - y) + lower * y == pytest.approx(expected, abs=1e-12)


def test_bilinear_weights_leave_the_unit_interval_near_the_border() -> None:
    first, weight = bilinear_cell(np.array([[0.25, 5.9], [7.5, 5.5]]), 8, 6)
    assert first.tolist() == [[0, 4], [6, 4]]
    assert weight == pytest.approx(np.array([[-0.25, 1.4], [1.0, 1.0]]))


def test_cell_centres_are_in_row_major_order() -> None:
    assert cell_centres(8, 4, 4).tolist() == [[2, 2], [6, 2]]
    assert np.array_equal(cell_centres(5, 3, 1), pixel_centres(5, 3).reshape(-1, 2))
