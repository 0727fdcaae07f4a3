"""Chairs: four legs with slats or a panel, with or without arms, and office chairs."""

import numpy as np

from ...meshes.builder import MeshBuilder, Number, rotation
from ...scene import Asset, Material
from .base import DARK, asset, cloth, metallic, wooden


def chair(*, rng: np.random.Generator) -> Asset:
    """A chair for one, its back at +y."""
    return _office(rng=rng) if rng.random() < 0.3 else _dining(rng=rng)


def _dining(*, rng: np.random.Generator) -> Asset:
    builder, frame = MeshBuilder(), wooden(rng=rng)
    seat = cloth(rng=rng) if rng.random() < 0.5 else frame
    w, d, h, top = rng.uniform(0.40, 0.50), rng.uniform(0.40, 0.48), rng.uniform(0.43, 0.47), rng.uniform(0.82, 1.0)
    leg, lean = rng.uniform(0.032, 0.045), rng.uniform(0.03, 0.10)
    for x in (-1, 1):
        # The inset lets a leg end inside the rounded seat, not in its skin.
        px = x * (w / 2 - leg / 2 - 0.006)
        for y in (-1, 1):
            builder.box((px, y * (d / 2 - leg / 2 - 0.006), h / 2 - 0.005), (leg, leg, h - 0.01), frame, repeat_m=0.5)
        tilt = np.arctan2(lean, top - h)
        builder.box(
            (px, d / 2 - leg / 2 + lean / 2, (h + top) / 2 - 0.01),
            (leg * 0.92, leg * 0.84, top - h + 0.06),
            frame,
            repeat_m=0.5,
            rotation=rotation("x", -tilt),
        )
        if rng.random() < 0.3:
            builder.box((px, 0, 0.18), (0.02, d - 0.05, 0.03), frame)
    builder.box((0, 0, h), (w, d, 0.045), seat, repeat_m=0.4, bevel=0.018)
    _back(builder, frame if rng.random() < 0.6 else seat, w - leg, h, top, d / 2 - leg / 2, lean, rng=rng)
    if rng.random() < 0.3:
        for x in (-1, 1):
            px = x * (w / 2 + 0.015)
            builder.box((px, 0, h + 0.2), (0.045, d * 0.95, 0.028), frame, bevel=0.008, repeat_m=0.5)
            builder.box((px, -d / 2 + 0.06, h + 0.09), (0.03, 0.03, 0.21), frame, repeat_m=0.5)
    return asset(builder)


def _back(
    builder: MeshBuilder,
    material: Material,
    w: Number,
    h: Number,
    top: Number,
    y: Number,
    lean: Number,
    *,
    rng: np.random.Generator,
) -> None:
    """Slats, rungs or one panel between the posts, which lean back by `lean` at the top."""
    tilt = rotation("x", -np.arctan2(lean, top - h))

    def at(z: Number) -> float:
        return y + lean * (z - h) / (top - h)

    kind = rng.integers(3)
    if kind == 0:
        z0, z1 = h + (top - h) * rng.uniform(0.25, 0.5), top - 0.02
        builder.box(
            (0, at((z0 + z1) / 2), (z0 + z1) / 2),
            (w, 0.022, z1 - z0),
            material,
            rotation=tilt,
            bevel=0.009,
            repeat_m=0.4,
        )
    elif kind == 1:
        for z in np.linspace(h + 0.13, top - 0.04, int(rng.integers(2, 5))):
            builder.box((0, at(z), z), (w, 0.02, 0.06), material, rotation=tilt, bevel=0.006, repeat_m=0.4)
    else:
        builder.box((0, at(top - 0.03), top - 0.03), (w, 0.024, 0.07), material, rotation=tilt, bevel=0.008, repeat_m=0.4)
        middle = (h + top - 0.03) / 2
        for x in np.linspace(-w / 2 + 0.05, w / 2 - 0.05, int(rng.integers(3, 7))):
            builder.box((x, at(middle), middle), (0.022, 0.014, top - h - 0.05), material, rotation=tilt, repeat_m=0.4)


def _office(*, rng: np.random.Generator) -> Asset:
    builder, fabric, steel = MeshBuilder(), cloth(rng=rng), metallic(rng=rng)
    h, w = rng.uniform(0.45, 0.52), rng.uniform(0.46, 0.52)
    for k in range(5):
        angle = 2 * np.pi * k / 5 + 0.3
        x, y = 0.29 * np.cos(angle), 0.29 * np.sin(angle)
        builder.cylinder((0, 0, 0.09), (x, y, 0.065), 0.024, steel, end_radius=0.016, sections=10)
        builder.cylinder(
            (x - 0.014 * np.sin(angle), y + 0.014 * np.cos(angle), 0.03),
            (x + 0.014 * np.sin(angle), y - 0.014 * np.cos(angle), 0.03),
            0.03,
            DARK,
            sections=14,
        )
    builder.cylinder((0, 0, 0.07), (0, 0, h - 0.03), 0.028, steel, sections=14)
    builder.box((0, 0, h), (w, w, 0.09), fabric, bevel=0.035, repeat_m=0.4)
    back = rng.uniform(0.42, 0.62)
    builder.box(
        (0, w / 2 + 0.03, h + 0.16 + back / 2),
        (w * 0.92, 0.07, back),
        fabric,
        bevel=0.032,
        rotation=rotation("x", -0.12),
        repeat_m=0.4,
    )
    builder.box((0, w / 2 + 0.015, h + 0.1), (0.07, 0.02, 0.3), DARK, rotation=rotation("x", -0.12))
    if rng.random() < 0.7:
        for x in (-1, 1):
            px = x * (w / 2 + 0.03)
            builder.box((px, 0.03, h + 0.2), (0.06, 0.26, 0.03), DARK, bevel=0.012)
            builder.box((px, 0.08, h + 0.08), (0.03, 0.05, 0.23), DARK)
    return asset(builder)
