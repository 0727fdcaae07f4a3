"""2D warps of pictures, and the exact correspondences between warped views.

A view is made by a homography H from pixel coordinates of the picture to those of the view (centres at .5), a 3x3 matrix. Between
two views the map is H_b H_a^-1, in float64: nothing is rounded.
"""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from ..geometry.pixels import INTEGER_CENTRES_TO_UV, in_image, normalised_grid, pixel_centres

Homography = Float[np.ndarray, "3 3"]


def apply_homography(H: Homography, uv: Float[np.ndarray, "*batch 2"]) -> Float[np.ndarray, "*batch 2"]:
    """uv (..., 2) under H, in pixels; NaN for points at or beyond its horizon."""
    moved = uv @ H[:, :2].T + H[:, 2]
    depth = moved[..., 2:]
    return moved[..., :2] / np.where(depth > 1e-12, depth, np.nan)


def homography_to_uv(H: Homography) -> Homography:
    """A homography between images whose first pixel has its centre at 0, as one of pixel coordinates with centres at .5."""
    converted: Homography = INTEGER_CENTRES_TO_UV @ H @ np.linalg.inv(INTEGER_CENTRES_TO_UV)
    return converted


def about(centre: Float[np.ndarray, "2"], A: Float[np.ndarray, "2 2"]) -> Homography:
    """The affine warp that applies A (x right, y down) about `centre`, which is in pixels and stays fixed."""
    H = np.eye(3)
    H[:2, :2] = A
    H[:2, 2] = centre - A @ centre
    return H


def rotation(angle_rad: float) -> Float[np.ndarray, "2 2"]:
    """2D rotation by an angle in radians, from x towards y: clockwise on the screen, because y points down."""
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[cos, -sin], [sin, cos]])


def shift(by: Float[np.ndarray, "2"]) -> Homography:
    """A translation, in pixels."""
    H = np.eye(3)
    H[:2, 2] = by
    return H


def from_corners(corners: Float[np.ndarray, "4 2"], to: Float[np.ndarray, "4 2"]) -> Homography:
    """The perspective warp that maps four points in pixels, no three of them collinear, to four others, by the direct linear transform
    (Hartley and Zisserman, 2004, section 4.1).
    """
    rows = []
    for (x, y), (u, v) in zip(corners, to, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
    return np.append(np.linalg.solve(np.array(rows), to.reshape(-1)), 1.0).reshape(3, 3)


def warped(
    picture: Float[Tensor, "channels rows columns"], H: Homography, width: int, height: int
) -> Float[Tensor, "channels height width"]:
    """The view of width x height pixels of a picture under H, by bilinear interpolation; black outside the picture."""
    source = apply_homography(np.linalg.inv(H), pixel_centres(width, height))
    rows, columns = picture.shape[-2:]
    # kornia and OpenCV warp with coordinates in float32: their images differ in the last bits, which would change existing data sets.
    # Points behind the horizon are placed far outside.
    grid = torch.from_numpy(np.nan_to_num(normalised_grid(source, columns, rows), nan=9.0)).to(picture.dtype)
    return functional.grid_sample(picture[None], grid[None], align_corners=False, padding_mode="zeros")[0]


def correspondences(
    H_a: Homography, H_b: Homography, width: int, height: int
) -> tuple[Float[np.ndarray, "height width 2"], Bool[np.ndarray, "height width"]]:
    """The position in view b, in pixels, of each pixel centre of view a, and whether it lies inside the image. Both views have the same
    size.
    """
    uv_b = apply_homography(H_b @ np.linalg.inv(H_a), pixel_centres(width, height))
    return uv_b, in_image(uv_b, width, height)


DrawWarps = Callable[[np.random.Generator, int, int], list[Homography]]
"""Warps of a square picture of a size in pixels, for a number of views of that size."""


def _turned_and_cropped(rng: np.random.Generator, size: int, views: int) -> list[Homography]:
    """As in the paper's first experiment: any rotation with noise of 0.1 on each entry, and a crop moved by up to a quarter, in turn.

    The picture is enlarged first, so that the crops lie on it wherever they are: by 49 / 32 for views of 32 pixels. At odd sizes a crop may
    reach a third of a pixel beyond it.
    """
    most = size // 4
    whole = size + 2 * most + 1
    enlarged = np.diag([whole / size, whole / size, 1.0])
    centre = rng.integers(most + size // 2, whole - most - size // 2 + 1, 2).astype(float)

    def turned() -> Homography:
        A = rotation(rng.uniform(0, 2 * np.pi)) + rng.normal(0, 0.1, (2, 2))
        return about(_middle(size), A) @ shift(_middle(size) - centre) @ enlarged

    def cropped() -> Homography:
        return shift(_middle(size) - centre - rng.integers(-most, most + 1, 2)) @ enlarged

    return [cropped() if view % 2 else turned() for view in range(views)]


def _affine(rng: np.random.Generator, size: int, views: int) -> list[Homography]:
    """Each turned by up to 30 degrees, scaled by up to 1.25, sheared by 0.1 and moved by a tenth of the size."""

    def one() -> Homography:
        A = rotation(rng.uniform(-np.pi / 6, np.pi / 6)) * 1.25 ** rng.uniform(-1, 1) + rng.normal(0, 0.1, (2, 2))
        return shift(rng.uniform(-0.1, 0.1, 2) * size) @ about(_middle(size), A)

    return [one() for _ in range(views)]


def _perspective(rng: np.random.Generator, size: int, views: int) -> list[Homography]:
    """The corners of each moved by up to a fifth of the size in each direction."""
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * float(size)
    return [from_corners(corners, corners + rng.uniform(-0.2, 0.2, (4, 2)) * size) for _ in range(views)]


def _middle(size: int) -> Float[np.ndarray, "2"]:
    return np.full(2, size / 2)


WARPS: Mapping[str, DrawWarps] = {"turn-and-crop": _turned_and_cropped, "affine": _affine, "perspective": _perspective}
