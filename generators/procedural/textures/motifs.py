"""Motifs of patterns (flowers, leaves and scrolls), and functions that place them on a plane of labels."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Int, UInt8

from .noise import noise
from .planes import SIZE, Labels, Number, Plane


def blossom(radius: Number, petals: int, phase: Number) -> Bool[np.ndarray, "side side"]:
    """The mask of a flower; of a disc without petals."""
    distance, angle = _polar(int(radius * 1.4) + 1)
    if not petals:
        return distance < radius
    return distance < radius * (0.78 + 0.3 * np.cos(petals * angle + phase))


def leaflet(length: Number, width: Number, turn: Number) -> Bool[np.ndarray, "side side"]:
    """The mask of a pointed leaf from the middle outwards."""
    distance, angle = _polar(int(length) + 1)
    along, across = distance * np.cos(angle - turn), distance * np.sin(angle - turn)
    share = np.clip(along / length, 0, 1)
    return (np.abs(across) < width * 2 * np.sqrt(share) * (1 - share) + 0.4) & (along > 0) & (along < length)


@lru_cache(maxsize=256)
def _polar(reach: int) -> tuple[Plane, Plane]:
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    return np.hypot(x, y), np.arctan2(y, x)


def ornament(shape: tuple[int, int], *, rng: np.random.Generator, slope: Number = 1.4, both: bool = False) -> Plane:
    """Noise that is symmetric left to right (and, with `both`, top to bottom): it looks like scrolls and leaves."""
    plane = noise(rng=rng, size=SIZE, slope=slope)[: shape[0], : shape[1]]
    half = plane[:, : shape[1] // 2]
    plane = np.concatenate([half, half[:, ::-1]], axis=1)
    if both:
        plane = np.concatenate([plane[: shape[0] // 2], plane[: shape[0] // 2][::-1]])
    return plane


def stamp(labels: Labels, mask: Bool[np.ndarray, "height width"], x: int, y: int, value: int) -> None:
    """Set a label where the mask, centred on (x, y), is true; wrapped around the borders."""
    scatter(labels, [mask * np.uint8(value)], [(x, y)], np.zeros(1, int))


def scatter(
    labels: Labels, shapes: Sequence[UInt8[np.ndarray, "_ _"]], places: Sequence[tuple[int, int]], chosen: Int[np.ndarray, " places"]
) -> None:
    """Place shapes of labels (0 is transparent) at (x, y), wrapped around the borders; `chosen` is the shape at each position."""
    spots = [(*np.nonzero(shape), shape[shape > 0]) for shape in shapes]
    for (x, y), index in zip(places, chosen, strict=True):
        dy, dx, values = spots[index]
        height, width = shapes[index].shape
        labels[(dy + (y - height // 2)) % labels.shape[0], (dx + (x - width // 2)) % labels.shape[1]] = values


def strew(labels: UInt8[np.ndarray, "rows columns"], count: int, *, rng: np.random.Generator) -> None:
    """Small flowers or sprigs on a jittered grid, labelled 1, with hearts or some leaves labelled 2."""
    size, side = len(labels), int(np.ceil(np.sqrt(count)))
    petals, radius = int(rng.choice([0, 4, 5, 6])), rng.uniform(0.16, 0.3) * size / side
    leafy = rng.random() < 0.5
    for index in range(side * side):
        jitter = rng.uniform(-0.18, 0.18, 2) * size / side
        x = int(((index % side) + 0.5 * (index // side % 2)) * size / side + jitter[0])
        y = int((index // side) * size / side + jitter[1])
        turn, scale = rng.uniform(0, 2 * np.pi), rng.uniform(0.7, 1.15)
        if leafy:
            for k in range(3):
                stamp(labels, leaflet(radius * scale * 1.3, radius * 0.28, turn + k * 2.1), x, y, 1 + k % 2)
        else:
            stamp(labels, blossom(radius * scale, petals, turn), x, y, 1)
            stamp(labels, blossom(radius * scale * 0.3, 0, 0), x, y, 2)
