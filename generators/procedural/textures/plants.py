"""Fruit and leaves."""

import numpy as np

from .colors import color, pick
from .noise import noise
from .planes import Texture, grid
from .tones import painted


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
