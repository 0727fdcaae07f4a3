"""Procedural rooms: a rectangle, possibly with a cut corner, a chimney breast or an alcove, with all fixtures."""

import numpy as np

from ...meshes.builder import MeshBuilder
from ...scene import Room
from .base import PARTS
from .ceiling import add_ceiling
from .covering import add_walls
from .floor import add_floor, add_rug
from .hangings import add_hangings
from .lamp import add_lamp, draw_lamp_place
from .moulding import add_skirting, draw_trim
from .openings.daylight import sun
from .openings.door import add_door, before_door, draw_door
from .openings.opening import WallOpening
from .openings.windows import add_windows, draw_window
from .plan import draw_plan
from .wall import outer_wall, walls_around


def build(seed: int) -> Room:
    """The room that a seed generates."""
    rng = np.random.default_rng(np.random.SeedSequence([seed]))
    size = (rng.uniform(3.6, 5.6), rng.uniform(3.6, 5.6), float(rng.choice([rng.uniform(2.35, 2.7), rng.uniform(2.7, 3.3)])))
    order = [int(wall) for wall in rng.permutation(4)]
    plan = draw_plan(size, order, rng=rng)
    walls = walls_around(plan, size[2])
    outer = [outer_wall(walls, size, side) for side in order]
    openings: dict[int, list[WallOpening]] = {outer[0].index: [draw_window(outer[0], rng=rng)]}
    if rng.random() < 0.5:
        openings[outer[1].index] = [draw_window(outer[1], rng=rng)]
    door_wall = outer[2]
    door = draw_door(door_wall, rng=rng)

    builder = MeshBuilder()
    trim = draw_trim(rng=rng)
    lights = add_windows(builder, walls, openings, trim, rng=rng)
    taken = {index: list(found) for index, found in openings.items()}
    taken.setdefault(door_wall.index, []).append(door)
    add_walls(builder, walls, taken, trim, rng=rng)
    add_floor(builder, plan, rng=rng)
    add_rug(builder, plan, size, rng=rng)
    lamp = draw_lamp_place(plan, size, rng=rng)
    add_ceiling(builder, plan, walls, trim, lamp, rng=rng)
    add_door(builder, door_wall, door, trim, rng=rng)
    add_skirting(builder, walls, door_wall, door, trim)
    add_hangings(builder, plan, walls, taken, rng=rng)
    lights.append(add_lamp(builder, lamp, size[2], rng=rng))
    if rng.random() < 0.45:
        lights.append(sun(outer[0], rng=rng))
    clear = (*plan.solid, before_door(door_wall, door))
    inner = np.array([[0.0, 0.0, 0.0], size])
    return Room(room_id(seed), builder.build(stand=False), inner, PARTS, tuple(lights), clear)


def room_id(seed: int) -> str:
    """The id of the room that a seed generates."""
    return f"procedural/room/{seed:016x}"
