"""Equal rows of integer arrays."""

import numpy as np
from jaxtyping import Int


def first_equal_row(rows: Int[np.ndarray, "rows columns"]) -> Int[np.ndarray, " rows"]:
    """For each row, the index of the first row that is equal to it."""
    # trimesh.grouping does the same faster, but its import costs each worker 0.4 s and 30 MB.
    _, first, group = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    return np.asarray(first[group.ravel()], np.int64)
