"""HOG (Dalal and Triggs, 2005) at every pixel: a block of 2 x 2 cells around it, with L2-Hys."""

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from pixbench.evaluation.model import DescriptorModel
from pixbench.evaluation.network_input import CellGrid

CELL, BINS, CLIP = 8, 9, 0.2


class Hog(DescriptorModel):
    """HOG at every pixel: 2 x 2 cells of 8 px, 9 unsigned orientations, L2-Hys, in l2."""

    name = "hog"
    p = 2.0
    grid = CellGrid(1.0, 0.0)

    @property
    def info(self) -> dict[str, Any]:
        """See Model."""
        return {"kind": "baseline", "channels": 4 * BINS}

    def describe(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch channels rows columns"]:
        """(B, 36, H + 1, W + 1) from the grey image, whose borders are mirrored: a block's centre is a corner of pixels."""
        padded = functional.pad(images.mean(dim=1, keepdim=True), [CELL + 1] * 4, mode="reflect")
        dx = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2])[:, 0]
        dy = (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1])[:, 0]
        orientation = torch.remainder(torch.atan2(dy, dx), math.pi) * (BINS / math.pi)
        number = orientation.floor().long().clamp(0, BINS - 1)
        votes = functional.one_hot(number, BINS).permute(0, 3, 1, 2) * torch.hypot(dx, dy)[:, None]
        cells = functional.avg_pool2d(votes, CELL, stride=1)
        height, width = images.shape[2] + 1, images.shape[3] + 1
        # A block's four cells, row by row: their upper left corners lie CELL px before the block's centre, or at it.
        block = torch.cat([cells[..., y : y + height, x : x + width] for y in (0, CELL) for x in (0, CELL)], dim=1)
        return _normed(_normed(block).clamp(max=CLIP))


def _normed(block: Float[Tensor, "batch channels rows columns"]) -> Float[Tensor, "batch channels rows columns"]:
    return block / (block.square().sum(dim=1, keepdim=True) + 1e-10).sqrt()
