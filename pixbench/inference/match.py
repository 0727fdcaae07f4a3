"""Matches between two pictures by a model's descriptors, and the homography or epipolar geometry that they agree on."""

import math
from dataclasses import replace

import numpy as np
import torch

from ..errors import UserError
from ..evaluation.matching.dense_matcher import Search, match_dense
from ..evaluation.model import DescriptorModel, MatcherModel, Model, failing_in_one_line, image_batch
from ..geometry.pixels import index_to_uv
from ..image.picture import Picture, Pixels, as_picture, shrunk, size_wh
from .defaults import CYCLE_PX, STEP, THRESHOLD_PX, WORKING_SIZE
from .matches import ImageMatches, Size
from .model import ModelSource, PictureSource, check_size, check_whole, open_model
from .refine import refined
from .two_view import Geometry, check_geometry, fit


def match(
    image_a: PictureSource,
    image_b: PictureSource,
    model: ModelSource | None = None,
    *,
    max_size: int = WORKING_SIZE,
    step: int = STEP,
    cycle_px: float = CYCLE_PX,
    ratio: float = 1.0,
    refine: int | None = None,
    geometry: str = "none",
    threshold_px: float = THRESHOLD_PX,
    focal_px: float | None = None,
    device: str = "cpu",
    trust_code: bool = False,
) -> ImageMatches:
    """Match two pictures (paths, uint8 arrays, or Pillow images) with a model or its name; by default the one that ships.

    Both are shrunk to `max_size` px on the longer side. Every `step`-th pixel of every `step`-th row of a is matched to its nearest
    descriptor in all of b, below the pixel by a parabola. A match is kept if it is mutual: matched back, it returns to within
    `cycle_px` of where it started (0: to the same pixel; 1.5: or to one of the eight around it), and if its ratio is at most `ratio`.
    `refine` searches again around each match in pictures of that longer side. `geometry` is none, homography, essential or
    fundamental; a match within `threshold_px` of it, in pixels of the shrunk pictures, is an inlier. `focal_px`, in pixels of both
    pictures, is for the essential matrix; by default EXIF's, or else 1.2 times the longer side.
    `trust_code` allows a model to run its own code, see `load_model`.

    Raises UserError for a file that is no picture, a picture that is too small, a model that is not there, fails or cannot
    match pictures; for `step`, `cycle_px`, `ratio` or `refine` with a matcher that chooses its own points; for `refine` not above
    `max_size`.

    For example:

        found = pixbench.match("a.jpg", "b.jpg", "baseline:dense-sift", geometry="homography")
        print(len(found), found.uv_a, found.uv_b, found.matrix)
    """
    check_whole("step", step)
    for name, value, least, most in (
        ("step", step, 1, math.inf),
        ("cycle_px", cycle_px, 0, math.inf),
        ("ratio", ratio, 0, 1),
        ("threshold_px", threshold_px, 0, math.inf),
        ("focal_px", focal_px, 1, math.inf),
    ):
        if value is not None and not least <= value <= most:
            expected = f"at least {least}" if most == math.inf else f"{least} to {most}"
            raise UserError(f"{name} {value}: expected {expected}")
    kind = check_geometry(geometry)
    a, b = as_picture(image_a), as_picture(image_b)
    for picture in (a, b):
        check_size(picture, max_size)
    loaded = open_model(model, device, trust_code)
    if isinstance(loaded, MatcherModel):
        _check_unused(loaded, step, cycle_px, ratio)
    if refine is not None:
        _check_refinement(loaded, refine, max_size)
    small_a, small_b = shrunk(a.rgb, max_size), shrunk(b.rgb, max_size)
    at_a, at_b = size_wh(small_a), size_wh(small_b)
    with failing_in_one_line(loaded):
        found = _in_pixels(loaded, small_a, small_b, step).kept(cycle_px, ratio)
        if refine is not None and isinstance(loaded, DescriptorModel):
            found, at_a, at_b = _refined(loaded, a, b, found, (at_a, at_b), refine)
    threshold = threshold_px * max(b.size) / max(at_b)
    return _with_geometry(found.resized(at_a, a.size, at_b, b.size), a, b, kind, threshold, focal_px)


def _in_pixels(model: Model, rgb_a: Pixels, rgb_b: Pixels, step: int) -> ImageMatches:
    """All matches in pixels of the two images, whether mutual or not."""
    if isinstance(model, MatcherModel):
        uv_a, uv_b = model.points(rgb_a, rgb_b)
        unknown = np.full(len(uv_a), np.nan)
        return ImageMatches(uv_a, uv_b, unknown, unknown, unknown)
    if not isinstance(model, DescriptorModel):
        raise UserError(f"model {model.name} answers on data sets alone: expected a model with descriptors, or a matcher of points")
    height, width = rgb_a.shape[:2]
    columns, rows = np.arange(step // 2, width, step), np.arange(step // 2, height, step)
    pixel = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    with torch.inference_mode():
        source, target = (model.dense(image_batch(rgb))[0] for rgb in (rgb_a, rgb_b))
        answers = match_dense(source, target, torch.from_numpy(pixel), p=model.p, search=Search(subpixel=True))
    distance, ratio, cycle_px = (each.astype(np.float64) for each in (answers.distance, answers.ratio, answers.cycle_error_px))
    return ImageMatches(index_to_uv(pixel), answers.uv, distance, ratio, cycle_px)


def _check_unused(model: MatcherModel, step: int, cycle_px: float, ratio: float) -> None:
    """Raises UserError for options other than the defaults that would change nothing."""
    for name, value, default in (("step", step, STEP), ("cycle_px", cycle_px, CYCLE_PX), ("ratio", ratio, 1.0)):
        if value != default:
            raise UserError(f"{name} {value:g}: model {model.name} chooses its own points; leave it out")


def _check_refinement(model: Model, refine: int, max_size: int) -> None:
    check_whole("refine", refine)
    if refine <= max_size:
        raise UserError(
            f"refine {refine}: matches are found in pictures of up to {max_size} px (max_size); expected a larger size, or none"
        )
    if not isinstance(model, DescriptorModel):
        raise UserError(f"refine {refine}: model {model.name} has no descriptors to search again with; leave it out")


def _refined(
    model: DescriptorModel, a: Picture, b: Picture, found: ImageMatches, at: tuple[Size, Size], long_side: int
) -> tuple[ImageMatches, Size, Size]:
    large_a, large_b = shrunk(a.rgb, long_side), shrunk(b.rgb, long_side)
    size_a, size_b = size_wh(large_a), size_wh(large_b)
    moved = found.resized(at[0], size_a, at[1], size_b)
    radius = math.ceil(CYCLE_PX * max(size_b) / max(at[1]))
    uv_a, uv_b, distance = refined(model, large_a, large_b, moved.uv_a, moved.uv_b, radius)
    return replace(moved, uv_a=uv_a, uv_b=uv_b, distance=distance), size_a, size_b


def _with_geometry(
    found: ImageMatches, a: Picture, b: Picture, geometry: Geometry, threshold_px: float, focal_px: float | None
) -> ImageMatches:
    if geometry == "none":
        return found
    focal, source = _focal_lengths(a, b, focal_px)
    fitted = fit(geometry, found.uv_a, found.uv_b, threshold_px, (a.size, b.size), focal)
    matrix, inliers = (None, np.zeros(len(found), bool)) if fitted is None else fitted
    if geometry != "essential":
        return replace(found, matrix=matrix, inliers=inliers)
    return replace(found, matrix=matrix, inliers=inliers, focal_px=focal, focal_source=source)


def _focal_lengths(a: Picture, b: Picture, focal_px: float | None) -> tuple[tuple[float, float], str]:
    if focal_px is not None:
        return (focal_px, focal_px), "given"
    if a.focal_px is not None and b.focal_px is not None:
        return (a.focal_px, b.focal_px), "from EXIF"
    assumed = [1.2 * max(picture.size) for picture in (a, b)]
    return (assumed[0], assumed[1]), "assumed: 1.2 times the longer side"
