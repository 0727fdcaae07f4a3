"""Equal rows of integer arrays."""

import numpy as np
import trimesh
from jaxtyping import Int


def first_equal_row(rows: Int[np.ndarray, "rows columns"]) -> Int[np.ndarray, " rows"]:
    """For each row, the index of the first row that is equal to it."""
    if not len(rows):
        return np.empty(0, np.int64)
    first, group = trimesh.grouping.unique_rows(rows)  # type: ignore[no-untyped-call]
    return np.asarray(first[group], np.int64)
