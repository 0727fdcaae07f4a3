"""The door, or a doorway to a passage."""

import numpy as np

from ....meshes.builder import MeshBuilder
from ....scene import Material
from ... import textures
from ..base import PARTS, QUAD, SEAM
from ..plan import Rectangle
from ..wall import RoomWall, wall_box
from .opening import WallOpening, add_reveal


def draw_door(wall: RoomWall, *, rng: np.random.Generator) -> WallOpening:
    """A random position of the door in its wall."""
    x0 = rng.uniform(0.3, wall.length - 1.2)
    return WallOpening(x0, x0 + 0.85, 0.0, 2.02)


def before_door(wall: RoomWall, o: WallOpening) -> Rectangle:
    """The rectangle of the floor, in metres, that an opening door needs."""
    corners = wall.world(np.array([[o.x0 - 0.05, 0, 0], [o.x1 + 0.05, -0.9, 0]]))
    (x0, x1), (y0, y1) = np.sort(corners[:, 0]), np.sort(corners[:, 1])
    return float(x0), float(y0), float(x1), float(y1)


def add_door(builder: MeshBuilder, wall: RoomWall, o: WallOpening, trim: Material, *, rng: np.random.Generator) -> None:
    """Add a door, or a doorway to a passage, with a casing around it and a light switch beside it."""
    builder.part = PARTS.index("door")
    shut = rng.random() < 0.72
    add_reveal(builder, wall, o, 0.14, trim)
    for x in ((o.x0 - 0.078, o.x0 - 0.004), (o.x1 + 0.004, o.x1 + 0.078)):
        wall_box(builder, wall, x, (-0.022, 0.01), (-0.01, o.z1 + 0.078), trim, bevel=0.004)
    wall_box(builder, wall, (o.x0 - 0.006, o.x1 + 0.006), (-0.021, 0.01), (o.z1 + 0.004, o.z1 + 0.077), trim, bevel=0.004)
    if shut:
        _add_leaf(builder, wall, o, trim, rng=rng)
    else:
        _add_passage(builder, wall, o, rng=rng)
    builder.part = PARTS.index("wall")
    side = o.x1 + 0.16 if o.x1 + 0.3 < wall.length else o.x0 - 0.24
    plastic = Material((0.92, 0.91, 0.88), gloss=0.2)
    wall_box(builder, wall, (side, side + 0.08), (-0.009, 0.005), (1.06, 1.14), plastic, bevel=0.003)
    wall_box(builder, wall, (side + 0.018, side + 0.062), (-0.014, 0.0), (1.078, 1.122), plastic, bevel=0.003)


def _add_leaf(builder: MeshBuilder, wall: RoomWall, o: WallOpening, trim: Material, *, rng: np.random.Generator) -> None:
    """Add a panelled door of wood or in the colour of the trim, its handle, and the threshold."""
    wooden = Material((1.0, 1.0, 1.0), textures.wood(rng=rng), gloss=0.12)
    leaf = wooden if rng.random() < 0.5 else trim
    y = 0.06
    wall_box(builder, wall, (o.x0 - 0.01, o.x1 + 0.01), (y, y + 0.04), (-0.01, o.z1 + 0.01), leaf)
    wall_box(builder, wall, (o.x0 - 0.01, o.x1 + 0.01), (-0.012, 0.09), (-0.02, 0.006), wooden)
    rows, columns = int(rng.integers(1, 4)), int(rng.integers(1, 3))
    z = np.linspace(0.14, o.z1 - 0.05, rows + 1)
    x = np.linspace(o.x0 + 0.05, o.x1 - 0.05, columns + 1)
    for z0, z1 in zip(z, z[1:], strict=False):
        for x0, x1 in zip(x, x[1:], strict=False):
            wall_box(builder, wall, (x0 + 0.05, x1 - 0.05), (y - 0.012, y + 0.01), (z0, z1 - 0.09), leaf, bevel=0.009)
    metal = Material((1.0, 1.0, 1.0), textures.metal(rng=rng), gloss=0.6)
    axle = o.x1 - 0.06
    wall_box(builder, wall, (axle - 0.022, axle + 0.022), (y - 0.018, y + 0.001), (0.93, 1.09), metal, bevel=0.004)
    start, end, turn = wall.world(np.array([[axle, y - 0.01, 1.04], [axle, y - 0.07, 1.04], [axle - 0.12, y - 0.07, 1.04]]))
    builder.cylinder(start, end, 0.011, metal, sections=12)
    builder.cylinder(end, turn, 0.010, metal, sections=12)


def _add_passage(builder: MeshBuilder, wall: RoomWall, o: WallOpening, *, rng: np.random.Generator) -> None:
    """Add the end of a passage behind a doorway: floor, ceiling and three walls."""
    near, far, high = 0.14, 0.14 + rng.uniform(0.9, 1.3), 2.3
    x0, x1 = max(o.x0 - rng.uniform(0.05, 0.6), 0.02), min(o.x1 + rng.uniform(0.05, 0.6), wall.length - 0.02)
    paint = Material((1.0, 1.0, 1.0), textures.plaster(rng=rng, size=256))
    floor = Material((1.0, 1.0, 1.0), textures.wood(rng=rng), gloss=0.1)
    builder.part = PARTS.index("wall")
    a, b, c, d = (x0, near), (x0, far), (x1, far), (x1, near)
    for (ax, ay), (bx, by) in ((a, b), (b, c), (c, d)):
        corners = np.array([[ax, ay, -SEAM], [bx, by, -SEAM], [bx, by, high + SEAM], [ax, ay, high + SEAM]])
        builder.add(wall.world(corners), QUAD, paint, repeat_m=1.5)
    # The back of the wall above and beside the doorway keeps daylight out.
    builder.part = PARTS.index("ceiling")
    lid = np.array([[x0, near, high], [x0, far, high], [x1, far, high], [x1, near, high]])
    builder.add(wall.world(lid), QUAD, Material((0.93, 0.92, 0.90)))
    builder.part = PARTS.index("floor")
    for (left, right), (front, back) in (((o.x0, o.x1), (0.0, near)), ((x0, x1), (near, far))):
        corners = np.array([[left, front, 0], [right, front, 0], [right, back, 0], [left, back, 0]])
        builder.add(wall.world(corners), QUAD, floor, uv=(corners[:, :2] / 0.9)[QUAD])
