"""The lamp under the ceiling."""

import numpy as np

from ...meshes.builder import MeshBuilder
from ...scene import Light, Material
from .. import textures
from ..textures.colors import pick
from .base import PARTS, SEAM
from .plan import Plan


def draw_lamp_place(plan: Plan, size: tuple[float, float, float], *, rng: np.random.Generator) -> tuple[float, float]:
    """A random position on the ceiling, x and y in metres, near the middle of the room and away from walls."""
    x, y = size[0] / 2, size[1] / 2
    for _ in range(10):
        px, py = x + rng.uniform(-0.5, 0.5), y + rng.uniform(-0.5, 0.5)
        if plan.inside(px, py, 0.8):
            return px, py
    return x, y


def add_lamp(builder: MeshBuilder, place: tuple[float, float], height: float, *, rng: np.random.Generator) -> Light:
    """Add a flat ceiling lamp, a hanging shade or a paper globe; its area light is just below it."""
    builder.part = PARTS.index("ceiling lamp")
    x, y = place
    glow, kind = Material((1.0, 0.95, 0.85), emission=3.0), int(rng.integers(3))
    if kind == 0:
        radius, bottom = rng.uniform(0.18, 0.28), height - 0.2
        builder.lathe([(0, 0), (radius * 0.9, 0), (radius, 0.03), (radius, 0.22)], glow, centre=(x, y, bottom))
    else:
        bottom = height - rng.uniform(0.4, 0.6)
        top = _add_shade(builder, (x, y, bottom), glow, rng=rng) if kind == 1 else _add_globe(builder, (x, y, bottom), rng=rng)
        radius = 0.18
        builder.cylinder((x, y, bottom + top), (x, y, height + SEAM), 0.006, Material((0.1, 0.1, 0.1)), sections=8)
    warm = np.array([1.12, 0.98, 0.78]) if rng.random() < 0.7 else np.array([0.98, 1.0, 1.04])
    half = radius * 0.8
    # x cross -y points down.
    return Light(
        "area",
        np.array([x, y, bottom - 0.01]),
        np.array([half, 0, 0]),
        np.array([0, -half, 0]),
        rng.uniform(18, 34) * warm,
    )


def _add_shade(builder: MeshBuilder, centre: tuple[float, float, float], glow: Material, *, rng: np.random.Generator) -> float:
    """Add a conical shade with a lining and a bulb. Returns the height of its top in metres."""
    radius = rng.uniform(0.16, 0.24)
    shade = Material((1.0, 1.0, 1.0), textures.metal(rng=rng), emission=0.25, gloss=0.2)
    # Shade and lining are joined by a rim, so that no back face is visible between them.
    builder.lathe([(radius - 0.004, 0.0), (radius, 0.0), (radius * 0.45, 0.2), (0.0, 0.205)], shade, centre=centre)
    lining = Material((1.0, 0.97, 0.9), emission=1.0)
    builder.lathe([(0.0, 0.19), (radius * 0.45 - 0.004, 0.19), (radius - 0.004, 0.0)], lining, centre=centre)
    builder.lathe([(0, 0.05), (0.03, 0.06), (0.04, 0.1), (0.025, 0.14), (0, 0.16)], glow, centre=centre)
    return 0.2


def _add_globe(builder: MeshBuilder, centre: tuple[float, float, float], *, rng: np.random.Generator) -> float:
    """Add a lantern of ribbed paper. Returns the height of its top in metres."""
    radius = rng.uniform(0.16, 0.23)
    paper = Material((1.0, 0.95, 0.86), textures.paintwork(pick(("f0eee9",), rng=rng), rng=rng), emission=1.3)
    angle = np.linspace(0, np.pi, 25)
    ribs = radius * (1 - 0.012 * (np.arange(25) % 2))
    profile = [(float(r * np.sin(a)), float(radius - radius * np.cos(a))) for r, a in zip(ribs, angle, strict=True)]
    builder.lathe([(0.0, 0.0), *profile[1:-1], (0.0, 2 * radius)], paper, centre=centre)
    return 2 * radius - 0.005
