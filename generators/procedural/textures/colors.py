"""Palettes of paint, cloth and other materials, and random choices from them."""

import colorsys
from collections.abc import Sequence

import numpy as np

from .planes import Color, Number


def palette(colors: str) -> tuple[str, ...]:
    """Colours written as rrggbb, one after another."""
    return tuple(colors.split())


PAINTS = palette(
    """f1ede4 ece5d8 e6dfd0 eeeae6 dcd6ca d8cfbf e9dcc3 d9c7a8 cdbd9f c9c4ba b6b2a9 a7a49d c8cdc6 b4bfae 9fae98 8a9a86
b9c6cb 9fb2bc 8199a8 5f7a8c 3f5666 dcc3b2 cfa58f c08a72 b86f52 d8b66a c99f45 7d8b6a 5c6b52 3d4f47 e3d3d0 cbb3ad 8d7b74 6b6660
4a4d52 d6dcd8 c4d3ce eadfc9"""
)
"""Common wall paints: whites and greiges, greys, sage, dusty blue, blush, terracotta, ochre, deep green and slate."""

CLOTHS = palette(
    """d8cfc0 c8bba6 b3a48d 8f8272 6e6459 4b4540 e8e2d6 9a9a96 6f7377 4a4f55 2f3338 39475a 51657c 7b91a5 a9b9c4 5e6f5a 7c8b6d
a3ac8c 3c5145 8a4b3a b0664a c98763 d9a441 b98a3e 6d3b3f 8f5560 c3a0a0 5b4a63 31575c 4f8084 c9b9a9 7a5c43"""
)
"""Dyed and undyed cloth."""

LACQUERS = palette("e9e7e1 d9d6ce 8e9190 3a3d40 23262a 566a73 7f9396 6f7f6c b5553f c9973f 2f4a5c d8c9b0")
METALS = palette("b9bcbd 9a9d9f 6f7275 4b4d50 2b2c2e b8a06a 8c6d45 c7c3b8")
GLAZES = palette("e9e4d8 dcd3c1 f0eeea c9b79a a88f72 8a5f45 6a4a3a b4683f 9db0a0 6f8f86 4a6f73 35506b 22344f 8aa1b3 3a3a3c c98f5a 7d3f35")
WOODS = palette("c49a66 b5824e 9c6a3e 8a5a36 6f4529 573622 d2b283 dcc6a0 a98a6a 7a6552 b98d5e 926c48 4a3326")


def color(
    *,
    rng: np.random.Generator,
    hue: tuple[Number, Number] = (0, 1),
    sat: tuple[Number, Number] = (0.25, 0.7),
    val: tuple[Number, Number] = (0.35, 0.85),
) -> Color:
    """A random sRGB colour within ranges of hue, saturation and value."""
    return np.array(colorsys.hsv_to_rgb(rng.uniform(*hue) % 1, rng.uniform(*sat), rng.uniform(*val)), np.float32)


def pick(names: Sequence[str], *, rng: np.random.Generator, spread: Number = 0.06) -> Color:
    """One of a list of colours, given as rrggbb, a little lighter or darker, and a trace warmer or cooler."""
    name = names[int(rng.integers(len(names)))]
    change = rng.normal(0, spread) + rng.normal(0, 0.3 * spread) * np.array([1.0, 0.0, -1.0])
    rgb = np.array([int(name[k : k + 2], 16) for k in (0, 2, 4)]) / 255 * np.exp(change)
    return np.clip(rgb, 0.01, 0.98).astype(np.float32)
