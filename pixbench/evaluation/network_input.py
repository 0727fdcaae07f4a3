"""Preprocessing of images for a network: upsampling to a minimum size, padding to a multiple, several scales."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from ..errors import UserError
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
    """Grid of a network's cells: their centres are `stride` px of its input apart, the first is at `offset` px (None: half a stride)."""

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


Scales = tuple[float, ...]
"""Factors by which an image is resized before it is described."""

ONE: Scales = (1.0,)
LEAST, MOST = 1 / 16, 8.0


def parse_scales(text: str) -> Scales:
    """Factors from `0.5,1,2`. Raises UserError for anything but numbers from 1/16 to 8, each once."""
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = ()
    return check_scales(found, text)


def check_scales(scales: Sequence[float], text: str | None = None) -> Scales:
    """Validate scales and return them. Raises UserError for none, for equal ones, and for one that is not a number from 1/16 to 8."""
    if not scales or len(set(scales)) < len(scales) or not all(math.isfinite(s) and LEAST <= s <= MOST for s in scales):
        shown = ",".join(f"{s:g}" for s in scales) if text is None else text
        raise UserError(f"scales '{shown}': expected different numbers from {LEAST:g} to {MOST:g}, such as 0.5,1,1.4")
    return tuple(float(s) for s in scales)


def scaled(size: Size, scale: float) -> Size:
    """Width and height of an image at a scale."""
    return max(round(size[0] * scale), 1), max(round(size[1] * scale), 1)


def check_distinct(scales: Scales, size: Size, network_input: NetworkInput, name: str) -> None:
    """Raises ValueError where the images of two scales are enlarged to the same size, which undoes the scales. `name` is the model's."""
    seen: dict[Size, float] = {}
    for scale in scales:
        enlarged = network_input.enlarged(scaled(size, scale))
        if enlarged in seen:
            raise ValueError(
                f"images of {size[0]} x {size[1]} px at scales {seen[enlarged]:g} and {scale:g} are both enlarged to {enlarged[0]} x "
                f"{enlarged[1]} px, because {name} has input_size {network_input.size}: leave scales or input_size out"
            )
        seen[enlarged] = scale


def described_at_scales(
    describe: Callable[[Float[Tensor, "batch 3 height width"]], Float[Tensor, "batch channels rows columns"]],
    images: Float[Tensor, "batch 3 height width"],
    scales: Scales,
    *,
    unit: bool,
) -> Float[Tensor, "batch joined height width"]:
    """`describe` of the images at each scale, brought to their size (bilinear) and concatenated in the order of `scales`.

    Images in [0, 1] are resized bicubically with antialiasing. With `unit` each scale's descriptors have length 1 first, so that the
    cosine of joined descriptors is the mean of the scales' cosines.
    """
    height, width = images.shape[2:]
    parts = []
    for scale in scales:
        size = scaled((width, height), scale)[::-1]
        resized = images
        if size != (height, width):
            resized = functional.interpolate(images, size=size, mode="bicubic", align_corners=False, antialias=True).clamp(0, 1)
        found = describe(resized)
        if found.shape[2:] != (height, width):
            found = functional.interpolate(found, size=(height, width), mode="bilinear", align_corners=False)
        parts.append(functional.normalize(found, dim=1) if unit else found)
    return torch.cat(parts, dim=1)
