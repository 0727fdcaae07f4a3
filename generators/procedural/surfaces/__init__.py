"""Surfaces that only rooms have. Each texture is drawn once for a whole wall or floor, so that no two points look the same."""

from collections.abc import Callable

import numpy as np

from ..textures.planes import Texture
from .ceilings import blind, ceiling
from .common import FLOOR_M, WALL_M, Finish
from .floors import fitted_carpet, terrazzo, tile_floor
from .wallpapers import damask, grasscloth, sprigs, striped, trellis
from .walls import boards, brick, paint
from .wooden_floors import herringbone, plank_floor

__all__ = ["FLOOR_M", "WALL_M", "blind", "boards", "ceiling", "floor", "paint", "wall"]


def wall(*, rng: np.random.Generator) -> Texture:
    """A random wall texture: mostly paint, otherwise wallpaper, brick or boards."""
    kinds: tuple[Callable[..., Texture], ...] = (paint, striped, damask, sprigs, trellis, grasscloth, brick, boards)
    return kinds[int(rng.choice(len(kinds), p=[0.44, 0.09, 0.09, 0.09, 0.07, 0.06, 0.09, 0.07]))](rng=rng)


def floor(*, rng: np.random.Generator) -> Finish:
    """A random floor texture and its gloss."""
    kinds: tuple[Callable[..., Finish], ...] = (plank_floor, herringbone, tile_floor, fitted_carpet, terrazzo)
    return kinds[int(rng.choice(len(kinds), p=[0.42, 0.18, 0.2, 0.12, 0.08]))](rng=rng)
