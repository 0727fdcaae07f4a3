"""Monitors."""

import numpy as np

from ...meshes.builder import MeshBuilder, rotation
from ...scene import Asset, Material
from .. import textures
from .base import DARK, asset, casing


def display(*, rng: np.random.Generator) -> Asset:
    """A flat screen on a foot, showing something; it faces -y."""
    builder = MeshBuilder()
    body = DARK if rng.random() < 0.7 else casing(rng=rng)
    w, ratio = rng.uniform(0.46, 0.68), rng.choice([0.5625, 0.625])
    h, bezel, lift, tilt = w * ratio, rng.uniform(0.008, 0.02), rng.uniform(0.09, 0.16), rng.uniform(0.0, 0.12)
    R, centre = rotation("x", -tilt), np.array([0, 0, lift + h / 2])
    builder.box(centre, (w, 0.022, h), body, bevel=0.006, rotation=R)
    picture = Material((1.0, 1.0, 1.0), textures.screen(rng=rng), emission=rng.uniform(0.2, 0.9), gloss=0.3)
    builder.screen((w / 2 - bezel, h / 2 - bezel), centre + R @ [0.0, -0.0118, 0.0], picture, R)
    builder.box((0, 0.035, (lift + h * 0.5) / 2 + 0.005), (0.06, 0.022, lift + h * 0.5), body, bevel=0.006)
    if rng.random() < 0.5:
        builder.cylinder((0, 0.02, 0), (0, 0.02, 0.014), rng.uniform(0.09, 0.13), body, sections=36)
    else:
        builder.box((0, 0.02, 0.007), (rng.uniform(0.2, 0.3), 0.18, 0.014), body, bevel=0.004)
    return asset(builder, "surface")
