"""Tables: rectangular, round, low, and desks with drawers."""

import numpy as np

from ...meshes.builder import MeshBuilder, Number
from ...scene import Asset, Material
from .base import asset, metallic, wooden


def table(*, rng: np.random.Generator) -> Asset:
    """A table; other objects can stand on its top."""
    return _round(rng=rng) if rng.random() < 0.3 else _rectangular(rng=rng)


def _round(*, rng: np.random.Generator) -> Asset:
    builder, top = MeshBuilder(), wooden(rng=rng)
    leg = metallic(rng=rng) if rng.random() < 0.5 else top
    radius, h, thick = rng.uniform(0.35, 0.6), rng.choice([rng.uniform(0.42, 0.5), rng.uniform(0.7, 0.76)]), 0.03
    builder.cylinder((0, 0, h - thick), (0, 0, h), radius, top, sections=64, repeat_m=0.8)
    if rng.random() < 0.5:
        builder.lathe(
            [
                (0, 0),
                (radius * 0.55, 0),
                (radius * 0.5, 0.03),
                (0.05, 0.07),
                (0.04, h / 2),
                (0.07, h - thick + 0.005),
                (0, h - thick + 0.005),
            ],
            leg,
            repeat_m=0.4,
        )
    else:
        legs = int(rng.integers(3, 5))
        for angle in np.arange(legs) * 2 * np.pi / legs + 0.4:
            c, s = np.cos(angle), np.sin(angle)
            builder.cylinder(
                (radius * 0.85 * c, radius * 0.85 * s, 0),
                (radius * 0.55 * c, radius * 0.55 * s, h - thick + 0.005),
                0.018,
                leg,
                end_radius=0.028,
                sections=12,
            )
    return asset(builder)


def _rectangular(*, rng: np.random.Generator) -> Asset:
    builder, top = MeshBuilder(), wooden(rng=rng)
    leg = top if rng.random() < 0.6 else metallic(rng=rng)
    low = rng.random() < 0.35
    w, d, h = (
        (rng.uniform(0.8, 1.2), rng.uniform(0.45, 0.65), rng.uniform(0.38, 0.5))
        if low
        else (rng.uniform(1.1, 1.6), rng.uniform(0.6, 0.85), rng.uniform(0.71, 0.77))
    )
    thick, width = rng.uniform(0.025, 0.045), rng.uniform(0.04, 0.08)
    builder.box((0, 0, h - thick / 2), (w, d, thick), top, bevel=0.006, repeat_m=0.9, shift=tuple(rng.random(2)))
    inset = rng.uniform(0.01, 0.08) + width / 2
    for x in (-1, 1):
        for y in (-1, 1):
            builder.box(
                (x * (w / 2 - inset), y * (d / 2 - inset), (h - thick) / 2 + 0.002),
                (width, width, h - thick + 0.004),
                leg,
                repeat_m=0.6,
            )
    drawers = not low and rng.random() < 0.5
    if drawers:
        _drawers(builder, top, w, d, h - thick, inset + width / 2, rng=rng)
    else:
        for y in (-1, 1):
            builder.box((0, y * (d / 2 - inset), h - thick - 0.04), (w - 2 * inset, 0.02, 0.09), leg, repeat_m=0.6)
    return asset(builder)


def _drawers(builder: MeshBuilder, wood: Material, w: Number, d: Number, under: Number, inset: Number, *, rng: np.random.Generator) -> None:
    """A stack of drawers under one side."""
    knob = metallic(rng=rng)
    width, count = rng.uniform(0.34, 0.42), int(rng.integers(2, 5))
    x = (w / 2 - inset - width / 2 - 0.005) * rng.choice([-1, 1])
    height = under - 0.12
    builder.box((x, 0, under - height / 2 + 0.003), (width, d - 0.14, height), wood, repeat_m=0.7)
    for k in range(count):
        z = under - (k + 0.5) * height / count
        builder.box(
            (x, -d / 2 + 0.066, z),
            (width - 0.025, 0.02, height / count - 0.02),
            wood,
            bevel=0.004,
            repeat_m=0.5,
            shift=(k * 0.37, k * 0.21),
        )
        builder.box((x, -d / 2 + 0.05, z), (0.11, 0.016, 0.018), knob, bevel=0.005)
