"""Shelves, with books and vases."""

import numpy as np

from ...meshes.builder import MeshBuilder
from ...scene import Material
from .. import textures
from .base import PARTS
from .wall import RoomWall, wall_box


def add_shelf(
    builder: MeshBuilder,
    wall: RoomWall,
    x: tuple[float, float],
    z: float,
    depth: float,
    made_of: tuple[Material, Material],
    *,
    brackets: bool,
    rng: np.random.Generator,
) -> None:
    """Add a shelf at height z with books and sometimes a vase; `made_of` are the materials of the board and the books."""
    builder.part = PARTS.index("shelf")
    wood, spines = made_of
    wall_box(builder, wall, x, (-depth, 0.005), (z - 0.026, z), wood, repeat=1.0)
    if brackets:
        for at in (x[0] + 0.08, x[1] - 0.08):
            wall_box(builder, wall, (at - 0.01, at + 0.01), (-depth * 0.8, 0.005), (z - 0.045, z - 0.02), wood)
            wall_box(builder, wall, (at - 0.009, at + 0.009), (-0.02, 0.004), (z - 0.14, z - 0.03), wood)
    at, end = x[0] + rng.uniform(0.03, 0.2), x[1] - rng.uniform(0.03, 0.4) * (x[1] - x[0])
    while at < end - 0.05:
        thick, high, deep = rng.uniform(0.018, 0.045), rng.uniform(0.16, 0.26), rng.uniform(0.11, depth - 0.05)
        centre = wall.world(np.array([[at + thick / 2, -deep / 2 - 0.01, z + high / 2 - 0.001]]))[0]
        builder.box(
            centre,
            (thick - 0.0015, deep, high),
            spines,
            repeat_m=16 * thick,
            shift=((rng.integers(16) + 0.5) / 16, 0.5),
            rotation=wall.T_world_wall[:3, :3],
            along=False,
        )
        at += thick + (rng.uniform(0.05, 0.2) if rng.random() < 0.08 else 0)
    if end + 0.16 < x[1]:
        r, h = rng.uniform(0.035, 0.05), rng.uniform(0.1, 0.2)
        foot = wall.world(np.array([[end + 0.08, -depth / 2, z - 0.001]]))[0]
        vase = [(0, 0), (r * 0.7, 0), (r, h * 0.4), (r * 0.5, h * 0.85), (r * 0.6, h), (r * 0.45, h), (0, h * 0.8)]
        builder.lathe(vase, Material((1.0, 1.0, 1.0), textures.glaze(rng=rng), gloss=0.5), centre=foot, sections=24)
