"""Wooden floors: planks and herringbone parquet."""

import numpy as np
from jaxtyping import Float, Int, UInt8

from ..textures.colors import palette, pick
from ..textures.noise import noise
from ..textures.planes import Plane, grid
from ..textures.tones import painted
from .common import FLOOR_SHAPE, Finish, slow_tone, texel_edges

OAKS = palette("c49a66 b5824e a87748 8a5a36 6f4529 d2b283 dcc6a0 a98a6a 8d7152 57402e c9b08c")


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


def plank_floor(*, rng: np.random.Generator) -> Finish:
    """Boards along x, each with its own tone, grain and length."""
    rows, columns = FLOOR_SHAPE
    count = int(rng.integers(34, 68))
    fibre = _wood_grain(rng=rng)
    labels, tone = np.zeros(FLOOR_SHAPE, np.uint8), np.empty(FLOOR_SHAPE, np.float32)
    edges = texel_edges(np.arange(count + 1) / count, rows)
    spread = rng.uniform(0.04, 0.13)
    for k in range(count):
        pieces = int(rng.integers(3, 6))
        cuts = texel_edges((np.arange(pieces) + rng.uniform(0.1, 0.9) + rng.uniform(-0.2, 0.2, pieces)) / pieces % 1, columns)
        cuts = np.unique(cuts % columns)
        _course(labels, tone, slice(int(edges[k]), int(edges[k + 1])), cuts, fibre, rng.normal(0, spread, len(cuts)))
    labels[edges[:-1]] = 1
    tone -= np.float32(rng.uniform(0.25, 0.5)) * labels
    tone += slow_tone(rng=rng, shape=FLOOR_SHAPE, strength=0.02)
    return painted(tone, pick(OAKS, rng=rng), 0.25), 0.14


def _wood_grain(*, rng: np.random.Generator) -> Plane:
    """Half a square of grain along x, for pieces to be cut from."""
    fibre = np.float32(0.055) * noise(rng=rng, size=512, slope=0.8, stretch=(12, 1))
    warp = noise(rng=rng, size=512, slope=1.8, stretch=(8, 1))
    _, y = grid(512)
    fibre += np.float32(0.09) * np.abs(np.sin(np.float32(np.pi) * (y * 24 + warp * np.float32(0.7)))) ** np.float32(0.5)
    return fibre


def herringbone(*, rng: np.random.Generator) -> Finish:
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
    tone += slow_tone(rng=rng, shape=FLOOR_SHAPE, strength=0.02)
    return painted(tone, pick(OAKS, rng=rng), 0.25), 0.16
