"""Coverings of walls around their openings: paint, wallpaper, brick or boards."""

import numpy as np
from jaxtyping import Float

from ...meshes.builder import MeshBuilder
from ...scene import Material
from .. import surfaces
from ..textures.colors import pick
from .base import PARTS, QUAD, SEAM
from .moulding import add_moulding
from .openings.opening import WallOpening
from .wall import RoomWall


def add_walls(
    builder: MeshBuilder, walls: list[RoomWall], taken: dict[int, list[WallOpening]], trim: Material, *, rng: np.random.Generator
) -> None:
    """Cover all walls in one material, sometimes with one accent wall, and sometimes with boards below a rail."""
    builder.part = PARTS.index("wall")
    white = (1.0, 1.0, 1.0)
    common = Material(white, surfaces.wall(rng=rng) if rng.random() < 0.5 else surfaces.paint(rng=rng))
    accent = Material(white, surfaces.wall(rng=rng)) if rng.random() < 0.55 else common
    special = int(rng.choice([wall.index for wall in walls if wall.length > 1.05]))
    low = min([o.z0 for found in taken.values() for o in found if o.z0 > 0], default=1.0) - 0.1
    rail = min(low, 0.95) if rng.random() < 0.22 else 0.0
    boarding = None
    if rail:
        paint = pick(("ece8e0", "d9d6ce", "9fae98", "8199a8", "5c6b52", "3f5666", "cdbd9f"), rng=rng)
        boarding = Material(white, surfaces.boards(rng=rng, base=paint), gloss=0.08)
    for wall in walls:
        upper, shift = accent if wall.index == special else common, rng.random(2)
        cuts = taken.get(wall.index, [])
        xs = sorted({0.0, wall.length, *(x for o in cuts for x in (o.x0, o.x1))})
        zs = sorted({0.0, wall.height, rail, *(z for o in cuts for z in (o.z0, o.z1))})
        for x0, x1 in zip(xs, xs[1:], strict=False):
            for z0, z1 in zip(zs, zs[1:], strict=False):
                if not any(o.x0 <= x0 < o.x1 and o.z0 <= z0 < o.z1 for o in cuts):
                    z = (z0 - SEAM * (z0 == 0), z1 + SEAM * (z1 == wall.height))
                    _panel(builder, wall, (x0, x1), z, boarding if boarding and z1 <= rail else upper, shift)
        if boarding:
            profile = [(-0.005, rail - 0.03), (0.012, rail - 0.03), (0.026, rail), (0.026, rail + 0.015), (-0.005, rail + 0.015)]
            gaps = [(o.x0 - 0.05, o.x1 + 0.05) for o in cuts if o.z0 == 0]
            add_moulding(builder, wall, profile, trim, gaps)


def _panel(
    builder: MeshBuilder, wall: RoomWall, x: tuple[float, float], z: tuple[float, float], material: Material, shift: Float[np.ndarray, "2"]
) -> None:
    """Add a rectangle of wall that faces the room."""
    corners = np.array([[x[0], 0, z[0]], [x[1], 0, z[0]], [x[1], 0, z[1]], [x[0], 0, z[1]]], float)
    texel = np.stack([corners[:, 0], -corners[:, 2]], axis=1) / surfaces.WALL_M + shift
    builder.add(wall.world(corners), QUAD, material, uv=texel[QUAD])
