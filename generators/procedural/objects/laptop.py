"""Laptops, open."""

import numpy as np

from ...meshes.builder import MeshBuilder, rotation
from ...scene import Asset, Material
from .. import textures
from .base import DARK, asset, casing


def laptop(*, rng: np.random.Generator) -> Asset:
    """Keyboard half and lid; the screen faces -y."""
    builder, case = MeshBuilder(), casing(rng=rng)
    w, d, angle = rng.uniform(0.3, 0.38), rng.uniform(0.21, 0.25), np.radians(rng.uniform(95, 120))
    builder.box((0, 0, 0.009), (w, d, 0.018), case, bevel=0.004, repeat_m=0.4)
    rows, columns = 4, 11
    for i in range(rows):
        for j in range(columns):
            cell = (w - 0.05) / columns
            builder.box(
                (-w / 2 + 0.025 + (j + 0.5) * cell, d / 2 - 0.035 - i * 0.022, 0.0185),
                (cell - 0.004, 0.018, 0.004),
                DARK,
            )
    builder.box((0, -d / 2 + 0.045, 0.0182), (0.1, 0.06, 0.002), case)
    R = rotation("x", angle)
    hinge = np.array([0, d / 2 - 0.006, 0.016])
    builder.box(hinge + R @ np.array([0, d / 2, 0.0]), (w, d, 0.010), case, bevel=0.003, rotation=R, repeat_m=0.4)
    shown = Material((1.0, 1.0, 1.0), textures.screen(rng=rng), emission=rng.uniform(0.3, 0.9), gloss=0.2)
    # The lid lies along y before it opens; a quarter turn lays the upright picture on it.
    middle = hinge + R @ [0.0, d / 2 + 0.003, 0.0056]
    builder.screen((w / 2 - 0.012, d / 2 - 0.015), middle, shown, R @ rotation("x", -np.pi / 2))
    return asset(builder, "surface")
