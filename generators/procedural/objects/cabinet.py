"""Cabinets, sideboards and chests of drawers."""

import numpy as np

from ...meshes.builder import MeshBuilder
from ...scene import Asset
from .base import asset, metallic, wooden


def cabinet(*, rng: np.random.Generator) -> Asset:
    """A box on feet with drawers or doors at the front; other objects can stand on its top."""
    builder, wood, knob = MeshBuilder(), wooden(rng=rng), metallic(rng=rng)
    front = wood if rng.random() < 0.6 else wooden(rng=rng)
    w, d, h, foot = rng.uniform(0.5, 1.3), rng.uniform(0.36, 0.48), rng.uniform(0.55, 1.0), rng.uniform(0.04, 0.16)
    for x in (-1.0, 1.0):
        for y in (-1, 1):
            builder.box((x * (w / 2 - 0.05), y * (d / 2 - 0.05), foot / 2 + 0.002), (0.05, 0.05, foot + 0.004), wood)
    builder.box((0, 0.004, (foot + h - 0.02) / 2), (w - 0.02, d - 0.03, h - foot - 0.02), wood, repeat_m=0.8)
    builder.box((0, 0, h - 0.0125), (w, d, 0.025), wood, bevel=0.006, repeat_m=0.8, shift=(0.4, 0.7))
    columns = 1 if w < 0.65 else int(rng.integers(2, 4))
    rows = int(rng.integers(2, 5)) if rng.random() < 0.6 else 1
    cell_w, cell_h = (w - 0.03) / columns, (h - foot - 0.035) / rows
    for i in range(columns):
        for j in range(rows):
            x, z = -w / 2 + 0.015 + (i + 0.5) * cell_w, foot + 0.005 + (j + 0.5) * cell_h
            builder.box(
                (x, -d / 2 + 0.012, z),
                (cell_w - 0.014, 0.022, cell_h - 0.014),
                front,
                bevel=0.004,
                repeat_m=0.7,
                shift=(i * 0.37, j * 0.23),
            )
            handle = (x + (0 if rows > 1 else (cell_w / 2 - 0.05) * (1 if i % 2 == 0 else -1)), -d / 2 - 0.008, z)
            size = (0.12, 0.018, 0.014) if rows > 1 else (0.014, 0.018, 0.14)
            builder.box(handle, size, knob, bevel=0.005)
    return asset(builder, "wall")
