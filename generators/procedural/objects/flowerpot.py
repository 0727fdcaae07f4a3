"""Pot plants."""

import numpy as np

from ...meshes.builder import MeshBuilder, Number
from ...scene import Asset, Material
from .. import textures
from ..textures.colors import pick
from .base import WHITE, asset, thick


def flowerpot(*, rng: np.random.Generator) -> Asset:
    """A pot with earth and bent leaves that spread from its middle."""
    builder = MeshBuilder()
    large = rng.random() < 0.5
    r, h = (rng.uniform(0.14, 0.19), rng.uniform(0.26, 0.36)) if large else (rng.uniform(0.06, 0.09), rng.uniform(0.1, 0.14))
    terracotta = rng.random() < 0.4
    skin = textures.plaster(rng=rng, size=128, base=pick(("b4683f", "a8694f", "c08a72"), rng=rng))
    clay = Material(WHITE, skin if terracotta else textures.glaze(rng=rng), gloss=0.0 if terracotta else 0.25)
    builder.lathe(thick([(r * 0.72, 0), (r * 0.95, h * 0.85), (r, h * 0.86), (r, h)], r * 0.07), clay, sections=36)
    earth = Material(WHITE, textures.plaster(rng=rng, size=128, base=pick(("3a2c20", "4a3a2a"), rng=rng)))
    builder.lathe([(r * 0.92, h * 0.9), (0, h * 0.93)], earth)
    greens = [Material((1.0, 1.0, 1.0), textures.leaf(rng=rng)) for _ in range(2)]
    length = rng.uniform(1.0, 1.9) * h * (1.3 if large else 1.5)
    for k in range(int(rng.integers(16, 30))):
        _leaf(builder, greens[k % 2], r, h * 0.9, length * rng.uniform(0.6, 1.0), k, rng=rng)
    return asset(builder, "floor" if large else "surface")


def _leaf(builder: MeshBuilder, green: Material, r: Number, z: Number, length: Number, k: int, *, rng: np.random.Generator) -> None:
    """Add a bent leaf as a closed surface with a raised rib, so that no back face is visible."""
    turn, rise, width = k * 2.4 + rng.normal(0, 0.2), rng.uniform(0.8, 1.45), length * rng.uniform(0.09, 0.16)
    t = np.linspace(0, 1, 7)
    angle = rise - rng.uniform(0.5, 1.7) * t
    out = r * 0.25 + np.concatenate([[0], np.cumsum(np.cos(angle[:-1]))]) * length / 6
    up = z + np.concatenate([[0], np.cumsum(np.sin(angle[:-1]))]) * length / 6
    half = width * np.sin(np.pi * np.clip(t * 0.93 + 0.06, 0, 1)) + 0.001
    c, s = np.cos(turn), np.sin(turn)
    spine = np.stack([out * c, out * s, np.maximum(up, 0.02)], axis=1)
    side = np.array([-s, c, 0.0]) * half[:, None]
    lift = np.stack([-np.sin(angle) * c, -np.sin(angle) * s, np.cos(angle)], axis=1) * 1.5e-3
    top, under = [np.concatenate([spine - side, spine + shift, spine + side]) for shift in (lift, -lift)]
    faces = []
    for row in range(2):
        a = np.arange(6) + row * 7
        b = a + 7
        faces += [np.stack([a, a + 1, b + 1], 1), np.stack([a, b + 1, b], 1)]
    quads = np.concatenate(faces)
    texel = np.stack([np.tile(t, 3), np.repeat([0.0, 0.5, 1.0], 7)], axis=1)
    ends = np.array([[0, 7, 28], [7, 14, 28], [13, 6, 34], [20, 13, 34]])
    closed = np.concatenate([quads, quads[:, ::-1] + 21, ends])
    builder.add(np.concatenate([top, under]), closed, green, uv=np.tile(texel, (2, 1))[closed])
