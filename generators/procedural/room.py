"""Rooms: four walls with windows and a door, floor with a rug, ceiling with a lamp, pictures, skirting boards."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ..scene import Light, Material, Room
from . import room_surfaces, textures
from .mesh_builder import MeshBuilder

PARTS = ("wall", "floor", "ceiling", "window", "door", "skirting", "picture", "rug", "ceiling lamp", "radiator")
WALL_THICKNESS = 0.22
SKIRTING = 0.02


@dataclass(frozen=True, eq=False)
class Wall:
    """A wall's own frame: x to the right along it and z up as seen from inside; it stands `length` wide, y points into the wall."""

    index: int
    length: float
    height: float
    T_world_wall: Float[np.ndarray, "4 4"]

    def world(self, points: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, "points 3"]:
        """Points of the wall's frame in the world."""
        moved: np.ndarray = np.asarray(points, float) @ self.T_world_wall[:3, :3].T + self.T_world_wall[:3, 3]
        return moved


@dataclass(frozen=True)
class Opening:
    """A rectangle in a wall, in the wall's frame, in metres."""

    x0: float
    x1: float
    z0: float
    z1: float


def build(seed: int) -> Room:
    """The room of a seed."""
    rng = np.random.default_rng(np.random.SeedSequence([seed]))
    # Wear, blinds and the sun have a stream of their own, so that they can change and the room stays as it is.
    extra = np.random.default_rng(np.random.SeedSequence([seed, 1]))
    size = (rng.uniform(3.6, 5.6), rng.uniform(3.6, 5.6), rng.uniform(2.4, 2.9))
    walls = _walls(size)
    order = [int(wall) for wall in rng.permutation(4)]
    windows = {order[0]: [_window(walls[order[0]], rng=rng)]}
    if rng.random() < 0.5:
        windows[order[1]] = [_window(walls[order[1]], rng=rng)]
    door_wall = walls[order[2]]
    door_x = rng.uniform(0.3, door_wall.length - 1.2)
    door = Opening(door_x, door_x + 0.85, 0.0, 2.02)

    builder = MeshBuilder()
    lights: list[Light] = []
    _add_walls(builder, walls, windows, rng=rng, extra=extra)
    _add_floor(builder, size, rng=rng, extra=extra)
    builder.part = PARTS.index("ceiling")
    _add_ceiling(builder, size, rng=extra)
    frame = Material(tuple(np.array([0.9, 0.9, 0.87]) * rng.uniform(0.5, 1.0)), textures.wood(rng=rng), gloss=0.1)
    for number, openings in windows.items():
        for opening in openings:
            _add_window(builder, walls[number], opening, frame, rng=rng)
            _add_blind(builder, walls[number], opening, rng=extra)
            lights.append(_window_light(walls[number], opening, rng=rng))
    _add_door(builder, door_wall, door, rng=rng)
    _add_skirting(builder, walls, door_wall, door, frame)
    for wall in walls:
        taken = windows.get(wall.index, []) + ([door] if wall is door_wall else [])
        _add_pictures(builder, wall, taken, rng=rng)
    lights.append(_add_lamp(builder, size, rng=rng))
    if extra.random() < 0.5:
        lights.append(_sun(walls[order[0]], rng=extra))
    mesh = builder.build(stand=False)
    return Room(f"procedural/room/{seed:016x}", mesh, size, PARTS, tuple(lights), (_before_door(door_wall, door),))


def _walls(size: tuple[float, float, float]) -> list[Wall]:
    """The walls at y = depth, x = width, y = 0 and x = 0, each with its own frame."""
    width, depth, height = size
    right = [(1, 0), (0, -1), (-1, 0), (0, 1)]
    origin = [(0, depth), (width, depth), (width, 0), (0, 0)]
    walls = []
    for index in range(4):
        T = np.eye(4)
        x = np.array([*right[index], 0.0])
        T[:3, 0], T[:3, 2] = x, [0, 0, 1]
        T[:3, 1] = np.cross([0, 0, 1], x)
        T[:2, 3] = origin[index]
        walls.append(Wall(index, (width, depth)[index % 2], height, T))
    return walls


def _window(wall: Wall, *, rng: np.random.Generator) -> Opening:
    width = rng.uniform(1.0, min(2.0, wall.length - 1.0))
    x0 = rng.uniform(0.4, wall.length - width - 0.4)
    sill = rng.uniform(0.75, 1.0)
    return Opening(x0, x0 + width, sill, min(sill + rng.uniform(1.0, 1.4), wall.height - 0.2))


def _wall_material(*, rng: np.random.Generator, extra: np.random.Generator) -> tuple[Material, float]:
    """A wall's material, and the metres that one repeat of its texture covers."""
    kind = rng.choice(["plaster", "wallpaper", "wallpaper", "brick", "planks"], p=[0.35, 0.2, 0.2, 0.13, 0.12])
    made = {
        "plaster": textures.plaster,
        "wallpaper": textures.wallpaper,
        "brick": textures.brick,
        "planks": textures.planks,
    }[str(kind)]
    texture = room_surfaces.weathered(made(rng=rng), rng=extra)
    return Material((1.0, 1.0, 1.0), texture), 2 * rng.uniform(2.2, 3.4)


def _add_walls(
    builder: MeshBuilder,
    walls: list[Wall],
    windows: dict[int, list[Opening]],
    *,
    rng: np.random.Generator,
    extra: np.random.Generator,
) -> None:
    builder.part = PARTS.index("wall")
    common = _wall_material(rng=rng, extra=extra)
    for wall in walls:
        material, repeat = common if rng.random() < 0.6 else _wall_material(rng=rng, extra=extra)
        shift = rng.random(2)
        xs = sorted({0.0, wall.length, *(x for o in windows.get(wall.index, []) for x in (o.x0, o.x1))})
        zs = sorted({0.0, wall.height, *(z for o in windows.get(wall.index, []) for z in (o.z0, o.z1))})
        for x0, x1 in zip(xs, xs[1:], strict=False):
            for z0, z1 in zip(zs, zs[1:], strict=False):
                if not any(o.x0 <= x0 < o.x1 and o.z0 <= z0 < o.z1 for o in windows.get(wall.index, [])):
                    _panel(builder, wall, (x0, x1), (z0, z1), material, repeat, shift)


def _panel(
    builder: MeshBuilder,
    wall: Wall,
    x: tuple[float, float],
    z: tuple[float, float],
    material: Material,
    repeat: float,
    shift: Float[np.ndarray, "2"],
) -> None:
    """A rectangle of wall, facing the room."""
    corners = np.array([[x[0], 0, z[0]], [x[1], 0, z[0]], [x[1], 0, z[1]], [x[0], 0, z[1]]], float)
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    texel = np.stack([corners[:, 0], -corners[:, 2]], axis=1) / repeat + shift
    builder.add(wall.world(corners), faces, material, uv=texel[faces])


def _add_floor(builder: MeshBuilder, size: tuple[float, float, float], *, rng: np.random.Generator, extra: np.random.Generator) -> None:
    """The floor, with a rug let into it: one surface, so that nothing is coplanar with anything."""
    width, depth, _ = size
    rug_x, rug_y = rng.uniform(1.4, 2.4), rng.uniform(1.0, 1.8)
    x0, y0 = rng.uniform(0.5, width - rug_x - 0.5), rng.uniform(0.5, depth - rug_y - 0.5)
    rug = Material((1.0, 1.0, 1.0), textures.carpet(rng=rng))
    made = [textures.planks, textures.planks, textures.tiles][int(rng.integers(3))]
    floor = Material((1.0, 1.0, 1.0), room_surfaces.weathered(made(rng=rng), rng=extra), gloss=0.12)
    repeat = 2 * rng.uniform(1.8, 2.8)
    xs, ys = (0.0, x0, x0 + rug_x, width), (0.0, y0, y0 + rug_y, depth)
    for i in range(3):
        for j in range(3):
            corners = np.array([[xs[i], ys[j], 0], [xs[i + 1], ys[j], 0], [xs[i + 1], ys[j + 1], 0], [xs[i], ys[j + 1], 0]])
            faces = np.array([[0, 1, 2], [0, 2, 3]])
            is_rug = i == 1 and j == 1
            builder.part = PARTS.index("rug" if is_rug else "floor")
            texel = np.array([[0, 1], [1, 1], [1, 0], [0, 0]], float) if is_rug else corners[:, :2] / repeat
            builder.add(corners, faces, rug if is_rug else floor, uv=texel[faces])


def _add_ceiling(builder: MeshBuilder, size: tuple[float, float, float], *, rng: np.random.Generator) -> None:
    width, depth, height = size
    corners = np.array([[0, 0, height], [0, depth, height], [width, depth, height], [width, 0, height]])
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    material = Material((1.0, 1.0, 1.0), room_surfaces.ceiling(rng=rng))
    builder.add(corners, faces, material, uv=(corners[:, :2] / 4.0)[faces])


def _wall_box(
    builder: MeshBuilder,
    wall: Wall,
    x: tuple[float, float],
    y: tuple[float, float],
    z: tuple[float, float],
    material: Material,
    repeat: float = 0.6,
    bevel: float = 0.0,
) -> None:
    """A box in a wall's frame; y is negative inside the room and positive in the wall."""
    centre = wall.world(np.array([[np.mean(x), np.mean(y), np.mean(z)]]))[0]
    builder.box(
        centre,
        (x[1] - x[0], y[1] - y[0], z[1] - z[0]),
        material,
        repeat_m=repeat,
        bevel=bevel,
        rotation=wall.T_world_wall[:3, :3],
    )


def _add_window(builder: MeshBuilder, wall: Wall, o: Opening, frame: Material, *, rng: np.random.Generator) -> None:
    """Reveal, sill, frame and mullions; there is no glass: rays pass to the sky."""
    builder.part = PARTS.index("window")
    reveal = Material((0.88, 0.87, 0.84))
    depth, thin = WALL_THICKNESS, 0.05
    # The reveal is made of boxes outside the opening, so that the wall looks as thick as a wall.
    _wall_box(builder, wall, (o.x0 - thin, o.x0), (1e-3, depth), (o.z0 - thin, o.z1 + thin), reveal)
    _wall_box(builder, wall, (o.x1, o.x1 + thin), (1e-3, depth), (o.z0 - thin, o.z1 + thin), reveal)
    _wall_box(builder, wall, (o.x0 - thin, o.x1 + thin), (2e-3, depth), (o.z1, o.z1 + thin), reveal)
    _wall_box(builder, wall, (o.x0 - 0.06, o.x1 + 0.06), (-0.07, depth), (o.z0 - 0.03, o.z0 + 0.002), frame, bevel=0.004)
    w, y = 0.055, (0.10, 0.15)
    _wall_box(builder, wall, (o.x0 - 0.002, o.x0 + w), y, (o.z0, o.z1), frame)
    _wall_box(builder, wall, (o.x1 - w, o.x1 + 0.002), y, (o.z0, o.z1), frame)
    inner, inset = (o.x0 + w - 0.002, o.x1 - w + 0.002), (0.102, 0.148)
    _wall_box(builder, wall, inner, inset, (o.z0, o.z0 + w), frame)
    _wall_box(builder, wall, inner, inset, (o.z1 - w, o.z1 + 0.002), frame)
    panes = int(rng.integers(2, 4))
    for k in range(1, panes):
        x = o.x0 + (o.x1 - o.x0) * k / panes
        _wall_box(builder, wall, (x - 0.02, x + 0.02), (0.11, 0.14), (o.z0 + 0.05, o.z1 - 0.05), frame)
    if rng.random() < 0.6:
        z = o.z0 + (o.z1 - o.z0) * rng.uniform(0.6, 0.75)
        _wall_box(builder, wall, (o.x0 + 0.05, o.x1 - 0.05), (0.112, 0.138), (z - 0.018, z + 0.018), frame)
    if rng.random() < 0.5 and o.z0 > 0.7:
        _add_radiator(builder, wall, o)


def _add_blind(builder: MeshBuilder, wall: Wall, o: Opening, *, rng: np.random.Generator) -> None:
    """A roller blind, partly drawn, in the depth of the reveal: before the frame, behind the window's light, in nobody's way."""
    if rng.random() < 0.4:
        return
    bottom = o.z1 - (o.z1 - o.z0) * rng.uniform(0.15, 0.5)
    cloth, bar = Material((1.0, 1.0, 1.0), room_surfaces.blind(rng=rng)), Material((0.85, 0.85, 0.83), gloss=0.2)
    x = (o.x0 + 0.012, o.x1 - 0.012)
    _wall_box(builder, wall, x, (0.066, 0.070), (bottom, o.z1 - 0.02), cloth, repeat=0.9)
    _wall_box(builder, wall, (x[0] - 0.004, x[1] + 0.004), (0.060, 0.076), (bottom - 0.012, bottom + 0.008), bar, bevel=0.003)
    ends = wall.world(np.array([[x[0] - 0.004, 0.068, o.z1 - 0.024], [x[1] + 0.004, 0.068, o.z1 - 0.024]]))
    builder.cylinder(ends[0], ends[1], 0.02, bar, sections=16)


def _sun(wall: Wall, *, rng: np.random.Generator) -> Light:
    """A sun that shines in through the windows of a wall."""
    elevation, aside = np.radians(rng.uniform(22, 48)), np.radians(rng.uniform(-45, 45))
    local = np.array([np.sin(aside) * np.cos(elevation), np.cos(aside) * np.cos(elevation), np.sin(elevation)])
    towards: Float[np.ndarray, 3] = wall.T_world_wall[:3, :3] @ local
    u = np.cross([0.0, 0.0, 1.0], towards)
    u /= np.linalg.norm(u)
    return Light("sun", towards, u, np.cross(towards, u), rng.uniform(2.5, 4.5) * np.array([1.12, 1.0, 0.80]))


def _add_radiator(builder: MeshBuilder, wall: Wall, o: Opening) -> None:
    builder.part = PARTS.index("radiator")
    white = Material((0.9, 0.9, 0.88), gloss=0.25)
    middle, half = (o.x0 + o.x1) / 2, min((o.x1 - o.x0) / 2, 0.6)
    columns = int(half * 2 / 0.07)
    for k in range(columns):
        x = middle - half + (k + 0.5) * 2 * half / columns
        _wall_box(builder, wall, (x - 0.024, x + 0.024), (-0.115, -0.035), (0.12, o.z0 - 0.14), white, bevel=0.015)
    _wall_box(builder, wall, (middle - half, middle + half), (-0.09, -0.06), (0.15, 0.19), white)
    _wall_box(builder, wall, (middle - half, middle + half), (-0.09, -0.06), (o.z0 - 0.21, o.z0 - 0.17), white)


def _window_light(wall: Wall, o: Opening, *, rng: np.random.Generator) -> Light:
    """Daylight that comes in through the opening, from the plane of the wall."""
    centre = wall.world(np.array([[(o.x0 + o.x1) / 2, 0.02, (o.z0 + o.z1) / 2]]))[0]
    R = wall.T_world_wall[:3, :3]
    strength = rng.uniform(2.5, 5.0)
    tint = np.array([0.86, 0.94, 1.08]) if rng.random() < 0.6 else np.array([1.1, 0.98, 0.82])
    # x cross z of the wall's frame points into the room.
    return Light("area", centre, R[:, 0] * (o.x1 - o.x0) / 2, R[:, 2] * (o.z1 - o.z0) / 2, strength * tint)


def _add_door(builder: MeshBuilder, wall: Wall, o: Opening, *, rng: np.random.Generator) -> None:
    builder.part = PARTS.index("door")
    texture = textures.wood(rng=rng)
    tint = rng.uniform(0.7, 1.0)
    leaf, frame = Material((tint,) * 3, texture, gloss=0.1), Material((tint * 0.8,) * 3, texture, gloss=0.1)
    panel = Material((tint * 0.9,) * 3, texture, gloss=0.1)
    _wall_box(builder, wall, (o.x0, o.x1), (-0.03, 0.05), (0.005, o.z1), leaf)
    for x in ((o.x0 - 0.07, o.x0 - 0.001), (o.x1 + 0.001, o.x1 + 0.07)):
        _wall_box(builder, wall, x, (-0.045, 0.05), (-0.01, o.z1 + 0.07), frame, bevel=0.006)
    _wall_box(builder, wall, (o.x0 - 0.002, o.x1 + 0.002), (-0.044, 0.05), (o.z1 + 0.001, o.z1 + 0.068), frame, bevel=0.006)
    rows = int(rng.integers(2, 4))
    for k in range(rows):
        z0 = 0.15 + k * (o.z1 - 0.25) / rows
        for x in ((o.x0 + 0.09, (o.x0 + o.x1) / 2 - 0.04), ((o.x0 + o.x1) / 2 + 0.04, o.x1 - 0.09)):
            _wall_box(builder, wall, x, (-0.042, 0.0), (z0, z0 + (o.z1 - 0.25) / rows - 0.1), panel, bevel=0.01)
    metal = Material((0.75, 0.72, 0.62), gloss=0.6)
    axle = o.x1 - 0.07
    start, end, turn = wall.world(np.array([[axle, -0.02, 1.02], [axle, -0.085, 1.02], [axle - 0.11, -0.085, 1.02]]))
    builder.cylinder(start, end, 0.012, metal, sections=12)
    builder.cylinder(end, turn, 0.011, metal, sections=12)


def _add_skirting(builder: MeshBuilder, walls: list[Wall], door_wall: Wall, door: Opening, material: Material) -> None:
    builder.part = PARTS.index("skirting")
    for wall in walls:
        # Boards of the walls 1 and 3 end before those of 0 and 2, so that no two share a face.
        ends = (0.0, wall.length) if wall.index % 2 == 0 else (SKIRTING, wall.length - SKIRTING)
        gaps = [(door.x0 - 0.07, door.x1 + 0.07)] if wall is door_wall else []
        cuts = [ends[0], *(x for gap in gaps for x in gap), ends[1]]
        for x0, x1 in zip(cuts[::2], cuts[1::2], strict=True):
            if x1 - x0 > 0.02:
                _wall_box(builder, wall, (x0, x1), (-SKIRTING, 0.01), (-0.01, 0.09), material)


def _add_pictures(builder: MeshBuilder, wall: Wall, taken: list[Opening], *, rng: np.random.Generator) -> None:
    builder.part = PARTS.index("picture")
    hung: list[Opening] = []
    for _ in range(12):
        width, height = rng.uniform(0.35, 1.0), rng.uniform(0.3, 0.75)
        x0, z0 = rng.uniform(0.25, wall.length - width - 0.25), rng.uniform(1.15, 1.4)
        place = Opening(x0, x0 + width, z0, z0 + height)
        if any(
            place.x0 < o.x1 + 0.15 and o.x0 < place.x1 + 0.15 and place.z0 < o.z1 + 0.15 and o.z0 < place.z1 + 0.15 for o in taken + hung
        ):
            continue
        hung.append(place)
        frame = Material(tuple(textures.color(rng=rng, sat=(0.1, 0.6), val=(0.1, 0.8))), gloss=0.2)
        _wall_box(builder, wall, (place.x0, place.x1), (-0.022, 0.01), (place.z0, place.z1), frame, bevel=0.004)
        picture = Material((1.0, 1.0, 1.0), textures.painting(rng=rng))
        edge = 0.03
        x, z = (place.x0 + edge, place.x1 - edge), (place.z0 + edge, place.z1 - edge)
        corners = np.array([[x[0], -0.024, z[0]], [x[1], -0.024, z[0]], [x[1], -0.024, z[1]], [x[0], -0.024, z[1]]])
        faces = np.array([[0, 1, 2], [0, 2, 3]])
        builder.add(wall.world(corners), faces, picture, uv=np.array([[0, 1], [1, 1], [1, 0], [0, 0]], float)[faces])
        if len(hung) == 3 or rng.random() < 0.3:
            break


def _add_lamp(builder: MeshBuilder, size: tuple[float, float, float], *, rng: np.random.Generator) -> Light:
    """A flat round lamp under the ceiling, or a hanging shade; the light lies just below its opening."""
    builder.part = PARTS.index("ceiling lamp")
    width, depth, height = size
    x, y = width / 2 + rng.uniform(-0.4, 0.4), depth / 2 + rng.uniform(-0.4, 0.4)
    glow = Material((1.0, 0.95, 0.85), emission=3.0)
    if rng.random() < 0.5:
        radius, bottom = rng.uniform(0.18, 0.28), height - 0.08
        builder.lathe([(0, 0), (radius * 0.9, 0), (radius, 0.03), (radius, 0.1)], glow, centre=(x, y, bottom))
    else:
        radius, drop = rng.uniform(0.16, 0.24), rng.uniform(0.35, 0.5)
        bottom = height - drop
        shade = Material(tuple(textures.color(rng=rng, sat=(0.2, 0.7), val=(0.4, 0.9))), emission=0.25)
        builder.cylinder((x, y, bottom + 0.2), (x, y, height + 0.02), 0.006, Material((0.1, 0.1, 0.1)), sections=8)
        profile = [
            (radius - 0.004, 0.0),
            (radius, 0.0),
            (radius * 0.45, 0.2),
            (0.0, 0.205),
            (0.0, 0.2),
            (radius * 0.45 - 0.004, 0.196),
            (radius - 0.004, 0.0),
        ]
        # Shade and lining meet in a rim, so that nobody looks between them onto a back.
        builder.lathe(profile[:4], shade, centre=(x, y, bottom))
        builder.lathe(
            [(0.0, 0.19), (radius * 0.45 - 0.004, 0.19), (radius - 0.004, 0.0)],
            Material((1.0, 0.97, 0.9), emission=1.0),
            centre=(x, y, bottom),
        )
        builder.lathe([(0, 0.05), (0.03, 0.06), (0.04, 0.1), (0.025, 0.14), (0, 0.16)], glow, centre=(x, y, bottom))
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


def _before_door(wall: Wall, o: Opening) -> tuple[float, float, float, float]:
    """The floor that the door needs to open."""
    corners = wall.world(np.array([[o.x0 - 0.05, 0, 0], [o.x1 + 0.05, -0.9, 0]]))
    (x0, x1), (y0, y1) = np.sort(corners[:, 0]), np.sort(corners[:, 1])
    return float(x0), float(y0), float(x1), float(y1)
