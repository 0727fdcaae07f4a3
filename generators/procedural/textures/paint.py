"""Painted wood and plaster."""

import numpy as np

from .colors import PAINTS, pick
from .noise import noise
from .planes import Color, Shape, Texture
from .tones import painted


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


def wall_color(*, rng: np.random.Generator) -> Color:
    """A random wall colour."""
    return pick(PAINTS, rng=rng, spread=0.03)
