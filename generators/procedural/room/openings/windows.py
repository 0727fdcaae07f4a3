"""Windows: their positions, frames, curtains, blinds and radiators."""

import numpy as np

from ....meshes.builder import MeshBuilder
from ....scene import Light, Material
from ... import textures
from ...textures.colors import pick
from ..base import PARTS
from ..radiator import add_radiator
from ..wall import RoomWall, wall_box
from .curtains import add_blind, add_curtains
from .daylight import window_light
from .opening import WallOpening, add_reveal

WALL_THICKNESS = 0.22
"""Wall thickness in metres that is visible in the reveals of windows."""


def draw_window(wall: RoomWall, *, rng: np.random.Generator) -> WallOpening:
    """A random position and size of a window in a wall."""
    width = rng.uniform(1.0, min(2.0, wall.length - 1.0))
    x0 = rng.uniform(0.4, wall.length - width - 0.4)
    sill = rng.uniform(0.7, 1.0)
    return WallOpening(x0, x0 + width, sill, min(sill + rng.uniform(1.0, 1.5), wall.height - 0.34))


def add_windows(
    builder: MeshBuilder, walls: list[RoomWall], openings: dict[int, list[WallOpening]], trim: Material, *, rng: np.random.Generator
) -> list[Light]:
    """Add windows with frames, curtains, blinds and radiators. Returns the lights of the windows."""
    lights = []
    for index, found in openings.items():
        for o in found:
            _add_window(builder, walls[index], o, trim, rng=rng)
            lights.append(window_light(walls[index], o, rng=rng))
            hung = rng.random()
            if hung < 0.35:
                add_blind(builder, walls[index], o, rng=rng)
            elif hung < 0.8:
                add_curtains(builder, walls[index], o, rng=rng)
                continue
            if rng.random() < 0.5:
                add_radiator(builder, walls[index], o)
    return lights


def _add_window(builder: MeshBuilder, wall: RoomWall, o: WallOpening, frame: Material, *, rng: np.random.Generator) -> None:
    """Add reveal, sill, frame and mullions. There is no glass: rays pass to the sky."""
    builder.part = PARTS.index("window")
    depth = WALL_THICKNESS
    chalk = pick(("ece8e0", "e4dfd6"), rng=rng, spread=0.03)
    add_reveal(builder, wall, o, depth, Material((1.0, 1.0, 1.0), textures.plaster(rng=rng, size=128, base=chalk)))
    wall_box(builder, wall, (o.x0 - 0.06, o.x1 + 0.06), (-0.07, depth), (o.z0 - 0.03, o.z0 + 0.002), frame, bevel=0.004)
    w, y = 0.055, (0.10, 0.15)
    wall_box(builder, wall, (o.x0 - 0.002, o.x0 + w), y, (o.z0, o.z1), frame)
    wall_box(builder, wall, (o.x1 - w, o.x1 + 0.002), y, (o.z0, o.z1), frame)
    inner, inset = (o.x0 + w - 0.002, o.x1 - w + 0.002), (0.102, 0.148)
    wall_box(builder, wall, inner, inset, (o.z0, o.z0 + w), frame)
    wall_box(builder, wall, inner, inset, (o.z1 - w, o.z1 + 0.002), frame)
    panes = int(rng.integers(2, 4))
    for k in range(1, panes):
        x = o.x0 + (o.x1 - o.x0) * k / panes
        wall_box(builder, wall, (x - 0.02, x + 0.02), (0.11, 0.14), (o.z0 + 0.05, o.z1 - 0.05), frame)
    for share in ([], [0.68], [0.34, 0.67])[int(rng.integers(3))]:
        z = o.z0 + (o.z1 - o.z0) * share
        wall_box(builder, wall, (o.x0 + 0.05, o.x1 - 0.05), (0.112, 0.138), (z - 0.015, z + 0.015), frame)
