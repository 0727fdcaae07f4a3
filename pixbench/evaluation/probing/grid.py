"""Descriptors on a grid of pixels of labelled images: the input of probe and head, in classification and in experiment 1."""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional

from ...geometry.pixels import every_nth, normalised_grid, pixel_centres

Features = Float[Tensor, "images channels pixels"]


def describe_images(
    dense: Callable[[Tensor], Tensor],
    images: UInt8[np.ndarray, "images side side 3"],
    *,
    size: int,
    stride: int,
    first: int | None = None,
    batch: int,
) -> Features:
    """Descriptors of images, resized to `size` px, at every `stride`-th pixel of every `stride`-th row; on the CPU.

    `dense` gives descriptors (batch, channels, size, size) of images in [0, 1]. `first` is the first row and column: see `every_nth`.
    """
    grid, found = every_nth(stride, first), []
    with torch.inference_mode():
        for start in range(0, len(images), batch):
            values = torch.from_numpy(images[start : start + batch].transpose(0, 3, 1, 2).copy()).float() / 255
            found.append(dense(to_size(values, size))[..., grid, grid].flatten(2).float().cpu())
    return torch.cat(found)


def to_size(images: Float[Tensor, "images 3 side side"], size: int) -> Float[Tensor, "images 3 size size"]:
    """Images in [0, 1], resized to `size` x `size` pixels by bilinear interpolation."""
    side = images.shape[-1]
    grid = normalised_grid(pixel_centres(size, size) * (side / size), side, side)
    return functional.grid_sample(images, torch.from_numpy(grid).float().expand(len(images), -1, -1, -1), align_corners=False)
