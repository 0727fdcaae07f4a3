"""Pairs of views of one picture under known 2D warps, made as they are needed: exact matches, nothing on disk."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8

from ..geometry import in_image
from ..warps import Homography, about, apply_homography, correspondences, from_corners, rotation, shift, warped
from .pairs import Views

DrawWarps = Callable[[np.random.Generator, int], tuple[Homography, Homography]]
"""Two warps of a square picture of a size in pixels, for views of that size."""


class WarpedPictures:
    """Two views of each picture (N, rows, columns, 3), square, scaled to `size` pixels. A PairSource.

    A pixel is matched where its point lies on the picture and in both views.
    """

    def __init__(self, pictures: UInt8[np.ndarray, "pictures side side 3"], *, size: int, warps: str, description: Mapping[str, Any]):
        self._pictures = torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)))
        self._size, self._draw = size, WARPS[warps]
        self.groups: Sequence[int] = range(len(pictures))
        self.description = {**description, "size": size, "warps": warps}

    def views(self, index: int, *, rng: np.random.Generator) -> Views:
        """See PairSource."""
        picture = self._pictures[index].float() / 255
        size, scale = self._size, np.diag([self._size / picture.shape[-1]] * 2 + [1.0])
        H_a, H_b = (H @ scale for H in self._draw(rng, size))
        uv_b, inside = correspondences(H_a, H_b, size, size)
        source = apply_homography(np.linalg.inv(H_b), uv_b)
        on_picture = in_image(source, picture.shape[-1], picture.shape[-2])
        return Views(warped(picture, H_a, size, size), warped(picture, H_b, size, size), uv_b, inside & on_picture)

    def close(self) -> None:
        """See PairSource: nothing is open."""


def _turned_and_cropped(rng: np.random.Generator, size: int) -> tuple[Homography, Homography]:
    """As in the paper's first experiment: any rotation with noise of 0.1 on each entry, and a crop moved by up to a quarter.

    The picture is enlarged first, so that the crops lie on it wherever they are: by 49 / 32 for views of 32 pixels.
    """
    most = size // 4
    whole = size + 2 * most + 1
    enlarged = np.diag([whole / size, whole / size, 1.0])
    centre = rng.integers(most + size // 2, whole - most - size // 2 + 1, 2).astype(float)
    A = rotation(rng.uniform(0, 2 * np.pi)) + rng.normal(0, 0.1, (2, 2))
    moved = rng.integers(-most, most + 1, 2)
    turned = about(_middle(size), A) @ shift(_middle(size) - centre)
    return turned @ enlarged, shift(_middle(size) - centre - moved) @ enlarged


def _affine(rng: np.random.Generator, size: int) -> tuple[Homography, Homography]:
    """Both turned by up to 30 degrees, scaled by up to 1.25, sheared by 0.1 and moved by a tenth of the size."""

    def one() -> Homography:
        A = rotation(rng.uniform(-np.pi / 6, np.pi / 6)) * 1.25 ** rng.uniform(-1, 1) + rng.normal(0, 0.1, (2, 2))
        return shift(rng.uniform(-0.1, 0.1, 2) * size) @ about(_middle(size), A)

    return one(), one()


def _perspective(rng: np.random.Generator, size: int) -> tuple[Homography, Homography]:
    """The corners of both moved by up to a fifth of the size in each direction."""
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * float(size)
    first, second = (from_corners(corners, corners + rng.uniform(-0.2, 0.2, (4, 2)) * size) for _ in range(2))
    return first, second


def _middle(size: int) -> Float[np.ndarray, "2"]:
    return np.full(2, size / 2)


WARPS: Mapping[str, DrawWarps] = {"turn-and-crop": _turned_and_cropped, "affine": _affine, "perspective": _perspective}
