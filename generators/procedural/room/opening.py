"""Rectangles of a wall: where a window, a door or something on the wall is, and how a hole is lined."""

from dataclasses import dataclass

import numpy as np

from ...meshes.builder import MeshBuilder
from ...scene import Material
from .base import QUAD, SEAM
from .wall import RoomWall


@dataclass(frozen=True)
class WallOpening:
    """A rectangle in a wall, in the wall's frame, in metres."""

    x0: float
    x1: float
    z0: float
    z1: float

    def near(self, other: "WallOpening", gap: float) -> bool:
        """Whether two rectangles come closer than `gap` metres."""
        return self.x0 < other.x1 + gap and other.x0 < self.x1 + gap and self.z0 < other.z1 + gap and other.z0 < self.z1 + gap


def add_reveal(builder: MeshBuilder, wall: RoomWall, o: WallOpening, depth: float, material: Material) -> None:
    """The sides and the top of an opening, `depth` metres into the wall; they share their edges with the wall's panels."""
    low = o.z0 - SEAM
    left = [[o.x0, 0, low], [o.x0, depth, low], [o.x0, depth, o.z1], [o.x0, 0, o.z1]]
    right = [[o.x1, 0, o.z1], [o.x1, depth, o.z1], [o.x1, depth, low], [o.x1, 0, low]]
    top = [[o.x0, 0, o.z1], [o.x0, depth, o.z1], [o.x1, depth, o.z1], [o.x1, 0, o.z1]]
    for corners in (left, right, top):
        builder.add(wall.world(np.array(corners, float)), QUAD, material, repeat_m=1.5)
