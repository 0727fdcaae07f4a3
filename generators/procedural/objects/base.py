"""What all categories share: their table entry, turning a builder into an asset, and common materials."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ...scene import Asset, Material
from .. import textures
from ..mesh_builder import MeshBuilder, Number

Texture = textures.Texture


@dataclass(frozen=True)
class Category:
    """A kind of object: its ShapeNet name, WordNet synset, and the function that makes one from random numbers."""

    name: str
    synset: str
    build: Callable[..., Asset]


def asset(builder: MeshBuilder, placement: str = "floor") -> Asset:
    """The builder's mesh, standing on z = 0 and centred. Name and id are filled in later."""
    return Asset("", "", "", builder.build(), placement)


def wooden(*, rng: np.random.Generator) -> Material:
    """Wood: mostly plain, sometimes painted."""
    tint = (1.0, 1.0, 1.0) if rng.random() < 0.75 else tuple(textures.color(rng=rng, sat=(0.1, 0.6), val=(0.5, 1.0)))
    return Material(tint, textures.wood(rng=rng), gloss=0.12)


def cloth(*, rng: np.random.Generator) -> Material:
    """Upholstery."""
    return Material((1.0, 1.0, 1.0), textures.fabric(rng=rng))


def metallic(*, rng: np.random.Generator) -> Material:
    """Metal or lacquer."""
    return Material((1.0, 1.0, 1.0), textures.metal(rng=rng), gloss=0.5)


def plain(
    *,
    rng: np.random.Generator,
    sat: tuple[Number, Number] = (0.2, 0.8),
    val: tuple[Number, Number] = (0.2, 0.9),
    gloss: Number = 0.25,
) -> Material:
    """One colour."""
    return Material(tuple(textures.color(rng=rng, sat=sat, val=val)), gloss=gloss)


DARK = Material((0.09, 0.09, 0.10), gloss=0.3)


def thick(profile: Sequence[tuple[Number, Number]], wall: Number) -> list[tuple[Number, Number]]:
    """The closed profile of a vessel: the outside upwards, then the inside down to a bottom of the same thickness."""
    inside = [(max(r - wall, 0.0), z) for r, z in reversed(profile)]
    floor = profile[0][1] + wall
    inner = [(r, z) for r, z in inside if z > floor + 1e-6]
    radius = inside[-1][0]
    return [(0.0, profile[0][1]), *profile, *inner, (radius, floor), (0.0, floor)]
