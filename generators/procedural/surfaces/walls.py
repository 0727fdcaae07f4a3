"""Painted walls, bricks and wooden boards."""

import numpy as np

from ..textures.colors import pick
from ..textures.noise import noise
from ..textures.paint import plaster, wall_color
from ..textures.planes import Color, Texture
from ..textures.tones import inlaid, painted
from ..textures.wood import wood_color
from .common import BRICKS, WALL_SHAPE, slow_tone, texel_edges


def paint(*, rng: np.random.Generator, base: Color | None = None) -> Texture:
    """Roller paint, or limewash."""
    return plaster(rng=rng, size=WALL_SHAPE, base=base)


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
    tone += slow_tone(rng=rng, shape=WALL_SHAPE, strength=0.03)
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
    edges = texel_edges(np.arange(count + 1) / count, columns)
    for k in range(count):
        tone[:, edges[k] : edges[k + 1]] = np.roll(fibre[:, edges[k] : edges[k + 1]], moved[k], 0)
    tone *= np.float32(0.08 if bare else 0.02)
    tone += shade[board][None, :] - np.float32(0.5) * (x - board < 2.0 * count / columns)[None, :].astype(np.float32)
    tone += slow_tone(rng=rng, shape=WALL_SHAPE, strength=0.02)
    color = wood_color(rng=rng) if bare else wall_color(rng=rng)
    return painted(tone, color if base is None else base, 0.2)
