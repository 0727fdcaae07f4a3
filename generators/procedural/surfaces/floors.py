"""Floors of tiles, carpet and terrazzo."""

import numpy as np

from ..textures.colors import palette, pick
from ..textures.noise import noise
from ..textures.tones import inlaid
from .common import BRICKS, FLOOR_SHAPE, STONES, Finish, slow_tone

CARPETS = palette("b8ad9b 9a948a 8f8272 c8bba6 6f7377 7b8794 a08f7a 75806f d1c6b3")


def tile_floor(*, rng: np.random.Generator) -> Finish:
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


def fitted_carpet(*, rng: np.random.Generator) -> Finish:
    """Loop pile from wall to wall, flecked, trodden here and there."""
    base = pick(CARPETS, rng=rng)
    pile = noise(rng=rng, size=FLOOR_SHAPE, slope=0.1)
    tone = np.float32(0.09) * pile + slow_tone(rng=rng, shape=FLOOR_SHAPE, strength=0.03)
    tone += np.float32(0.04) * noise(rng=rng, size=FLOOR_SHAPE, slope=1.0, stretch=(1, 3))
    flecks = noise(rng=rng, size=FLOOR_SHAPE, slope=0.3)
    labels = (flecks > 1.4).astype(np.uint8)
    return inlaid(labels, tone, [base, np.asarray(base * rng.uniform(0.6, 0.85), np.float32)]), 0.0


def terrazzo(*, rng: np.random.Generator) -> Finish:
    """Stone chips in cement."""
    labels = np.zeros(FLOOR_SHAPE, np.uint8)
    for k in range(3):
        chips = noise(rng=rng, size=FLOOR_SHAPE, slope=0.45)
        labels[chips > rng.uniform(1.2, 1.7)] = k + 1
    tone = np.float32(0.02) * noise(rng=rng, size=FLOOR_SHAPE, slope=0.4) + slow_tone(rng=rng, shape=FLOOR_SHAPE, strength=0.03)
    bases = [pick(("cfcac2", "b8b4ae", "8b8780", "d9d3c8"), rng=rng), *(pick([*STONES, *BRICKS], rng=rng) for _ in range(3))]
    return inlaid(labels, tone, bases, 0.1), 0.25
