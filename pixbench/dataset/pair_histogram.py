"""Difficulty of the pairs of a data set: histogram over visible share and baseline angle."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from jaxtyping import Float

OVERLAP_EDGES = tuple(round(k / 10, 1) for k in range(11))
ANGLE_EDGES_DEG = (0.0, 5.0, 10.0, 15.0, 30.0, 45.0, 60.0, 90.0, 180.0)

Pairs = tuple[Float[np.ndarray, "_"], Float[np.ndarray, "_"]]
"""Visible share and baseline angle in degrees (NaN: nothing visible) of ordered pairs."""


def pair_histogram(scenes: Iterable[Pairs]) -> dict[str, Any]:
    """Counts of ordered pairs by visible share (rows) and baseline angle (columns); `blind` pairs share nothing."""
    counts = np.zeros((len(OVERLAP_EDGES) - 1, len(ANGLE_EDGES_DEG) - 1), np.int64)
    blind = 0
    for overlap, angle in scenes:
        blind += int(np.isnan(angle).sum())
        seen = ~np.isnan(angle)
        counts += np.histogram2d(overlap[seen], angle[seen], bins=(OVERLAP_EDGES, ANGLE_EDGES_DEG))[0].astype(np.int64)
    return {"overlap_edges": OVERLAP_EDGES, "angle_edges_deg": ANGLE_EDGES_DEG, "counts": counts.tolist(), "blind": blind}
