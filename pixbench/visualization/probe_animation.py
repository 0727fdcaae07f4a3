"""An animation of one probed pixel: where it lies in every other view of its scene, and whether it is seen there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont

from ..dataset.reader import StoredScene
from ..errors import UserError
from ..geometry.correspondence import Status
from ..geometry.pixels import index_to_uv, pixel_index
from ..io.files import written_whole

FRAMES = 72
SECONDS_PER_FRAME = 0.1
GAP, CAPTION = 8, 26
SMOOTH = 4
"""Marks are drawn this many times larger and shrunk, for smooth edges."""

COLOURS = {
    Status.VISIBLE: (88, 214, 110),
    Status.OCCLUDED: (240, 82, 72),
    Status.AMBIGUOUS: (240, 190, 60),
}
SOURCE = (70, 160, 255)
UNCHANGED = 255
"""The transparent colour of a GIF: pixels below are kept."""


@dataclass(frozen=True)
class Mark:
    """Mark on a view: a ring, or a cross for a place that another surface hides; nothing without a place."""

    words: str
    colour: tuple[int, int, int] = (150, 150, 150)
    place: tuple[float, float] | None = None
    cross: bool = False


def write_animation(scene: StoredScene, path: Path, *, source: int = 0, views: int = 4, frames: int = FRAMES) -> None:
    """Write a GIF or WebP of at most `views` views side by side. Raises UserError for another ending, and for a view that is not there.

    The probe follows a closed curve over the source view, from a place that is hidden in some other view, if there is one: a program that
    does not move pictures shows the first frame. In each other view a green ring is its true match, an amber one a match at an
    edge, a red cross the place where another surface hides it.
    """
    if path.suffix.lower() not in (".gif", ".webp"):
        raise UserError(f"{path}: animations are written as .gif or .webp, not as '{path.suffix}'")
    rgb = scene.read("rgb")
    if not 0 <= source < len(rgb):
        raise UserError(f"view {source}: the scene has views 0 to {len(rgb) - 1}")
    shown = [source, *(view for view in range(len(rgb)) if view != source)][:views]
    still = _canvas(rgb[shown])
    marks = list(_marks(scene, shown, probe_path(rgb.shape[2], rgb.shape[1], frames)))
    start = starting_frame(marks)
    pictures = [_drawn(still, each, rgb.shape[2]) for each in (*marks[start:], *marks[:start])]
    path.parent.mkdir(parents=True, exist_ok=True)
    duration = round(1000 * SECONDS_PER_FRAME)
    with written_whole(path) as temporary:
        if path.suffix.lower() == ".webp":
            pictures[0].save(temporary, "WEBP", save_all=True, append_images=pictures[1:], duration=duration, loop=0, quality=80)
            return
        # One palette for all frames, without dithering, so that what does not move stays the same, is transparent, and costs nothing.
        palette = _palette(still)
        first, *others = _changes([picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures])
        keep = {"transparency": UNCHANGED, "disposal": 1, "optimize": False}
        first.save(temporary, "GIF", save_all=True, append_images=others, duration=duration, loop=0, **keep)


def starting_frame(frames: Sequence[Sequence[Mark]]) -> int:
    """The first of the frames with a cross that has most rings; if none has a cross, the first with most rings."""

    def rank(frame: Sequence[Mark]) -> tuple[bool, int]:
        return any(mark.cross for mark in frame), sum(mark.place is not None and not mark.cross for mark in frame)

    return max(range(len(frames)), key=lambda number: rank(frames[number]))


def _changes(pictures: Sequence[Image.Image]) -> Iterator[Image.Image]:
    """Each picture, with `UNCHANGED` where it equals the previous one; all have one palette."""
    before = None
    for picture in pictures:
        index = np.asarray(picture)
        changed = Image.fromarray(index if before is None else np.where(index == before, UNCHANGED, index).astype(np.uint8), "P")
        changed.putpalette(picture.getpalette() or [])
        yield changed
        before = index


def probe_path(width: int, height: int, frames: int) -> Float[np.ndarray, "frames 2"]:
    """Positions in pixels along a figure of eight over the middle of an image."""
    t = np.linspace(0, 2 * np.pi, frames, endpoint=False)
    return np.stack([width * (0.5 + 0.4 * np.sin(t)), height * (0.5 + 0.36 * np.sin(2 * t))], axis=1)


def _marks(scene: StoredScene, shown: Sequence[int], path: Float[np.ndarray, "frames 2"]) -> Iterator[list[Mark]]:
    """The marks of all views, for each position."""
    source = shown[0]
    rows = {(int(a), int(b)): row for row, (a, b) in enumerate(scene.read("pairs"))}
    truth = {view: (scene.uv(source, view), scene.read("status", rows[source, view])) for view in shown[1:]}
    pixels = pixel_index(path)
    for (column, row), (u, v) in zip(pixels.tolist(), index_to_uv(pixels).tolist(), strict=True):
        first = Mark(f"view {source}: the probed pixel", SOURCE, (u, v))
        yield [first, *(_mark(view, *truth[view], column, row) for view in shown[1:])]


def _mark(view: int, uv: Float[np.ndarray, "height width 2"], status: UInt8[np.ndarray, "height width"], column: int, row: int) -> Mark:
    code = Status(int(status[row, column]))
    words = f"view {view}: {code.name.lower().replace('_', ' ')}"
    if code not in COLOURS:
        return Mark(words)
    u, v = map(float, uv[row, column])
    return Mark(words, COLOURS[code], (u, v), cross=code == Status.OCCLUDED)


def _canvas(rgb: UInt8[np.ndarray, "views height width 3"]) -> Image.Image:
    views, height, width, _ = rgb.shape
    canvas = Image.new("RGB", (views * width + (views - 1) * GAP, height + CAPTION), (255, 255, 255))
    for number, each in enumerate(rgb):
        canvas.paste(Image.fromarray(each), (number * (width + GAP), 0))
    return canvas


def _drawn(still: Image.Image, marks: Sequence[Mark], width: int) -> Image.Image:
    """The views with their marks and captions."""
    layer = Image.new("RGBA", (still.width * SMOOTH, still.height * SMOOTH))
    draw, font = ImageDraw.Draw(layer), ImageFont.load_default(size=14 * SMOOTH)
    for number, mark in enumerate(marks):
        left = number * (width + GAP)
        draw.text((left * SMOOTH, (still.height - CAPTION + 4) * SMOOTH), mark.words, fill=(40, 40, 40), font=font)
        if mark.place is not None:
            _draw_mark(draw, (left + mark.place[0], mark.place[1]), mark)
    picture = still.convert("RGBA")
    picture.alpha_composite(layer.resize(still.size, Image.Resampling.LANCZOS))
    return picture.convert("RGB")


def _draw_mark(draw: ImageDraw.ImageDraw, at: tuple[float, float], mark: Mark) -> None:
    """A ring or a cross with a white rim, so that it is visible on any picture."""
    x, y = at[0] * SMOOTH, at[1] * SMOOTH
    size = 9 * SMOOTH
    for width, colour in ((6 * SMOOTH, (255, 255, 255)), (3 * SMOOTH, mark.colour)):
        if mark.cross:
            for sign in (1, -1):
                draw.line([(x - size, y - sign * size), (x + size, y + sign * size)], fill=colour, width=width)
        else:
            reach = size + width / 2
            draw.ellipse([(x - reach, y - reach), (x + reach, y + reach)], outline=colour, width=width)


def _palette(still: Image.Image) -> Image.Image:
    """Colours of the views, and those of the marks and their edges; fewer than 256, so that one is left for what does not change."""
    marks = np.array([SOURCE, *COLOURS.values()])[:, None]
    edges = np.round(marks + np.array([0, 0.25, 0.5, 0.75])[:, None] * (255 - marks)).astype(int).reshape(-1, 3)
    greys = [[level] * 3 for level in (40, 90, 140, 190, 225, 255)]
    views = still.quantize(200, method=Image.Quantize.MEDIANCUT).getpalette()
    palette = Image.new("P", (1, 1))
    palette.putpalette([*(views or [])[:600], *np.concatenate([edges, greys]).ravel().tolist()])
    return palette
