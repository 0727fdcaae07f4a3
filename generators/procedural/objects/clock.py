"""Table clocks."""

import numpy as np

from ...meshes.builder import MeshBuilder, rotation
from ...scene import Asset
from .base import DARK, asset, casing, metallic, plain, wooden


def clock(*, rng: np.random.Generator) -> Asset:
    """A round dial with marks and hands on a foot; it faces -y."""
    builder = MeshBuilder()
    case = wooden(rng=rng) if rng.random() < 0.5 else (metallic(rng=rng) if rng.random() < 0.5 else casing(rng=rng))
    face = plain(("f0eeea", "ece5d8", "e4dfd6", "3a3c3f"), rng=rng)
    hand = DARK if face.color[0] > 0.5 else plain(("e9e4d8",), rng=rng)
    r, depth = rng.uniform(0.07, 0.12), rng.uniform(0.03, 0.05)
    centre = np.array([0, 0, r + 0.015])
    R = rotation("x", np.pi / 2)
    back = centre + np.array([0, depth / 2, 0])
    builder.lathe(
        [(0, 0), (r, 0), (r, depth), (r * 0.9, depth + 0.008), (r * 0.87, depth - 0.004)],
        case,
        centre=back,
        rotation=R,
        sections=44,
    )
    builder.lathe([(r * 0.9, depth - 0.001), (0, depth)], face, centre=back, rotation=R, sections=44)
    front = -depth / 2 - 0.0015
    for k in range(12):
        angle = k * np.pi / 6
        place = centre + np.array([r * 0.74 * np.sin(angle), front, r * 0.74 * np.cos(angle)])
        builder.box(place, (0.005, 0.002, r * (0.17 if k % 3 == 0 else 0.09)), hand, rotation=rotation("y", angle))
    for length, width, y in ((0.62, 0.005, -0.0035), (0.42, 0.008, -0.002)):
        angle = rng.uniform(0, 2 * np.pi)
        middle = centre + np.array([np.sin(angle) * length * r / 2, front + y, np.cos(angle) * length * r / 2])
        builder.box(middle, (width, 0.0018, length * r), hand, rotation=rotation("y", angle))
    builder.box((0, 0, 0.0125), (r * 1.2, depth * 1.5, 0.025), case, bevel=0.005, repeat_m=0.3)
    return asset(builder, "surface")
