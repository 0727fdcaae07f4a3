"""Draws the appearance of each view: lighting and camera settings, as if views were photographed at different times of the day."""

import numpy as np
from jaxtyping import Float

from ..scene import ViewAppearance
from .config import Config3D

WAVELENGTHS_NM = np.array([611.0, 549.0, 465.0])
"""Dominant wavelengths of the primaries of sRGB: red, green, blue."""

NEUTRAL_K = 6500.0
MOST_EV = 1.0


def draw_appearances(config: Config3D, lights: int, *, rng: np.random.Generator) -> tuple[ViewAppearance, ...]:
    """A random appearance for each view, for a number of lights."""

    def appearance() -> ViewAppearance:
        strength = np.exp(rng.normal(0, config.light_variation, (lights, 1)))
        tint = np.stack([black_body(rng.uniform(*config.light_temperature_k)) for _ in range(lights)])
        exposure = float(np.clip(rng.normal(0, config.exposure_variation_ev), -MOST_EV, MOST_EV))
        return ViewAppearance(strength * tint, exposure, np.exp(rng.normal(0, config.color_variation, 3)))

    return tuple(appearance() for _ in range(config.views))


def black_body(temperature_k: float) -> Float[np.ndarray, "3"]:
    """Linear RGB of a black body, relative to one of 6500 K and with green 1 (Planck, 1901: his law at one wavelength per channel)."""

    def radiance(kelvin: float) -> Float[np.ndarray, "3"]:
        spectrum: np.ndarray = 1 / np.expm1(1.438777e7 / (WAVELENGTHS_NM * kelvin))
        return spectrum

    ratio = radiance(temperature_k) / radiance(NEUTRAL_K)
    color: np.ndarray = ratio / ratio[1]
    return color
