"""The sky that is seen through windows."""

import numpy as np
from jaxtyping import Float

Angles = Float[np.ndarray, " rays"]


def sky(rays: Float[np.ndarray, "rays 3"]) -> Float[np.ndarray, "rays 3"]:
    """Linear radiance of a blue sky with soft clouds over hills and meadows, about luminance 1, as a function of direction alone."""
    d = (rays / np.linalg.norm(rays, axis=1, keepdims=True)).astype(np.float32)
    up, angle = d[:, 2], np.arctan2(d[:, 1], d[:, 0])
    clouds = np.clip(0.9 * _waves(angle, up, ((3, 5), (7, -11), (13, 23), (29, 41))) + 0.25, 0, 1)[:, None]
    clear = np.array([0.62, 0.80, 1.02]) + np.clip(up, 0, 1)[:, None] * np.array([-0.36, -0.26, -0.05])
    above = clear * (1 - clouds) + 1.25 * clouds
    shade = _waves(angle, up, ((11, 60), (31, -90), (67, 170)))[:, None]
    ground = np.array([0.20, 0.27, 0.13]) * (1 + 0.45 * shade) + 0.10 * np.clip(1 + 5 * up, 0, 1)[:, None]
    ridge = 0.035 + 0.03 * _waves(angle, 0 * up, ((4, 0), (9, 0), (23, 0), (61, 0)))
    blend = np.clip((up - ridge) * 90 + 0.5, 0, 1)[:, None]
    mixed: np.ndarray = blend * above + (1 - blend) * ground
    return mixed.astype(np.float32)


def _waves(angle: Angles, up: Angles, frequencies: tuple[tuple[int, int], ...]) -> Angles:
    """A sum of sines of decreasing amplitude, about in [-1, 1]. Frequencies around the horizon are whole, so that it is periodic."""
    total = sum(np.sin(a * angle + z * up + 1.7 * k) / (1 + 0.5 * k) for k, (a, z) in enumerate(frequencies))
    waves: np.ndarray = total / np.sqrt(len(frequencies))
    return waves
