"""Framed pictures."""

import numpy as np

from ...meshes.builder import MeshBuilder
from ...scene import Material
from .. import textures
from ..textures.colors import pick
from .base import PARTS
from .openings.opening import WallOpening
from .wall import RoomWall, wall_box


def draw_frames(*, rng: np.random.Generator) -> tuple[Material, Material]:
    """Random materials of the picture frames of a room: wood, and paint or gold."""
    lacquer = textures.paintwork(pick(("23262a", "f0eee9", "8d7b4f", "4b4540"), rng=rng), rng=rng)
    return Material((1.0, 1.0, 1.0), textures.wood(rng=rng), gloss=0.15), Material((1.0, 1.0, 1.0), lacquer, gloss=0.15)


def add_pictures(
    builder: MeshBuilder, wall: RoomWall, taken: list[WallOpening], frames: tuple[Material, Material], *, rng: np.random.Generator
) -> None:
    """Add up to three pictures to free areas of a wall."""
    builder.part = PARTS.index("picture")
    hung: list[WallOpening] = []
    for _ in range(8):
        width, height = rng.uniform(0.3, 0.9), rng.uniform(0.3, 0.75)
        if wall.length < width + 0.5:
            continue
        x0, middle = rng.uniform(0.25, wall.length - width - 0.25), rng.uniform(1.5, 1.65)
        place = WallOpening(x0, x0 + width, middle - height / 2, middle + height / 2)
        if any(place.near(o, 0.15) for o in taken + hung):
            continue
        hung.append(place)
        _add_picture(builder, wall, place, frames[int(rng.integers(2))], rng=rng)
        if len(hung) == 3 or rng.random() < 0.45:
            break


def _add_picture(builder: MeshBuilder, wall: RoomWall, o: WallOpening, frame: Material, *, rng: np.random.Generator) -> None:
    """Add a picture in a frame of four bars."""
    bar, y = rng.uniform(0.015, 0.04), (-0.024, 0.005)
    for x in ((o.x0, o.x0 + bar), (o.x1 - bar, o.x1)):
        wall_box(builder, wall, x, y, (o.z0, o.z1), frame)
    for z in ((o.z0 + 0.0005, o.z0 + bar), (o.z1 - bar, o.z1 - 0.0005)):
        wall_box(builder, wall, (o.x0 + bar - 0.002, o.x1 - bar + 0.002), (-0.0235, 0.005), z, frame)
    picture = Material((1.0, 1.0, 1.0), textures.painting(rng=rng), gloss=0.05)
    centre = wall.world(np.array([[(o.x0 + o.x1) / 2, -0.012, (o.z0 + o.z1) / 2]]))[0]
    half = ((o.x1 - o.x0) / 2 - bar + 0.003, (o.z1 - o.z0) / 2 - bar + 0.003)
    builder.screen(half, centre, picture, wall.T_world_wall[:3, :3], skirt=0.005)
