"""Bookshelves, filled with books."""

import numpy as np

from ...meshes.builder import MeshBuilder, Number, rotation
from ...scene import Asset, Material
from .. import textures
from .base import WHITE, asset, wooden


def bookshelf(*, rng: np.random.Generator) -> Asset:
    """Boards between two sides, a back, rows of books; other objects can stand on a low one."""
    builder, wood = MeshBuilder(), wooden(rng=rng)
    w, d, h = (
        rng.uniform(0.6, 1.1),
        rng.uniform(0.26, 0.34),
        rng.choice([rng.uniform(0.8, 1.15), rng.uniform(1.5, 1.95)]),
    )
    board, levels = 0.022, max(2, round(h / 0.36))
    for x in (-1, 1):
        builder.box((x * (w / 2 - board / 2), 0, h / 2), (board, d, h), wood, repeat_m=0.8)
    builder.box((0, d / 2 - 0.006, h / 2), (w - 0.01, 0.008, h - 0.01), wood, repeat_m=0.8)
    heights = [0.05 + k * (h - 0.05 - board) / levels for k in range(levels + 1)]
    for number, z in enumerate(heights):
        builder.box(
            (0, -0.001, z + board / 2),
            (w - 2 * board + 0.004, d - 0.012, board),
            wood,
            repeat_m=0.8,
            shift=(number * 0.29, 0),
        )
    builder.box((0, -0.001, h - 0.004), (w - 0.004, d - 0.004, 0.012), wood, repeat_m=0.8)
    covers = [Material(WHITE, textures.spines(rng=rng), gloss=0.05) for _ in range(2)]
    for z0, z1 in zip(heights, heights[1:], strict=False):
        # The lowest shelf is never empty: an object without books would not be recognised as a bookshelf.
        if rng.random() < 0.88 or z0 == heights[0]:
            _books(builder, covers, w - 2 * board - 0.02, d, z0 + board, z1 - z0 - board, rng=rng)
    return asset(builder, "wall")


def _books(
    builder: MeshBuilder,
    covers: list[Material],
    width: Number,
    d: Number,
    z: Number,
    room: Number,
    *,
    rng: np.random.Generator,
) -> None:
    """Add a row of books from the left; the last one leans."""
    x, end = -width / 2, width / 2 - rng.uniform(0.0, 0.35) * width
    while x < end - 0.05:
        thickness, height, depth = (
            rng.uniform(0.018, 0.05),
            min(rng.uniform(0.18, 0.28), room - 0.02),
            rng.uniform(0.14, 0.2),
        )
        builder.box(
            (x + thickness / 2, -d / 2 + 0.03 + depth / 2 + rng.uniform(0, 0.02), z + height / 2),
            (thickness - 0.0015, depth, height),
            covers[rng.integers(len(covers))],
            # The spines texture holds sixteen strips: at this scale the front shows exactly one.
            repeat_m=16 * thickness,
            shift=((rng.integers(16) + 0.5) / 16, 0.5),
            along=False,
        )
        x += thickness
    if end + 0.12 < width / 2:
        height = min(0.2, room - 0.06)
        lean = 0.25
        builder.box(
            (x + 0.015 + height / 2 * np.sin(lean), -d / 2 + 0.12, z + height / 2 * np.cos(lean) + 0.004),
            (0.03, 0.16, height),
            covers[0],
            rotation=rotation("y", -lean),
            repeat_m=0.3,
        )
