"""Vessels: bottles, mugs, bowls, jars."""

import numpy as np

from ...meshes.builder import MeshBuilder
from ...scene import Asset, Material
from .. import textures
from .base import asset, plain, thick


def _ceramic(*, rng: np.random.Generator) -> Material:
    return Material((1.0, 1.0, 1.0), textures.glaze(rng=rng), gloss=0.5)


BOTTLES = (
    # radius, height, neck / radius, shoulder / height, body / height: wine, beer, water, sauce
    ((0.034, 0.042), (0.28, 0.33), (0.32, 0.42), (0.64, 0.72), (0.52, 0.60)),
    ((0.029, 0.034), (0.21, 0.25), (0.40, 0.48), (0.68, 0.76), (0.52, 0.58)),
    ((0.032, 0.045), (0.20, 0.32), (0.34, 0.44), (0.86, 0.90), (0.66, 0.74)),
    ((0.030, 0.040), (0.16, 0.20), (0.50, 0.62), (0.78, 0.84), (0.62, 0.70)),
)


def bottle(*, rng: np.random.Generator) -> Asset:
    """Body with a label, shoulder, neck and cap."""
    builder = MeshBuilder()
    r, h, narrow, high, low = (rng.uniform(*limits) for limits in BOTTLES[rng.integers(len(BOTTLES))])
    neck, shoulder, body = r * narrow, high * h, low * h
    glass = plain(("1f3a2a", "2f4a35", "3f2a1a", "5a3a20", "2a3f4f", "6f8f86", "222426"), rng=rng, gloss=0.8)
    curve = np.linspace(0, np.pi / 2, 8)
    rounded = [(neck + (r - neck) * np.cos(a), body + (shoulder - body) * np.sin(a)) for a in curve]
    builder.lathe([(0, 0), (r * 0.9, 0), (r, 0.008), *rounded, (neck, h), (0, h)], glass)
    cap = min(0.025, 0.8 * (h - shoulder))
    z0, z1 = 0.12 * h, body * rng.uniform(0.8, 0.95)
    # The edges of the label end inside the glass, so that its back is not visible.
    paper = [(r - 0.0005, z0), (r + 0.0008, z0 + 0.0002), (r + 0.0008, z1), (r - 0.0005, z1 + 0.0002)]
    builder.lathe(paper, Material((1.0, 1.0, 1.0), textures.label(rng=rng)))
    builder.lathe(
        [(neck - 0.001, h - cap), (neck + 0.003, h - cap + 0.001), (neck + 0.003, h + 0.004), (0, h + 0.004)],
        plain(("23262a", "8a4b3a", "b9bcbd", "b8a06a", "e9e4d8", "2f4a5c"), rng=rng),
    )
    return asset(builder, "surface")


def mug(*, rng: np.random.Generator) -> Asset:
    """A cup with a handle at +x."""
    builder, clay = MeshBuilder(), _ceramic(rng=rng)
    r, h, flare = rng.uniform(0.037, 0.048), rng.uniform(0.085, 0.115), rng.uniform(0.85, 1.05)
    builder.lathe(thick([(r * flare * 0.95, 0), (r * flare, 0.006), (r, h - 0.002)], 0.004), clay, sections=40)
    angle = np.linspace(-np.pi / 2, np.pi / 2, 14)
    reach, tall = rng.uniform(0.026, 0.036), h * rng.uniform(0.26, 0.34)
    height = h * 0.5 + tall * np.sin(angle)
    # Both ends lie in the middle of the wall, 4 mm thick, wherever it leans.
    wall = np.interp(height, (0.006, h - 0.002), (r * flare, r)) - 0.002
    path = np.stack([wall + reach * np.cos(angle), np.zeros_like(angle), height], axis=1)
    builder.tube(path, rng.uniform(0.0045, 0.0065), clay, sections=12, repeat_m=0.5)
    return asset(builder, "surface")


def bowl(*, rng: np.random.Generator) -> Asset:
    """An open bowl on a foot, sometimes with fruit."""
    builder = MeshBuilder()
    r, h = rng.uniform(0.08, 0.15), rng.uniform(0.05, 0.09)
    angle = np.linspace(0.25, np.pi / 2, 10)
    foot = r * 0.45
    curve = [(max(r * np.sin(a), foot), 0.012 + (h - 0.012) * (1 - np.cos(a))) for a in angle]
    builder.lathe(thick([(foot, 0), *curve], 0.005), _ceramic(rng=rng), sections=44, around=2)
    if rng.random() < 0.6:
        fruit = rng.uniform(0.028, 0.036)
        for k in range(int(rng.integers(3, 6))):
            place = 2.1 * fruit * np.array([np.cos(k * 2 * np.pi / 5), np.sin(k * 2 * np.pi / 5)]) * (r > 0.1)
            ball = [(fruit * np.sin(t), fruit * (1 - np.cos(t))) for t in np.linspace(0, np.pi, 12)]
            skin = Material((1.0, 1.0, 1.0), textures.peel(rng=rng), gloss=0.3)
            builder.lathe(ball, skin, centre=(*place, 0.014 + 0.02 * (np.linalg.norm(place) > 0)), sections=20)
            if r <= 0.1:
                break
    return asset(builder, "surface")


def jar(*, rng: np.random.Generator) -> Asset:
    """A vase."""
    builder = MeshBuilder()
    h, r = rng.uniform(0.18, 0.36), rng.uniform(0.05, 0.1)
    z = np.linspace(0, 1, 18)
    phase, waist = rng.uniform(0.2, 0.9), rng.uniform(0.25, 0.5)
    radius = r * (0.6 + waist * np.sin(np.pi * (z * 1.25 + phase * 0.3)))
    builder.lathe(
        thick([(float(a), float(b)) for a, b in zip(np.maximum(radius, 0.02), z * h, strict=True)], 0.005),
        _ceramic(rng=rng),
        sections=44,
    )
    return asset(builder, "surface")
