"""Waste bins and baskets."""

import numpy as np

from ...scene import Asset, Material
from .. import textures
from ..mesh_builder import MeshBuilder
from .base import asset, metallic, thick


def ash_bin(rng: np.random.Generator) -> Asset:
    """An open bin with a rim."""
    builder, wall = MeshBuilder(), metallic(rng)
    h, r = rng.uniform(0.28, 0.42), rng.uniform(0.12, 0.16)
    base = r * rng.uniform(0.72, 0.95)
    builder.lathe(thick([(base, 0), (r, h - 0.02), (r + 0.006, h - 0.018), (r + 0.006, h)], 0.006), wall, sections=40, around=2)
    return asset(builder)


def basket(rng: np.random.Generator) -> Asset:
    """A woven basket with two handles."""
    builder = MeshBuilder()
    weave = Material(tuple(textures.color(rng=rng, hue=(0.06, 0.12), sat=(0.3, 0.6), val=(0.6, 1.0))), textures.fabric(rng=rng))
    r, h = rng.uniform(0.14, 0.22), rng.uniform(0.16, 0.26)
    rings = max(5, int(h / 0.03))
    profile = [(r * 0.85, 0.0)]
    for k in range(rings):
        bulge = r * (0.88 + 0.12 * k / rings)
        profile += [(bulge + 0.006, (k + 0.5) * h / rings), (bulge, (k + 1) * h / rings)]
    builder.lathe(thick(profile, 0.012), weave, sections=40, around=6, repeat_m=0.2)
    angle = np.linspace(0, np.pi, 14)
    for x in (-1, 1):
        path = np.stack([np.full(14, x * r * 0.985), 0.06 * np.cos(angle), h - 0.02 + 0.075 * np.sin(angle)], axis=1)
        builder.tube(path, 0.008, weave, repeat_m=0.15)
    return asset(builder)
