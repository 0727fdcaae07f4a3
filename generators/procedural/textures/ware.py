"""Materials of vessels, baskets and fittings: metal, wicker and glazed clay."""

from collections.abc import Sequence

import numpy as np

from .colors import GLAZES, LACQUERS, METALS, pick
from .motifs import ornament, strew
from .noise import noise
from .planes import SIZE, Texture, grid
from .tones import inlaid, painted


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
    """Wicker: woven withies, each in its own shade."""
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
        strew(labels, int(rng.integers(12, 40)), rng=rng)
    elif kind == 4:
        scroll = ornament((SIZE, SIZE), rng=rng, slope=1.1)
        belt = np.abs(y - np.float32(0.5)) < rng.uniform(0.12, 0.3)
        labels[(np.abs(scroll) > 0.9) & belt] = 1
    return inlaid(labels, tone, [pick(GLAZES, rng=rng), pick(GLAZES, rng=rng), pick(GLAZES, rng=rng)])
