"""Beds."""

import numpy as np

from ...meshes.builder import MeshBuilder, rotation
from ...scene import Asset
from .base import asset, cloth, wooden


def bed(*, rng: np.random.Generator) -> Asset:
    """Frame, mattress, blanket and pillows; the head is at +y."""
    builder, wood, blanket, sheet = MeshBuilder(), wooden(rng=rng), cloth(rng=rng), cloth(rng=rng)
    double = rng.random() < 0.4
    w, d, level = (
        (rng.uniform(1.35, 1.6) if double else rng.uniform(0.9, 1.05)),
        rng.uniform(1.9, 2.05),
        rng.uniform(0.26, 0.36),
    )
    head = rng.uniform(0.75, 1.05)
    builder.box((0, d / 2 - 0.025, head / 2), (w, 0.05, head), wood, bevel=0.015, repeat_m=0.9)
    builder.box((0, -d / 2 + 0.02, level * 0.7), (w, 0.04, level * 1.4), wood, bevel=0.012, repeat_m=0.9)
    for x in (-1.0, 1.0):
        builder.box((x * (w / 2 - 0.02), 0, level - 0.06), (0.04, d - 0.07, 0.16), wood, repeat_m=0.9)
    builder.box((0, 0, level + 0.05), (w - 0.07, d - 0.1, 0.2), sheet, bevel=0.06, repeat_m=0.7)
    cover = rng.uniform(0.6, 0.72) * d
    builder.box((0, -d / 2 + 0.044 + cover / 2, level + 0.085), (w - 0.05, cover, 0.2), blanket, bevel=0.07, repeat_m=0.8)
    for x in (-0.25, 0.25) if double else (0.0,):
        builder.box(
            (x * w, d / 2 - 0.28, level + 0.2),
            (min(0.62, w * 0.7 if not double else w * 0.44), 0.38, 0.14),
            cloth(rng=rng),
            bevel=0.065,
            rotation=rotation("x", 0.18),
            repeat_m=0.5,
        )
    return asset(builder, "wall")
