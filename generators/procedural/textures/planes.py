"""Planes of texels, which textures are drawn on: their size, what is kept in them, and their coordinates."""

import numpy as np
from jaxtyping import Float, Int, UInt8

SIZE = 256
"""Rows and columns of most textures."""

Number = float | int
"""A whole number may stand for a float; run-time checks, unlike mypy, want that said."""

Shape = int | tuple[int, int]
"""Rows and columns, or the side of a square."""

Plane = Float[np.ndarray, "rows columns"]
Labels = Int[np.ndarray, "rows columns"] | UInt8[np.ndarray, "rows columns"]
Color = Float[np.ndarray, "3"]
Texture = UInt8[np.ndarray, "rows columns 3"]


def grid(size: Shape = SIZE) -> tuple[Float[np.ndarray, "1 columns"], Float[np.ndarray, "rows 1"]]:
    """x and y in [0, 1) of texel centres, to be broadcast: (1, columns) and (rows, 1)."""
    rows, columns = (size, size) if isinstance(size, int) else size
    x, y = ((np.arange(n, dtype=np.float32) + np.float32(0.5)) / np.float32(n) for n in (columns, rows))
    return x[None, :], y[:, None]
