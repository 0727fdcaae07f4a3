"""Descriptors of an image at several sizes, joined for every pixel."""

import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from ..errors import UserError

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
    """The factors themselves. Raises UserError for none, for equal ones, and for one that is not a number from 1/16 to 8."""
    if not scales or len(set(scales)) < len(scales) or not all(math.isfinite(s) and LEAST <= s <= MOST for s in scales):
        shown = ",".join(f"{s:g}" for s in scales) if text is None else text
        raise UserError(f"scales '{shown}': expected different numbers from {LEAST:g} to {MOST:g}, such as 0.5,1,1.4")
    return tuple(float(s) for s in scales)


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
        size = (max(round(height * scale), 1), max(round(width * scale), 1))
        resized = images
        if size != (height, width):
            resized = functional.interpolate(images, size=size, mode="bicubic", align_corners=False, antialias=True).clamp(0, 1)
        found = describe(resized)
        if found.shape[2:] != (height, width):
            found = functional.interpolate(found, size=(height, width), mode="bilinear", align_corners=False)
        parts.append(functional.normalize(found, dim=1) if unit else found)
    return torch.cat(parts, dim=1)
