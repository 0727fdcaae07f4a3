"""Tileable sRGB textures, (rows, columns, 3) uint8, each a function of a random generator alone.

Most are drawn as a plane of tones, in units of log brightness, and coloured through a table. None is strictly periodic inside:
boards, tiles and motifs differ, and slow noise lies over all, so that a place can be told from its neighbours.
"""

import colorsys
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from scipy import fft

SIZE = 256
BANK_SEED = 20240717
BANK_SHAPE = (512, 1024)
TONES = 0.9
"""Tones reach from -TONES to TONES, in 256 steps."""

Number = float | int
"""A whole number may stand for a float; run-time checks, unlike mypy, want that said."""

Texture = UInt8[np.ndarray, "rows columns 3"]
Plane = Float[np.ndarray, "rows columns"]
Labels = Int[np.ndarray, "rows columns"] | UInt8[np.ndarray, "rows columns"]
Color = Float[np.ndarray, "3"]
Shape = int | tuple[int, int]


def palette(colors: str) -> tuple[str, ...]:
    """Colours written as rrggbb, one after another."""
    return tuple(colors.split())


PAINTS = palette(
    """f1ede4 ece5d8 e6dfd0 eeeae6 dcd6ca d8cfbf e9dcc3 d9c7a8 cdbd9f c9c4ba b6b2a9 a7a49d c8cdc6 b4bfae 9fae98 8a9a86
b9c6cb 9fb2bc 8199a8 5f7a8c 3f5666 dcc3b2 cfa58f c08a72 b86f52 d8b66a c99f45 7d8b6a 5c6b52 3d4f47 e3d3d0 cbb3ad 8d7b74 6b6660
4a4d52 d6dcd8 c4d3ce eadfc9"""
)
"""Wall paints that are sold: whites and greiges, greys, sage, dusty blue, blush, terracotta, ochre, deep green and slate."""

CLOTHS = palette(
    """d8cfc0 c8bba6 b3a48d 8f8272 6e6459 4b4540 e8e2d6 9a9a96 6f7377 4a4f55 2f3338 39475a 51657c 7b91a5 a9b9c4 5e6f5a 7c8b6d
a3ac8c 3c5145 8a4b3a b0664a c98763 d9a441 b98a3e 6d3b3f 8f5560 c3a0a0 5b4a63 31575c 4f8084 c9b9a9 7a5c43"""
)
"""Dyed and undyed cloth."""

LACQUERS = palette("e9e7e1 d9d6ce 8e9190 3a3d40 23262a 566a73 7f9396 6f7f6c b5553f c9973f 2f4a5c d8c9b0")
METALS = palette("b9bcbd 9a9d9f 6f7275 4b4d50 2b2c2e b8a06a 8c6d45 c7c3b8")
GLAZES = palette("e9e4d8 dcd3c1 f0eeea c9b79a a88f72 8a5f45 6a4a3a b4683f 9db0a0 6f8f86 4a6f73 35506b 22344f 8aa1b3 3a3a3c c98f5a 7d3f35")
WOODS = palette("c49a66 b5824e 9c6a3e 8a5a36 6f4529 573622 d2b283 dcc6a0 a98a6a 7a6552 b98d5e 926c48 4a3326")


def noise(*, rng: np.random.Generator, size: Shape = SIZE, slope: Number = 1.5, stretch: tuple[Number, Number] = (1, 1)) -> Plane:
    """Tileable noise with mean 0 and sd 1 whose amplitude falls as frequency^-slope; `stretch` (x, y) lengthens its features.

    It is a mixture of two planes that are made once, each moved, flipped and weighed at random: as good as new, and far cheaper.
    """
    rows, columns = (size, size) if isinstance(size, int) else size
    # Fine grain may repeat after some metres, slow patches may not: by them a place is told from its twin.
    shape = (rows, columns) if slope >= 1.5 else (min(rows, BANK_SHAPE[0]), min(columns, BANK_SHAPE[1]))
    first, second = _bank(shape, float(slope), (float(stretch[0]), float(stretch[1])))
    angle = rng.uniform(0, 2 * np.pi)
    plane, other = _moved(first, rng=rng), _moved(second, rng=rng)
    plane *= np.float32(np.cos(angle))
    other *= np.float32(np.sin(angle))
    plane += other
    return plane if plane.shape == (rows, columns) else np.tile(plane, (rows // shape[0], columns // shape[1]))


def _moved(plane: Plane, *, rng: np.random.Generator) -> Plane:
    flips = rng.integers(0, 2, 2) * 2 - 1
    shift = (int(rng.integers(plane.shape[0])), int(rng.integers(plane.shape[1])))
    return np.roll(plane[:: flips[0], :: flips[1]], shift, (0, 1))


@lru_cache(maxsize=96)
def _bank(shape: tuple[int, int], slope: float, stretch: tuple[float, float]) -> tuple[Plane, Plane]:
    """Two planes of noise, always the same for the same arguments."""
    rng = np.random.default_rng(np.random.SeedSequence([BANK_SEED, *shape, round(100 * slope), *(round(100 * s) for s in stretch)]))
    fy, fx = np.meshgrid(np.fft.fftfreq(shape[0]), np.fft.rfftfreq(shape[1]), indexing="ij")
    radius = np.hypot(fx * stretch[0], fy * stretch[1]) * max(shape)
    radius[0, 0] = np.inf
    amplitude = (radius**-slope).astype(np.float32)

    def plane() -> Plane:
        real, imaginary = rng.standard_normal((2, *amplitude.shape), dtype=np.float32)
        made = fft.irfft2((real + 1j * imaginary) * amplitude, shape)
        scaled: Plane = ((made - made.mean()) / made.std()).astype(np.float32)
        return scaled

    return plane(), plane()


def color(
    *,
    rng: np.random.Generator,
    hue: tuple[Number, Number] = (0, 1),
    sat: tuple[Number, Number] = (0.25, 0.7),
    val: tuple[Number, Number] = (0.35, 0.85),
) -> Color:
    """A random sRGB colour within ranges of hue, saturation and value."""
    return np.array(colorsys.hsv_to_rgb(rng.uniform(*hue) % 1, rng.uniform(*sat), rng.uniform(*val)), np.float32)


def pick(names: Sequence[str], *, rng: np.random.Generator, spread: Number = 0.06) -> Color:
    """One of a list of colours, given as rrggbb, a little lighter or darker, and a trace warmer or cooler."""
    name = names[int(rng.integers(len(names)))]
    change = rng.normal(0, spread) + rng.normal(0, 0.3 * spread) * np.array([1.0, 0.0, -1.0])
    rgb = np.array([int(name[k : k + 2], 16) for k in (0, 2, 4)]) / 255 * np.exp(change)
    return np.clip(rgb, 0.01, 0.98).astype(np.float32)


def wall_color(*, rng: np.random.Generator) -> Color:
    """A colour that people paint walls with."""
    return pick(PAINTS, rng=rng, spread=0.03)


def table(base: Color, warmth: Number = 0.15) -> UInt8[np.ndarray, "256 3"]:
    """The colours of all tones of a base; dark tones lose more blue than red, as most stuff does."""
    tone = np.linspace(-TONES, TONES, 256)[:, None] * (1 + float(warmth) * np.array([-1.0, 0.0, 1.0]))
    return np.clip(base * np.exp(tone) * 255 + 0.5, 0, 255).astype(np.uint8)


def levels(tone: Plane) -> UInt8[np.ndarray, "rows columns"]:
    """Tones as rows of a `table`."""
    scaled = tone * np.float32(127.5 / TONES)
    scaled += np.float32(128)
    return np.clip(scaled, 0, 255, out=scaled).astype(np.uint8)


def painted(tone: Plane, base: Color, warmth: Number = 0.15) -> Texture:
    """One stuff in all its tones."""
    return np.take(table(base, warmth), levels(tone), axis=0)


def inlaid(which: Labels, tone: Plane, bases: Sequence[Color], warmth: Number = 0.15) -> Texture:
    """Several stuffs side by side: `which` says where each lies."""
    tables = np.concatenate([table(base, warmth) for base in bases])
    return np.take(tables, which.astype(np.int32) * 256 + levels(tone), axis=0)


def grid(size: Shape = SIZE) -> tuple[Float[np.ndarray, "1 columns"], Float[np.ndarray, "rows 1"]]:
    """x and y in [0, 1) of texel centres, to be broadcast: (1, columns) and (rows, 1)."""
    rows, columns = (size, size) if isinstance(size, int) else size
    x, y = ((np.arange(n, dtype=np.float32) + np.float32(0.5)) / np.float32(n) for n in (columns, rows))
    return x[None, :], y[:, None]


def stamp(labels: Labels, mask: Bool[np.ndarray, "height width"], x: int, y: int, value: int) -> None:
    """Set a label where the mask, centred on (x, y), is true; wrapped around the borders."""
    scatter(labels, [mask * np.uint8(value)], [(x, y)], np.zeros(1, int))


def scatter(
    labels: Labels, shapes: Sequence[UInt8[np.ndarray, "_ _"]], places: Sequence[tuple[int, int]], chosen: Int[np.ndarray, " places"]
) -> None:
    """Lay shapes made of labels (0 is clear) on places (x, y), wrapped around the borders; `chosen` says which shape lies where."""
    spots = [(*np.nonzero(shape), shape[shape > 0]) for shape in shapes]
    for (x, y), index in zip(places, chosen, strict=True):
        dy, dx, values = spots[index]
        height, width = shapes[index].shape
        labels[(dy + (y - height // 2)) % labels.shape[0], (dx + (x - width // 2)) % labels.shape[1]] = values


@lru_cache(maxsize=256)
def _polar(reach: int) -> tuple[Plane, Plane]:
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    return np.hypot(x, y), np.arctan2(y, x)


def blossom(radius: Number, petals: int, phase: Number) -> Bool[np.ndarray, "side side"]:
    """The mask of a flower; of a disc without petals."""
    distance, angle = _polar(int(radius * 1.4) + 1)
    if not petals:
        return distance < radius
    return distance < radius * (0.78 + 0.3 * np.cos(petals * angle + phase))


def leaflet(length: Number, width: Number, turn: Number) -> Bool[np.ndarray, "side side"]:
    """The mask of a pointed leaf from the middle outwards."""
    distance, angle = _polar(int(length) + 1)
    along, across = distance * np.cos(angle - turn), distance * np.sin(angle - turn)
    share = np.clip(along / length, 0, 1)
    return (np.abs(across) < width * 2 * np.sqrt(share) * (1 - share) + 0.4) & (along > 0) & (along < length)


def ornament(shape: tuple[int, int], *, rng: np.random.Generator, slope: Number = 1.4, both: bool = False) -> Plane:
    """Noise that is its own mirror image, left and right (and up and down): scrolls and leaves, as weavers draw them."""
    plane = noise(rng=rng, size=SIZE, slope=slope)[: shape[0], : shape[1]]
    half = plane[:, : shape[1] // 2]
    plane = np.concatenate([half, half[:, ::-1]], axis=1)
    if both:
        plane = np.concatenate([plane[: shape[0] // 2], plane[: shape[0] // 2][::-1]])
    return plane


def wood_color(*, rng: np.random.Generator) -> Color:
    """Oak, beech, walnut, pine, teak, ash."""
    return pick(WOODS, rng=rng, spread=0.1)


def _knots(count: int, *, rng: np.random.Generator) -> tuple[Plane, Plane]:
    """How far knots push the grain aside, in repeats, and how dark they are, in [0, 1]; both wrap around."""
    push, dark = np.zeros((SIZE, SIZE), np.float32), np.zeros((SIZE, SIZE), np.float32)
    along = (np.arange(SIZE, dtype=np.float32) + np.float32(0.5)) / np.float32(SIZE)
    for px, py, radius in rng.uniform((0, 0, 0.008), (1, 1, 0.02), (count, 3)).astype(np.float32):
        # Gaussians are products of one line and one column, so nothing here is computed texel by texel.
        dx, dy = (along - px + 0.5) % 1 - 0.5, (along - py + 0.5) % 1 - 0.5
        aside = 2 * radius * np.tanh(dy / radius) * np.exp(-((dy / (2 * radius)) ** 2))
        push += np.outer(aside, np.exp(-((dx / (6 * radius)) ** 2)))
        dark = np.maximum(dark, np.outer(np.exp(-((dy / radius) ** 2)), np.exp(-((dx / (1.8 * radius)) ** 2))))
    return push, dark


def wood(*, rng: np.random.Generator, base: Color | None = None) -> Texture:
    """Grain along x: rings cut at a slant, fine fibre, pores, at times knots."""
    _, y = grid()
    warp = noise(rng=rng, slope=1.8, stretch=(6, 1))
    place = y * np.float32(rng.integers(4, 10)) + np.float32(rng.uniform(0.25, 0.6)) * warp
    fibre = noise(rng=rng, slope=0.7, stretch=(14, 1))
    pores = np.maximum(noise(rng=rng, slope=0.2, stretch=(8, 1)) - np.float32(1.3), 0)
    if rng.random() < 0.35:
        push, dark = _knots(int(rng.integers(1, 4)), rng=rng)
        place = place - push * np.float32(6)
    else:
        dark = np.zeros((1, 1), np.float32)
    # Late wood is a narrow dark line at the end of each year, not a sine.
    ring = np.abs(np.sin(np.float32(np.pi) * place)) ** np.float32(0.45)
    figure = np.float32(rng.uniform(0.08, 0.3))
    tone = figure * (ring - np.float32(0.8)) + np.float32(0.06) * fibre - np.float32(0.09) * pores
    tone += np.float32(0.05) * warp - np.float32(0.55) * dark
    return painted(tone, wood_color(rng=rng) if base is None else base, 0.2)


def paintwork(base: Color, *, rng: np.random.Generator) -> Texture:
    """Painted wood: brush strokes along x, a little dirt."""
    strokes = noise(rng=rng, slope=0.7, stretch=(14, 1))
    tone = np.float32(0.022) * strokes + np.float32(0.025) * noise(rng=rng, slope=1.6)
    return painted(tone, base, 0.1)


def plaster(*, rng: np.random.Generator, size: Shape = 512, base: Color | None = None) -> Texture:
    """Painted plaster: the nap of a roller, faint clouds; some walls are limewashed."""
    limewash = rng.random() < 0.2
    nap, clouds = noise(rng=rng, size=size, slope=0.5), noise(rng=rng, size=size, slope=1.5)
    trowel = noise(rng=rng, size=size, slope=1.1, stretch=(2, 1))
    tone = np.float32(0.02) * nap + np.float32(0.05 if limewash else 0.018) * clouds
    tone += np.float32(0.035 if limewash else 0.012) * trowel
    return painted(tone, wall_color(rng=rng) if base is None else base, 0.1)


def carpet(*, rng: np.random.Generator, size: int = 384) -> Texture:
    """A rug, whole: oriental, striped, trellised, bordered or a shaggy one."""
    kind = int(rng.integers(5))
    x, y = grid(size)
    depth = np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y))
    labels = np.zeros((size, size), np.uint8)
    if kind == 0:
        bases = _oriental(labels, depth, rng=rng)
    elif kind == 1:
        edges = np.sort(rng.random(int(rng.integers(9, 22))))
        labels[:] = rng.integers(0, 5, len(edges) + 1)[np.searchsorted(edges, y[:, 0])][:, None]
        bases = [pick(CLOTHS, rng=rng) for _ in range(5)]
    elif kind == 2:
        count = int(rng.integers(3, 6))
        wobble = np.float32(0.04) * noise(rng=rng, size=size, slope=1.6)
        first, second = (x + y) * count + wobble, (x - y) * count + wobble
        lines = np.minimum(np.abs(first - np.round(first)), np.abs(second - np.round(second))) < 0.07
        labels[lines] = 1
        light, dark = pick(("e9e3d6", "ddd3c1", "cfc6b8"), rng=rng), pick(("2f2d2b", "4b4540", "6d3b3f", "39475a"), rng=rng)
        bases = [light, dark] if rng.random() < 0.75 else [dark, light]
    else:
        bases = [pick(CLOTHS, rng=rng), pick(CLOTHS, rng=rng)]
        if kind == 3:
            labels[(depth < 0.09) & (depth > 0.035)] = 1
    pile = noise(rng=rng, size=size, slope=0.3)
    worn = noise(rng=rng, size=size, slope=1.5)
    rows = np.sin(np.float32(np.pi * size / 2) * y) if kind != 4 else np.zeros((1, 1), np.float32)
    tone = np.float32(0.10 if kind == 4 else 0.06) * pile + np.float32(0.05) * worn + np.float32(0.03) * rows
    return inlaid(labels, tone, bases)


def _oriental(labels: UInt8[np.ndarray, "side side"], depth: Plane, *, rng: np.random.Generator) -> list[Color]:
    """Borders, a field and a medallion, all filled with ornament. Returns the colours of the labels."""
    size = len(labels)
    x, y = grid(size)
    scroll = np.kron(ornament((size // 2, size // 2), rng=rng, slope=1.0, both=True), np.ones((2, 2), np.float32))
    fine = ornament((192, 192), rng=rng, slope=0.8)
    fine = np.tile(fine, (size // 192, size // 192))
    labels[np.abs(scroll) > 1.0] = 2
    labels[np.abs(scroll) > 1.7] = 3
    far = np.abs(x - 0.5) * 1.5 + np.abs(y - 0.5) + 0.02 * np.abs(scroll)
    medallion = far < 0.28
    labels[medallion] = np.where(fine > 0.4, 3, np.where(fine < -0.9, 0, 1))[medallion]
    labels[(far < 0.3) & ~medallion] = 4
    border = depth < 0.14
    labels[border] = np.where(fine > 0.5, 3, np.where(fine < -0.7, 0, 1))[border]
    for low, high, label in ((0.135, 0.145, 4), (0.115, 0.125, 2), (0.035, 0.045, 4), (0.0, 0.02, 2)):
        labels[(depth >= low) & (depth < high)] = label
    red_or_blue = rng.random() < 0.6
    field = pick(("8a3a32", "7a2e2c", "9a4a3c") if red_or_blue else ("2f4058", "39475a", "3f5560"), rng=rng)
    ground = pick(("2f3b52", "27324a", "3c4a44") if red_or_blue else ("7a3832", "8f5a44", "6d3b3f"), rng=rng)
    return [field, ground, pick(("c9a26a", "b98a4e", "a9876a"), rng=rng), pick(("d9cbb0", "cdbd9f"), rng=rng), pick(CLOTHS, rng=rng)]


def _bands(count: int, *, rng: np.random.Generator) -> Float[np.ndarray, " columns"]:
    """Stripes in [0, 1] over one repeat: each has its own place, width and strength, so that none can be taken for its neighbour."""
    along = np.arange(SIZE) / SIZE
    strengths, starts, widths = rng.uniform(0.55, 1.0, count), rng.uniform(0.0, 0.35, count), rng.uniform(0.2, 0.6, count)
    which, within = (along * count).astype(int) % count, (along * count) % 1
    inside = (within > starts[which]) & (within < starts[which] + widths[which])
    return np.where(inside, strengths[which], 0.0).astype(np.float32)


def fabric(*, rng: np.random.Generator, base: Color | None = None) -> Texture:
    """Woven cloth: plain, twill, striped, checked or printed."""
    x, y = grid()
    base = pick(CLOTHS, rng=rng) if base is None else base
    labels = np.zeros((SIZE, SIZE), np.uint8)
    slub = noise(rng=rng, slope=0.5, stretch=(6, 1)) + noise(rng=rng, slope=0.5, stretch=(1, 6))
    tone = np.float32(0.055) * slub + np.float32(0.035) * noise(rng=rng, slope=1.4)
    kind = int(rng.choice(5, p=[0.34, 0.16, 0.18, 0.16, 0.16]))
    if kind == 1:
        tone += np.float32(0.10) * np.sin(np.float32(2 * np.pi * 40) * (x + np.abs((y * 8) % 1 - np.float32(0.5)) / 4))
    elif kind == 2:
        labels[:] = (_bands(int(rng.integers(4, 10)), rng=rng) > 0)[None, :]
    elif kind == 3:
        count = int(rng.integers(3, 6))
        tone -= np.float32(0.3) * _bands(count, rng=rng)[None, :] + np.float32(0.3) * _bands(count, rng=rng)[:, None]
        labels[np.broadcast_to((_bands(count, rng=rng) > 0.9)[None, :], labels.shape)] = 1
    elif kind == 4:
        _scattered(labels, int(rng.integers(20, 50)), rng=rng)
    other = np.clip(base * 0.35 + 0.6, 0, 1).astype(np.float32) if rng.random() < 0.5 else pick(CLOTHS, rng=rng)
    return inlaid(labels, tone, [base, other, pick(CLOTHS, rng=rng)])


def _scattered(labels: UInt8[np.ndarray, "rows columns"], count: int, *, rng: np.random.Generator) -> None:
    """Small flowers or sprigs on a jittered grid, labelled 1, with hearts or some leaves labelled 2."""
    size, side = len(labels), int(np.ceil(np.sqrt(count)))
    petals, radius = int(rng.choice([0, 4, 5, 6])), rng.uniform(0.16, 0.3) * size / side
    leafy = rng.random() < 0.5
    for index in range(side * side):
        jitter = rng.uniform(-0.18, 0.18, 2) * size / side
        x = int(((index % side) + 0.5 * (index // side % 2)) * size / side + jitter[0])
        y = int((index // side) * size / side + jitter[1])
        turn, scale = rng.uniform(0, 2 * np.pi), rng.uniform(0.7, 1.15)
        if leafy:
            for k in range(3):
                stamp(labels, leaflet(radius * scale * 1.3, radius * 0.28, turn + k * 2.1), x, y, 1 + k % 2)
        else:
            stamp(labels, blossom(radius * scale, petals, turn), x, y, 1)
            stamp(labels, blossom(radius * scale * 0.3, 0, 0), x, y, 2)


def metal(*, rng: np.random.Generator, bases: Sequence[str] = ()) -> Texture:
    """Brushed metal, or lacquer, with the marks of use; of one of `bases` if any are given."""
    brushed = rng.random() < 0.6
    base = pick(bases or (METALS if brushed else LACQUERS), rng=rng)
    size = 128
    tone = np.float32(0.06 if brushed else 0.015) * noise(rng=rng, size=size, slope=0.9, stretch=(12, 1))
    tone += np.float32(0.035) * noise(rng=rng, size=size, slope=1.5) * (1.0 if brushed else 0.4)
    tone += np.float32(0.012) * noise(rng=rng, size=size, slope=0.3)
    return painted(tone, base, 0.05)


def wicker(*, rng: np.random.Generator) -> Texture:
    """Withies woven over and under stakes, no two of one shade."""
    count = 2 * int(rng.integers(9, 13))
    x, y = grid()
    row = np.floor(y * count).astype(int)
    over = np.sin(np.float32(np.pi * 12) * x + np.float32(np.pi) * (row % 2))
    shades = rng.normal(0, 0.1, count).astype(np.float32)
    across = np.abs(y * count - row - np.float32(0.5)) * 2
    tone = shades[row] + np.float32(0.16) * over - np.float32(0.5) * across**3
    tone += np.float32(0.05) * noise(rng=rng, slope=0.7, stretch=(14, 1))
    return painted(tone, pick(("b9935e", "a07a48", "8a6a45", "c9b08c", "6b5136"), rng=rng), 0.25)


def glaze(*, rng: np.random.Generator) -> Texture:
    """Ceramic: speckled, dipped, banded or painted with a pattern, over a glaze that runs."""
    _, y = grid()
    labels = np.zeros((SIZE, SIZE), np.uint8)
    runs, clouds = noise(rng=rng, slope=1.2, stretch=(1, 4)), noise(rng=rng, slope=1.6)
    speck = noise(rng=rng, slope=0.3)
    tone = np.float32(0.05) * runs + np.float32(0.05) * clouds - np.float32(0.3) * (speck > rng.uniform(2.2, 3.2))
    kind = int(rng.integers(5))
    if kind == 1:
        labels[y + np.float32(0.02) * runs > rng.uniform(0.35, 0.75)] = 1
    elif kind == 2:
        edges = np.sort(rng.random(6))
        labels[np.broadcast_to(np.searchsorted(edges, y) % 2 == 1, labels.shape)] = 1
    elif kind == 3:
        _scattered(labels, int(rng.integers(12, 40)), rng=rng)
    elif kind == 4:
        scroll = ornament((SIZE, SIZE), rng=rng, slope=1.1)
        belt = np.abs(y - np.float32(0.5)) < rng.uniform(0.12, 0.3)
        labels[(np.abs(scroll) > 0.9) & belt] = 1
    return inlaid(labels, tone, [pick(GLAZES, rng=rng), pick(GLAZES, rng=rng), pick(GLAZES, rng=rng)])


def painting(*, rng: np.random.Generator) -> Texture:
    """A picture for a wall: a landscape, fields of colour, shapes on paper, or a plant on white, with or without a mount."""
    size = 192
    labels = np.zeros((size, size), np.uint8)
    kind = int(rng.integers(4))
    x, y = grid(size)
    brush = noise(rng=rng, size=size, slope=1.0, stretch=(3, 1))
    tone = np.float32(0.05) * brush + np.float32(0.03) * noise(rng=rng, size=size, slope=0.3)
    if kind == 0:
        bases, shade = _landscape(labels, rng=rng)
        tone += shade
    elif kind == 1:
        edges = np.sort(rng.random(int(rng.integers(1, 4)))) * np.float32(0.8) + np.float32(0.1)
        labels[:] = np.searchsorted(edges, y + np.float32(0.01) * brush)
        labels[(np.minimum(x, 1 - x) < 0.07) | (np.minimum(y, 1 - y) < 0.06)] = 4
        bases = [pick(CLOTHS + PAINTS[-14:], rng=rng, spread=0.1) for _ in range(5)]
        tone += np.float32(0.10) * noise(rng=rng, size=size, slope=1.5)
    elif kind == 2:
        for label in (1, 2, 3, 4, 5, 1, 2)[: int(rng.integers(4, 8))]:
            px, py = (int(v) for v in rng.integers(30, size - 30, 2))
            if rng.random() < 0.5:
                stamp(labels, blossom(rng.uniform(12, 45), 0, 0), px, py, label)
            else:
                stamp(labels, np.ones((int(rng.integers(6, 80)), int(rng.integers(6, 80))), bool), px, py, label)
        bases = [pick(("ece5d8", "e6dfd0", "d8cfc0", "39475a"), rng=rng)] + [pick(CLOTHS + GLAZES, rng=rng) for _ in range(5)]
    else:
        for k in range(int(rng.integers(7, 16))):
            stem = int(size * 0.82 - k * size * 0.045)
            turn = -np.pi / 2 + (0.9 if k % 2 else -0.9) * rng.uniform(0.6, 1.3)
            stamp(labels, leaflet(rng.uniform(22, 50), rng.uniform(5, 12), turn), size // 2 + int(4 * np.sin(k / 2)), stem, 1 + k % 2)
        labels[int(size * 0.15) : int(size * 0.9), size // 2 - 1 : size // 2 + 1] = 2
        bases = [pick(("efece4", "e6dfd0", "d9d6ce"), rng=rng), pick(("5c6b52", "3d4f47", "7d8b6a", "8a4b3a"), rng=rng)]
        bases.append(np.asarray(bases[1] * 0.7, np.float32))
    picture = inlaid(labels, tone, bases)
    if rng.random() < 0.5:
        edge = int(rng.integers(14, 30))
        mount = painted(np.float32(0.012) * brush, pick(("f1ede4", "e9e4d8", "dcd6ca"), rng=rng), 0.1)
        mount[edge:-edge, edge:-edge] = picture[edge:-edge, edge:-edge]
        return mount
    return picture


def _landscape(labels: UInt8[np.ndarray, "side side"], *, rng: np.random.Generator) -> tuple[list[Color], Plane]:
    """Sky over ranges of hills that darken towards the eye. Returns the colours of the labels, and shading of the sky."""
    size = len(labels)
    _, y = grid(size)
    profile = noise(rng=rng, size=size, slope=1.5)
    sky = pick(("b9c6cb", "d8c9b0", "9fb2bc", "e0b48a", "c9c4ba"), rng=rng)
    near = pick(("3d4f47", "5c6b52", "39475a", "6b5a3f", "7a5c43"), rng=rng)
    bases = [sky]
    horizon, layers = rng.uniform(0.35, 0.55), int(rng.integers(3, 6))
    for k in range(layers):
        share = (k + 1) / layers
        labels[y > horizon + k * (0.9 - horizon) / layers + 0.035 * profile[(31 * k) % size][None, :]] = k + 1
        bases.append(np.asarray(sky * (1 - share) + near * share, np.float32))
    shade = np.float32(0.06) * noise(rng=rng, size=size, slope=1.6, stretch=(3, 1)) - np.float32(0.25) * (np.float32(0.4) - y)
    return bases, shade


def screen(*, rng: np.random.Generator) -> Texture:
    """A desktop: a picture behind windows with lines of text, dark or light."""
    labels = np.zeros((SIZE, SIZE), np.uint8)
    bases, tone = _landscape(labels, rng=rng)
    first = len(bases)
    dark = rng.random() < 0.5
    bases += [pick(("1e2229", "282c34", "23262a") if dark else ("f1f1ee", "e8eaec"), rng=rng), pick(CLOTHS, rng=rng)]
    bases += [pick(("9db0a0", "8aa1b3", "d8b66a", "b9bcbd") if dark else ("23262a", "39475a", "6d3b3f"), rng=rng) for _ in range(3)]
    tone = tone.copy()
    for _ in range(int(rng.integers(1, 4))):
        px, py = (int(v) for v in rng.integers(6, 110, 2))
        w, h = int(rng.integers(80, 140)), int(rng.integers(80, 130))
        labels[py : py + h, px : px + w] = first
        labels[py : py + 9, px : px + w] = first + 1
        for line in range(py + 15, min(py + h, SIZE) - 6, 8):
            indent = 6 + 6 * int(rng.integers(0, 4))
            end = min(px + indent + int(rng.uniform(0.2, 0.8) * (w - indent - 6)), px + w - 4)
            labels[line : line + 3, px + indent : end] = first + 2 + int(rng.integers(3))
        tone[py : py + h, px : px + w] = 0
    labels[-12:] = first + 1
    return inlaid(labels, tone, bases, 0.0)


def label(*, rng: np.random.Generator) -> Texture:
    """A printed label: ground, band, emblem, lines of text. Twice around."""
    labels = np.zeros((SIZE, SIZE), np.uint8)
    labels[60:120] = 1
    for px in (64, 192):
        stamp(labels, blossom(rng.uniform(18, 34), int(rng.integers(0, 9)), rng.uniform(0, 6)), px + int(rng.integers(-20, 20)), 90, 2)
        for line in range(135, 230, 12):
            start = px - int(rng.integers(20, 50))
            labels[line : line + 5, start : start + int(rng.integers(30, 90))] = 3
    ground = pick(("f0eeea", "e9dcc3", "dcd3c1", "d8b66a", "23262a"), rng=rng)
    ink = pick(("23262a", "39475a", "6d3b3f"), rng=rng) if ground.mean() > 0.4 else pick(("d8b66a", "e9e4d8"), rng=rng)
    return inlaid(labels, np.float32(0.03) * noise(rng=rng, slope=1.2), [ground, pick(CLOTHS, rng=rng), pick(LACQUERS, rng=rng), ink])


def spines(*, rng: np.random.Generator) -> Texture:
    """Sixteen strips of book cloth side by side, each with its own ground, bands and title; one repeat is one row of books."""
    labels = np.empty((SIZE, SIZE), np.uint8)
    width = SIZE // 16
    bases = [pick(CLOTHS + LACQUERS + PAINTS[-18:], rng=rng, spread=0.06) for _ in range(16)]
    bases += [pick(("d9c7a8", "e9e4d8", "c9a26a"), rng=rng), pick(("23262a", "4b4540"), rng=rng)]
    for index in range(16):
        strip = labels[:, index * width : (index + 1) * width]
        strip[:] = index
        ink = 16 if bases[index].mean() < 0.5 else 17
        for top in rng.integers(8, SIZE - 12, int(rng.integers(0, 4))):
            strip[top : top + int(rng.integers(2, 6))] = ink
        for top in range(70, 70 + int(rng.integers(40, 110)), 7):
            start = int(rng.integers(4, 6))
            strip[top : top + int(rng.integers(3, 6)), start : width - start] = ink
    tone = np.float32(0.05) * noise(rng=rng, slope=0.8)
    # Spines are round: darker towards their edges.
    tone -= np.float32(0.25) * np.abs(((np.arange(SIZE) + 0.5) % width) / width * 2 - 1).astype(np.float32)[None, :] ** 3
    return inlaid(labels, tone, bases)


def peel(*, rng: np.random.Generator) -> Texture:
    """The skin of apples, pears, oranges and plums, with a blush and freckles."""
    size = 64
    base = pick(("a8352c", "b8502f", "d08535", "d9b04a", "8f9f4a", "a3ad58", "7d2f2f", "c9762f"), rng=rng)
    blush = noise(rng=rng, size=size, slope=1.8)
    tone = np.float32(0.10) * blush - np.float32(0.12) * (noise(rng=rng, size=size, slope=0.3) > 2)
    return painted(tone, base, 0.5)


def leaf(*, rng: np.random.Generator) -> Texture:
    """Green, paler along the veins."""
    size = 128
    base = color(rng=rng, hue=(0.22, 0.36), sat=(0.35, 0.65), val=(0.25, 0.52))
    _, y = grid(size)
    veins = np.exp(-np.abs(y - np.float32(0.5)) * 30) * np.float32(0.3)
    tone = np.float32(0.05) * noise(rng=rng, size=size, slope=1.3) + np.float32(0.05) * noise(rng=rng, size=size, slope=0.9, stretch=(6, 1))
    return painted(tone + veins, base, 0.4)
