"""The floor, and a rug on it."""

import numpy as np

from ...meshes.builder import MeshBuilder, rotation
from ...scene import Material
from .. import surfaces, textures
from .base import PARTS, QUAD
from .plan import Plan, at_height


def add_floor(builder: MeshBuilder, plan: Plan, *, rng: np.random.Generator) -> None:
    """Add the floor, in one material."""
    builder.part = PARTS.index("floor")
    texture, gloss = surfaces.floor(rng=rng)
    material, shift = Material((1.0, 1.0, 1.0), texture, gloss=gloss), rng.random(2)
    turn = 1 if rng.random() < 0.5 else -1
    for cell in plan.cells():
        texel = (cell / surfaces.FLOOR_M + shift)[:, ::turn]
        builder.add(at_height(cell, 0.0), QUAD, material, uv=texel[QUAD])


def add_rug(builder: MeshBuilder, plan: Plan, size: tuple[float, float, float], *, rng: np.random.Generator) -> None:
    """Add a rug to most rooms: thinner than 5 mm, with closed borders."""
    builder.part = PARTS.index("rug")
    half = np.array([rng.uniform(0.7, 1.25), rng.uniform(0.5, 0.9)])[:: int(rng.choice([1, -1]))]
    angle = rng.normal(0, 0.06)
    reach = np.abs([[np.cos(angle), np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ half + 0.2
    if rng.random() < 0.12:
        return
    for _ in range(20):
        x, y = rng.uniform(reach, np.array(size[:2]) - reach)
        if all(plan.inside(x + dx, y + dy) for dx in (-reach[0], 0, reach[0]) for dy in (-reach[1], 0, reach[1])):
            R = rotation("z", angle) @ rotation("x", -np.pi / 2)
            rug = Material((1.0, 1.0, 1.0), textures.carpet(rng=rng))
            builder.screen((float(half[0]), float(half[1])), (x, y, 0.004), rug, R, skirt=0.006)
            return
