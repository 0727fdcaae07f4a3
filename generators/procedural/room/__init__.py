"""Rooms: walls around a rectangle, with a corner cut off, a chimney breast or an alcove, and all that is fixed to them."""

import numpy as np

from ...scene import Light, Material, Room
from .. import textures
from ..mesh_builder import MeshBuilder
from ..textures.colors import pick
from .base import PARTS, QUAD, SEAM
from .ceiling import add_ceiling
from .covering import add_walls
from .daylight import sun
from .floor import add_floor, add_rug
from .moulding import add_skirting, draw_trim
from .opening import Opening, add_reveal
from .plan import Plan, draw_plan
from .wall import Wall, outer_wall, wall_box, walls_around
from .windows import add_windows, draw_window


def build(seed: int) -> Room:
    """The room of a seed."""
    rng = np.random.default_rng(np.random.SeedSequence([seed]))
    size = (rng.uniform(3.6, 5.6), rng.uniform(3.6, 5.6), float(rng.choice([rng.uniform(2.35, 2.7), rng.uniform(2.7, 3.3)])))
    order = [int(wall) for wall in rng.permutation(4)]
    plan = draw_plan(size, order, rng=rng)
    walls = walls_around(plan, size[2])
    outer = [outer_wall(walls, size, side) for side in order]
    openings: dict[int, list[Opening]] = {outer[0].index: [draw_window(outer[0], rng=rng)]}
    if rng.random() < 0.5:
        openings[outer[1].index] = [draw_window(outer[1], rng=rng)]
    door_wall = outer[2]
    door_x = rng.uniform(0.3, door_wall.length - 1.2)
    door = Opening(door_x, door_x + 0.85, 0.0, 2.02)

    builder = MeshBuilder()
    trim = draw_trim(rng=rng)
    lights = add_windows(builder, walls, openings, trim, rng=rng)
    taken = {index: list(found) for index, found in openings.items()}
    taken.setdefault(door_wall.index, []).append(door)
    add_walls(builder, walls, taken, trim, rng=rng)
    add_floor(builder, plan, rng=rng)
    add_rug(builder, plan, size, rng=rng)
    lamp = _lamp_place(plan, size, rng=rng)
    add_ceiling(builder, plan, walls, trim, lamp, rng=rng)
    _add_door(builder, door_wall, door, trim, rng=rng)
    add_skirting(builder, walls, door_wall, door, trim)
    _add_on_walls(builder, plan, walls, taken, rng=rng)
    lights.append(_add_lamp(builder, lamp, size[2], rng=rng))
    if rng.random() < 0.45:
        lights.append(sun(outer[0], rng=rng))
    clear = (*plan.solid, _before_door(door_wall, door))
    inner = np.array([[0.0, 0.0, 0.0], size])
    return Room(room_id(seed), builder.build(stand=False), inner, PARTS, tuple(lights), clear)


def room_id(seed: int) -> str:
    """The id of a seed's room."""
    return f"procedural/room/{seed:016x}"


def _add_door(builder: MeshBuilder, wall: Wall, o: Opening, trim: Material, *, rng: np.random.Generator) -> None:
    """A door set back in its wall, or a doorway to a passage; a casing around it, a switch beside it."""
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


def _add_leaf(builder: MeshBuilder, wall: Wall, o: Opening, trim: Material, *, rng: np.random.Generator) -> None:
    """A panelled door of wood or in the colour of the trim, its handle, and the threshold under it."""
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


def _add_passage(builder: MeshBuilder, wall: Wall, o: Opening, *, rng: np.random.Generator) -> None:
    """The end of a passage behind a doorway: floor, ceiling and three walls."""
    near, far, high = 0.14, 0.14 + rng.uniform(0.9, 1.3), 2.3
    x0, x1 = max(o.x0 - rng.uniform(0.05, 0.6), 0.02), min(o.x1 + rng.uniform(0.05, 0.6), wall.length - 0.02)
    paint = Material((1.0, 1.0, 1.0), textures.plaster(rng=rng, size=256))
    floor = Material((1.0, 1.0, 1.0), textures.wood(rng=rng), gloss=0.1)
    builder.part = PARTS.index("wall")
    a, b, c, d = (x0, near), (x0, far), (x1, far), (x1, near)
    for (ax, ay), (bx, by) in ((a, b), (b, c), (c, d)):
        corners = np.array([[ax, ay, -SEAM], [bx, by, -SEAM], [bx, by, high + SEAM], [ax, ay, high + SEAM]])
        builder.add(wall.world(corners), QUAD, paint, repeat_m=1.5)
    # The wall above and beside the doorway, as the passage sees it, keeps daylight out.
    builder.part = PARTS.index("ceiling")
    lid = np.array([[x0, near, high], [x0, far, high], [x1, far, high], [x1, near, high]])
    builder.add(wall.world(lid), QUAD, Material((0.93, 0.92, 0.90)))
    builder.part = PARTS.index("floor")
    for (left, right), (front, back) in (((o.x0, o.x1), (0.0, near)), ((x0, x1), (near, far))):
        corners = np.array([[left, front, 0], [right, front, 0], [right, back, 0], [left, back, 0]])
        builder.add(wall.world(corners), QUAD, floor, uv=(corners[:, :2] / 0.9)[QUAD])


def _add_on_walls(
    builder: MeshBuilder, plan: Plan, walls: list[Wall], taken: dict[int, list[Opening]], *, rng: np.random.Generator
) -> None:
    """Pictures and shelves in the free places of the walls, and shelves across an alcove."""
    frames = _frames(rng=rng)
    wood, books = textures.wood(rng=rng), textures.spines(rng=rng)
    made_of = Material((1.0, 1.0, 1.0), wood, gloss=0.1), Material((1.0, 1.0, 1.0), books, gloss=0.05)
    if plan.alcove >= 0 and rng.random() < 0.7:
        wall = walls[plan.alcove]
        deep = walls[plan.alcove - 1].length
        for z in np.arange(rng.uniform(0.4, 0.7), 2.0, rng.uniform(0.36, 0.46)):
            _add_shelf(builder, wall, (-0.003, wall.length + 0.003), float(z), min(deep - 0.04, 0.3), made_of, brackets=False, rng=rng)
        taken[wall.index] = [Opening(0.0, wall.length, 0.0, wall.height)]
    for wall in walls:
        free = list(taken.get(wall.index, []))
        if wall.length > 1.4 and rng.random() < 0.3:
            width, z = rng.uniform(0.6, min(1.2, wall.length - 0.5)), rng.uniform(1.3, 1.6)
            x = rng.uniform(0.2, wall.length - width - 0.2)
            place = Opening(x, x + width, z - 0.12, z + 0.32)
            if not any(place.near(o, 0.3) for o in free):
                _add_shelf(builder, wall, (x, x + width), z, rng.uniform(0.17, 0.24), made_of, brackets=True, rng=rng)
                free.append(place)
        _add_pictures(builder, wall, free, frames, rng=rng)


def _add_shelf(
    builder: MeshBuilder,
    wall: Wall,
    x: tuple[float, float],
    z: float,
    depth: float,
    made_of: tuple[Material, Material],
    *,
    brackets: bool,
    rng: np.random.Generator,
) -> None:
    """A board at height z with books, and now and then a vase; `made_of` are wood and the cloth of books."""
    builder.part = PARTS.index("shelf")
    wood, spines = made_of
    wall_box(builder, wall, x, (-depth, 0.005), (z - 0.026, z), wood, repeat=1.0)
    if brackets:
        for at in (x[0] + 0.08, x[1] - 0.08):
            wall_box(builder, wall, (at - 0.01, at + 0.01), (-depth * 0.8, 0.005), (z - 0.045, z - 0.02), wood)
            wall_box(builder, wall, (at - 0.009, at + 0.009), (-0.02, 0.004), (z - 0.14, z - 0.03), wood)
    at, end = x[0] + rng.uniform(0.03, 0.2), x[1] - rng.uniform(0.03, 0.4) * (x[1] - x[0])
    while at < end - 0.05:
        thick, high, deep = rng.uniform(0.018, 0.045), rng.uniform(0.16, 0.26), rng.uniform(0.11, depth - 0.05)
        centre = wall.world(np.array([[at + thick / 2, -deep / 2 - 0.01, z + high / 2 - 0.001]]))[0]
        builder.box(
            centre,
            (thick - 0.0015, deep, high),
            spines,
            repeat_m=16 * thick,
            shift=((rng.integers(16) + 0.5) / 16, 0.5),
            rotation=wall.T_world_wall[:3, :3],
            along=False,
        )
        at += thick + (rng.uniform(0.05, 0.2) if rng.random() < 0.08 else 0)
    if end + 0.16 < x[1]:
        r, h = rng.uniform(0.035, 0.05), rng.uniform(0.1, 0.2)
        foot = wall.world(np.array([[end + 0.08, -depth / 2, z - 0.001]]))[0]
        vase = [(0, 0), (r * 0.7, 0), (r, h * 0.4), (r * 0.5, h * 0.85), (r * 0.6, h), (r * 0.45, h), (0, h * 0.8)]
        builder.lathe(vase, Material((1.0, 1.0, 1.0), textures.glaze(rng=rng), gloss=0.5), centre=foot, sections=24)


def _frames(*, rng: np.random.Generator) -> tuple[Material, Material]:
    """What pictures of one room are framed in: wood, and a painted or gilded frame."""
    lacquer = textures.paintwork(pick(("23262a", "f0eee9", "8d7b4f", "4b4540"), rng=rng), rng=rng)
    return Material((1.0, 1.0, 1.0), textures.wood(rng=rng), gloss=0.15), Material((1.0, 1.0, 1.0), lacquer, gloss=0.15)


def _add_pictures(
    builder: MeshBuilder, wall: Wall, taken: list[Opening], frames: tuple[Material, Material], *, rng: np.random.Generator
) -> None:
    """Up to three pictures where nothing else is."""
    builder.part = PARTS.index("picture")
    hung: list[Opening] = []
    for _ in range(8):
        width, height = rng.uniform(0.3, 0.9), rng.uniform(0.3, 0.75)
        if wall.length < width + 0.5:
            continue
        x0, middle = rng.uniform(0.25, wall.length - width - 0.25), rng.uniform(1.5, 1.65)
        place = Opening(x0, x0 + width, middle - height / 2, middle + height / 2)
        if any(place.near(o, 0.15) for o in taken + hung):
            continue
        hung.append(place)
        _add_picture(builder, wall, place, frames[int(rng.integers(2))], rng=rng)
        if len(hung) == 3 or rng.random() < 0.45:
            break


def _add_picture(builder: MeshBuilder, wall: Wall, o: Opening, frame: Material, *, rng: np.random.Generator) -> None:
    """A picture in a frame of four bars."""
    bar, y = rng.uniform(0.015, 0.04), (-0.024, 0.005)
    for x in ((o.x0, o.x0 + bar), (o.x1 - bar, o.x1)):
        wall_box(builder, wall, x, y, (o.z0, o.z1), frame)
    for z in ((o.z0 + 0.0005, o.z0 + bar), (o.z1 - bar, o.z1 - 0.0005)):
        wall_box(builder, wall, (o.x0 + bar - 0.002, o.x1 - bar + 0.002), (-0.0235, 0.005), z, frame)
    picture = Material((1.0, 1.0, 1.0), textures.painting(rng=rng), gloss=0.05)
    centre = wall.world(np.array([[(o.x0 + o.x1) / 2, -0.012, (o.z0 + o.z1) / 2]]))[0]
    half = ((o.x1 - o.x0) / 2 - bar + 0.003, (o.z1 - o.z0) / 2 - bar + 0.003)
    builder.screen(half, centre, picture, wall.T_world_wall[:3, :3], skirt=0.005)


def _lamp_place(plan: Plan, size: tuple[float, float, float], *, rng: np.random.Generator) -> tuple[float, float]:
    """Near the middle of the room, away from walls."""
    x, y = size[0] / 2, size[1] / 2
    for _ in range(10):
        px, py = x + rng.uniform(-0.5, 0.5), y + rng.uniform(-0.5, 0.5)
        if plan.inside(px, py, 0.8):
            return px, py
    return x, y


def _add_lamp(builder: MeshBuilder, place: tuple[float, float], height: float, *, rng: np.random.Generator) -> Light:
    """A flat round lamp under the ceiling, a hanging shade or a paper globe; the light lies just below it."""
    builder.part = PARTS.index("ceiling lamp")
    x, y = place
    glow, kind = Material((1.0, 0.95, 0.85), emission=3.0), int(rng.integers(3))
    if kind == 0:
        radius, bottom = rng.uniform(0.18, 0.28), height - 0.2
        builder.lathe([(0, 0), (radius * 0.9, 0), (radius, 0.03), (radius, 0.22)], glow, centre=(x, y, bottom))
    else:
        bottom = height - rng.uniform(0.4, 0.6)
        top = _add_shade(builder, (x, y, bottom), glow, rng=rng) if kind == 1 else _add_globe(builder, (x, y, bottom), rng=rng)
        radius = 0.18
        builder.cylinder((x, y, bottom + top), (x, y, height + SEAM), 0.006, Material((0.1, 0.1, 0.1)), sections=8)
    warm = np.array([1.12, 0.98, 0.78]) if rng.random() < 0.7 else np.array([0.98, 1.0, 1.04])
    half = radius * 0.8
    # x cross -y points down.
    return Light(
        "area",
        np.array([x, y, bottom - 0.01]),
        np.array([half, 0, 0]),
        np.array([0, -half, 0]),
        rng.uniform(18, 34) * warm,
    )


def _add_shade(builder: MeshBuilder, centre: tuple[float, float, float], glow: Material, *, rng: np.random.Generator) -> float:
    """A cone with a lining and a bulb. Returns the height of its top."""
    radius = rng.uniform(0.16, 0.24)
    shade = Material((1.0, 1.0, 1.0), textures.metal(rng=rng), emission=0.25, gloss=0.2)
    # Shade and lining meet in a rim, so that nobody looks between them onto a back.
    builder.lathe([(radius - 0.004, 0.0), (radius, 0.0), (radius * 0.45, 0.2), (0.0, 0.205)], shade, centre=centre)
    lining = Material((1.0, 0.97, 0.9), emission=1.0)
    builder.lathe([(0.0, 0.19), (radius * 0.45 - 0.004, 0.19), (radius - 0.004, 0.0)], lining, centre=centre)
    builder.lathe([(0, 0.05), (0.03, 0.06), (0.04, 0.1), (0.025, 0.14), (0, 0.16)], glow, centre=centre)
    return 0.2


def _add_globe(builder: MeshBuilder, centre: tuple[float, float, float], *, rng: np.random.Generator) -> float:
    """A lantern of ribbed paper. Returns the height of its top."""
    radius = rng.uniform(0.16, 0.23)
    paper = Material((1.0, 0.95, 0.86), textures.paintwork(pick(("f0eee9",), rng=rng), rng=rng), emission=1.3)
    angle = np.linspace(0, np.pi, 25)
    ribs = radius * (1 - 0.012 * (np.arange(25) % 2))
    profile = [(float(r * np.sin(a)), float(radius - radius * np.cos(a))) for r, a in zip(ribs, angle, strict=True)]
    builder.lathe([(0.0, 0.0), *profile[1:-1], (0.0, 2 * radius)], paper, centre=centre)
    return 2 * radius - 0.005


def _before_door(wall: Wall, o: Opening) -> tuple[float, float, float, float]:
    """The floor that the door needs to open."""
    corners = wall.world(np.array([[o.x0 - 0.05, 0, 0], [o.x1 + 0.05, -0.9, 0]]))
    (x0, x1), (y0, y1) = np.sort(corners[:, 0]), np.sort(corners[:, 1])
    return float(x0), float(y0), float(x1), float(y1)
