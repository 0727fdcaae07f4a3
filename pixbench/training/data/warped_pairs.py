"""Pairs of views of one picture under known 2D warps, made as they are needed: exact matches, nothing on disk."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8

from ...geometry.pixels import in_image
from ...image.homography import WARPS, apply_homography, correspondences, warped
from .pairs import Views


class WarpedPictures:
    """Two views of each picture (N, rows, columns, 3), square, scaled to `size` pixels. A TrainingPairs.

    A pixel is matched where its point lies on the picture and in both views.
    """

    def __init__(self, pictures: UInt8[np.ndarray, "pictures side side 3"], *, size: int, warps: str, description: Mapping[str, Any]):
        self._pictures = torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)))
        self._size, self._draw = size, WARPS[warps]
        self.groups: Sequence[int] = range(len(pictures))
        self.description = {**description, "size": size, "warps": warps}

    def views(self, index: int, *, rng: np.random.Generator) -> Views:
        """See TrainingPairs."""
        picture = self._pictures[index].float() / 255
        size, scale = self._size, np.diag([self._size / picture.shape[-1]] * 2 + [1.0])
        H_a, H_b = (H @ scale for H in self._draw(rng, size, 2))
        uv_b, inside = correspondences(H_a, H_b, size, size)
        source = apply_homography(np.linalg.inv(H_b), uv_b)
        on_picture = in_image(source, picture.shape[-1], picture.shape[-2])
        return Views(warped(picture, H_a, size, size), warped(picture, H_b, size, size), uv_b, inside & on_picture)

    def close(self) -> None:
        """See TrainingPairs. Does nothing: no file is open."""
