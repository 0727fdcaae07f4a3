"""Surfaces that only rooms have: paint on ceilings, cloth of blinds, and wear that tells one repeat of a texture from the next."""

from functools import lru_cache

import numpy as np
from jaxtyping import Float, UInt8

from . import textures

Texture = UInt8[np.ndarray, "rows columns 3"]
Plane = Float[np.ndarray, "rows columns"]


def weathered(texture: Texture, *, rng: np.random.Generator) -> UInt8[np.ndarray, "2*rows 2*columns 3"]:
    """Four repeats of a texture in one, each aged differently: (2 rows, 2 columns, 3), still tileable.

    A wall or floor is longer than one repeat, and without wear a point would have exact twins along it.
    """
    coarse = 128
    # Many soft patches and few coarse ones: a place is known by what lies around it, not by one bright stain.
    fine = textures.noise(rng=rng, size=coarse, slope=0.9)
    wide = textures.noise(rng=rng, size=coarse, slope=1.6)
    rows, columns = (_upsampling(2 * length, coarse) for length in texture.shape[:2])
    worn = np.tile(texture, (2, 2, 1)).astype(np.float32)
    for channel, drift in enumerate(rng.normal(0, 0.012, 3)):
        wear = (1 + 0.04 * fine + (0.03 + drift) * wide).astype(np.float32)
        worn[..., channel] *= rows @ wear @ columns.T
    return np.clip(worn, 0, 255, out=worn).astype(np.uint8)


@lru_cache(maxsize=8)
def _upsampling(size: int, coarse: int) -> Plane:
    """The matrix, (size, coarse), that interpolates linearly between texels and wraps around."""
    place = (np.arange(size) + 0.5) * coarse / size - 0.5
    before = np.floor(place).astype(int)
    matrix = np.zeros((size, coarse), np.float32)
    matrix[np.arange(size), before % coarse] = 1 - (place - before)
    matrix[np.arange(size), (before + 1) % coarse] = place - before
    return matrix


def ceiling(*, rng: np.random.Generator, size: int = 512) -> Texture:
    """Roller-painted white: faint lanes, a fine nap, here and there a hair crack."""
    nap, clouds = textures.noise(rng=rng, size=size, slope=0.5), textures.noise(rng=rng, size=size, slope=1.3)
    lanes = textures.noise(rng=rng, size=size, slope=1.2, stretch=(8, 1))
    cracks = np.exp(-np.abs(textures.noise(rng=rng, size=size, slope=1.9)) * 90) * (clouds > 0.6)
    white = np.array([0.95, 0.94, 0.91]) * rng.uniform(0.92, 1.0)
    image = white * np.exp(0.02 * nap + 0.022 * clouds + 0.028 * lanes - 0.12 * cracks)[..., None]
    return np.asarray(np.clip(image * 255, 0, 255), np.uint8)


def blind(*, rng: np.random.Generator, size: int = 256) -> Texture:
    """Slub cloth in one colour, with a few bands across of differing width."""
    base = textures.color(rng=rng, sat=(0.1, 0.5), val=(0.6, 0.92))
    band = textures.color(rng=rng, sat=(0.2, 0.6), val=(0.35, 0.8))
    slub = textures.noise(rng=rng, size=size, slope=0.7, stretch=(6, 1)) + textures.noise(rng=rng, size=size, slope=0.7, stretch=(1, 6))
    image = np.broadcast_to(base, (size, size, 3)).copy()
    for top in rng.integers(0, size - 24, rng.integers(0, 5)):
        image[top : top + int(rng.integers(4, 24))] = band
    image *= np.exp(0.045 * slub)[..., None]
    return np.asarray(np.clip(image * 255, 0, 255), np.uint8)
