"""Equal rows of integer arrays.

trimesh.grouping.unique_rows gives the same groups, but the index of the first row of a group depends on its unstable sort, and
numpy.unique with an axis is slower. The first index decides which vertex is kept, and so the bytes of a data set.
"""

import numpy as np
from jaxtyping import Int


def first_equal_row(rows: Int[np.ndarray, "rows columns"]) -> Int[np.ndarray, " rows"]:
    """For each row, the index of the first row that is equal to it."""
    order = np.lexsort(rows.T)
    ordered = rows[order]
    starts = np.ones(len(rows), bool)
    starts[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    first = np.empty(len(rows), np.int64)
    # lexsort is stable: the first index of a run is the smallest.
    first[order] = order[starts][np.cumsum(starts) - 1]
    return first
