"""Pictures: on walls and on screens."""

import numpy as np
from jaxtyping import UInt8

from .colors import CLOTHS, GLAZES, PAINTS, pick
from .motifs import blossom, leaflet, stamp
from .noise import noise
from .planes import SIZE, Color, Plane, Texture, grid
from .tones import inlaid, painted


def painting(*, rng: np.random.Generator) -> Texture:
    """A picture for a wall: a landscape, fields of colour, shapes on paper, or a plant on white, with or without a mount."""
    size = 192
    labels = np.zeros((size, size), np.uint8)
    kind = int(rng.integers(4))
    x, y = grid(size)
    brush = noise(rng=rng, size=size, slope=1.0, stretch=(3, 1))
    tone = np.float32(0.05) * brush + np.float32(0.03) * noise(rng=rng, size=size, slope=0.3)
    if kind == 0:
        bases, shade = _landscape(labels, rng=rng)
        tone += shade
    elif kind == 1:
        edges = np.sort(rng.random(int(rng.integers(1, 4)))) * np.float32(0.8) + np.float32(0.1)
        labels[:] = np.searchsorted(edges, y + np.float32(0.01) * brush)
        labels[(np.minimum(x, 1 - x) < 0.07) | (np.minimum(y, 1 - y) < 0.06)] = 4
        bases = [pick(CLOTHS + PAINTS[-14:], rng=rng, spread=0.1) for _ in range(5)]
        tone += np.float32(0.10) * noise(rng=rng, size=size, slope=1.5)
    elif kind == 2:
        for label in (1, 2, 3, 4, 5, 1, 2)[: int(rng.integers(4, 8))]:
            px, py = (int(v) for v in rng.integers(30, size - 30, 2))
            if rng.random() < 0.5:
                stamp(labels, blossom(rng.uniform(12, 45), 0, 0), px, py, label)
            else:
                stamp(labels, np.ones((int(rng.integers(6, 80)), int(rng.integers(6, 80))), bool), px, py, label)
        bases = [pick(("ece5d8", "e6dfd0", "d8cfc0", "39475a"), rng=rng)] + [pick(CLOTHS + GLAZES, rng=rng) for _ in range(5)]
    else:
        for k in range(int(rng.integers(7, 16))):
            stem = int(size * 0.82 - k * size * 0.045)
            turn = -np.pi / 2 + (0.9 if k % 2 else -0.9) * rng.uniform(0.6, 1.3)
            stamp(labels, leaflet(rng.uniform(22, 50), rng.uniform(5, 12), turn), size // 2 + int(4 * np.sin(k / 2)), stem, 1 + k % 2)
        labels[int(size * 0.15) : int(size * 0.9), size // 2 - 1 : size // 2 + 1] = 2
        bases = [pick(("efece4", "e6dfd0", "d9d6ce"), rng=rng), pick(("5c6b52", "3d4f47", "7d8b6a", "8a4b3a"), rng=rng)]
        bases.append(np.asarray(bases[1] * 0.7, np.float32))
    picture = inlaid(labels, tone, bases)
    if rng.random() < 0.5:
        edge = int(rng.integers(14, 30))
        mount = painted(np.float32(0.012) * brush, pick(("f1ede4", "e9e4d8", "dcd6ca"), rng=rng), 0.1)
        mount[edge:-edge, edge:-edge] = picture[edge:-edge, edge:-edge]
        return mount
    return picture


def screen(*, rng: np.random.Generator) -> Texture:
    """A desktop: a picture behind windows with lines of text, dark or light."""
    labels = np.zeros((SIZE, SIZE), np.uint8)
    bases, tone = _landscape(labels, rng=rng)
    first = len(bases)
    dark = rng.random() < 0.5
    bases += [pick(("1e2229", "282c34", "23262a") if dark else ("f1f1ee", "e8eaec"), rng=rng), pick(CLOTHS, rng=rng)]
    bases += [pick(("9db0a0", "8aa1b3", "d8b66a", "b9bcbd") if dark else ("23262a", "39475a", "6d3b3f"), rng=rng) for _ in range(3)]
    tone = tone.copy()
    for _ in range(int(rng.integers(1, 4))):
        px, py = (int(v) for v in rng.integers(6, 110, 2))
        w, h = int(rng.integers(80, 140)), int(rng.integers(80, 130))
        labels[py : py + h, px : px + w] = first
        labels[py : py + 9, px : px + w] = first + 1
        for line in range(py + 15, min(py + h, SIZE) - 6, 8):
            indent = 6 + 6 * int(rng.integers(0, 4))
            end = min(px + indent + int(rng.uniform(0.2, 0.8) * (w - indent - 6)), px + w - 4)
            labels[line : line + 3, px + indent : end] = first + 2 + int(rng.integers(3))
        tone[py : py + h, px : px + w] = 0
    labels[-12:] = first + 1
    return inlaid(labels, tone, bases, 0.0)


def _landscape(labels: UInt8[np.ndarray, "side side"], *, rng: np.random.Generator) -> tuple[list[Color], Plane]:
    """Sky over ranges of hills that darken towards the eye. Returns the colours of the labels, and shading of the sky."""
    size = len(labels)
    _, y = grid(size)
    profile = noise(rng=rng, size=size, slope=1.5)
    sky = pick(("b9c6cb", "d8c9b0", "9fb2bc", "e0b48a", "c9c4ba"), rng=rng)
    near = pick(("3d4f47", "5c6b52", "39475a", "6b5a3f", "7a5c43"), rng=rng)
    bases = [sky]
    horizon, layers = rng.uniform(0.35, 0.55), int(rng.integers(3, 6))
    for k in range(layers):
        share = (k + 1) / layers
        labels[y > horizon + k * (0.9 - horizon) / layers + 0.035 * profile[(31 * k) % size][None, :]] = k + 1
        bases.append(np.asarray(sky * (1 - share) + near * share, np.float32))
    shade = np.float32(0.06) * noise(rng=rng, size=size, slope=1.6, stretch=(3, 1)) - np.float32(0.25) * (np.float32(0.4) - y)
    return bases, shade
