"""Shared code of object categories: their registration, assets from builders, and common materials."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ...meshes.builder import MeshBuilder, Number
from ...scene import Asset, Material
from .. import textures
from ..textures.colors import palette, pick

WHITE = (1.0, 1.0, 1.0)
"""White: the base colour of a material that is coloured by its texture."""

FURNITURE_PAINTS = palette("ece8e0 e4dfd6 d9d6ce 3a3d40 4a4d52 8199a8 9fae98 5c6b52 3f5666 b9c6cb c9c4ba")
CASINGS = palette("c9cbcc b4b7ba 6f7275 3a3c3f 2b2c2e e4e3df d9d6ce")


@dataclass(frozen=True)
class Category:
    """A category of objects: its ShapeNet name, WordNet synset, and the function that generates an object from random numbers."""

    name: str
    synset: str
    build: Callable[..., Asset]


def asset(builder: MeshBuilder, placement: str = "floor") -> Asset:
    """An asset with the mesh of the builder, which stands on z = 0 and is centred. Name and id are set later."""
    return Asset("", "", "", builder.build(), placement)


def wooden(*, rng: np.random.Generator) -> Material:
    """A random wood: mostly bare, sometimes painted."""
    if rng.random() < 0.8:
        return Material(WHITE, textures.wood(rng=rng), gloss=0.12)
    return Material(WHITE, textures.paintwork(pick(FURNITURE_PAINTS, rng=rng), rng=rng), gloss=0.12)


def cloth(*, rng: np.random.Generator) -> Material:
    """A random upholstery fabric."""
    return Material(WHITE, textures.fabric(rng=rng))


def metallic(*, rng: np.random.Generator) -> Material:
    """A random metal or lacquer."""
    return Material(WHITE, textures.metal(rng=rng), gloss=0.5)


def casing(*, rng: np.random.Generator) -> Material:
    """A random casing of devices: grey, silver, white or black."""
    return Material(WHITE, textures.metal(rng=rng, bases=CASINGS), gloss=0.35)


def plain(names: Sequence[str], *, rng: np.random.Generator, gloss: Number = 0.25) -> Material:
    """A plain material with a random colour of a list, for small parts."""
    return Material(tuple(pick(names, rng=rng).tolist()), gloss=gloss)


DARK = Material((0.09, 0.09, 0.10), gloss=0.3)


def thick(profile: Sequence[tuple[Number, Number]], wall: Number) -> list[tuple[Number, Number]]:
    """The closed profile of a vessel, (radius, height) in metres: the outside upwards, then the inside down to the bottom."""
    inside = [(max(r - wall, 0.0), z) for r, z in reversed(profile)]
    floor = profile[0][1] + wall
    inner = [(r, z) for r, z in inside if z > floor + 1e-6]
    radius = inside[-1][0]
    return [(0.0, profile[0][1]), *profile, *inner, (radius, floor), (0.0, floor)]
