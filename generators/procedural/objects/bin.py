"""Waste bins and baskets."""

import numpy as np

from ...meshes.builder import MeshBuilder
from ...scene import Asset, Material
from .. import textures
from .base import DARK, WHITE, asset, metallic, thick, wooden


def ash_bin(*, rng: np.random.Generator) -> Asset:
    """An open bin, round or square, or one with a lid and a pedal."""
    return (_open, _open, _square, _pedal)[rng.integers(4)](rng=rng)


def _open(*, rng: np.random.Generator) -> Asset:
    builder, wall = MeshBuilder(), metallic(rng=rng)
    h, r = rng.uniform(0.28, 0.42), rng.uniform(0.12, 0.16)
    base = r * rng.uniform(0.72, 0.95)
    builder.lathe(thick([(base, 0), (r, h - 0.02), (r + 0.006, h - 0.018), (r + 0.006, h)], 0.006), wall, sections=40, around=2)
    return asset(builder)


def _square(*, rng: np.random.Generator) -> Asset:
    """Four walls and a floor, of wood or painted metal."""
    builder, wall = MeshBuilder(), wooden(rng=rng) if rng.random() < 0.5 else metallic(rng=rng)
    w, d, h, thickness = rng.uniform(0.22, 0.3), rng.uniform(0.16, 0.26), rng.uniform(0.28, 0.4), 0.012
    for x in (-1, 1):
        builder.box((x * (w - thickness) / 2, 0, h / 2), (thickness, d, h), wall, repeat_m=0.4, shift=(x * 0.2, 0.1))
    # The other two walls and the floor end inside the first two, a little lower, so that no faces share a plane.
    for y in (-1, 1):
        builder.box((0, y * (d - thickness - 0.004) / 2, h / 2), (w - thickness, thickness, h - 0.004), wall, repeat_m=0.4)
    builder.box((0, 0, 0.016), (w - thickness, d - thickness, 0.02), wall, repeat_m=0.4)
    return asset(builder)


def _pedal(*, rng: np.random.Generator) -> Asset:
    """A closed drum with a domed lid; the pedal is at the front (-y)."""
    builder, wall, lid = MeshBuilder(), metallic(rng=rng), metallic(rng=rng)
    h, r = rng.uniform(0.3, 0.62), rng.uniform(0.11, 0.16)
    builder.lathe([(0, 0), (r + 0.004, 0), (r + 0.004, 0.025), (r, 0.03), (r, h), (0, h)], wall, sections=44, around=2, repeat_m=0.5)
    arc = np.linspace(0, np.pi / 2, 8)
    dome = [((r + 0.003) * np.cos(a), h + 0.02 + 0.35 * r * np.sin(a)) for a in arc[:-1]]
    builder.lathe([(0, h + 0.006), (r + 0.003, h + 0.006), *dome, (0, h + 0.02 + 0.35 * r)], lid, sections=44)
    builder.box((0, -r - 0.02, 0.018), (0.07, 0.07, 0.012), DARK, bevel=0.004)
    return asset(builder)


def basket(*, rng: np.random.Generator) -> Asset:
    """A woven basket with two handles."""
    builder = MeshBuilder()
    weave = Material(WHITE, textures.wicker(rng=rng))
    r, h = rng.uniform(0.14, 0.22), rng.uniform(0.16, 0.26)
    rings = max(5, int(h / 0.03))
    profile = [(r * 0.85, 0.0)]
    for k in range(rings):
        bulge = r * (0.88 + 0.12 * k / rings)
        profile += [(bulge + 0.006, (k + 0.5) * h / rings), (bulge, (k + 1) * h / rings)]
    builder.lathe(thick(profile, 0.012), weave, sections=40, around=3, repeat_m=0.3)
    angle = np.linspace(0, np.pi, 14)
    for x in (-1, 1):
        path = np.stack([np.full(14, x * r * 0.985), 0.06 * np.cos(angle), h - 0.02 + 0.075 * np.sin(angle)], axis=1)
        builder.tube(path, 0.008, weave, repeat_m=0.15)
    return asset(builder)
