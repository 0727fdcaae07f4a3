"""The radiator under a window."""

import numpy as np

from ...meshes.builder import MeshBuilder
from ...scene import Material
from .base import PARTS
from .openings.opening import WallOpening
from .wall import RoomWall, wall_box


def add_radiator(builder: MeshBuilder, wall: RoomWall, o: WallOpening) -> None:
    """Add columns between two rails below a window."""
    builder.part = PARTS.index("radiator")
    white = Material((0.9, 0.9, 0.88), gloss=0.25)
    middle, half = (o.x0 + o.x1) / 2, min((o.x1 - o.x0) / 2, 0.6)
    columns = int(half * 2 / 0.065)
    for k in range(columns):
        x = middle - half + (k + 0.5) * 2 * half / columns
        for y in (-0.052, -0.098):
            low, high = wall.world(np.array([[x, y, 0.12], [x, y, o.z0 - 0.14]]))
            builder.cylinder(low, high, 0.02, white, sections=10)
    wall_box(builder, wall, (middle - half, middle + half), (-0.09, -0.06), (0.15, 0.19), white)
    wall_box(builder, wall, (middle - half, middle + half), (-0.09, -0.06), (o.z0 - 0.21, o.z0 - 0.17), white)
