"""Figures of data sets and models: contact sheet, matches as colours, layers of ground truth."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.axes import Axes
from matplotlib.colors import hsv_to_rgb
from matplotlib.figure import Figure

from ..dataset.reader import Dataset, Pair
from ..errors import UserError
from ..evaluation.model import Model
from ..geometry.correspondence import Status
from ..geometry.pixels import nearest_pixel_index, pixel_centres
from ..io.files import written_whole

Image = UInt8[np.ndarray, "height width 3"]


DPI = 200
METADATA = {".png": {"Software": None}, ".pdf": {"Creator": None, "Producer": None, "CreationDate": None}}
"""Metadata that are removed, so that the same figure gives the same bytes."""


class ShownFigure(Figure):
    """A figure that a notebook shows as the last value of a cell, whether or not pyplot was imported."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=110)
        return buffer.getvalue()


def check_picture_path(path: Path) -> None:
    """Raise UserError, before any work starts, for an unsupported picture format."""
    if path.suffix.lower() not in (".png", ".jpg", ".jpeg", ".pdf"):
        raise UserError(f"{path}: pictures are written as .png, .jpg or .pdf, not as '{path.suffix}'")


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure at 200 dpi, or as PDF by the name's end; the same figure gives the same bytes."""
    check_picture_path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as temporary:
        figure.savefig(temporary, dpi=DPI, metadata=METADATA.get(path.suffix.lower()))


def series_color(number: int) -> str:
    """A colour for each of up to fifteen lines of one plot: matplotlib's ten, then five more."""
    return f"C{number}" if number < 10 else ("black", "#8c6d1f", "#0b5345", "#5b2c6f", "#f5b041")[number % 5]


def show_image(axes: Axes, image: np.ndarray, title: str = "", *, interpolation: str = "nearest") -> None:
    """An image without axes, under a small title."""
    axes.imshow(image, interpolation=interpolation)
    axes.set_axis_off()
    if title:
        axes.set_title(title, fontsize=9)


def contact_sheet(dataset: Dataset, path: Path, *, scenes: int = 6, views: int = 4) -> None:
    """One row per scene, one column per view."""
    scenes = min(scenes, len(dataset))
    stacks = [dataset.scene(index).read("rgb")[:views] for index in range(scenes)]
    columns = max(len(stack) for stack in stacks)
    figure = Figure(figsize=(2.3 * columns, 2.3 * scenes + 0.3), layout="constrained")
    grid = figure.subplots(scenes, columns, squeeze=False)
    for row, stack in zip(grid, stacks, strict=True):
        for view, axes in enumerate(row):
            axes.set_axis_off()
            if view < len(stack):
                show_image(axes, stack[view])
    figure.suptitle(f"{scenes} of {len(dataset)} scenes, one per row, each in {columns} views", fontsize=10)
    save_figure(figure, path)


def best_pair(dataset: Dataset) -> Pair:
    """The pair of the first scenes with the most visible pixels among those at least 0.8 m apart (the most visible if none is)."""

    def rank(pair: Pair) -> tuple[bool, int]:
        scene = dataset.scene(pair.key.scene)
        apart = float(np.linalg.norm(scene.camera(pair.key.a).centre - scene.camera(pair.key.b).centre)) > 0.8
        return apart, int(pair.visible.sum())

    return max((dataset.pair(key) for key in dataset.pair_keys() if key.scene < 4), key=rank)


def truth_layers(dataset: Dataset, pair: Pair, path: Path) -> None:
    """The stored data of a pair: both images, depth, normals, instances, and the status of every source pixel."""
    scene, a = dataset.scene(pair.key.scene), pair.key.a
    depth, normal = scene.read("depth_m", a), scene.read("normal_world", a).astype(float)
    instance = scene.read("instance", a)
    figure = Figure(figsize=(9.6, 7.6), layout="constrained")
    figure.get_layout_engine().set(h_pad=0.14)  # type: ignore[union-attr, call-arg]
    grid = figure.subplots(2, 3).ravel()
    show_image(grid[0], pair.rgb_a, "view a")
    show_image(grid[1], pair.rgb_b, "view b")
    show_image(grid[2], _status_colours(pair), "a → b: what becomes of each pixel")
    shown = grid[3].imshow(depth, cmap="viridis_r", interpolation="nearest")
    grid[3].set_axis_off()
    grid[3].set_title("depth of a, m", fontsize=9)
    # Inside the panel's own frame, so that all panels stay of one size.
    figure.colorbar(shown, cax=grid[3].inset_axes((0.05, -0.06, 0.9, 0.035)), orientation="horizontal").ax.tick_params(labelsize=7)
    show_image(grid[4], np.nan_to_num((normal + 1) / 2, nan=1.0), "normals of a, world")
    show_image(grid[5], instance_palette()[instance % 256], "instances of a")
    _status_legend(figure)
    save_figure(figure, path)


def instance_palette() -> Float[np.ndarray, "256 3"]:
    """sRGB colours of instances in [0, 1]: white for no surface, grey for the room, then hues that are far apart for consecutive ids."""
    palette: np.ndarray = hsv_to_rgb(np.stack([np.arange(256) * 0.381 % 1, np.full(256, 0.55), np.full(256, 0.9)], axis=1))
    palette[:2] = [[1, 1, 1], [0.82, 0.82, 0.82]]
    return palette


_STATUS_COLOURS = {
    Status.NO_SURFACE: (1.0, 1.0, 1.0),
    Status.VISIBLE: (0.35, 0.65, 0.40),
    Status.OCCLUDED: (0.85, 0.37, 0.26),
    Status.OUT_OF_FRAME: (0.80, 0.80, 0.80),
    Status.BEHIND_CAMERA: (0.45, 0.45, 0.55),
    Status.AMBIGUOUS: (0.95, 0.77, 0.30),
}


def _status_colours(pair: Pair) -> Float[np.ndarray, "height width 3"]:
    palette = np.array([_STATUS_COLOURS[code] for code in sorted(_STATUS_COLOURS)])
    grey = pair.rgb_a.mean(axis=2, keepdims=True) / 255
    blended: np.ndarray = palette[pair.truth.status] * (0.55 + 0.45 * grey)
    return blended


def _status_legend(figure: Figure) -> None:
    from matplotlib.patches import Patch

    handles = [
        Patch(facecolor=colour, edgecolor="#888888", label=code.name.lower().replace("_", " ")) for code, colour in _STATUS_COLOURS.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=6, fontsize=8, frameon=False, title="status", title_fontsize=8)


def match_picture(pair: Pair, models: Sequence[Model], path: Path) -> None:
    """Every visible source pixel is coloured by its position; each model transfers the colour to the pixel that it matches."""
    height, width = pair.truth.status.shape
    colours = place_colours(width, height)
    visible = pair.visible
    queries = pixel_centres(width, height)[visible]
    panels = [
        (pair.rgb_a, "view a"),
        (pair.rgb_b, "view b"),
        (carried_colours(pair.rgb_a, queries, colours[visible]), "view a, coloured by place"),
        (carried_colours(pair.rgb_b, pair.truth.uv_b[visible], colours[visible]), "the same points in view b: truth"),
    ]
    for model in models:
        found = model.match(pair, queries).uv
        error = np.linalg.norm(found - pair.truth.uv_b[visible], axis=1)
        panels.append((carried_colours(pair.rgb_b, found, colours[visible]), f"{model.name}\n{np.mean(error <= 4):.0%} within 4 px"))
    # Ground truth above, models below; a single model stands beside it.
    rows, columns = (1, 5) if len(models) == 1 else (2, max(4, len(models)))
    figure = Figure(figsize=(2.5 * columns, 2.75 * rows), layout="constrained")
    grid = figure.subplots(rows, columns)
    for axes in grid.ravel():
        axes.set_axis_off()
    places = [*grid.ravel()[:4], *(grid[1] if rows == 2 else grid[4:])]
    for axes, (image, title) in zip(places, panels, strict=False):
        show_image(axes, image, title)
    save_figure(figure, path)


def place_colours(width: int, height: int) -> Float[np.ndarray, "height width 3"]:
    """A smooth sRGB colour in [0, 1] for each pixel: hue by the angle around the centre, paler towards it."""
    uv = pixel_centres(width, height) / [width, height] - 0.5
    hue = np.arctan2(uv[..., 1], uv[..., 0]) / (2 * np.pi) % 1
    saturation = np.clip(np.linalg.norm(uv, axis=-1) * 2.2, 0.1, 1)
    colours: np.ndarray = hsv_to_rgb(np.stack([hue, saturation, np.full_like(hue, 0.95)], axis=-1))
    return colours


def carried_colours(
    rgb: Image, uv: Float[np.ndarray, "points 2"], colours: Float[np.ndarray, "points 3"]
) -> Float[np.ndarray, "height width 3"]:
    """Colours, sRGB in [0, 1], at uv over the darkened grey image; colours that fall on one pixel are averaged."""
    height, width = rgb.shape[:2]
    column, row = nearest_pixel_index(uv, width, height).T
    total, count = np.zeros((height, width, 3)), np.zeros((height, width, 1))
    np.add.at(total, (row, column), colours)
    np.add.at(count, (row, column), 1)
    grey = np.repeat(rgb.mean(axis=2, keepdims=True) / 255, 3, axis=2)
    blended: np.ndarray = np.where(count > 0, (0.35 + 0.65 * grey) * total / np.maximum(count, 1), 0.35 * grey)
    return blended
