"""Random matched crops of a pair of views: more scales from the same pictures, and every point of a crop has a chance to be seen."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from ...geometry.pixels import in_image, resize_uv


@dataclass(frozen=True)
class Crop:
    """`part_wh` pixels of an image from pixel (`column`, `row`) on, resized to `size_wh` pixels."""

    column: int
    row: int
    part_wh: tuple[int, int]
    size_wh: tuple[int, int]

    def image(self, image: Float[Tensor, "3 height width"]) -> Float[Tensor, "3 rows columns"]:
        """The part of an image in [0, 1], resized; bilinear, low-pass filtered where it shrinks."""
        width, height = self.part_wh
        part = image[:, self.row : self.row + height, self.column : self.column + width]
        if self.part_wh == self.size_wh:
            return part.contiguous()
        resized: Tensor = functional.interpolate(part[None], size=self.size_wh[::-1], mode="bilinear", antialias=True)
        return resized[0].clamp(0, 1)

    def to_crop(self, uv: Float[np.ndarray, "*batch 2"]) -> Float[np.ndarray, "*batch 2"]:
        """uv in pixels of the image to uv in pixels of the crop. Corners stay corners."""
        return resize_uv(uv - [self.column, self.row], self.part_wh, self.size_wh)

    def covers(self, uv: Float[np.ndarray, "*batch 2"]) -> Bool[np.ndarray, "*batch"]:
        """Whether uv, in pixels of the image, lies in the crop. NaN does not."""
        return in_image(self.to_crop(uv), *self.size_wh)


def matched_crops(
    uv_b: Float[np.ndarray, "height width 2"],
    matched: Bool[np.ndarray, "height width"],
    *,
    size: int,
    zoom: tuple[float, float],
    rng: np.random.Generator,
) -> tuple[Crop, Crop]:
    """Crops of views a and b around a random match, each with a scale of its own, log-uniform in `zoom`; around random places without one.

    `size` is the side of a crop in pixels; a zoom of 2 shows the picture twice as large. A crop lies within its view, so that the
    largest one is the whole view. The match lies anywhere in the middle half of a crop where the view's border allows.
    """
    height, width = matched.shape
    found = np.argwhere(matched)
    row, column = found[rng.integers(len(found))] if len(found) else (rng.integers(height), rng.integers(width))
    centre_a = np.array([column, row], float)
    centre_b = uv_b[row, column] if len(found) else rng.random(2) * [width, height]
    return (
        _around(centre_a, width, height, size=size, zoom=zoom, rng=rng),
        _around(centre_b, width, height, size=size, zoom=zoom, rng=rng),
    )


def _around(
    centre: Float[np.ndarray, "2"], width: int, height: int, *, size: int, zoom: tuple[float, float], rng: np.random.Generator
) -> Crop:
    scale = np.exp(rng.uniform(*np.log(zoom)))
    side = max(int(min(round(size / scale), width, height)), 1)
    corner = np.floor(centre - side * rng.uniform(0.25, 0.75, size=2))
    column, row = np.clip(corner, 0, [width - side, height - side]).astype(int)
    return Crop(int(column), int(row), (side, side), (size, size))
