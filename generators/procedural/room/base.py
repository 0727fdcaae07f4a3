"""Names of the parts of a room, and constants that all parts share."""

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
"""Walls extend this far below the floor and above the ceiling, in metres, so that no ray passes through the joints."""

QUAD = np.array([[0, 1, 2], [0, 2, 3]])
"""Faces of a rectangle with its corners in order."""
