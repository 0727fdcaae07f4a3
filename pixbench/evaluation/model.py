"""Models that can be evaluated: anything that locates query pixels of one image in another."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor
from torch.nn import functional

from ..dataset.reader import Pair, PairKey
from ..errors import UserError
from ..geometry.correspondence import PairTruth, Status
from ..geometry.pixels import in_image, pixel_index, resize_uv
from ..io.text import printable, shortened
from ..registry import Registry
from .matched_points import MatchedPoints, matched_points
from .matching.dense_matcher import Matches, Search, match_dense
from .matching.nearest import Norm
from .network_input import AS_IT_IS, ONE, CellGrid, NetworkInput, Scales, check_distinct, described_at_scales, sampled

Image = UInt8[np.ndarray, "height width 3"]


def image_batch(*rgb: Image) -> Float[Tensor, "batch 3 height width"]:
    """Images from disk, all of one size, as a batch of float32 in [0, 1]."""
    return torch.from_numpy(np.stack([image.transpose(2, 0, 1) for image in rgb])).float() / 255


class Model(ABC):
    """A model that can be evaluated, by its `match`. `name` is the name of its row in tables; `info` is stored in the record."""

    name: str
    asks_for: tuple[str, ...] = ()
    """What the model needs besides two images, as stored in the record; a model that asks for anything gets the pair with its ground truth.
    """

    @property
    def info(self) -> dict[str, Any]:
        """Facts about the model for the record, as JSON values. `described_model` adds the norm."""
        return {}

    @abstractmethod
    def match(self, pair: Pair, query_uv: Float[np.ndarray, "queries 2"]) -> Matches:
        """Positions in image b, in pixels, of query positions uv of image a. `pair` has images only, unless the class `asks_for` more."""

    def answer(self, pair: Pair, query_uv: Float[np.ndarray, "queries 2"]) -> Matches:
        """Answer a pair by `match`. The model gets copies of the images only, unless it `asks_for` ground truth."""
        return self.match(pair if self.asks_for else _images_only(pair), query_uv)


def _images_only(pair: Pair) -> Pair:
    rgb_a, rgb_b = pair.rgb_a.copy(), pair.rgb_b.copy()
    shape = rgb_a.shape[:2]
    unknown = PairTruth(np.full((*shape, 2), np.nan, np.float32), np.full(shape, Status.NO_SURFACE, np.uint8))
    return Pair(PairKey(0, 0, 0, 1), rgb_a, rgb_b, unknown)


def described_model(model: Model) -> dict[str, Any]:
    """`info`, with the norm in which descriptors are compared, and the preprocessing of images if there is any.

    Both are read from the attributes `p`, `input` and `scales` only, so that a caller can set them.
    """
    inputs = model.input.info if isinstance(model, DescriptorModel | MatcherModel) else {}
    if isinstance(model, DescriptorModel) and model.scales != ONE:
        inputs = {**inputs, "scales": list(model.scales)}
    return {**model.info, "p": norm_name(model.p) if isinstance(model, DescriptorModel) else None, **inputs}


BASELINES: Registry[Callable[..., Model]] = Registry("baseline", "pixbench.baselines")
"""Factories of baselines, called without arguments, or with weights=PATH for those with weights."""

ADAPTERS: Registry[Callable[[str], Model]] = Registry("model adapter", "pixbench.model_adapters")
"""Adapters for models of other libraries, `--model ADAPTER:TEXT`, called with TEXT."""


@contextmanager
def without_tf32() -> Iterator[None]:
    """Convolutions on a GPU in whole float32: by default their inputs are rounded to 10 bits of mantissa.

    That moved descriptors by up to a hundredth of the largest one (H200, torch 2.11).
    """
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


def failure(error: Exception) -> str:
    """The error of a model in one line; errors of the user and of the machine, such as out of memory, are raised instead."""
    if isinstance(error, UserError | MemoryError | torch.cuda.OutOfMemoryError):
        raise error
    return printable(f"{type(error).__name__}: {shortened(str(error), 400)}")


@contextmanager
def failing_in_one_line(model: Model) -> Iterator[None]:
    """Within this context an error of the model becomes a UserError, as of `failure`; the error itself is its cause."""
    try:
        yield
    except Exception as error:
        raise UserError(f"model {model.name} failed with {failure(error)}") from error


def check_finite(*descriptors: Tensor) -> None:
    """Raises ValueError for NaN and infinity, which nothing can be trained on or compared with."""
    if not all(bool(each.isfinite().all()) for each in descriptors):
        raise ValueError("descriptors hold NaN or infinity")


class DescriptorModel(Model):
    """Matches each query to the pixel of b with the nearest descriptor in the norm `p`: 1, 2, inf or "cosine"."""

    p: Norm
    device = torch.device("cpu")
    input: NetworkInput = AS_IT_IS
    """Preprocessing of the images that `describe` gets."""
    scales: Scales = ONE
    """Factors by which images are resized first; descriptors at all of them are joined."""
    grid: CellGrid | None = None
    """Position of the cells of `describe`; None: they tile the input evenly."""
    described: tuple[int, int, int] | None = None
    """(channels, rows, columns) of the last output of `describe`, before upsampling."""
    grid_px: float = 1.0
    """Stride of those descriptors, in pixels of the image."""

    @abstractmethod
    def describe(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch channels rows columns"]:
        """A descriptor for every pixel of images in [0, 1], or for every cell of a coarser grid."""

    def cells(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch channels rows columns"]:
        """Output of `describe` for the preprocessed images (see `input`), in float32, as cells that tile the whole image evenly.

        Where the network's own cells do not tile it, because the input was padded or because of `grid`, and with several `scales`, the
        output is resampled to a descriptor for every pixel. Raises ValueError for anything but descriptors of every image.
        """
        with torch.inference_mode():
            if self.scales == ONE:
                return self._cells(images)
            check_distinct(self.scales, (images.shape[3], images.shape[2]), self.input, self.name)
            steps = []

            def at_scale(resized: Float[Tensor, "batch 3 resized_height resized_width"]) -> Float[Tensor, "batch channels rows columns"]:
                found = self._cells(resized)
                steps.append(self.grid_px * images.shape[3] / resized.shape[3])
                return found

            joined = described_at_scales(at_scale, images.to(self.device), self.scales, unit=self.p == "cosine")
            self.grid_px, self.described = min(steps), (joined.shape[1], joined.shape[2], joined.shape[3])
            return joined

    def _cells(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch channels rows columns"]:
        network_input = self.input.prepared(images.to(self.device))
        with without_tf32():
            found = self._checked(self.describe(network_input), network_input)
        size = (images.shape[3], images.shape[2])
        seen = (network_input.shape[3], network_input.shape[2])
        step = self.grid.stride if self.grid else max(seen[1] / found.shape[2], seen[0] / found.shape[3])
        self.grid_px = step * size[0] / self.input.enlarged(size)[0]
        if self.grid is None and self.input.enlarged(size) == seen:
            return found.float()
        return sampled(found.float(), size, self.input, seen, self.grid)

    def _checked(self, found: Any, images: Float[Tensor, "batch 3 height width"]) -> Tensor:
        expected = "expected a tensor (batch, channels, rows, columns)"
        if isinstance(found, Tensor) and found.is_complex():
            raise ValueError(f"{self.name} gave complex numbers: expected real descriptors, such as real and imaginary parts as channels")
        if not isinstance(found, Tensor) or found.ndim != 4 or len(found) != len(images) or not found.numel():
            got = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
            raise ValueError(f"{self.name} gave {got} for {len(images)} images: {expected}")
        (height, width), (rows, columns) = images.shape[2:], found.shape[2:]
        # Rounding changes each side by a cell at most; the layout (batch, rows, columns, channels) differs by far more.
        if abs(rows * width - columns * height) > width + height:
            raise ValueError(
                f"{self.name} gave {tuple(found.shape)} for images of {width} x {height}: {expected} of the images' proportions"
            )
        self.described = (found.shape[1], rows, columns)
        return found

    def dense(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch channels height width"]:
        """`cells`, upsampled to the images' size where they are coarser (bilinear). Raises ValueError as `cells` does."""
        with torch.inference_mode():
            found = self.cells(images)
            if found.shape[2:] != images.shape[2:]:
                found = functional.interpolate(found, size=images.shape[2:], mode="bilinear", align_corners=False)
            return found

    def match(self, pair: Pair, query_uv: Float[np.ndarray, "queries 2"]) -> Matches:
        """The centre of the pixel with the nearest descriptor; ties go to the first in reading order."""
        return self.match_described(pair, self.dense(image_batch(pair.rgb_a))[0], self.dense(image_batch(pair.rgb_b))[0], query_uv)

    def match_described(
        self,
        pair: Pair,
        source: Float[Tensor, "channels height width"],
        target: Float[Tensor, "channels rows columns"],
        query_uv: Float[np.ndarray, "queries 2"],
        search: Search = Search(),  # noqa: B008  (frozen)
    ) -> Matches:
        """As `match`, from descriptors that were computed before. Ground truth only affects `closer`."""
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


PointMatcher = Callable[[Float[Tensor, "3 height width"], Float[Tensor, "3 rows columns"]], Any]
"""Two images in [0, 1] to their matched points (see `matched_points`), uv in pixels: the first pixel's centre is (.5, .5)."""

REACH_PX = 4.0


class MatcherModel(Model):
    """A matcher of points. The answer to a query is the match of the nearest point within `reach_px`, shifted by the same offset."""

    reach_px = REACH_PX
    input: NetworkInput = AS_IT_IS
    """How images are resized for the matcher; its points are scaled back."""

    def __init__(self, matcher: PointMatcher, name: str, info: dict[str, Any] | None = None):
        self._matcher = matcher
        self.name = name
        self._info = info or {}

    @property
    def info(self) -> dict[str, Any]:
        """Kind and reach."""
        return {"kind": "matcher", "channels": None, "reach_px": self.reach_px, **self._info}

    def match(self, pair: Pair, query_uv: Float[np.ndarray, "queries 2"]) -> Matches:
        """See Model. The distance of an answer is 1 less its score, if the matcher gives scores. ValueError as in `points`."""
        return self._answers(query_uv, self._matched(pair.rgb_a, pair.rgb_b))

    def points(
        self, rgb_a: UInt8[np.ndarray, "_ _ 3"], rgb_b: UInt8[np.ndarray, "_ _ 3"]
    ) -> tuple[Float[np.ndarray, "matches 2"], Float[np.ndarray, "matches 2"]]:
        """Matched points of two images, uv in pixels. Raises ValueError if the matcher returns anything but the layouts of
        `matched_points`.
        """
        found = self._matched(rgb_a, rgb_b)
        return found.a, found.b

    def _matched(self, rgb_a: UInt8[np.ndarray, "_ _ 3"], rgb_b: UInt8[np.ndarray, "_ _ 3"]) -> MatchedPoints:
        with torch.inference_mode(), without_tf32():
            found = self._matcher(*(self.input.prepared(image_batch(rgb))[0] for rgb in (rgb_a, rgb_b)))
        try:
            matched = matched_points(found)
        except ValueError as error:
            raise ValueError(f"{self.name} returned {error}") from None
        a, b = (
            resize_uv(points, self.input.enlarged(size), size)
            for points, size in ((matched.a, rgb_a.shape[1::-1]), (matched.b, rgb_b.shape[1::-1]))
        )
        return MatchedPoints(a, b, matched.score).at(in_image(a, *rgb_a.shape[1::-1]) & in_image(b, *rgb_b.shape[1::-1]))

    def _answers(self, query_uv: Float[np.ndarray, "queries 2"], found: MatchedPoints) -> Matches:
        from scipy.spatial import cKDTree

        uv, distance = np.full(query_uv.shape, np.nan), np.full(len(query_uv), np.nan)
        if len(found.a):
            away, index = cKDTree(found.a).query(query_uv)
            near = away <= self.reach_px
            uv[near] = found.b[index[near]] + query_uv[near] - found.a[index[near]]
            if found.score is not None:
                distance[near] = 1 - found.score[index[near]]
        return replace(Matches.only(uv, points_a=found.a, points_b=found.b), distance=distance)


def norm_name(p: Norm) -> str:
    """The norm as text, as in records and tables."""
    return p if isinstance(p, str) else "inf" if p == math.inf else f"{p:g}"


def parse_norm(text: str) -> Norm:
    """Inverse of `norm_name`. Raises ValueError for another text."""
    if text == "cosine":
        return "cosine"
    if text not in ("1", "2", "inf"):
        raise ValueError(f"got {text}, expected 1, 2, inf or cosine")
    return float(text)
