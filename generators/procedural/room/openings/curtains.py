"""Curtains and blinds."""

import numpy as np

from ....meshes.builder import MeshBuilder
from ....scene import Material
from ... import surfaces, textures
from ..base import PARTS
from ..wall import RoomWall, wall_box
from .opening import WallOpening


def add_blind(builder: MeshBuilder, wall: RoomWall, o: WallOpening, *, rng: np.random.Generator) -> None:
    """Add a partly drawn roller blind in the reveal: between the window frame and the area light of the window."""
    builder.part = PARTS.index("curtain")
    bottom = o.z1 - (o.z1 - o.z0) * rng.uniform(0.15, 0.5)
    cloth, bar = Material((1.0, 1.0, 1.0), surfaces.blind(rng=rng)), Material((0.85, 0.85, 0.83), gloss=0.2)
    x = (o.x0 + 0.012, o.x1 - 0.012)
    wall_box(builder, wall, x, (0.066, 0.070), (bottom, o.z1 - 0.02), cloth, repeat=0.9, along=False)
    wall_box(builder, wall, (x[0] - 0.004, x[1] + 0.004), (0.060, 0.076), (bottom - 0.012, bottom + 0.008), bar, bevel=0.003)
    ends = wall.world(np.array([[x[0] - 0.004, 0.068, o.z1 - 0.024], [x[1] + 0.004, 0.068, o.z1 - 0.024]]))
    builder.cylinder(ends[0], ends[1], 0.02, bar, sections=16)


def add_curtains(builder: MeshBuilder, wall: RoomWall, o: WallOpening, *, rng: np.random.Generator) -> None:
    """Add a pair of open curtains on a rod, to the floor or just below the sill."""
    builder.part = PARTS.index("curtain")
    y, rod = -0.10, min(o.z1 + rng.uniform(0.08, 0.16), wall.height - 0.2)
    low = 0.02 if rng.random() < 0.7 else o.z0 - 0.15
    left, right = max(o.x0 - 0.22, 0.05), min(o.x1 + 0.22, wall.length - 0.05)
    cloth = Material((1.0, 1.0, 1.0), textures.fabric(rng=rng))
    metal = Material((1.0, 1.0, 1.0), textures.metal(rng=rng), gloss=0.4)
    share = rng.uniform(0.16, 0.3) * (right - left)
    for x0, x1 in ((left + 0.02, left + share * rng.uniform(0.8, 1.2)), (right - share * rng.uniform(0.8, 1.2), right - 0.02)):
        _add_cloth(builder, wall, (x0, x1), y, (low, rod + 0.035), cloth, rng=rng)
    start, end = wall.world(np.array([[left - 0.03, y, rod], [right + 0.03, y, rod]]))
    builder.cylinder(start, end, 0.011, metal, sections=12)
    for place in (start, end):
        ball = [(0.022 * np.sin(t), -0.022 * np.cos(t)) for t in np.linspace(0, np.pi, 8)]
        builder.lathe(ball, metal, centre=place, sections=14)
    for x in (left, right):
        wall_box(builder, wall, (x - 0.008, x + 0.008), (y, 0.005), (rod - 0.009, rod + 0.007), metal)


def _add_cloth(
    builder: MeshBuilder,
    wall: RoomWall,
    x: tuple[float, float],
    y: float,
    z: tuple[float, float],
    material: Material,
    *,
    rng: np.random.Generator,
) -> None:
    """Add cloth in vertical folds, as a closed surface 6 mm thick."""
    folds = max(2, round((x[1] - x[0]) / rng.uniform(0.08, 0.12)))
    t = np.linspace(0, 1, 8 * folds + 1)
    phase = 2 * np.pi * folds * t + 0.5 * np.sin(2 * np.pi * t + rng.uniform(0, 6))
    deep = 0.035 * (1 + 0.3 * np.sin(5 * t + rng.uniform(0, 6)))
    px = x[0] + (x[1] - x[0]) * t
    skins = [np.stack([px, y + shift + deep * np.sin(phase)], axis=1) for shift in (-0.003, 0.003)]
    # The outline, clockwise from above in the wall's frame: along the side of the room, then back along the wall.
    ring = np.concatenate([skins[0], skins[1][::-1]])
    count, half = len(ring), len(t)
    following = np.roll(np.arange(count), -1)
    this = np.arange(count)
    points = np.concatenate([np.concatenate([ring, np.full((count, 1), height)], axis=1) for height in z])
    k = np.arange(half - 1)
    other = count - 1 - k
    top = np.concatenate([np.stack([k, k + 1, other - 1], 1), np.stack([k, other - 1, other], 1)])
    faces = np.concatenate(
        [
            np.stack([this, following, following + count], 1),
            np.stack([this, following + count, this + count], 1),
            top + count,
            top[:, ::-1],
        ]
    )
    step = np.linalg.norm(np.diff(skins[0], axis=0), axis=1)
    run = np.concatenate([[0], np.cumsum(step)])
    u = np.tile(np.concatenate([run, run[::-1]]), 2)
    texel = np.stack([u, -points[:, 2]], axis=1) / 0.8
    builder.add(wall.world(points), faces, material, uv=texel[faces])
