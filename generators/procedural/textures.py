"""Tileable sRGB textures, (rows, columns, 3) uint8, each a function of a random generator alone.

None is strictly periodic inside: boards, tiles and motifs differ, and slow noise lies over all, so that a place can be told
from its neighbours.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.colors import hsv_to_rgb
from scipy import fft

SIZE = 256

Number = float | int
"""A whole number may stand for a float; run-time checks, unlike mypy, want that said."""

Texture = UInt8[np.ndarray, "rows columns 3"]
Plane = Float[np.ndarray, "rows columns"]
Color = Float[np.ndarray, "3"]


def noise(*, rng: np.random.Generator, size: int = SIZE, slope: Number = 1.5, stretch: tuple[Number, Number] = (1, 1)) -> Plane:
    """Tileable noise with mean 0 and sd 1 whose amplitude falls as frequency^-slope; `stretch` (x, y) lengthens its features."""
    amplitude = _amplitude(size, slope, stretch)
    spectrum = rng.standard_normal((2, *amplitude.shape), dtype=np.float32)
    plane = fft.irfft2((spectrum[0] + 1j * spectrum[1]) * amplitude, (size, size))
    scaled: Plane = (plane - plane.mean()) / plane.std()
    return scaled


@lru_cache(maxsize=64)
def _amplitude(size: int, slope: Number, stretch: tuple[Number, Number]) -> Plane:
    """frequency^-slope on the half plane of a real transform; 0 at frequency 0."""
    fy, fx = np.meshgrid(np.fft.fftfreq(size), np.fft.rfftfreq(size), indexing="ij")
    radius = np.hypot(fx * stretch[0], fy * stretch[1]) * size
    radius[0, 0] = np.inf
    amplitude: Plane = (radius**-slope).astype(np.float32)
    return amplitude


def color(
    *,
    rng: np.random.Generator,
    hue: tuple[Number, Number] = (0, 1),
    sat: tuple[Number, Number] = (0.25, 0.7),
    val: tuple[Number, Number] = (0.35, 0.85),
) -> Color:
    """A random sRGB colour within ranges of hue, saturation and value."""
    rgb: Color = hsv_to_rgb([rng.uniform(*hue) % 1, rng.uniform(*sat), rng.uniform(*val)])
    return rgb


def wall_color(*, rng: np.random.Generator) -> Color:
    """A colour that people paint walls with: mostly warm and pale, at times a clear blue or green."""
    if rng.random() < 0.7:
        return color(rng=rng, hue=(0.03, 0.16), sat=(0.06, 0.38), val=(0.7, 0.95))
    return color(rng=rng, hue=(0.25, 0.65), sat=(0.1, 0.38), val=(0.6, 0.9))


def _paint(base: Color, amount: Plane, strength: Number) -> Float[np.ndarray, "rows columns 3"]:
    return base * np.exp(strength * amount)[..., None]


def _finish(image: Float[np.ndarray, "rows columns 3"], *, rng: np.random.Generator, grain: Number = 0.02) -> Texture:
    """Slow stains and fine grain over everything, then 8 bits."""
    size = image.shape[0]
    stained = image * (1 + 0.06 * noise(rng=rng, size=size, slope=1.6))[..., None]
    stained = stained + grain * noise(rng=rng, size=size, slope=0.3)[..., None]
    return np.asarray(np.clip(stained * 255, 0, 255), np.uint8)


def _grid(size: int = SIZE) -> tuple[Plane, Plane]:
    """x and y in [0, 1) of texel centres."""
    y, x = np.meshgrid((np.arange(size) + 0.5) / size, (np.arange(size) + 0.5) / size, indexing="ij")
    return x, y


def _wood_color(*, rng: np.random.Generator) -> Color:
    tones = (
        [0.72, 0.52, 0.32],
        [0.52, 0.33, 0.19],
        [0.36, 0.22, 0.14],
        [0.80, 0.64, 0.44],
        [0.60, 0.36, 0.22],
        [0.86, 0.78, 0.66],
    )
    tone: Color = np.array(tones[rng.integers(len(tones))]) * rng.uniform(0.85, 1.15)
    return tone


def _knots(count: int, *, rng: np.random.Generator) -> tuple[Plane, Plane]:
    """How far knots push the grain aside, in repeats, and how dark they are, in [0, 1]; both wrap around."""
    push, dark = np.zeros((SIZE, SIZE)), np.zeros((SIZE, SIZE))
    along = (np.arange(SIZE) + 0.5) / SIZE
    for px, py, radius in zip(rng.random(count), rng.random(count), rng.uniform(0.012, 0.03, count), strict=True):
        # Gaussians are products of one line and one column, so nothing here is computed texel by texel.
        dx, dy = (along - px + 0.5) % 1 - 0.5, (along - py + 0.5) % 1 - 0.5
        aside = 2 * radius * np.tanh(dy / radius) * np.exp(-((dy / (2 * radius)) ** 2))
        push += np.outer(aside, np.exp(-((dx / (6 * radius)) ** 2)))
        dark = np.maximum(dark, np.outer(np.exp(-((dy / radius) ** 2)), np.exp(-((dx / (1.6 * radius)) ** 2))))
    return push, dark


def wood(*, rng: np.random.Generator) -> Texture:
    """Grain along x, bent around knots."""
    _, y = _grid()
    warp = noise(rng=rng, slope=1.8, stretch=(4, 1))
    push, dark = _knots(int(rng.integers(0, 4)), rng=rng)
    count = rng.integers(5, 11)
    rings = np.sin(2 * np.pi * ((y - push) * count + 0.55 * warp))
    fibre = noise(rng=rng, slope=0.8, stretch=(10, 1))
    return _finish(_paint(_wood_color(rng=rng), 0.6 * rings + 0.6 * fibre + 0.5 * warp - 4.5 * dark, 0.13), rng=rng)


def planks(*, rng: np.random.Generator, size: int = 512) -> Texture:
    """A floor of boards along x, each with its own tone and grain."""
    x, y = _grid(size)
    rows = int(rng.integers(10, 17))
    row = (y * rows).astype(int)
    shift, per_row = rng.random(rows), int(rng.integers(1, 3))
    place = (x * per_row + shift[row]) % per_row
    board = row * per_row + place.astype(int)
    tone = rng.normal(0, 0.16, rows * per_row)[board]
    offset = rng.integers(0, size, rows * per_row)[board]
    fibre = noise(rng=rng, size=size, slope=0.9, stretch=(10, 1))
    columns = (np.arange(size)[None, :] + offset) % size
    grain = fibre[np.arange(size)[:, None], columns]
    seam = (np.abs(y * rows - np.round(y * rows)) < 0.035) | (np.abs(place - np.round(place)) < 0.004 * per_row)
    image = _paint(_wood_color(rng=rng), tone + 0.14 * grain, 1.0)
    image[seam] *= 0.45
    return _finish(image, rng=rng, grain=0.01)


def tiles(*, rng: np.random.Generator, size: int = 512) -> Texture:
    """Square tiles with grout, each of its own shade, some with another colour."""
    x, y = _grid(size)
    count = int(rng.integers(6, 11))
    tile = (y * count).astype(int) * count + (x * count).astype(int)
    base, accent = color(rng=rng, sat=(0.05, 0.35), val=(0.5, 0.9)), color(rng=rng, sat=(0.2, 0.6), val=(0.3, 0.8))
    pick = rng.random(count * count) < rng.choice([0.0, 0.15, 0.5])
    shade = np.exp(rng.normal(0, 0.10, count * count))
    image = (np.where(pick[:, None], accent, base) * shade[:, None])[tile]
    image = image * np.exp(0.06 * noise(rng=rng, size=size, slope=1.4))[..., None]
    edge = np.minimum(np.abs(x * count - np.round(x * count)), np.abs(y * count - np.round(y * count)))
    image[edge < 0.025] = 0.6 * image[edge < 0.025] + 0.4 * np.array([0.55, 0.53, 0.5])
    return _finish(image, rng=rng, grain=0.008)


def brick(*, rng: np.random.Generator, size: int = 512) -> Texture:
    """Bricks in running bond, each fired differently."""
    x, y = _grid(size)
    rows, columns = 2 * int(rng.integers(9, 13)), int(rng.integers(7, 10))
    row = (y * rows).astype(int)
    place = (x * columns + 0.5 * (row % 2)) % columns
    which = row * columns + place.astype(int)
    base = color(rng=rng, hue=(-0.02, 0.08), sat=(0.35, 0.65), val=(0.45, 0.75))
    image = base * np.exp(rng.normal(0, 0.2, (rows * columns, 1)) + rng.normal(0, 0.05, (rows * columns, 3)))[which]
    image = image * np.exp(0.12 * noise(rng=rng, size=size, slope=0.9))[..., None]
    mortar = (np.abs(y * rows - np.round(y * rows)) < 0.07) | (np.abs(place - np.round(place)) < 0.03)
    image[mortar] = np.array([0.70, 0.67, 0.62]) * (1 + 0.05 * noise(rng=rng, size=size, slope=0.5))[mortar][:, None]
    return _finish(image, rng=rng)


def plaster(*, rng: np.random.Generator, size: int = 512) -> Texture:
    """Painted plaster with trowel marks and clouds of shade."""
    base = wall_color(rng=rng)
    clouds, marks = noise(rng=rng, size=size, slope=1.7), noise(rng=rng, size=size, slope=1.0, stretch=(3, 1))
    return _finish(_paint(base, 0.055 * clouds + 0.05 * marks, 1.0), rng=rng, grain=0.012)


def ceiling(*, rng: np.random.Generator) -> Texture:
    """White paint over a rough ground, with hair cracks."""
    rough, cracks = noise(rng=rng, slope=0.9), np.exp(-np.abs(noise(rng=rng, slope=1.5)) * 60)
    white = np.array([0.93, 0.92, 0.89]) * rng.uniform(0.92, 1.0)
    return _finish(_paint(white, 0.04 * rough - 0.12 * cracks, 1.0), rng=rng, grain=0.01)


def _scatter(image: Float[np.ndarray, "rows columns 3"], count: int, draw: Callable[[int, int], None]) -> None:
    """Call draw(x, y) at places on a jittered grid."""
    size, side = image.shape[0], int(np.ceil(np.sqrt(count)))
    for index in range(side * side):
        draw((index % side) * size // side, (index // side) * size // side)


def _blob(image: Float[np.ndarray, "rows columns 3"], x: int, y: int, radius: Number, petals: int, phase: Number, tint: Color) -> None:
    """A flower-like spot, wrapped around the borders."""
    size, reach = image.shape[0], int(radius * 1.5) + 1
    dy, dx = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    angle, distance = np.arctan2(dy, dx) + phase, np.hypot(dx, dy)
    inside = distance < radius * (1 + (0.35 * np.cos(petals * angle) if petals else 0))
    rows, columns = (y + dy[inside]) % size, (x + dx[inside]) % size
    image[rows, columns] = tint * (1 - 0.25 * distance[inside] / radius)[:, None]


def wallpaper(*, rng: np.random.Generator, size: int = 512) -> Texture:
    """Stripes or plain ground with scattered motifs of differing size, turn and colour."""
    x, _ = _grid(size)
    ground = wall_color(rng=rng)
    image = np.broadcast_to(ground, (size, size, 3)).copy()
    if rng.random() < 0.5:
        stripe = (x * rng.integers(4, 10)) % 1 < rng.uniform(0.3, 0.6)
        image[stripe] *= rng.uniform(0.72, 0.9)
    tints = [color(rng=rng, sat=(0.3, 0.8), val=(0.25, 0.85)) for _ in range(3)]
    petals, radius = int(rng.choice([0, 4, 5, 6, 8])), rng.uniform(10, 20)

    def motif(px: int, py: int) -> None:
        dx, dy = (int(step) for step in rng.integers(-14, 15, 2))
        scale = rng.uniform(0.6, 1.3)
        _blob(image, px + dx + 20, py + dy + 20, radius * scale, petals, rng.uniform(0, 6.3), tints[rng.integers(3)])
        _blob(image, px + dx + 20, py + dy + 20, radius * scale * 0.4, 0, 0.0, tints[rng.integers(3)])

    _scatter(image, int(rng.integers(25, 60)), motif)
    return _finish(image * np.exp(0.05 * noise(rng=rng, size=size, slope=1.6))[..., None], rng=rng, grain=0.01)


def carpet(*, rng: np.random.Generator, size: int = SIZE) -> Texture:
    """A woven rug: border, field, and rows of motifs."""
    x, y = _grid(size)
    hue = rng.random()
    near = [color(rng=rng, hue=(hue - 0.06, hue + 0.06), sat=(0.35, 0.8), val=(0.25, 0.75)) for _ in range(3)]
    # Three neighbours and one opposite: colours that a weaver would put side by side.
    tints = [*near, color(rng=rng, hue=(hue + 0.42, hue + 0.58), sat=(0.3, 0.7), val=(0.5, 0.9))]
    image = np.broadcast_to(tints[0], (size, size, 3)).copy()
    depth = np.minimum.reduce([x, 1 - x, y, 1 - y])
    for level, tint in ((0.14, 1), (0.11, 2), (0.05, 1), (0.03, 3)):
        image[depth < level] = tints[tint]
    inner = depth >= 0.14
    kind = rng.integers(3)
    if kind == 0:
        image[inner & ((np.abs((x - 0.5)) + np.abs(y - 0.5)) * 6 % 1 < 0.45)] = tints[2]
    elif kind == 1:
        image[inner & ((x * 5).astype(int) % 2 == (y * 5).astype(int) % 2)] = tints[1]
    for _ in range(14):
        px, py = rng.integers(50, size - 50, 2)
        _blob(
            image,
            int(px),
            int(py),
            rng.uniform(6, 18),
            int(rng.integers(0, 8)),
            rng.uniform(0, 6),
            tints[rng.integers(4)],
        )
    return _finish(image * np.exp(0.10 * noise(rng=rng, size=size, slope=0.5))[..., None], rng=rng)


def _bands(along: Plane, count: int, *, rng: np.random.Generator) -> Plane:
    """Stripes in [0, 1] over one repeat: each has its own place, width and strength, so that none can be taken for its neighbour."""
    strengths, starts, widths = rng.uniform(0.55, 1.0, count), rng.uniform(0.0, 0.35, count), rng.uniform(0.2, 0.6, count)
    which, within = (along * count).astype(int) % count, (along * count) % 1
    inside = (within > starts[which]) & (within < starts[which] + widths[which])
    return np.where(inside, strengths[which], 0.0)


def fabric(*, rng: np.random.Generator) -> Texture:
    """Woven cloth: plain, striped, checked or with blots."""
    x, y = _grid()
    base, other = color(rng=rng, sat=(0.2, 0.75), val=(0.25, 0.8)), color(rng=rng, sat=(0.2, 0.8), val=(0.3, 0.9))
    image = np.broadcast_to(base, (SIZE, SIZE, 3)).copy()
    kind = rng.integers(4)
    if kind == 1:
        band = _bands(x, int(rng.integers(3, 9)), rng=rng)[..., None]
        image = image * (1 - band) + other * band
    elif kind == 2:
        n = int(rng.integers(3, 7))
        image = image * (1 - 0.4 * _bands(x, n, rng=rng) - 0.4 * _bands(y, n, rng=rng))[..., None]
    elif kind == 3:
        for _ in range(40):
            px, py = rng.integers(0, SIZE, 2)
            _blob(image, int(px), int(py), rng.uniform(5, 16), int(rng.integers(0, 7)), rng.uniform(0, 6), other)
    weave = np.sin(2 * np.pi * 64 * x) * np.sin(2 * np.pi * 64 * y)
    return _finish(image * np.exp(0.05 * weave + 0.10 * noise(rng=rng, slope=1.2))[..., None], rng=rng, grain=0.03)


def marble(*, rng: np.random.Generator) -> Texture:
    """Veined stone."""
    base = color(rng=rng, sat=(0.02, 0.2), val=(0.55, 0.92))
    veins = np.exp(-np.abs(noise(rng=rng, slope=1.7)) * 9) + 0.6 * np.exp(-np.abs(noise(rng=rng, slope=1.4)) * 14)
    return _finish(_paint(base, -0.5 * veins + 0.06 * noise(rng=rng, slope=1.5), 1.0), rng=rng, grain=0.008)


def metal(*, rng: np.random.Generator) -> Texture:
    """Brushed metal, or lacquer where the colour is strong."""
    base = color(rng=rng, sat=(0.0, 0.15), val=(0.35, 0.75)) if rng.random() < 0.6 else color(rng=rng)
    return _finish(_paint(base, noise(rng=rng, slope=0.9, stretch=(12, 1)), 0.06), rng=rng, grain=0.005)


def glaze(*, rng: np.random.Generator) -> Texture:
    """Ceramic: a glaze with bands, blots or nothing but its clouds."""
    base, other = color(rng=rng, sat=(0.1, 0.75), val=(0.4, 0.95)), color(rng=rng, sat=(0.3, 0.8), val=(0.2, 0.8))
    image = np.broadcast_to(base, (SIZE, SIZE, 3)).copy()
    _, y = _grid()
    if rng.random() < 0.5:
        edges = np.sort(rng.random(4))
        image[((y > edges[0]) & (y < edges[1])) | ((y > edges[2]) & (y < edges[3]))] = other
    if rng.random() < 0.6:
        for _ in range(int(rng.integers(6, 24))):
            px, py = rng.integers(0, SIZE, 2)
            _blob(image, int(px), int(py), rng.uniform(8, 26), int(rng.integers(0, 9)), rng.uniform(0, 6), color(rng=rng))
    return _finish(image * np.exp(0.08 * noise(rng=rng, slope=1.5))[..., None], rng=rng, grain=0.006)


def painting(*, rng: np.random.Generator) -> Texture:
    """An abstract picture: a horizon, fields of colour, discs."""
    _, y = _grid()
    top, bottom = color(rng=rng), color(rng=rng)
    fade = np.clip(y + 0.15 * noise(rng=rng, slope=1.8), 0, 1)[..., None]
    image = top * (1 - fade) + bottom * fade
    for _ in range(int(rng.integers(3, 9))):
        px, py = rng.integers(20, SIZE - 20, 2)
        w, h = rng.integers(12, 70, 2)
        if rng.random() < 0.5:
            image[max(py - h, 0) : py + h, max(px - w, 0) : px + w] = color(rng=rng, sat=(0.4, 0.95))
        else:
            _blob(image, int(px), int(py), float(w), int(rng.integers(0, 6)), 0.3, color(rng=rng, sat=(0.4, 0.95)))
    return _finish(image * np.exp(0.12 * noise(rng=rng, slope=1.0))[..., None], rng=rng)


def screen(*, rng: np.random.Generator) -> Texture:
    """A desktop with a few windows and lines of text."""
    image = np.asarray(painting(rng=rng), float) / 255 * 0.8
    for _ in range(int(rng.integers(2, 5))):
        px, py = rng.integers(5, 150, 2)
        w, h = rng.integers(60, 100), rng.integers(50, 95)
        image[py : py + h, px : px + w] = rng.uniform(0.82, 0.96)
        image[py : py + 9, px : px + w] = color(rng=rng)
        for line in range(py + 15, py + h - 6, 8):
            image[line : line + 3, px + 6 : px + 6 + int(rng.uniform(0.3, 0.9) * (w - 10))] = color(rng=rng, sat=(0, 0.6), val=(0.1, 0.5))
    image[-12:] = 0.15
    return _finish(image, rng=rng, grain=0.0)


def label(*, rng: np.random.Generator) -> Texture:
    """A printed label: ground, band, emblem, lines of text. Twice around."""
    ground = color(rng=rng, sat=(0.1, 0.8), val=(0.5, 0.95))
    image = np.broadcast_to(ground, (SIZE, SIZE, 3)).copy()
    image[60:120] = color(rng=rng, sat=(0.4, 0.9))
    for px in (64, 192):
        _blob(
            image,
            px + int(rng.integers(-20, 20)),
            90,
            rng.uniform(18, 34),
            int(rng.integers(0, 9)),
            rng.uniform(0, 6),
            color(rng=rng),
        )
        for line in range(135, 230, 12):
            start = px - int(rng.integers(20, 50))
            image[line : line + 5, start : start + int(rng.integers(30, 90))] = color(rng=rng, sat=(0, 0.5), val=(0.05, 0.4))
    return _finish(image, rng=rng, grain=0.006)


def spines(*, rng: np.random.Generator) -> Texture:
    """Sixteen strips of book cloth side by side, each with its own ground, bands and title; one repeat is one row of books."""
    image = np.empty((SIZE, SIZE, 3))
    width = SIZE // 16
    for left in range(0, SIZE, width):
        strip = image[:, left : left + width]
        strip[:] = color(rng=rng, sat=(0.2, 0.75), val=(0.2, 0.8))
        ink = color(rng=rng, hue=(0.1, 0.16), sat=(0.1, 0.6), val=(0.75, 0.95))
        for top in rng.integers(8, SIZE - 12, 3):
            strip[top : top + int(rng.integers(3, 9))] = ink
        for top in range(70, 70 + int(rng.integers(40, 110)), 7):
            start = int(rng.integers(4, 6))
            strip[top : top + int(rng.integers(3, 6)), start : width - start] = ink
    return _finish(image * np.exp(0.05 * noise(rng=rng, slope=0.8))[..., None], rng=rng, grain=0.01)


def peel(*, rng: np.random.Generator) -> Texture:
    """The skin of fruit: from green over yellow and orange to red, with a blush."""
    base = color(rng=rng, hue=(-0.03, 0.26), sat=(0.65, 0.95), val=(0.55, 0.95))
    blush = color(rng=rng, hue=(-0.05, 0.08), sat=(0.7, 0.95), val=(0.5, 0.8))
    share = 0.6 / (1 + np.exp(-2.5 * noise(rng=rng, slope=1.8)))[..., None]
    return _finish(base * (1 - share) + blush * share, rng=rng, grain=0.015)


def leaf(*, rng: np.random.Generator) -> Texture:
    """Green, veined."""
    base = color(rng=rng, hue=(0.22, 0.40), sat=(0.4, 0.8), val=(0.25, 0.6))
    return _finish(_paint(base, 0.5 * noise(rng=rng, slope=1.3) + 0.5 * noise(rng=rng, slope=0.9, stretch=(6, 1)), 0.25), rng=rng)
