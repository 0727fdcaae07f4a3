"""Noise with a decreasing spectrum, so that no two positions of a texture look the same."""

from functools import lru_cache

import numpy as np
from scipy import fft

from .planes import SIZE, Number, Plane, Shape

BANK_SEED = 20240717
BANK_SHAPE = (512, 1024)


def noise(*, rng: np.random.Generator, size: Shape = SIZE, slope: Number = 1.5, stretch: tuple[Number, Number] = (1, 1)) -> Plane:
    """Tileable noise with mean 0 and sd 1 whose amplitude falls as frequency^-slope; `stretch` (x, y) lengthens its features.

    It is a mixture of two planes that are made once, each shifted, flipped and weighted at random, which is far cheaper than new noise.
    """
    rows, columns = (size, size) if isinstance(size, int) else size
    # Fine grain may repeat after some metres, low frequencies may not: they distinguish positions with the same grain.
    shape = (rows, columns) if slope >= 1.5 else (min(rows, BANK_SHAPE[0]), min(columns, BANK_SHAPE[1]))
    first, second = _bank(shape, float(slope), (float(stretch[0]), float(stretch[1])))
    angle = rng.uniform(0, 2 * np.pi)
    plane, other = _shifted(first, rng=rng), _shifted(second, rng=rng)
    plane *= np.float32(np.cos(angle))
    other *= np.float32(np.sin(angle))
    plane += other
    return plane if plane.shape == (rows, columns) else np.tile(plane, (rows // shape[0], columns // shape[1]))


def _shifted(plane: Plane, *, rng: np.random.Generator) -> Plane:
    flips = rng.integers(0, 2, 2) * 2 - 1
    shift = (int(rng.integers(plane.shape[0])), int(rng.integers(plane.shape[1])))
    return np.roll(plane[:: flips[0], :: flips[1]], shift, (0, 1))


@lru_cache(maxsize=96)
def _bank(shape: tuple[int, int], slope: float, stretch: tuple[float, float]) -> tuple[Plane, Plane]:
    """Two planes of noise that depend only on the arguments."""
    rng = np.random.default_rng(np.random.SeedSequence([BANK_SEED, *shape, round(100 * slope), *(round(100 * s) for s in stretch)]))
    fy, fx = np.meshgrid(np.fft.fftfreq(shape[0]), np.fft.rfftfreq(shape[1]), indexing="ij")
    radius = np.hypot(fx * stretch[0], fy * stretch[1]) * max(shape)
    radius[0, 0] = np.inf
    amplitude = (radius**-slope).astype(np.float32)

    def plane() -> Plane:
        real, imaginary = rng.standard_normal((2, *amplitude.shape), dtype=np.float32)
        made = fft.irfft2((real + 1j * imaginary) * amplitude, shape)
        scaled: Plane = ((made - made.mean()) / made.std()).astype(np.float32)
        return scaled

    return plane(), plane()
