"""Light from outside: daylight through windows, and the sun."""

import numpy as np
from jaxtyping import Float

from ....scene import Light
from ..wall import RoomWall
from .opening import WallOpening


def window_light(wall: RoomWall, o: WallOpening, *, rng: np.random.Generator) -> Light:
    """An area light in the plane of the wall, for daylight through an opening."""
    centre = wall.world(np.array([[(o.x0 + o.x1) / 2, 0.02, (o.z0 + o.z1) / 2]]))[0]
    R = wall.T_world_wall[:3, :3]
    strength = rng.uniform(2.5, 5.0)
    tint = np.array([0.86, 0.94, 1.08]) if rng.random() < 0.6 else np.array([1.1, 0.98, 0.82])
    # x cross z of the wall's frame points into the room.
    return Light("area", centre, R[:, 0] * (o.x1 - o.x0) / 2, R[:, 2] * (o.z1 - o.z0) / 2, strength * tint)


def sun(wall: RoomWall, *, rng: np.random.Generator) -> Light:
    """A sun that shines through the windows of a wall."""
    elevation, aside = np.radians(rng.uniform(22, 48)), np.radians(rng.uniform(-45, 45))
    local = np.array([np.sin(aside) * np.cos(elevation), np.cos(aside) * np.cos(elevation), np.sin(elevation)])
    towards: Float[np.ndarray, 3] = wall.T_world_wall[:3, :3] @ local
    u = np.cross([0.0, 0.0, 1.0], towards)
    u /= np.linalg.norm(u)
    return Light("sun", towards, u, np.cross(towards, u), rng.uniform(2.5, 4.5) * np.array([1.12, 1.0, 0.80]))
