"""Surfaces that only rooms have: walls, floors and ceilings, each drawn once for a whole wall or floor, so that no point has a twin."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int, UInt8

from ..textures.colors import CLOTHS, PAINTS, palette, pick
from ..textures.motifs import blossom, leaflet, ornament, scatter, stamp
from ..textures.noise import noise
from ..textures.paint import plaster, wall_color
from ..textures.planes import SIZE, Color, Number, Plane, Texture, grid
from ..textures.tones import inlaid, painted
from ..textures.wood import wood_color

WALL_M = (6.0, 3.0)
"""Width and height of what a wall's texture covers; it repeats beyond."""

WALL_SHAPE = (512, 1024)
FLOOR_M = (6.0, 6.0)
FLOOR_SHAPE = (1024, 1024)

BRICKS = palette("9a5a44 8a4b3a a8694f b07a5c 7d4a3c b5765a")
STONES = palette("d9d3c8 c4bcae a9a399 8b8780 cfc3ae b7a58b 6f6c69 e4dfd6 97a09c")
OAKS = palette("c49a66 b5824e a87748 8a5a36 6f4529 d2b283 dcc6a0 a98a6a 8d7152 57402e c9b08c")
CARPETS = palette("b8ad9b 9a948a 8f8272 c8bba6 6f7377 7b8794 a08f7a 75806f d1c6b3")

Surface = tuple[Texture, float]
"""A texture and its gloss."""


def wall(*, rng: np.random.Generator) -> Texture:
    """What a wall is covered with: paint for the most part, else paper, brick or boards."""
    kinds: tuple[Callable[..., Texture], ...] = (paint, striped, damask, sprigs, trellis, grasscloth, brick, boards)
    return kinds[int(rng.choice(len(kinds), p=[0.44, 0.09, 0.09, 0.09, 0.07, 0.06, 0.09, 0.07]))](rng=rng)


def floor(*, rng: np.random.Generator) -> Surface:
    """What a floor is laid with."""
    kinds: tuple[Callable[..., Surface], ...] = (plank_floor, herringbone, tile_floor, fitted_carpet, terrazzo)
    return kinds[int(rng.choice(len(kinds), p=[0.42, 0.18, 0.2, 0.12, 0.08]))](rng=rng)


def _slow(*, rng: np.random.Generator, shape: tuple[int, int], strength: Number) -> Plane:
    """Patches of shade a metre wide, that light and years leave on any surface."""
    plane: Plane = noise(rng=rng, size=shape, slope=1.6) * np.float32(strength)
    return plane


def paint(*, rng: np.random.Generator, base: Color | None = None) -> Texture:
    """Roller paint, or limewash."""
    return plaster(rng=rng, size=WALL_SHAPE, base=base)


def _paper(which: UInt8[np.ndarray, "rows columns"], ground: Color, inks: list[Color], *, rng: np.random.Generator) -> Texture:
    """A printed wallpaper: fine paper grain, uneven print, slow fading."""
    tone = _slow(rng=rng, shape=WALL_SHAPE, strength=0.018)
    tone += np.float32(0.018) * noise(rng=rng, size=WALL_SHAPE, slope=0.4)
    return inlaid(which, tone, [ground, *inks], 0.1)


def _ground_and_ink(*, rng: np.random.Generator) -> tuple[Color, Color]:
    """Two neighbouring colours: the ink is a lighter or darker shade of the ground."""
    ground = wall_color(rng=rng)
    step = rng.uniform(0.72, 0.88) if ground.mean() > 0.45 else rng.uniform(1.25, 1.5)
    return ground, np.clip(ground * step, 0, 0.97).astype(np.float32)


def striped(*, rng: np.random.Generator) -> Texture:
    """Upright stripes, wide and narrow, tone on tone."""
    ground, ink = _ground_and_ink(rng=rng)
    count = int(rng.integers(24, 70))
    x, _ = grid(WALL_SHAPE)
    place = (x * count) % 1
    lines = np.zeros(WALL_SHAPE, np.uint8)
    width = rng.uniform(0.3, 0.55)
    lines[:] = place < width
    lines[np.broadcast_to(np.abs(place - (width + 1) / 2) < 0.05, WALL_SHAPE)] = 2 if rng.random() < 0.7 else 0
    return _paper(lines, ground, [ink, pick(CLOTHS, rng=rng)], rng=rng)


def _lattice(across: int, down: int) -> list[tuple[int, int]]:
    """Centres of a half-drop repeat over a wall's texture."""
    rows, columns = WALL_SHAPE
    return [
        (int((i + 0.5) * columns / across), int((j + 0.5 * (i % 2) + 0.25) * rows / down) % rows)
        for i in range(across)
        for j in range(down)
    ]


def damask(*, rng: np.random.Generator) -> Texture:
    """Mirrored scrolls within ogees, tone on tone; no two ornaments are quite the same."""
    ground, ink = _ground_and_ink(rng=rng)
    across = 2 * int(rng.integers(8, 15))
    down = across // 3
    height, width = WALL_SHAPE[0] // down // 2 * 2, WALL_SHAPE[1] // across * 2
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    envelope = np.abs(x) < 0.8 * np.cos(np.pi / 2 * np.abs(y)) ** 0.8
    rim = envelope & (np.abs(x) > 0.8 * np.cos(np.pi / 2 * np.abs(y)) ** 0.8 - 0.12)
    shapes = []
    for _ in range(6):
        scroll = ornament((height, width), rng=rng, slope=1.2)
        shapes.append(((envelope & (np.abs(scroll) > 0.55)) | rim).astype(np.uint8))
    labels, places = np.zeros(WALL_SHAPE, np.uint8), _lattice(across, down)
    scatter(labels, shapes, places, rng.integers(0, 6, len(places)))
    return _paper(labels, ground, [ink], rng=rng)


def sprigs(*, rng: np.random.Generator) -> Texture:
    """Sprigs of leaves, with berries or flowers at times, each turned its own way, on a light ground."""
    ground = pick(PAINTS[:9] + PAINTS[-3:] + ("39475a", "3d4f47"), rng=rng)
    inks = [pick(("7d8b6a", "5c6b52", "8a9a86", "5f7a8c", "a3ac8c", "b39b7d"), rng=rng) for _ in range(2)]
    inks.append(pick(("b0664a", "8f5560", "c99f45", "c3a0a0", "d8cfc0"), rng=rng))
    across = 2 * int(rng.integers(8, 14))
    reach = 0.46 * WALL_SHAPE[1] / across
    flowers = rng.random() < 0.6
    shapes = [_sprig(reach, flowers, rng=rng) for _ in range(10)]
    labels, places = np.zeros(WALL_SHAPE, np.uint8), _lattice(across, across // 2)
    scatter(labels, shapes, places, rng.integers(0, len(shapes), len(places)))
    return _paper(labels, ground, inks, rng=rng)


def _sprig(reach: Number, flower: bool, *, rng: np.random.Generator) -> UInt8[np.ndarray, "side side"]:
    """Leaves, labelled 1 and 2, along a bent stalk, and a flower labelled 3 on its middle."""
    side = 4 * int(reach) + 9
    shape = np.zeros((side, side), np.uint8)
    turn, bend = rng.uniform(0, 2 * np.pi), rng.uniform(-0.8, 0.8)
    for k in range(5):
        angle = turn + bend * (k / 4 - 0.5)
        step = reach * (k / 3.5 - 0.6)
        x, y = int(side // 2 + step * np.cos(angle)), int(side // 2 + step * np.sin(angle))
        leaf = leaflet(reach * (0.75 - 0.07 * k), reach * 0.13, angle + (0.9 if k % 2 else -0.9))
        stamp(shape, leaf, x, y, 1 + k % 2)
    if flower:
        stamp(shape, blossom(reach * 0.24, 5, turn), side // 2, side // 2, 3)
    return shape


def trellis(*, rng: np.random.Generator) -> Texture:
    """A lattice of thin lines: diamonds, scales or zigzags."""
    ground, ink = _ground_and_ink(rng=rng)
    x, y = grid(WALL_SHAPE)
    count = 2 * int(rng.integers(6, 14))
    u, v = x * (2 * count), y * np.float32(count * rng.choice([0.5, 1.0]))
    kind = int(rng.integers(3))
    if kind == 0:
        first, second = u + v, u - v
        line = np.minimum(np.abs(first - np.round(first)), np.abs(second - np.round(second))) < 0.06
    elif kind == 1:
        shift = np.floor(v) % 2 * np.float32(0.5)
        across = (u + shift) % 1 - np.float32(0.5)
        line = np.abs(np.hypot(across, v % 1 - 1) - np.float32(0.5)) < 0.06
    else:
        zigzag = v + np.abs(u % 1 - np.float32(0.5))
        line = np.abs(zigzag - np.round(zigzag)) < 0.16
    return _paper(line.astype(np.uint8), ground, [ink], rng=rng)


def grasscloth(*, rng: np.random.Generator) -> Texture:
    """Woven grass: knotted fibres across, fine warp along."""
    tone = np.float32(0.05) * noise(rng=rng, size=WALL_SHAPE, slope=0.6, stretch=(16, 1))
    tone += np.float32(0.03) * noise(rng=rng, size=WALL_SHAPE, slope=0.4, stretch=(1, 8))
    tone += _slow(rng=rng, shape=WALL_SHAPE, strength=0.02)
    return painted(tone, pick(CLOTHS[:9] + PAINTS[5:16], rng=rng), 0.2)


def _edges(bounds: Float[np.ndarray, " edges"], length: int) -> Int[np.ndarray, " edges"]:
    """Places of borders in [0, 1] as texels."""
    return np.round(np.asarray(bounds) * length).astype(int)


def _course(
    labels: UInt8[np.ndarray, "rows columns"],
    tone: Plane,
    rows: slice,
    cuts: Int[np.ndarray, " cuts"],
    fibre: Float[np.ndarray, "tall wide"],
    shades: Float[np.ndarray, " cuts"],
) -> None:
    """One row of boards between cuts, each with its own shade and a piece of `fibre`; a joint, labelled 1, at the left of each."""
    columns = tone.shape[1]
    for start, end, shade, source in zip(cuts, [*cuts[1:], cuts[0] + columns], shades, (shades * 9973).astype(int), strict=True):
        place = np.arange(start, end) % columns
        whole = slice(start, end) if end <= columns else place
        offset = int(source) % (fibre.shape[1] - 1)
        height = rows.stop - rows.start
        top = rows.start % (fibre.shape[0] - height)
        grain = np.take(fibre[top : top + height], np.arange(offset, offset + len(place)), 1, mode="wrap")
        tone[rows, whole] = grain + shade
        labels[rows, place[:1]] = 1


def brick(*, rng: np.random.Generator) -> Texture:
    """Running bond; the mortar is proud or flush, the bricks bare or painted over."""
    rows, columns = WALL_SHAPE
    courses = 2 * int(rng.integers(19, 23))
    along = int(rng.integers(24, 29))
    y, x = np.arange(rows), np.arange(columns)
    course = y * courses // rows
    shift = (course % 2) * columns / along / 2
    place = (x[None, :] + shift[:, None]) * along / columns
    which = np.floor(place).astype(np.int32) % along + course[:, None] * along
    bare = rng.random() < 0.75
    base = pick(BRICKS, rng=rng) if bare else pick(("e6e2da", "d9d6ce", "c9c4ba", "3a3d40"), rng=rng)
    shades = rng.normal(0, 0.11 if bare else 0.025, courses * along).astype(np.float32)
    tone = shades[which]
    tone += np.float32(0.06 if bare else 0.04) * noise(rng=rng, size=WALL_SHAPE, slope=0.8)
    tone += _slow(rng=rng, shape=WALL_SHAPE, strength=0.03)
    height = rows / courses
    mortar = ((y % height < 2.6)[:, None]) | ((place - np.floor(place)) < 2.6 * along / columns)
    ragged = mortar & (noise(rng=rng, size=WALL_SHAPE, slope=0.6) > -1.6)
    joint = pick(("d6cfc3", "cfc8bc", "c0b8ac", "8f877d"), rng=rng) if bare else np.asarray(base * 0.82, np.float32)
    return inlaid(ragged.astype(np.uint8), tone, [base, joint], 0.25)


def boards(*, rng: np.random.Generator, base: Color | None = None) -> Texture:
    """Upright tongue and groove, painted or bare."""
    rows, columns = WALL_SHAPE
    count = int(rng.integers(42, 72))
    bare = base is None and rng.random() < 0.4
    x = np.arange(columns) * count / columns
    board = np.floor(x).astype(int)
    shade = rng.normal(0, 0.09 if bare else 0.012, count).astype(np.float32)
    fibre = noise(rng=rng, size=WALL_SHAPE, slope=0.7, stretch=(1, 14))
    moved = rng.integers(0, rows, count)
    tone = np.empty(WALL_SHAPE, np.float32)
    edges = _edges(np.arange(count + 1) / count, columns)
    for k in range(count):
        tone[:, edges[k] : edges[k + 1]] = np.roll(fibre[:, edges[k] : edges[k + 1]], moved[k], 0)
    tone *= np.float32(0.08 if bare else 0.02)
    tone += shade[board][None, :] - np.float32(0.5) * (x - board < 2.0 * count / columns)[None, :].astype(np.float32)
    tone += _slow(rng=rng, shape=WALL_SHAPE, strength=0.02)
    color = wood_color(rng=rng) if bare else wall_color(rng=rng)
    return painted(tone, color if base is None else base, 0.2)


def plank_floor(*, rng: np.random.Generator) -> Surface:
    """Boards along x, each with its own tone, grain and length."""
    rows, columns = FLOOR_SHAPE
    count = int(rng.integers(34, 68))
    fibre = _wood_grain(rng=rng)
    labels, tone = np.zeros(FLOOR_SHAPE, np.uint8), np.empty(FLOOR_SHAPE, np.float32)
    edges = _edges(np.arange(count + 1) / count, rows)
    spread = rng.uniform(0.04, 0.13)
    for k in range(count):
        pieces = int(rng.integers(3, 6))
        cuts = _edges((np.arange(pieces) + rng.uniform(0.1, 0.9) + rng.uniform(-0.2, 0.2, pieces)) / pieces % 1, columns)
        cuts = np.unique(cuts % columns)
        _course(labels, tone, slice(int(edges[k]), int(edges[k + 1])), cuts, fibre, rng.normal(0, spread, len(cuts)))
    labels[edges[:-1]] = 1
    tone -= np.float32(rng.uniform(0.25, 0.5)) * labels
    tone += _slow(rng=rng, shape=FLOOR_SHAPE, strength=0.02)
    return painted(tone, pick(OAKS, rng=rng), 0.25), 0.14


def _wood_grain(*, rng: np.random.Generator) -> Plane:
    """Half a square of grain along x, for pieces to be cut from."""
    fibre = np.float32(0.055) * noise(rng=rng, size=512, slope=0.8, stretch=(12, 1))
    warp = noise(rng=rng, size=512, slope=1.8, stretch=(8, 1))
    _, y = grid(512)
    fibre += np.float32(0.09) * np.abs(np.sin(np.float32(np.pi) * (y * 24 + warp * np.float32(0.7)))) ** np.float32(0.5)
    return fibre


def herringbone(*, rng: np.random.Generator) -> Surface:
    """Parquet of blocks, four times as long as wide, laid in zigzag."""
    ratio, cells = 4, 8 * int(rng.integers(9, 15))
    i, j = np.meshgrid(np.arange(cells), np.arange(cells), indexing="xy")
    turn = (i - j) % (2 * ratio)
    flat = turn < ratio
    block = np.where(flat, ((i - turn) % cells) + j * cells, cells * cells + i + ((j + turn - ratio) % cells) * cells)
    shade = rng.normal(0, rng.uniform(0.05, 0.11), 2 * cells * cells).astype(np.float32)[block]
    rows, columns = FLOOR_SHAPE
    y, x = np.arange(rows) * cells // rows, np.arange(columns) * cells // columns
    grain = _wood_grain(rng=rng)
    lying, standing = np.tile(grain, (2, 2)), np.tile(grain.T, (2, 2))
    tone = np.where(flat[y][:, x], lying, standing) + shade[y][:, x]
    # A joint lies where a texel's block differs from that of the one before.
    new_row, new_column = np.flatnonzero(np.diff(y, prepend=-1)), np.flatnonzero(np.diff(x, prepend=-1))
    above, left = block != np.roll(block, 1, 0), block != np.roll(block, 1, 1)
    dark = np.float32(rng.uniform(0.25, 0.45))
    tone[new_row] -= dark * above[:, x]
    tone[:, new_column] -= dark * left[y]
    tone += _slow(rng=rng, shape=FLOOR_SHAPE, strength=0.02)
    return painted(tone, pick(OAKS, rng=rng), 0.25), 0.16


def tile_floor(*, rng: np.random.Generator) -> Surface:
    """Square tiles of stone or clay with grout; some floors are chequered."""
    count = int(rng.choice([10, 12, 16, 20, 30]))
    rows, columns = FLOOR_SHAPE
    y, x = np.arange(rows) * count / rows, np.arange(columns) * count / columns
    ty, tx = y.astype(int), x.astype(int)
    base = pick([*STONES, "b4683f", "a8694f"], rng=rng)
    other = pick(STONES, rng=rng)
    shade = rng.normal(0, 0.05, (count, count)).astype(np.float32)
    pattern = rng.random()
    i, j = np.meshgrid(np.arange(count), np.arange(count))
    second = (i + j) % 2 if pattern < 0.25 else (rng.random((count, count)) < 0.15 if pattern < 0.4 else 0 * i)
    labels = second.astype(np.uint8)[ty][:, tx]
    tone = shade[ty][:, tx] + np.float32(0.035) * noise(rng=rng, size=FLOOR_SHAPE, slope=1.2)
    if rng.random() < 0.4:
        vein = np.abs(noise(rng=rng, size=FLOOR_SHAPE, slope=1.7))
        tone -= np.float32(0.16) * np.maximum(1 - vein * np.float32(9), 0)
    tone += np.float32(0.015) * noise(rng=rng, size=FLOOR_SHAPE, slope=0.3)
    joint = 1.5 * count / rows
    labels[(y - ty) < joint] = 2
    labels[:, (x - tx) < joint] = 2
    grout = pick(("a39b90", "8b8780", "c9c4ba"), rng=rng)
    return inlaid(labels, tone, [base, other, grout], 0.15), 0.25


def fitted_carpet(*, rng: np.random.Generator) -> Surface:
    """Loop pile from wall to wall, flecked, trodden here and there."""
    base = pick(CARPETS, rng=rng)
    pile = noise(rng=rng, size=FLOOR_SHAPE, slope=0.1)
    tone = np.float32(0.09) * pile + _slow(rng=rng, shape=FLOOR_SHAPE, strength=0.03)
    tone += np.float32(0.04) * noise(rng=rng, size=FLOOR_SHAPE, slope=1.0, stretch=(1, 3))
    flecks = noise(rng=rng, size=FLOOR_SHAPE, slope=0.3)
    labels = (flecks > 1.4).astype(np.uint8)
    return inlaid(labels, tone, [base, np.asarray(base * rng.uniform(0.6, 0.85), np.float32)]), 0.0


def terrazzo(*, rng: np.random.Generator) -> Surface:
    """Stone chips in cement."""
    labels = np.zeros(FLOOR_SHAPE, np.uint8)
    for k in range(3):
        chips = noise(rng=rng, size=FLOOR_SHAPE, slope=0.45)
        labels[chips > rng.uniform(1.2, 1.7)] = k + 1
    tone = np.float32(0.02) * noise(rng=rng, size=FLOOR_SHAPE, slope=0.4) + _slow(rng=rng, shape=FLOOR_SHAPE, strength=0.03)
    bases = [pick(("cfcac2", "b8b4ae", "8b8780", "d9d3c8"), rng=rng), *(pick([*STONES, *BRICKS], rng=rng) for _ in range(3))]
    return inlaid(labels, tone, bases, 0.1), 0.25


def ceiling(*, rng: np.random.Generator, size: int = 512) -> Texture:
    """Roller-painted white: faint lanes, a fine nap, here and there a hair crack."""
    nap, clouds = noise(rng=rng, size=size, slope=0.5), noise(rng=rng, size=size, slope=1.3)
    lanes = noise(rng=rng, size=size, slope=1.1, stretch=(8, 1))
    cracks = np.maximum(1 - np.abs(noise(rng=rng, size=size, slope=1.8)) * 50, 0) * (clouds > 0.9)
    tone = np.float32(0.012) * nap + np.float32(0.010) * clouds + np.float32(0.012) * lanes - np.float32(0.10) * cracks
    return painted(tone, pick(("f0eee9", "ece8e0", "f2efe8"), rng=rng, spread=0.03), 0.1)


def blind(*, rng: np.random.Generator) -> Texture:
    """Slub cloth in one colour, with a few bands across of differing width."""
    size = SIZE
    slub = noise(rng=rng, size=size, slope=0.7, stretch=(6, 1)) + noise(rng=rng, size=size, slope=0.7, stretch=(1, 6))
    labels = np.zeros((size, size), np.uint8)
    for top in rng.integers(0, size - 24, int(rng.integers(0, 4))):
        labels[top : top + int(rng.integers(4, 24))] = 1
    bases = [pick(CLOTHS[:8] + PAINTS[:8], rng=rng), pick(CLOTHS, rng=rng)]
    return inlaid(labels, np.float32(0.035) * slub, bases)
