"""Shared code of room surfaces: the size of their textures, palettes, and slow variation of tone."""

import numpy as np
from jaxtyping import Float, Int

from ..textures.colors import palette
from ..textures.noise import noise
from ..textures.planes import Number, Plane, Texture

WALL_M = (6.0, 3.0)
"""Width and height that the texture of a wall covers; it repeats beyond."""

WALL_SHAPE = (512, 1024)
FLOOR_M = (6.0, 6.0)
"""Width and depth that the texture of a floor covers."""

FLOOR_SHAPE = (1024, 1024)

BRICKS = palette("9a5a44 8a4b3a a8694f b07a5c 7d4a3c b5765a")
STONES = palette("d9d3c8 c4bcae a9a399 8b8780 cfc3ae b7a58b 6f6c69 e4dfd6 97a09c")

Finish = tuple[Texture, float]
"""A texture and its gloss."""


def slow_tone(*, rng: np.random.Generator, shape: tuple[int, int], strength: Number) -> Plane:
    """Patches of shade about a metre wide, as from light and age."""
    plane: Plane = noise(rng=rng, size=shape, slope=1.6) * np.float32(strength)
    return plane


def texel_edges(bounds: Float[np.ndarray, " edges"], length: int) -> Int[np.ndarray, " edges"]:
    """Places of borders in [0, 1] as texels."""
    return np.round(np.asarray(bounds) * length).astype(int)
