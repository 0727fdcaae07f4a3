"""Woven cloth."""

import numpy as np
from jaxtyping import Float

from .colors import CLOTHS, pick
from .motifs import strew
from .noise import noise
from .planes import SIZE, Color, Texture, grid
from .tones import inlaid


def fabric(*, rng: np.random.Generator, base: Color | None = None) -> Texture:
    """Woven cloth: plain, twill, striped, checked or printed."""
    x, y = grid()
    base = pick(CLOTHS, rng=rng) if base is None else base
    labels = np.zeros((SIZE, SIZE), np.uint8)
    slub = noise(rng=rng, slope=0.5, stretch=(6, 1)) + noise(rng=rng, slope=0.5, stretch=(1, 6))
    tone = np.float32(0.055) * slub + np.float32(0.035) * noise(rng=rng, slope=1.4)
    kind = int(rng.choice(5, p=[0.34, 0.16, 0.18, 0.16, 0.16]))
    if kind == 1:
        tone += np.float32(0.10) * np.sin(np.float32(2 * np.pi * 40) * (x + np.abs((y * 8) % 1 - np.float32(0.5)) / 4))
    elif kind == 2:
        labels[:] = (_bands(int(rng.integers(4, 10)), rng=rng) > 0)[None, :]
    elif kind == 3:
        count = int(rng.integers(3, 6))
        tone -= np.float32(0.3) * _bands(count, rng=rng)[None, :] + np.float32(0.3) * _bands(count, rng=rng)[:, None]
        labels[np.broadcast_to((_bands(count, rng=rng) > 0.9)[None, :], labels.shape)] = 1
    elif kind == 4:
        strew(labels, int(rng.integers(20, 50)), rng=rng)
    other = np.clip(base * 0.35 + 0.6, 0, 1).astype(np.float32) if rng.random() < 0.5 else pick(CLOTHS, rng=rng)
    return inlaid(labels, tone, [base, other, pick(CLOTHS, rng=rng)])


def _bands(count: int, *, rng: np.random.Generator) -> Float[np.ndarray, " columns"]:
    """Stripes in [0, 1] over one repeat: each has its own position, width and strength, so that no two look the same."""
    along = np.arange(SIZE) / SIZE
    strengths, starts, widths = rng.uniform(0.55, 1.0, count), rng.uniform(0.0, 0.35, count), rng.uniform(0.2, 0.6, count)
    which, within = (along * count).astype(int) % count, (along * count) % 1
    inside = (within > starts[which]) & (within < starts[which] + widths[which])
    return np.where(inside, strengths[which], 0.0).astype(np.float32)
