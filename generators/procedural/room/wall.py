"""Walls: the coordinate frame of each, and boxes that are attached to it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ...meshes.builder import MeshBuilder
from ...scene import Material
from .plan import Plan


@dataclass(frozen=True, eq=False)
class RoomWall:
    """A wall's own frame, in metres: x to the right along it and z up as seen from inside, y into the wall; `length` is its width.

    `inward` says for each end whether the next wall comes into the room there (a usual corner) or turns away from it.
    """

    index: int
    length: float
    height: float
    T_world_wall: Float[np.ndarray, "4 4"]
    inward: tuple[bool, bool]

    def world(self, points: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, "points 3"]:
        """World coordinates in metres of points in the frame of the wall."""
        moved: np.ndarray = np.asarray(points, float) @ self.T_world_wall[:3, :3].T + self.T_world_wall[:3, 3]
        return moved


def walls_around(plan: Plan, height: float) -> list[RoomWall]:
    """The walls between consecutive corners of the plan."""
    ahead = np.roll(plan.corners, -1, axis=0) - plan.corners
    length = np.abs(ahead).sum(axis=1)
    x = ahead / length[:, None]
    # The plan is clockwise, so that a right turn is a convex corner.
    before = np.roll(x, 1, axis=0)
    right = before[:, 0] * x[:, 1] - before[:, 1] * x[:, 0] < 0
    walls = []
    for index, start in enumerate(plan.corners):
        T = np.eye(4)
        T[:2, 0], T[:3, 2] = x[index], [0, 0, 1]
        T[:3, 1] = np.cross([0, 0, 1], T[:3, 0])
        T[:2, 3] = start
        walls.append(RoomWall(index, float(length[index]), height, T, (bool(right[index]), bool(right[(index + 1) % len(x)]))))
    return walls


def outer_wall(walls: list[RoomWall], size: tuple[float, float, float], side: int) -> RoomWall:
    """The longest wall on a side of the inner box: 0 is y = depth, 1 is x = width, 2 is y = 0, 3 is x = 0."""
    axis, place = (1, 0, 1, 0)[side], (size[1], size[0], 0.0, 0.0)[side]
    found = [wall for wall in walls if wall.T_world_wall[axis, 3] == place and abs(wall.T_world_wall[axis, 0]) < 0.5]
    return max(found, key=lambda wall: wall.length)


def wall_box(
    builder: MeshBuilder,
    wall: RoomWall,
    x: tuple[float, float],
    y: tuple[float, float],
    z: tuple[float, float],
    material: Material,
    repeat: float = 0.6,
    bevel: float = 0.0,
    along: bool = True,
) -> None:
    """Add a box in the frame of a wall; y is negative inside the room and positive in the wall."""
    centre = wall.world(np.array([[np.mean(x), np.mean(y), np.mean(z)]]))[0]
    builder.box(
        centre,
        (x[1] - x[0], y[1] - y[0], z[1] - z[0]),
        material,
        repeat_m=repeat,
        bevel=bevel,
        along=along,
        rotation=wall.T_world_wall[:3, :3],
    )
