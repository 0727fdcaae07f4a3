"""Pictures and shelves on free areas of the walls."""

import numpy as np

from ...meshes.builder import MeshBuilder
from ...scene import Material
from .. import textures
from .openings.opening import WallOpening
from .pictures import add_pictures, draw_frames
from .plan import Plan
from .shelves import add_shelf
from .wall import RoomWall


def add_hangings(
    builder: MeshBuilder, plan: Plan, walls: list[RoomWall], taken: dict[int, list[WallOpening]], *, rng: np.random.Generator
) -> None:
    """Add pictures and shelves to free areas of the walls, and shelves across an alcove."""
    frames = draw_frames(rng=rng)
    wood, books = textures.wood(rng=rng), textures.spines(rng=rng)
    made_of = Material((1.0, 1.0, 1.0), wood, gloss=0.1), Material((1.0, 1.0, 1.0), books, gloss=0.05)
    if plan.alcove >= 0 and rng.random() < 0.7:
        wall = walls[plan.alcove]
        deep = walls[plan.alcove - 1].length
        for z in np.arange(rng.uniform(0.4, 0.7), 2.0, rng.uniform(0.36, 0.46)):
            add_shelf(builder, wall, (-0.003, wall.length + 0.003), float(z), min(deep - 0.04, 0.3), made_of, brackets=False, rng=rng)
        taken[wall.index] = [WallOpening(0.0, wall.length, 0.0, wall.height)]
    for wall in walls:
        free = list(taken.get(wall.index, []))
        if wall.length > 1.4 and rng.random() < 0.3:
            width, z = rng.uniform(0.6, min(1.2, wall.length - 0.5)), rng.uniform(1.3, 1.6)
            x = rng.uniform(0.2, wall.length - width - 0.2)
            place = WallOpening(x, x + width, z - 0.12, z + 0.32)
            if not any(place.near(o, 0.3) for o in free):
                add_shelf(builder, wall, (x, x + width), z, rng.uniform(0.17, 0.24), made_of, brackets=True, rng=rng)
                free.append(place)
        add_pictures(builder, wall, free, frames, rng=rng)
