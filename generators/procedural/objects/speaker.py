"""Loudspeakers."""

import numpy as np

from ...meshes.builder import MeshBuilder, rotation
from ...scene import Asset
from .base import DARK, asset, casing, wooden


def speaker(*, rng: np.random.Generator) -> Asset:
    """A box with two or three cones at its front (-y): small on furniture, tall on the floor."""
    builder, case, ring = MeshBuilder(), wooden(rng=rng), casing(rng=rng)
    tall = rng.random() < 0.4
    w, d, h = (
        (rng.uniform(0.2, 0.26), rng.uniform(0.24, 0.32), rng.uniform(0.8, 1.05))
        if tall
        else (rng.uniform(0.14, 0.2), rng.uniform(0.15, 0.22), rng.uniform(0.24, 0.34))
    )
    builder.box((0, 0, h / 2), (w, d, h), case, bevel=0.008, repeat_m=0.5)
    cones = 3 if tall else 2
    # The rings, 12 mm apart and from the edges, must fit the front: radii add up to 2.5 (tall: 2 + 2 + 1) or 3 halves.
    radius = min(w * 0.38, (h - 0.02 * (cones + 1)) / (5.0 if tall else 3.0))
    z = h - 0.02 - radius * 0.5
    for share in (0.5, 1.0, 1.0)[:cones]:
        r = radius * share
        R, front = rotation("x", np.pi / 2), np.array([0, -d / 2 + 0.003, z])
        builder.lathe(
            [(r + 0.006, 0), (r + 0.006, 0.008), (r, 0.009), (r * 0.92, 0.004)],
            ring,
            centre=front,
            rotation=R,
            sections=32,
        )
        builder.lathe(
            [(r * 0.95, 0.006), (r * 0.35, 0.0035), (r * 0.3, 0.008), (0, 0.011)],
            DARK,
            centre=front,
            rotation=R,
            sections=32,
        )
        z -= r + radius + 0.02
    return asset(builder, "floor" if tall else "surface")
