"""Two pictures side by side with lines between their matches."""

from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from ..geometry.pixels import integer_centres_from_uv, nearest_pixel_index, resize_uv
from ..image.picture import Pixels, shrunk, size_wh
from ..inference.matches import ImageMatches
from .figures import ShownFigure, place_colours, save_figure, show_image

SHOWN_LINES = 300
SHOWN_HEIGHT = 720
GAP = 12
INLIER, OUTLIER = "#1a9850", "#d73027"


def draw_matches(rgb_a: Pixels, rgb_b: Pixels, found: ImageMatches, path: Path, *, title: str = "") -> None:
    """Write `match_figure` as PNG, JPEG or PDF."""
    save_figure(match_figure(rgb_a, rgb_b, found, title), path)


def match_figure(rgb_a: Pixels, rgb_b: Pixels, found: ImageMatches, title: str = "") -> Figure:
    """Two pictures and at most 300 matches, evenly drawn. Inliers are green and outliers red; without a geometry, hue is place in a."""
    small_a, small_b = (_of_height(rgb, SHOWN_HEIGHT) for rgb in (rgb_a, rgb_b))
    height, width = max(len(small_a), len(small_b)), small_a.shape[1] + GAP + small_b.shape[1]
    canvas = np.full((height, width, 3), 255, np.uint8)
    canvas[: len(small_a), : small_a.shape[1]] = small_a
    canvas[: len(small_b), small_a.shape[1] + GAP :] = small_b
    at_a = resize_uv(found.uv_a, size_wh(rgb_a), size_wh(small_a))
    at_b = resize_uv(found.uv_b, size_wh(rgb_b), size_wh(small_b)) + np.array([small_a.shape[1] + GAP, 0])
    shown = np.unique(np.linspace(0, len(found) - 1, min(len(found), SHOWN_LINES)).round().astype(int))
    figure = ShownFigure(figsize=(width / 110, height / 110 + 0.3), layout="constrained")
    axes = figure.subplots()
    show_image(axes, canvas, title)
    lines = integer_centres_from_uv(np.stack([at_a, at_b], axis=1)[shown])
    colours = _colours(found, at_a, size_wh(small_a))[shown]
    axes.add_collection(LineCollection(list(lines), colors=colours, linewidths=0.7))
    for ends in lines.transpose(1, 0, 2):
        axes.scatter(ends[:, 0], ends[:, 1], s=4, c=colours)
    return figure


def _colours(found: ImageMatches, at_a: Float[np.ndarray, "matches 2"], size: tuple[int, int]) -> Float[np.ndarray, "matches 4"]:
    if found.inliers is not None:
        return np.where(found.inliers[:, None], to_rgba(INLIER, 0.8), to_rgba(OUTLIER, 0.35))
    column, row = nearest_pixel_index(at_a, *size).T
    return np.concatenate([place_colours(*size)[row, column], np.full((len(at_a), 1), 0.8)], axis=1)


def _of_height(rgb: Pixels, height: int) -> Pixels:
    return shrunk(rgb, round(height * max(1.0, rgb.shape[1] / rgb.shape[0])))
