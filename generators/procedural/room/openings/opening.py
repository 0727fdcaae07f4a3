"""Rectangles of a wall that are occupied by a window, a door or something on the wall, and the reveals of openings."""

from dataclasses import dataclass

import numpy as np

from ....meshes.builder import MeshBuilder
from ....scene import Material
from ..base import QUAD, SEAM
from ..wall import RoomWall


@dataclass(frozen=True)
class WallOpening:
    """A rectangle of a wall, in the frame of the wall, in metres."""

    x0: float
    x1: float
    z0: float
    z1: float

    def near(self, other: "WallOpening", gap: float) -> bool:
        """Whether two rectangles are closer than `gap` metres."""
        return self.x0 < other.x1 + gap and other.x0 < self.x1 + gap and self.z0 < other.z1 + gap and other.z0 < self.z1 + gap


def add_reveal(builder: MeshBuilder, wall: RoomWall, o: WallOpening, depth: float, material: Material) -> None:
    """Add the sides and the top of an opening, `depth` metres deep; they share edges with the panels of the wall."""
    low = o.z0 - SEAM
    left = [[o.x0, 0, low], [o.x0, depth, low], [o.x0, depth, o.z1], [o.x0, 0, o.z1]]
    right = [[o.x1, 0, o.z1], [o.x1, depth, o.z1], [o.x1, depth, low], [o.x1, 0, low]]
    top = [[o.x0, 0, o.z1], [o.x0, depth, o.z1], [o.x1, depth, o.z1], [o.x1, 0, o.z1]]
    for corners in (left, right, top):
        builder.add(wall.world(np.array(corners, float)), QUAD, material, repeat_m=1.5)
