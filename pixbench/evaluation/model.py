"""What can be scored: anything that says where query pixels of one image lie in another."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor
from torch.nn import functional

from ..dataset.reader import Pair, PairKey
from ..geometry.correspondence import PairTruth, Status
from ..geometry.pixels import pixel_index
from ..registry import Registry
from .matching.dense_matcher import Matches, Search, match_dense
from .matching.nearest import Norm

Image = UInt8[np.ndarray, "height width 3"]


def image_batch(*rgb: Image) -> Float[Tensor, "batch 3 height width"]:
    """Images from disk, all of one size, as a batch of float32 in [0, 1]."""
    return torch.from_numpy(np.stack([image.transpose(2, 0, 1) for image in rgb])).float() / 255


class Model(ABC):
    """Scored by `match`. `name` is the table's row, `info` goes into the record."""

    name: str
    asks_for: tuple[str, ...] = ()
    """What it is given beside two images, in words that stand in the record; a model that names something gets the pair with its truth."""

    @property
    def info(self) -> dict[str, Any]:
        """What a reader of the table must know of this model, as plain JSON values. Its norm is added, see `described_model`."""
        return {}

    @abstractmethod
    def match(self, pair: Pair, query_uv: Float[np.ndarray, "queries 2"]) -> Matches:
        """Where query positions uv of image a lie in image b, in pixels. A class that `asks_for` nothing is told the images alone."""

    def answer(self, pair: Pair, query_uv: Float[np.ndarray, "queries 2"]) -> Matches:
        """`match`, of a pair with truth, of which a model gets copies of the images and nothing else unless it `asks_for` it."""
        return self.match(pair if self.asks_for else _images_only(pair), query_uv)


def _images_only(pair: Pair) -> Pair:
    rgb_a, rgb_b = pair.rgb_a.copy(), pair.rgb_b.copy()
    shape = rgb_a.shape[:2]
    unknown = PairTruth(np.full((*shape, 2), np.nan, np.float32), np.full(shape, Status.NO_SURFACE, np.uint8))
    return Pair(PairKey(0, 0, 0, 1), rgb_a, rgb_b, unknown)


def described_model(model: Model) -> dict[str, Any]:
    """`info`, with the norm in which descriptors are compared: the attribute `p` is its one source, so that it can be set from outside."""
    return {**model.info, "p": norm_name(model.p) if isinstance(model, DescriptorModel) else None}


BASELINES: Registry[Callable[..., Model]] = Registry("baseline", "pixbench.baselines")
"""Each is called without arguments, or with weights=PATH for those that have some."""


class DescriptorModel(Model):
    """Matches each query to the pixel of b with the nearest descriptor in the norm `p`: 1, 2, inf or "cosine"."""

    p: Norm
    device = torch.device("cpu")
    described: tuple[int, int, int] | None = None
    """(channels, rows, columns) that `describe` gave last, before any enlarging."""
    grid_px: float = 1.0
    """Pixels of the image from one of those descriptors to the next."""

    @abstractmethod
    def describe(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch channels rows columns"]:
        """A descriptor for every pixel of images in [0, 1], or for every cell of a coarser grid over the whole image."""

    def cells(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch channels rows columns"]:
        """`describe`, in float32 and checked. ValueError for anything but descriptors of every image."""
        with torch.inference_mode():
            found = self.describe(images.to(self.device))
        if not isinstance(found, Tensor) or found.ndim != 4 or len(found) != len(images):
            got = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
            raise ValueError(f"{self.name} gave {got} for {len(images)} images: expected a tensor (batch, channels, rows, columns)")
        self.described = (found.shape[1], found.shape[2], found.shape[3])
        self.grid_px = max(images.shape[2] / found.shape[2], images.shape[3] / found.shape[3])
        return found.float()

    def dense(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch channels height width"]:
        """`cells`, enlarged to the images' size where they are coarser (bilinear). ValueError as there."""
        with torch.inference_mode():
            found = self.cells(images)
            if found.shape[2:] != images.shape[2:]:
                found = functional.interpolate(found, size=images.shape[2:], mode="bilinear", align_corners=False)
            return found

    def match(self, pair: Pair, query_uv: Float[np.ndarray, "queries 2"]) -> Matches:
        """The centre of the nearest pixel; among equals the first in reading order."""
        return self.match_described(pair, self.dense(image_batch(pair.rgb_a))[0], self.dense(image_batch(pair.rgb_b))[0], query_uv)

    def match_described(
        self,
        pair: Pair,
        source: Float[Tensor, "channels height width"],
        target: Float[Tensor, "channels rows columns"],
        query_uv: Float[np.ndarray, "queries 2"],
        search: Search = Search(),  # noqa: B008  (frozen)
    ) -> Matches:
        """As `match`, of a pair whose images were described before. The truth decides nothing but `closer`."""
        pixel = pixel_index(query_uv)
        with torch.inference_mode():
            return match_dense(source, target, torch.from_numpy(pixel), p=self.p, search=search, truth_pixel=_true_pixels(pair, pixel))


def _true_pixels(pair: Pair, pixel: Int[np.ndarray, "queries 2"]) -> Int[Tensor, "queries 2"]:
    """The pixel of each query's true match, -1 where it is not visible."""
    column, row = pixel.T
    visible = pair.truth.status[row, column] == Status.VISIBLE
    height, width = pair.rgb_b.shape[:2]
    at = np.full(pixel.shape, -1, np.int64)
    # In float32 a point just inside the image may lie on its border.
    at[visible] = np.clip(pixel_index(pair.truth.uv_b[row, column][visible]), 0, [width - 1, height - 1])
    return torch.from_numpy(at)


PointMatcher = Callable[[Float[Tensor, "3 height width"], Float[Tensor, "3 rows columns"]], Sequence[Any]]
"""Two images in [0, 1] to matched points (matches, 2) of each, uv in pixels: the first pixel's centre is (.5, .5)."""

REACH_PX = 4.0


class MatcherModel(Model):
    """A matcher of points. A query is answered by the matched point nearest to it, moved along, if one lies within `reach_px`."""

    reach_px = REACH_PX

    def __init__(self, matcher: PointMatcher, name: str, info: dict[str, Any] | None = None):
        self._matcher = matcher
        self.name = name
        self._info = info or {}

    @property
    def info(self) -> dict[str, Any]:
        """Kind and reach."""
        return {"kind": "matcher", "channels": None, "reach_px": self.reach_px, **self._info}

    def match(self, pair: Pair, query_uv: Float[np.ndarray, "queries 2"]) -> Matches:
        """See Model. ValueError as in `points`."""
        return self._answers(query_uv, *self.points(pair.rgb_a, pair.rgb_b))

    def points(self, rgb_a: Image, rgb_b: Image) -> tuple[Float[np.ndarray, "matches 2"], Float[np.ndarray, "matches 2"]]:
        """Matched points of two images, uv in pixels. ValueError where the matcher returns anything but two lists of as many points."""
        with torch.inference_mode():
            found = self._matcher(image_batch(rgb_a)[0], image_batch(rgb_b)[0])
        try:
            points_a, points_b = (np.asarray(points, np.float64).reshape(-1, 2) for points in found[:2])
        except (TypeError, ValueError) as error:
            raise ValueError(f"{self.name} must return matched points, (matches, 2) of each image: {error}") from None
        if len(points_a) != len(points_b):
            raise ValueError(f"{self.name} returned {len(points_a)} points of the first image and {len(points_b)} of the second")
        whole = np.isfinite(points_a).all(axis=1) & np.isfinite(points_b).all(axis=1)
        return points_a[whole], points_b[whole]

    def _answers(
        self, query_uv: Float[np.ndarray, "queries 2"], points_a: Float[np.ndarray, "matches 2"], points_b: Float[np.ndarray, "matches 2"]
    ) -> Matches:
        from scipy.spatial import cKDTree

        uv = np.full(query_uv.shape, np.nan)
        if len(points_a):
            distance, index = cKDTree(points_a).query(query_uv)
            near = distance <= self.reach_px
            uv[near] = points_b[index[near]] + query_uv[near] - points_a[index[near]]
        return Matches.only(uv, points_a=points_a, points_b=points_b)


def norm_name(p: Norm) -> str:
    """The norm as records and tables write it."""
    return p if isinstance(p, str) else "inf" if p == math.inf else f"{p:g}"


def parse_norm(text: str) -> Norm:
    """The norm that `norm_name` wrote. ValueError for another."""
    if text == "cosine":
        return "cosine"
    if text not in ("1", "2", "inf"):
        raise ValueError(f"got {text}, expected 1, 2, inf or cosine")
    return float(text)
