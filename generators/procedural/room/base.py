"""What all of a room shares: the names of its parts, and how its surfaces are closed."""

import numpy as np

PARTS = (
    "wall",
    "floor",
    "ceiling",
    "window",
    "door",
    "skirting",
    "picture",
    "rug",
    "ceiling lamp",
    "radiator",
    "curtain",
    "shelf",
)

SEAM = 0.01
"""Walls reach this far below the floor and above the ceiling, in metres, so that no ray slips through where they meet."""

QUAD = np.array([[0, 1, 2], [0, 2, 3]])
"""The faces of a rectangle whose corners are given one after another."""
