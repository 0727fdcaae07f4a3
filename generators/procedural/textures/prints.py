"""Printed paper and cloth: labels and the spines of books."""

import numpy as np

from .colors import CLOTHS, LACQUERS, PAINTS, pick
from .motifs import blossom, stamp
from .noise import noise
from .planes import SIZE, Texture
from .tones import inlaid


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
