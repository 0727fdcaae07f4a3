"""Ceilings, and the cloth of window blinds."""

import numpy as np

from ..textures.colors import CLOTHS, PAINTS, pick
from ..textures.noise import noise
from ..textures.planes import SIZE, Texture
from ..textures.tones import inlaid, painted


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
