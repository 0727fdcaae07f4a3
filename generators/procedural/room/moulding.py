"""Mouldings along walls, and their material."""

import numpy as np

from ...meshes.builder import MeshBuilder
from ...scene import Material
from .. import textures
from ..textures.colors import pick
from .base import PARTS, SEAM
from .openings.opening import WallOpening
from .wall import RoomWall

Profile = list[tuple[float, float]]
"""Cross-section of a moulding as (distance from the wall into the room, height) in metres, listed upwards or outwards."""


def draw_trim(*, rng: np.random.Generator) -> Material:
    """A random material of skirting, frames and mouldings: white paint, coloured paint, or wood."""
    draw = rng.random()
    if draw < 0.25:
        return Material((1.0, 1.0, 1.0), textures.wood(rng=rng), gloss=0.1)
    names = ("f0eee9", "ece8e0", "e4dfd6") if draw < 0.85 else ("6b6660", "3f5666", "8a9a86", "4a4d52")
    return Material((1.0, 1.0, 1.0), textures.paintwork(pick(names, rng=rng, spread=0.03), rng=rng), gloss=0.12)


def add_moulding(builder: MeshBuilder, wall: RoomWall, profile: Profile, material: Material, gaps: list[tuple[float, float]]) -> None:
    """Add a profile along a wall, mitred in its corners and interrupted by `gaps`. Its ends are open: other parts must cover them."""
    line = np.array(profile)
    run = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    start = line[:, 0] * (1 if wall.inward[0] else -1)
    end = wall.length - line[:, 0] * (1 if wall.inward[1] else -1)
    for left, right in zip([None, *(gap[1] for gap in gaps)], [*(gap[0] for gap in gaps), None], strict=True):
        x0 = start if left is None else np.full(len(line), left)
        x1 = end if right is None else np.full(len(line), right)
        if (x1 - x0).min() < 0.01:
            continue
        points = np.concatenate([np.stack([x, -line[:, 0], line[:, 1]], axis=1) for x in (x0, x1)])
        a = np.arange(len(line) - 1)
        b = a + len(line)
        faces = np.concatenate([np.stack([a, b, b + 1], 1), np.stack([a, b + 1, a + 1], 1)])
        texel = np.stack([points[:, 0] / 1.2 + 0.37 * wall.index, np.tile(run, 2) / 1.2], axis=1)
        builder.add(wall.world(points), faces, material, uv=texel[faces])


def add_skirting(builder: MeshBuilder, walls: list[RoomWall], door_wall: RoomWall, door: WallOpening, material: Material) -> None:
    """Add skirting along all walls except across the door, whose casing covers its ends."""
    builder.part = PARTS.index("skirting")
    for wall in walls:
        gaps = [(door.x0 - 0.05, door.x1 + 0.05)] if wall is door_wall else []
        add_moulding(builder, wall, [(0.016, -SEAM), (0.016, 0.075), (0.009, 0.092), (-0.005, 0.092)], material, gaps)
