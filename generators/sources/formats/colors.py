"""Colours as files store them, as sRGB bytes."""

import numpy as np
from jaxtyping import Float, Shaped, UInt8

BRIGHTEST_SHARE = 2.0
"""Floats up to this are shares of white: overexposed ones exceed 1, and no picture in bytes is as dark."""


def as_bytes(colors: Shaped[np.ndarray, "rows 3"]) -> UInt8[np.ndarray, "rows 3"]:
    """sRGB bytes of colours: bytes, 16-bit integers, or floats in [0, 1] (a little more is white) or in [0, 255]. NaN is white."""
    if colors.dtype == np.uint8:
        return colors
    values = np.nan_to_num(colors.astype(np.float64), nan=np.inf, posinf=np.inf)
    largest = float(np.max(values[np.isfinite(values)], initial=0.0))
    whole, shares = colors.dtype.kind != "f", largest <= BRIGHTEST_SHARE
    scale = (1.0 if largest <= 255 else 255 / 65535) if whole else (255.0 if shares else 1.0)
    return np.clip(values * scale, 0, 255).round().astype(np.uint8)


def srgb_bytes(linear: Float[np.ndarray, "*any"]) -> UInt8[np.ndarray, "*any"]:
    """sRGB bytes of linear values, which are clipped to [0, 1]."""
    return np.round(255 * srgb(linear)).astype(np.uint8)


def srgb(linear: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
    """sRGB values in [0, 1] of linear values, which are clipped to [0, 1] (IEC 61966-2-1)."""
    kept = np.clip(np.nan_to_num(linear, nan=1.0), 0, 1)
    return np.minimum(np.where(kept <= 0.0031308, kept * 12.92, (1.055 * kept ** (1 / 2.4) - 0.055).round(12)), 1.0)
