"""Compiled search for the k nearest: sums as in `sum_kernels`, of which each query keeps its k lowest in order."""

from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Float, Int64

from ....jit import kernel
from ....jit.simd import WIDTH, below, load_lanes, lowest_bit, smaller_lanes, spread, store
from .sum_kernels import BLOCK, sums_of_four

Array = np.ndarray
NOTHING = np.int64(0x7F800000 << 32 | 0xFFFFFFFF)
"""The key of an empty entry: an infinite sum."""


class Kept(NamedTuple):
    """The lowest sums so far, ascending, as keys: the bits of a sum, which are in the order of sums, before the 32 bits of its target.

    Only sums that are at least `least` count.
    """

    key: Int64[Array, "queries k"]
    least: Float[Array, " queries"]


class Apart(NamedTuple):
    """If `used`, only targets count whose position is at a squared distance of more than `squared` (px squared) from the query's centre."""

    used: bool
    centre: Float[Array, "queries 2"]
    place: Float[Array, "targets 2"]
    squared: float


@kernel
@no_type_check
def search_k(blocks, targets, code, apart, kept):
    """Every query (in rows of BLOCK) against every target: all sums of a few queries, then the lowest of each."""
    rows, groups, channels = blocks.ravel(), targets.groups.ravel(), targets.channels
    count, width = len(kept.key), WIDTH * len(targets.groups)
    sums = np.empty(BLOCK * width, np.float32)
    for first in range(0, count, BLOCK):
        for group in range(len(targets.groups)):
            a, b, c, d = sums_of_four(rows, first * channels, groups, group * channels * WIDTH, channels, code)
            at = WIDTH * group
            store(sums, at, a)
            store(sums, at + width, b)
            store(sums, at + 2 * width, c)
            store(sums, at + 3 * width, d)
        for query in range(first, min(first + BLOCK, count)):
            own = sums[(query - first) * width : (query - first + 1) * width]
            own[targets.number :] = np.inf
            keys = kept.key[query]
            _keep_lowest(own, keys, kept.least[query], query, apart, _bound(own, len(keys)))
            if keys[-1] == NOTHING:  # too few of the targets below the bound are allowed
                _keep_lowest(own, keys, kept.least[query], query, apart, np.float32(np.inf))


@kernel
@no_type_check
def _bound(sums, count):
    """Upper bound on the `count` lowest sums: just above the largest of the minima of all lanes; infinity if `count` exceeds the lanes."""
    lowest, lanes = load_lanes(sums, 0), np.empty(WIDTH, np.float32)
    for first in range(WIDTH, len(sums), WIDTH):
        lowest = smaller_lanes(load_lanes(sums, first), lowest)
    store(lanes, 0, lowest)
    return np.nextafter(lanes.max(), np.float32(np.inf)) if count <= WIDTH else np.float32(np.inf)


@kernel
@no_type_check
def _keep_lowest(sums, keys, least, query, apart, bound):
    """Keep the lowest sums below `bound` in `keys`. A threshold rejects most sums: an insertion takes as long as a hundred comparisons."""
    bits_of_sums, threshold = sums.view(np.int32), bound
    keys[:] = NOTHING
    for first in range(0, len(sums), WIDTH):
        lanes = load_lanes(sums, first)
        bits = below(lanes, spread(threshold))
        if bits:
            bits &= ~below(lanes, spread(least))
            while bits:
                target = first + lowest_bit(bits)
                bits &= bits - np.uint64(1)
                if not apart.used or _is_apart(query, target, apart):
                    _insert(keys, np.int64(bits_of_sums[target]) << 32 | target)
            # The higher half of the last key.
            threshold = min(bound, keys.view(np.float32)[2 * len(keys) - 1])


@kernel
@no_type_check
def _insert(keys, key):
    """Insert into an ascending list and drop the last entry; branch-free, because the position is unpredictable."""
    for i in range(len(keys) - 1, 0, -1):
        keys[i] = min(keys[i], max(keys[i - 1], key))
    keys[0] = min(keys[0], key)


@kernel
@no_type_check
def _is_apart(query, target, apart):
    x, y = apart.place[target, 0] - apart.centre[query, 0], apart.place[target, 1] - apart.centre[query, 1]
    return x * x + y * y > apart.squared
