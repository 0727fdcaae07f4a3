"""Planes of texels, on which textures are drawn: their size, types and coordinates."""

import numpy as np
from jaxtyping import Float, Int, UInt8

SIZE = 256
"""Rows and columns of most textures."""

Number = float | int
"""An int is accepted as a float; run-time type checks, unlike mypy, need both to be named."""

Shape = int | tuple[int, int]
"""Rows and columns, or the side of a square."""

Plane = Float[np.ndarray, "rows columns"]
Labels = Int[np.ndarray, "rows columns"] | UInt8[np.ndarray, "rows columns"]
Color = Float[np.ndarray, "3"]
Texture = UInt8[np.ndarray, "rows columns 3"]


def grid(size: Shape = SIZE) -> tuple[Float[np.ndarray, "1 columns"], Float[np.ndarray, "rows 1"]]:
    """x and y in [0, 1) of texel centres, for broadcasting: (1, columns) and (rows, 1)."""
    rows, columns = (size, size) if isinstance(size, int) else size
    x, y = ((np.arange(n, dtype=np.float32) + np.float32(0.5)) / np.float32(n) for n in (columns, rows))
    return x[None, :], y[:, None]
