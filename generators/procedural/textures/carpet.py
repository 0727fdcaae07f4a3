"""Rugs."""

import numpy as np
from jaxtyping import UInt8

from .colors import CLOTHS, pick
from .motifs import ornament
from .noise import noise
from .planes import Color, Plane, Texture, grid
from .tones import inlaid


def carpet(*, rng: np.random.Generator, size: int = 384) -> Texture:
    """A rug, whole: oriental, striped, trellised, bordered or a shaggy one."""
    kind = int(rng.integers(5))
    x, y = grid(size)
    depth = np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y))
    labels = np.zeros((size, size), np.uint8)
    if kind == 0:
        bases = _oriental(labels, depth, rng=rng)
    elif kind == 1:
        edges = np.sort(rng.random(int(rng.integers(9, 22))))
        labels[:] = rng.integers(0, 5, len(edges) + 1)[np.searchsorted(edges, y[:, 0])][:, None]
        bases = [pick(CLOTHS, rng=rng) for _ in range(5)]
    elif kind == 2:
        count = int(rng.integers(3, 6))
        wobble = np.float32(0.04) * noise(rng=rng, size=size, slope=1.6)
        first, second = (x + y) * count + wobble, (x - y) * count + wobble
        lines = np.minimum(np.abs(first - np.round(first)), np.abs(second - np.round(second))) < 0.07
        labels[lines] = 1
        light, dark = pick(("e9e3d6", "ddd3c1", "cfc6b8"), rng=rng), pick(("2f2d2b", "4b4540", "6d3b3f", "39475a"), rng=rng)
        bases = [light, dark] if rng.random() < 0.75 else [dark, light]
    else:
        bases = [pick(CLOTHS, rng=rng), pick(CLOTHS, rng=rng)]
        if kind == 3:
            labels[(depth < 0.09) & (depth > 0.035)] = 1
    pile = noise(rng=rng, size=size, slope=0.3)
    worn = noise(rng=rng, size=size, slope=1.5)
    rows = np.sin(np.float32(np.pi * size / 2) * y) if kind != 4 else np.zeros((1, 1), np.float32)
    tone = np.float32(0.10 if kind == 4 else 0.06) * pile + np.float32(0.05) * worn + np.float32(0.03) * rows
    return inlaid(labels, tone, bases)


def _oriental(labels: UInt8[np.ndarray, "side side"], depth: Plane, *, rng: np.random.Generator) -> list[Color]:
    """Borders, a field and a medallion, all filled with ornament. Returns the colours of the labels."""
    size = len(labels)
    x, y = grid(size)
    scroll = np.kron(ornament((size // 2, size // 2), rng=rng, slope=1.0, both=True), np.ones((2, 2), np.float32))
    fine = ornament((192, 192), rng=rng, slope=0.8)
    fine = np.tile(fine, (size // 192, size // 192))
    labels[np.abs(scroll) > 1.0] = 2
    labels[np.abs(scroll) > 1.7] = 3
    far = np.abs(x - 0.5) * 1.5 + np.abs(y - 0.5) + 0.02 * np.abs(scroll)
    medallion = far < 0.28
    labels[medallion] = np.where(fine > 0.4, 3, np.where(fine < -0.9, 0, 1))[medallion]
    labels[(far < 0.3) & ~medallion] = 4
    border = depth < 0.14
    labels[border] = np.where(fine > 0.5, 3, np.where(fine < -0.7, 0, 1))[border]
    for low, high, label in ((0.135, 0.145, 4), (0.115, 0.125, 2), (0.035, 0.045, 4), (0.0, 0.02, 2)):
        labels[(depth >= low) & (depth < high)] = label
    red_or_blue = rng.random() < 0.6
    field = pick(("8a3a32", "7a2e2c", "9a4a3c") if red_or_blue else ("2f4058", "39475a", "3f5560"), rng=rng)
    ground = pick(("2f3b52", "27324a", "3c4a44") if red_or_blue else ("7a3832", "8f5a44", "6d3b3f"), rng=rng)
    return [field, ground, pick(("c9a26a", "b98a4e", "a9876a"), rng=rng), pick(("d9cbb0", "cdbd9f"), rng=rng), pick(CLOTHS, rng=rng)]
