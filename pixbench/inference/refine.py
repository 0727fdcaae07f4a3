"""Matches searched again at a higher resolution, in a window around each; tile by tile, so that pictures may be of any size."""

from collections.abc import Iterator
from copy import copy

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..evaluation.matching.dense_matcher import vertex
from ..evaluation.matching.nearest import distances
from ..evaluation.model import DescriptorModel, image_batch
from ..evaluation.network_input import ONE
from ..geometry.pixels import index_to_uv, nearest_pixel_index
from ..image.picture import Pixels

TILE = 384
"""Side of a tile in pixels: the windows of its pixels are searched together."""

MARGIN = 64
"""Margin in pixels around a tile that is described with it, as context for its descriptors."""

POINTS = 256
"""Number of windows in memory at a time."""

Uv = Float[np.ndarray, "matches 2"]


def refined(
    model: DescriptorModel, rgb_a: Pixels, rgb_b: Pixels, uv_a: Uv, uv_b: Uv, radius: int
) -> tuple[Uv, Uv, Float[np.ndarray, " matches"]]:
    """The pixel of each uv_a (its centre), the nearest descriptor at most `radius` columns and rows from uv_b, and their distance.

    Sub-pixel positions are found by a parabola, as in `match_dense`. Pictures larger than a tile are described in tiles: a model that looks
    at all of a picture, as one with group norms does, sees each tile as a picture of its own. One scale is described: the search is local.
    """
    model = copy(model)
    model.scales = ONE
    pixel_a, pixel_b = (nearest_pixel_index(uv, rgb.shape[1], rgb.shape[0]) for uv, rgb in ((uv_a, rgb_a), (uv_b, rgb_b)))
    query = torch.zeros(0)
    for index, windows, _ in _windows(model, rgb_a, pixel_a, 0):
        if not len(query):
            query = torch.zeros(len(uv_a), windows.shape[2])
        query[index] = windows[:, 0]
    found, distance = index_to_uv(pixel_b), np.full(len(uv_a), np.nan)
    for index, windows, inside in _windows(model, rgb_b, pixel_b, radius):
        away = distances(query[index], windows, p=model.p).double().masked_fill(~inside, np.inf)
        offset, least = _least(away.reshape(len(index), 2 * radius + 1, 2 * radius + 1))
        found[index] += offset.numpy() - radius
        distance[index] = least.numpy()
    return index_to_uv(pixel_a), found, distance


def _least(away: Float[Tensor, "points side side"]) -> tuple[Float[Tensor, "points 2"], Float[Tensor, " points"]]:
    """Sub-pixel (column, row) of the minimum of each window, and its value."""
    side = away.shape[1]
    least, index = away.flatten(1).min(dim=1)
    row, column, point = index // side + 1, index % side + 1, torch.arange(len(away))
    edged = torch.nn.functional.pad(away, (1, 1, 1, 1), value=np.inf)
    x = vertex(edged[point, row, column - 1], least, edged[point, row, column + 1])
    y = vertex(edged[point, row - 1, column], least, edged[point, row + 1, column])
    return torch.stack([column - 1 + x, row - 1 + y], dim=1), least


def _windows(
    model: DescriptorModel, rgb: Pixels, pixel: Int[np.ndarray, "points 2"], radius: int
) -> Iterator[tuple[Int[np.ndarray, " some"], Float[Tensor, "some count channels"], Bool[Tensor, "some count"]]]:
    """For some of the points at a time: which, the descriptors around each in reading order, and which of them are in the image."""
    height, width = rgb.shape[:2]
    steps = np.arange(-radius, radius + 1)
    around = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    tile_of = pixel // TILE
    for tile in np.unique(tile_of, axis=0):
        first = np.maximum(tile * TILE - radius - MARGIN, 0)
        last = np.minimum((tile + 1) * TILE + radius + MARGIN, [width, height])
        dense = model.dense(image_batch(np.ascontiguousarray(rgb[first[1] : last[1], first[0] : last[0]])))[0].cpu()
        here = np.flatnonzero((tile_of == tile).all(axis=1))
        for index in np.array_split(here, -(-len(here) // POINTS)):
            at = pixel[index][:, None] + around
            inside = ((at >= 0) & (at < [width, height])).all(axis=2)
            column, row = np.moveaxis(np.clip(at - first, 0, last - first - 1), 2, 0)
            yield index, dense[:, row, column].permute(1, 2, 0), torch.from_numpy(inside)
