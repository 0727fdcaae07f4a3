"""The pixel convention: the only Python module that adds or subtracts half a pixel; the page's scripts do so where they draw.

Pixel (column i, row j) covers [i, i + 1) x [j, j + 1) and its centre is (i + 0.5, j + 0.5). `uv` is (x right, y down) in
pixels. Functions of an `Array` take NumPy arrays and PyTorch tensors alike and return the same kind.
"""

from typing import Any, TypeVar

import numpy as np
from jaxtyping import Bool, Float, Int

Array = TypeVar("Array", bound=Any)
"""A NumPy array or a PyTorch tensor, which this module does not import: readers of files do without PyTorch."""

INTEGER_CENTRES_TO_UV = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])
"""Homography from coordinates whose pixel centres are integers (OpenCV, matplotlib, many data sets) to uv."""


def axis_centres(count: int) -> Float[np.ndarray, " count"]:
    """Coordinates of the centres of a row's or a column's pixels, in pixels."""
    return np.arange(count) + 0.5


def pixel_centres(width: int, height: int) -> Float[np.ndarray, "height width 2"]:
    """The uv of every pixel's centre, (height, width, 2), in pixels."""
    u, v = np.meshgrid(axis_centres(width), axis_centres(height))
    return np.stack([u, v], axis=-1)


def pixel_centre(column: Int[np.ndarray, "*batch"], row: Int[np.ndarray, "*batch"]) -> Float[np.ndarray, "*batch 2"]:
    """The uv of the centres of given pixels, in pixels."""
    return np.stack([column, row], axis=-1) + 0.5


def index_to_uv(pixel: Array) -> Array:
    """The uv of the centres of pixels (..., 2) given as (column, row).

    A tensor of integers gives the default floating-point type; convert it to float64 first where that matters.
    """
    return pixel + 0.5


def snap_to_centre(uv: Array) -> Array:
    """The uv of the centre of the pixel that covers each uv (..., 2)."""
    return uv // 1 + 0.5


def uv_from_integer_centres(xy: Array) -> Array:
    """uv of coordinates (..., 2) whose pixel centres are integers: the convention of OpenCV, LightGlue and matplotlib."""
    return xy + 0.5


def integer_centres_from_uv(uv: Array) -> Array:
    """Coordinates (..., 2) whose pixel centres are integers, of uv: the inverse of `uv_from_integer_centres`."""
    return uv - 0.5


def cell_centres(width: int, height: int, step: float) -> Float[np.ndarray, "cells 2"]:
    """The uv of the centres of square cells of `step` pixels that cover an image, row by row."""
    u, v = np.meshgrid(np.arange(step / 2, width, step), np.arange(step / 2, height, step))
    return np.stack([u, v], axis=-1).reshape(-1, 2)


def bilinear_cell(
    uv: Float[np.ndarray, "points 2"], width: int, height: int
) -> tuple[Int[np.ndarray, "points 2"], Float[np.ndarray, "points 2"]]:
    """The (column, row) of the upper left of the four pixels whose centres surround uv, and the weights of the right and lower ones.

    The four pixels lie in the image. A weight outside [0, 1] means that uv is less than half a pixel from the image's border.
    """
    xy = uv - 0.5
    first = np.clip(np.floor(xy).astype(int), 0, [width - 2, height - 2])
    return first, xy - first


def pixel_corners(width: int, height: int) -> Float[np.ndarray, "rows columns 2"]:
    """The uv of every corner of the pixel grid, (height + 1, width + 1, 2), in pixels."""
    u, v = np.meshgrid(np.arange(width + 1.0), np.arange(height + 1.0))
    return np.stack([u, v], axis=-1)


SAMPLE_PATTERN = np.array([[0.375, 0.125], [0.875, 0.375], [0.125, 0.625], [0.625, 0.875]])
"""Four places in a pixel, one in each quarter, no two in one row or column: a rotated grid. Listed by quarter, row by row."""


def pixel_samples(width: int, height: int) -> Float[np.ndarray, "rows columns 2"]:
    """Four uv in each pixel, (2 height, 2 width, 2): the quarter at (row, column) of a grid twice as fine has one of them.

    Every upright or level strip wider than a quarter of a pixel has a sample in it.
    """
    quarters = SAMPLE_PATTERN.reshape(2, 2, 2)
    uv = pixel_corners(width, height)[:-1, None, :-1, None] + quarters[None, :, None, :]
    return uv.reshape(2 * height, 2 * width, 2)


def every_nth(stride: int, first: int | None = None) -> slice:
    """Slice of every `stride`-th pixel along one axis. `first` is the index of the first one; by default stride // 2, which centres the
    grid.
    """
    return slice(stride // 2 if first is None else first, None, stride)


def in_image(uv: Float[np.ndarray, "*batch 2"], width: int, height: int) -> Bool[np.ndarray, "*batch"]:
    """Whether uv lies on the image: [0, width) x [0, height). NaN does not."""
    return (uv[..., 0] >= 0) & (uv[..., 0] < width) & (uv[..., 1] >= 0) & (uv[..., 1] < height)


def pixel_index(uv: Float[np.ndarray, "*batch 2"]) -> Int[np.ndarray, "*batch 2"]:
    """The (column, row) of the pixel that covers uv. uv must be finite."""
    return np.floor(uv).astype(np.int64)


def nearest_pixel_index(uv: Float[np.ndarray, "*batch 2"], width: int, height: int) -> Int[np.ndarray, "*batch 2"]:
    """The (column, row) of the pixel that covers uv, or else of the image's pixel nearest to it.

    Needed for uv in float32, in which a point just inside the image may round onto its border.
    """
    inside = np.clip(np.nan_to_num(uv), 0, [width - 1, height - 1])
    return pixel_index(inside)


def resize_uv(
    uv: Float[np.ndarray, "*batch 2"], old_size_wh: tuple[int, int], new_size_wh: tuple[int, int]
) -> Float[np.ndarray, "*batch 2"]:
    """uv on an image that was resized as a whole. Corners stay corners, so this is a pure scale."""
    return uv * (np.asarray(new_size_wh, float) / np.asarray(old_size_wh, float))


def normalised_grid(uv: Float[np.ndarray, "*batch 2"], width: int, height: int) -> Float[np.ndarray, "*batch 2"]:
    """uv as `torch.nn.functional.grid_sample(align_corners=False)` wants it: the image's borders are -1 and 1."""
    return uv * (2.0 / np.array([width, height])) - 1.0
