"""Laptops, open."""

import numpy as np

from ...scene import Asset, Material
from .. import textures
from ..mesh_builder import MeshBuilder, rotation
from .base import DARK, asset, metallic


def laptop(rng: np.random.Generator) -> Asset:
    """Keyboard half and lid; the screen looks to -y."""
    builder, case = MeshBuilder(), metallic(rng)
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
    x, y0, y1, z = w / 2 - 0.012, 0.018, d - 0.012, 0.0062
    corners = np.array([[-x, y0, z], [x, y0, z], [x, y1, z], [-x, y1, z]]) @ R.T + hinge
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    shown = Material((1.0, 1.0, 1.0), textures.screen(rng=rng), emission=rng.uniform(0.3, 0.9), gloss=0.2)
    builder.add(corners, faces, shown, uv=np.array([[0, 1], [1, 1], [1, 0], [0, 0]], float)[faces])
    return asset(builder, "surface")
