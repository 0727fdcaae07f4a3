"""The ceiling, its mouldings and beams."""

import numpy as np

from ...meshes.builder import MeshBuilder
from ...scene import Material
from .. import surfaces, textures
from .base import PARTS, QUAD, SEAM
from .moulding import add_moulding
from .plan import Plan, at_height
from .wall import RoomWall


def add_ceiling(
    builder: MeshBuilder, plan: Plan, walls: list[RoomWall], trim: Material, lamp: tuple[float, float], *, rng: np.random.Generator
) -> None:
    """Add a white ceiling: plain, or with a crown moulding, a lowered border, or beams."""
    builder.part = PARTS.index("ceiling")
    height = walls[0].height
    white = Material((1.0, 1.0, 1.0), surfaces.ceiling(rng=rng))
    for cell in plan.cells():
        builder.add(at_height(cell[::-1], height), QUAD, white, uv=(cell[::-1] / 4.0)[QUAD])
    kind = rng.choice(["plain", "crown", "border", "beams"], p=[0.36, 0.34, 0.14, 0.16])
    if kind == "crown":
        drop = rng.uniform(0.06, 0.12)
        arc = np.linspace(0, np.pi / 2, 5)
        hollow = [(0.012 + 0.8 * drop * (1 - np.cos(a)), height - drop + 0.85 * drop * np.sin(a)) for a in arc]
        profile = [(-0.005, height - drop - 0.012), (0.012, height - drop - 0.012), *hollow, (0.02 + 0.8 * drop, height + SEAM)]
        plaster = trim if rng.random() < 0.5 else white
        for wall in walls:
            add_moulding(builder, wall, profile, plaster, [])
    elif kind == "border":
        width, drop = rng.uniform(0.25, 0.45), rng.uniform(0.08, 0.18)
        for wall in walls:
            add_moulding(builder, wall, [(-0.005, height - drop), (width, height - drop), (width, height + SEAM)], white, [])
    elif kind == "beams":
        _add_beams(builder, plan, height, lamp, rng=rng)


def _add_beams(builder: MeshBuilder, plan: Plan, height: float, lamp: tuple[float, float], *, rng: np.random.Generator) -> None:
    """Add wooden beams from wall to wall."""
    low, high = plan.corners.min(axis=0), plan.corners.max(axis=0)
    wood, axis = Material((1.0, 1.0, 1.0), textures.wood(rng=rng), gloss=0.05), int(rng.integers(2))
    apart, width, drop = rng.uniform(0.8, 1.1), rng.uniform(0.09, 0.16), rng.uniform(0.1, 0.16)
    # The lamp is halfway between two beams.
    first = low[axis] + (lamp[axis] + apart / 2 - low[axis]) % apart
    for place in np.arange(first, high[axis], apart):
        if min(place - low[axis], high[axis] - place) < width:
            continue
        centre, extent = (low + high) / 2, high - low + 0.02
        centre[axis], extent[axis] = place, width
        builder.box((*centre, height - drop / 2 + 0.005), (*extent, drop + SEAM), wood, repeat_m=1.3)
