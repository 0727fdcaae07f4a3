"""Planes of tones, in log brightness, that are coloured by a lookup table."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8

from .planes import Color, Labels, Number, Plane, Texture

TONES = 0.9
"""Tones reach from -TONES to TONES, in 256 steps."""


def painted(tone: Plane, base: Color, warmth: Number = 0.15) -> Texture:
    """The texture of one material: its base colour in the tones of a plane."""
    return np.take(_tone_colors(base, warmth), _levels(tone), axis=0)


def inlaid(which: Labels, tone: Plane, bases: Sequence[Color], warmth: Number = 0.15) -> Texture:
    """The texture of several materials; `which` is the index of the material at each texel."""
    tables = np.concatenate([_tone_colors(base, warmth) for base in bases])
    return np.take(tables, which.astype(np.int32) * 256 + _levels(tone), axis=0)


def _tone_colors(base: Color, warmth: Number = 0.15) -> UInt8[np.ndarray, "256 3"]:
    """The colours of all tones of a base; dark tones lose more blue than red, as most materials do."""
    tone = np.linspace(-TONES, TONES, 256)[:, None] * (1 + float(warmth) * np.array([-1.0, 0.0, 1.0]))
    return np.clip(base * np.exp(tone) * 255 + 0.5, 0, 255).astype(np.uint8)


def _levels(tone: Plane) -> UInt8[np.ndarray, "rows columns"]:
    """Tones as rows of a `_table`."""
    scaled = tone * np.float32(127.5 / TONES)
    scaled += np.float32(128)
    return np.clip(scaled, 0, 255, out=scaled).astype(np.uint8)
