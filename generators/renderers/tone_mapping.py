"""From the linear radiance of samples to an sRGB image: pixel averages, exposure and a film curve."""

from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float, UInt8

from pixbench.jit import kernel

from ..scene import ViewAppearance
from .texture_atlas import to_srgb

TARGET_LUMINANCE = 0.20
"""Mean log luminance of the room in the exposed image."""


def pixel_means(radiance: Float[np.ndarray, "rows columns 3"], height: int, width: int) -> Float[np.ndarray, "height width 3"]:
    """Mean over the samples of each pixel; `radiance` has the same number of samples per pixel along both axes."""
    means = np.zeros((height, width, 3), np.float32)
    _pixel_means(radiance, radiance.shape[0] // height, means)
    return means


@kernel
@no_type_check
def _pixel_means(radiance, factor, means):
    share = np.float32(1.0 / factor**2)
    for row in range(radiance.shape[0]):
        for column in range(radiance.shape[1]):
            for k in range(3):
                means[row // factor, column // factor, k] += share * radiance[row, column, k]


def develop(
    radiance: Float[np.ndarray, "height width 3"], indoors: Bool[np.ndarray, "height width"], appearance: ViewAppearance
) -> UInt8[np.ndarray, "height width 3"]:
    """Expose linear radiance, then apply a film curve (Reinhard et al., 2002) and encode as 8-bit sRGB.

    The automatic exposure follows the mean log luminance of the pixels that are `indoors`, not that of the sky.
    """
    metered = radiance[indoors] if indoors.any() else radiance.reshape(-1, 3)
    luminance = metered @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    exposure = TARGET_LUMINANCE / np.exp(np.mean(np.log(luminance + 1e-4)))
    film = _film(radiance * (exposure * 2.0**appearance.exposure_ev * appearance.white_balance).astype(np.float32))
    return np.asarray(np.round(to_srgb(film) * 255), np.uint8)


def _film(x: Float[np.ndarray, "height width 3"]) -> Float[np.ndarray, "height width 3"]:
    """A toe by a power about middle grey, then the shoulder of Reinhard et al. (2002) with white at 5."""
    toned = 0.18 * (np.maximum(x, 0) / 0.18) ** 1.3 * 1.25
    shoulder: np.ndarray = toned * (1 + toned / 25) / (1 + toned)
    return shoulder
