"""Defaults of matching and describing pictures. Imports nothing, so that the command line can state them at once."""

WORKING_SIZE = 480
"""Longer side, in pixels, that pictures are shrunk to: near the sizes that models are trained on, and small enough to be searched in
seconds.
"""

STEP = 8
"""Query stride, in pixels of the shrunk picture."""

CYCLE_PX = 1.5
"""Largest cycle error of a mutual match, in pixels: it returns to the same pixel, or to one of the eight around it."""

THRESHOLD_PX = 3.0
"""Inlier threshold of the geometry, in pixels of the shrunk picture."""
