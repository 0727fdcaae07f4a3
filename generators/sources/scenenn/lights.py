"""Lights for rooms that have none."""

import numpy as np
from jaxtyping import Float

from ...scene import Light

BELOW_CEILING_M = 0.15
COVERED = 0.7
RADIANCE = 1.0
"""Radiance at which the floor is about as bright as in a procedural room."""


def scan_lights(inner: Float[np.ndarray, "2 3"]) -> tuple[Light, ...]:
    """One large soft area light under the ceiling of the room's box (`Room.inner`, in metres), facing down.

    The colours of a scan already contain the lighting of the room; a small lamp would add contradicting shadows. This light covers
    most of the ceiling, so that objects cast only faint shadows.
    """
    low, high = np.asarray(inner, np.float64)
    centre, half = (low + high) / 2, COVERED * (high - low) / 2
    position = np.array([centre[0], centre[1], max(high[2] - BELOW_CEILING_M, centre[2])])
    # x cross -y points down.
    return (Light("area", position, half * [1, 0, 0], half * [0, -1, 0], np.full(3, RADIANCE)),)
