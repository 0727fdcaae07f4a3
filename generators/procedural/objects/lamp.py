"""Floor lamps and table lamps."""

import numpy as np

from ...meshes.builder import MeshBuilder
from ...scene import Asset, Material
from .. import textures
from ..textures.colors import pick
from .base import asset, metallic, wooden


def lamp(*, rng: np.random.Generator) -> Asset:
    """A foot, a stem, and an emissive shade."""
    builder = MeshBuilder()
    tall = rng.random() < 0.5
    stem = metallic(rng=rng) if rng.random() < 0.6 else wooden(rng=rng)
    h = rng.uniform(1.35, 1.65) if tall else rng.uniform(0.38, 0.6)
    foot, shade_h = (0.15, rng.uniform(0.25, 0.34)) if tall else (rng.uniform(0.07, 0.1), rng.uniform(0.16, 0.24))
    bottom, top = (
        rng.uniform(0.16, 0.24) if tall else rng.uniform(0.12, 0.17),
        rng.uniform(0.08, 0.14) if tall else rng.uniform(0.06, 0.11),
    )
    builder.lathe([(0, 0), (foot, 0), (foot, 0.012), (foot * 0.85, 0.025), (0.02, 0.035), (0, 0.035)], stem, repeat_m=0.3)
    if tall or rng.random() < 0.4:
        builder.cylinder((0, 0, 0.03), (0, 0, h - 0.02), 0.011, stem, sections=12)
    else:
        belly, body = rng.uniform(0.05, 0.085), h - shade_h - 0.02
        z = np.linspace(0.03, body, 14)
        radius = 0.02 + belly * np.maximum(np.sin(np.pi * (z - 0.03) / (body - 0.03)), 0) ** rng.uniform(0.6, 1.6)
        builder.lathe(
            [(0, 0.03), *zip(radius, z, strict=True), (0, body)],
            Material((1.0, 1.0, 1.0), textures.glaze(rng=rng), gloss=0.5),
        )
        builder.cylinder((0, 0, body - 0.01), (0, 0, h - 0.02), 0.009, stem, sections=10)
    tint = pick(("f0e9da", "ece5d8", "e9dcc3", "d9c7a8", "cfa58f", "9fae98", "8199a8"), rng=rng)
    linen = textures.fabric(rng=rng, base=tint if rng.random() < 0.7 else None)
    shade = Material((1.0, 0.97, 0.92), linen, emission=0.9)
    z0 = h - shade_h
    builder.lathe([(bottom, z0), (top, h), (top - 0.004, h), (bottom - 0.004, z0), (bottom, z0)], shade, sections=40, around=2)
    bulb = Material((1.0, 0.95, 0.85), emission=1.0)
    ball = [(0.028 * np.sin(t), z0 + 0.5 * shade_h - 0.034 * np.cos(t)) for t in np.linspace(0, np.pi, 10)]
    builder.lathe(ball, bulb, sections=20)
    for angle in (0.0, 2.09, 4.19):
        builder.cylinder(
            (0, 0, h - 0.03),
            ((top - 0.006) * np.cos(angle), (top - 0.006) * np.sin(angle), h - 0.03),
            0.003,
            stem,
            sections=6,
        )
    return asset(builder, "floor" if tall else "surface")
