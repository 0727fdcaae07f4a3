"""Preprocessing of images for a network: upsampling to a minimum size and padding to a multiple."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from ..geometry.pixels import normalised_grid, pixel_centres, resize_uv, uv_from_integer_centres

Size = tuple[int, int]
"""Width and height in pixels."""


@dataclass(frozen=True)
class NetworkInput:
    """`size`: images with a smaller longer side are enlarged to it, in pixels. `multiple`: sides are padded to one of this number."""

    size: int | None = None
    multiple: int = 1

    @property
    def info(self) -> dict[str, Any]:
        """The settings as stored in records; empty if images are unchanged."""
        return ({} if self.size is None else {"input_size": self.size}) | ({} if self.multiple == 1 else {"input_multiple": self.multiple})

    def enlarged(self, size: Size) -> Size:
        """The size of an image before it is padded."""
        factor = max(1.0, (self.size or 0) / max(size))
        return round(size[0] * factor), round(size[1] * factor)

    def prepared(self, images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch channels rows columns"]:
        """Images enlarged (bicubic, clamped to [0, 1]), and padded at the right and below by repeating their border."""
        width, height = self.enlarged((images.shape[3], images.shape[2]))
        if (height, width) != tuple(images.shape[2:]):
            images = functional.interpolate(images, size=(height, width), mode="bicubic", align_corners=False, antialias=True).clamp(0, 1)
        right, below = -width % self.multiple, -height % self.multiple
        return functional.pad(images, (0, right, 0, below), mode="replicate") if right or below else images


AS_IT_IS = NetworkInput()


@dataclass(frozen=True)
class CellGrid:
    """Grid of a network's cells: centres `stride` px of its input apart, the first at `offset` px; None: half a stride."""

    stride: float
    offset: float | None = None


def sampled(
    cells: Float[Tensor, "batch channels rows columns"],
    image: Size,
    network_input: NetworkInput,
    seen: Size,
    grid: CellGrid | None,
) -> Float[Tensor, "batch channels height width"]:
    """Descriptors at the pixel centres of an image of the size `image`, bilinear between cells; outside them the nearest cell's.

    `seen` is the size of the network's input in pixels, padding included; without a `grid` the cells tile it evenly.
    """
    columns, rows = cells.shape[3], cells.shape[2]
    uv = resize_uv(pixel_centres(*image), image, network_input.enlarged(image))
    if grid is None:
        uv = resize_uv(uv, seen, (columns, rows))
    else:
        offset = grid.stride / 2 if grid.offset is None else grid.offset
        uv = uv_from_integer_centres((uv - offset) / grid.stride)
    where = torch.from_numpy(normalised_grid(uv, columns, rows)).to(cells)[None].expand(len(cells), -1, -1, -1)
    return functional.grid_sample(cells, where, mode="bilinear", padding_mode="border", align_corners=False)
