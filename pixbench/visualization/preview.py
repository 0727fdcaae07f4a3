"""`pixbench preview`: one scene on one page, every layer of every view; or many scenes side by side."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import hsv_to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from ..generation import Generator, MadeScene
from ..geometry.cameras import Camera
from ..geometry.correspondence import Status, uv_from_depth
from ..geometry.pixels import integer_centres_from_uv
from ..io.files import written_whole
from .figures import carried_colours, check_picture_path, instance_palette, place_colours, save_figure, show_image

SHOWN_VIEWS = 8
SHOWN_TRACKS = 24
GAP = 6


def preview_scene(generator: Generator, index: int, path: Path) -> str:
    """Make scene `index` and draw it to `path`; returns a short summary."""
    check_picture_path(path)
    made = generator.scene(index)
    shown = min(len(made.arrays["rgb"]), SHOWN_VIEWS)
    layers = (_pictures, _matches, _depths, _normals, _instances)
    figure = Figure(figsize=(2.1 * shown + 0.4, 2.25 * len(layers) + 0.7), layout="constrained")
    grid = figure.subplots(len(layers), shown, squeeze=False)
    for row, draw in zip(grid, layers, strict=True):
        for view, axes in enumerate(row):
            draw(axes, made, view)
    words = _words(made)
    figure.suptitle(words, fontsize=9, wrap=True)
    save_figure(figure, path)
    return words


def contact_page(generator: Generator, scenes: Sequence[int], path: Path, *, progress: Callable[[int], None] = lambda done: None) -> None:
    """Draw several scenes side by side, two views of each, as an overview of a configuration."""
    check_picture_path(path)
    tiles = []
    for index in scenes:
        rgb = generator.scene(index).arrays["rgb"]
        tiles.append(
            np.pad(
                np.concatenate([rgb[0], np.full_like(rgb[0, :, :2], 255), rgb[1]], axis=1),
                ((0, GAP), (0, GAP), (0, 0)),
                constant_values=255,
            )
        )
        progress(1)
    columns = max(round(np.sqrt(len(tiles) / 1.5)), 1)
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    page = np.concatenate([np.concatenate(tiles[k : k + columns], axis=1) for k in range(0, len(tiles), columns)])
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as temporary:
        Image.fromarray(page[:-GAP, :-GAP]).save(temporary, quality=88)


def _words(made: MadeScene) -> str:
    arrays = made.arrays
    overlap, angle = arrays["pair_overlap"], arrays["pair_angle_deg"]
    objects = ", ".join(f"{name} {count}" for name, count in made.recipe.get("objects", {}).items())
    shown = "; ".join(filter(None, (made.recipe.get("room") or made.recipe.get("picture"), objects)))
    parallax = f", {np.nanmin(angle):.0f} to {np.nanmax(angle):.0f} degrees apart" if np.isfinite(angle).any() else ""
    return f"{shown}; pairs share {overlap.min():.0%} to {overlap.max():.0%} of their pixels{parallax}"


def _camera(made: MadeScene, view: int) -> Camera:
    _, height, width = made.arrays["depth_m"].shape
    return Camera(made.arrays["K"][view], made.arrays["T_world_cam"][view], width, height)


def _pictures(axes: Axes, made: MadeScene, view: int) -> None:
    """The picture, with some followed points; a ring is a point that is hidden here."""
    arrays = made.arrays
    show_image(axes, arrays["rgb"][view], f"view {view}, followed points")
    uv, status = arrays["track_uv"][:, view], arrays["track_status"][:, view]
    for k in range(0, len(uv), max(len(uv) // SHOWN_TRACKS, 1)):
        color = hsv_to_rgb((k * 0.381 % 1, 0.85, 1.0))
        x, y = integer_centres_from_uv(uv[k])
        if status[k] == Status.VISIBLE:
            axes.plot(x, y, "o", color=color, markersize=3.5, markeredgecolor="black", markeredgewidth=0.4)
        elif status[k] in (Status.OCCLUDED, Status.AMBIGUOUS):
            axes.plot(x, y, "o", color="none", markersize=4, markeredgecolor=color, markeredgewidth=0.8)


def _matches(axes: Axes, made: MadeScene, view: int) -> None:
    """The pixels of view 0 that this view sees, each in the colour of its place there."""
    arrays = made.arrays
    rgb = arrays["rgb"][view]
    height, width = rgb.shape[:2]
    colours = place_colours(width, height)
    if view == 0:
        show_image(axes, colours, "view 0, coloured by place")
        return
    row = int(np.flatnonzero((arrays["pairs"] == (0, view)).all(axis=1))[0])
    visible = arrays["status"][row] == Status.VISIBLE
    uv = uv_from_depth(arrays["depth_m"][0], _camera(made, 0), _camera(made, view))
    show_image(axes, carried_colours(rgb, uv[visible], colours[visible]), f"where they are here: {visible.mean():.0%}")


def _depths(axes: Axes, made: MadeScene, view: int) -> None:
    depth = made.arrays["depth_m"]
    axes.imshow(depth[view], cmap="viridis_r", vmin=np.nanmin(depth), vmax=np.nanmax(depth), interpolation="nearest")
    axes.set_axis_off()
    axes.set_title(f"depth, {np.nanmin(depth[view]):.1f} to {np.nanmax(depth[view]):.1f} m", fontsize=8)


def _normals(axes: Axes, made: MadeScene, view: int) -> None:
    normal = made.arrays["normal_world"][view].astype(np.float32)
    show_image(axes, np.nan_to_num((normal + 1) / 2, nan=1.0), "normals, world")


def _instances(axes: Axes, made: MadeScene, view: int) -> None:
    """Instances with their boxes: full lines around what is seen, dotted ones around the whole object."""
    arrays = made.arrays
    show_image(axes, instance_palette()[arrays["instance"][view] % 256], "instances, boxes")
    height, width = arrays["instance"][view].shape
    for boxes, style in ((arrays["object_box_visible"], "-"), (arrays["object_box_amodal"], ":")):
        for left, top, right, bottom in boxes[:, view][np.isfinite(boxes[:, view]).all(axis=1)]:
            corner, size = integer_centres_from_uv(np.array([left, top])), (right - left, bottom - top)
            axes.add_patch(Rectangle(tuple(corner), *size, fill=False, edgecolor="black", linewidth=0.6, linestyle=style))
    (left, top), (right, bottom) = integer_centres_from_uv(np.array([[0.0, 0.0], [width, height]]))
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
