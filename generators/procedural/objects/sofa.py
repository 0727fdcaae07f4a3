"""Sofas and armchairs."""

import numpy as np

from ...meshes.builder import MeshBuilder, rotation
from ...scene import Asset
from .base import DARK, asset, cloth, wooden


def sofa(*, rng: np.random.Generator) -> Asset:
    """One to three seats, back at +y, with loose pillows."""
    builder, body, foot = MeshBuilder(), cloth(rng=rng), wooden(rng=rng) if rng.random() < 0.5 else DARK
    pad = body if rng.random() < 0.6 else cloth(rng=rng)
    seats = int(rng.integers(1, 4))
    seat, arm, depth = rng.uniform(0.56, 0.66), rng.uniform(0.12, 0.2), rng.uniform(0.78, 0.92)
    w, h, base = seats * seat + 2 * arm, rng.uniform(0.72, 0.88), rng.uniform(0.08, 0.14)
    level, arm_top = rng.uniform(0.25, 0.3), rng.uniform(0.54, 0.64)
    for x in (-1.0, 1.0):
        for y in (-1, 1):
            builder.cylinder(
                (x * (w / 2 - 0.09), y * (depth / 2 - 0.09), 0),
                (x * (w / 2 - 0.09), y * (depth / 2 - 0.09), base + 0.02),
                0.022,
                foot,
                end_radius=0.03,
                sections=12,
            )
        builder.box(
            (x * (w / 2 - arm / 2), -0.005, (base + arm_top) / 2),
            (arm, depth - 0.01, arm_top - base),
            body,
            bevel=0.05,
            repeat_m=0.6,
        )
    # Undersides lie a few millimetres apart, so that no two share a plane.
    builder.box((0, 0, (base + level) / 2 + 0.004), (w - 0.06, depth - 0.05, level - base), body, bevel=0.02, repeat_m=0.6)
    builder.box((0, depth / 2 - 0.11, (base + h) / 2 + 0.008), (w - 2 * arm + 0.04, 0.21, h - base), body, bevel=0.06, repeat_m=0.6)
    for k in range(seats):
        x = (k - (seats - 1) / 2) * seat
        builder.box(
            (x, -0.09, level + 0.075),
            (seat - 0.012, depth - 0.24, 0.16),
            pad,
            bevel=0.05,
            repeat_m=0.6,
            shift=(k * 0.31, k * 0.17),
        )
        builder.box(
            (x, depth / 2 - 0.25, level + 0.33),
            (seat - 0.02, 0.15, 0.4),
            pad,
            bevel=0.06,
            repeat_m=0.6,
            rotation=rotation("x", -0.15),
            shift=(k * 0.23, 0.4),
        )
    for x in rng.permutation(np.arange(seats))[: int(rng.integers(0, seats + 1))]:
        size = rng.uniform(0.34, 0.42)
        builder.box(
            ((x - (seats - 1) / 2) * seat + rng.uniform(-0.06, 0.06), depth / 2 - 0.40, level + 0.155 + size * 0.44),
            (size, 0.13, size),
            cloth(rng=rng),
            bevel=0.06,
            rotation=rotation("x", -0.3),
            repeat_m=0.4,
        )
    return asset(builder, "wall" if rng.random() < 0.6 else "floor")
