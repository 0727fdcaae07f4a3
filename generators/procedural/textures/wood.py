"""Bare wood."""

import numpy as np

from .colors import WOODS, pick
from .noise import noise
from .planes import SIZE, Color, Plane, Texture, grid
from .tones import painted


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


def wood_color(*, rng: np.random.Generator) -> Color:
    """Oak, beech, walnut, pine, teak, ash."""
    return pick(WOODS, rng=rng, spread=0.1)


def _knots(count: int, *, rng: np.random.Generator) -> tuple[Plane, Plane]:
    """Displacement of the grain by knots, in repeats, and their darkness in [0, 1]; both are periodic."""
    push, dark = np.zeros((SIZE, SIZE), np.float32), np.zeros((SIZE, SIZE), np.float32)
    along = (np.arange(SIZE, dtype=np.float32) + np.float32(0.5)) / np.float32(SIZE)
    for px, py, radius in rng.uniform((0, 0, 0.008), (1, 1, 0.02), (count, 3)).astype(np.float32):
        # A Gaussian is the product of a row and a column, which is faster than a computation per texel.
        dx, dy = (along - px + 0.5) % 1 - 0.5, (along - py + 0.5) % 1 - 0.5
        aside = 2 * radius * np.tanh(dy / radius) * np.exp(-((dy / (2 * radius)) ** 2))
        push += np.outer(aside, np.exp(-((dx / (6 * radius)) ** 2)))
        dark = np.maximum(dark, np.outer(np.exp(-((dy / radius) ** 2)), np.exp(-((dx / (1.8 * radius)) ** 2))))
    return push, dark
