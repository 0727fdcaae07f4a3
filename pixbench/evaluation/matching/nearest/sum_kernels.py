"""Compiled search for the nearest of many descriptors: the sums of a query and 16 targets at a time, in registers."""

from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Float, Int

from ....jit import inlined, kernel
from ....jit.simd import WIDTH, below, count_bits, larger_lanes, load_lanes, lowest_bit, magnitude, spread, spread_from, store

BLOCK = 4
"""Number of queries that share each load of the targets."""
TILE_BYTES = 16 * 1024
"""Size of the block of targets that is compared with all queries before the next block: half of a core's L1 cache."""

Array = np.ndarray


class Targets(NamedTuple):
    """`groups` holds 16 targets a row, channel after channel; of the last, some may be missing."""

    groups: Float[Array, "groups width_x_channels"]
    number: int
    channels: int


class Ring(NamedTuple):
    """Which targets count: those whose pixel's squared distance from the query's centre is over `inner` and at most `outer`."""

    used: bool
    centre: Float[Array, "queries 2"]
    width: int
    inner: float
    outer: float


class Best(NamedTuple):
    """The nearest target found so far and its sum.

    `halves` counts targets: one half for a sum below `limit`, and another if it is also below the next smaller float, which is no tie.
    """

    target: Int[Array, " queries"]
    total: Float[Array, " queries"]
    halves: Int[Array, " queries"]
    limit: Float[Array, " queries"]


def in_rows(vectors: Float[Array, "count channels"], width: int) -> Float[Array, "rows width_x_channels"]:
    """Pack `width` vectors into each row, channel after channel; missing vectors of the last row are zero."""
    count, channels = vectors.shape
    rows = np.zeros((-(-count // width), channels, width), np.float32)
    whole = count // width
    rows[:whole] = vectors[: whole * width].reshape(whole, width, channels).transpose(0, 2, 1)
    if whole < len(rows):
        rows[whole, :, : count - whole * width] = vectors[whole * width :].T
    return rows.reshape(len(rows), channels * width)


@kernel
@no_type_check
def search_all(blocks, targets, code, ring, best):
    """Every query (in rows of BLOCK) against every target; `code` is the norm, 0 for the maximum."""
    rows, groups, channels = blocks.ravel(), targets.groups.ravel(), targets.channels
    total, limit, count = best.total, best.limit, len(best.total)
    tile = max(1, TILE_BYTES // (4 * WIDTH * channels))
    values, threshold = np.empty(WIDTH, np.float32), np.zeros(BLOCK, np.float32)
    for start in range(0, len(targets.groups), tile):
        for first in range(0, count, BLOCK):
            own = min(BLOCK, count - first)
            for i in range(own):
                threshold[i] = max(total[first + i], limit[first + i])
            threshold[own:] = 0
            for group in range(start, min(start + tile, len(targets.groups))):
                a, b, c, d = sums_of_four(rows, first * channels, groups, group * channels * WIDTH, channels, code)
                if below(a, spread_from(threshold, 0)):
                    threshold[0] = take_in(a, threshold[0], first, group, targets, ring, best, values)
                if below(b, spread_from(threshold, 1)):
                    threshold[1] = take_in(b, threshold[1], first + 1, group, targets, ring, best, values)
                if below(c, spread_from(threshold, 2)):
                    threshold[2] = take_in(c, threshold[2], first + 2, group, targets, ring, best, values)
                if below(d, spread_from(threshold, 3)):
                    threshold[3] = take_in(d, threshold[3], first + 3, group, targets, ring, best, values)


@inlined
@no_type_check
def sums_of_four(rows, row, groups, begin, channels, code):
    """Sums (or maxima) of four queries and a group of targets, channel after channel, each step rounded: see `search`."""
    a = spread(np.float32(0))
    b, c, d = a, a, a
    if code == 2:
        for k in range(channels):
            x, first = load_lanes(groups, begin + WIDTH * k), row + BLOCK * k
            s, t = x - spread_from(rows, first), x - spread_from(rows, first + 1)
            u, v = x - spread_from(rows, first + 2), x - spread_from(rows, first + 3)
            a, b, c, d = a + s * s, b + t * t, c + u * u, d + v * v
    elif code == 1:
        for k in range(channels):
            x, first = load_lanes(groups, begin + WIDTH * k), row + BLOCK * k
            a, b = a + magnitude(x - spread_from(rows, first)), b + magnitude(x - spread_from(rows, first + 1))
            c, d = c + magnitude(x - spread_from(rows, first + 2)), d + magnitude(x - spread_from(rows, first + 3))
    else:
        for k in range(channels):
            x, first = load_lanes(groups, begin + WIDTH * k), row + BLOCK * k
            s, t = magnitude(x - spread_from(rows, first)), magnitude(x - spread_from(rows, first + 1))
            u, v = magnitude(x - spread_from(rows, first + 2)), magnitude(x - spread_from(rows, first + 3))
            a, b, c, d = larger_lanes(s, a), larger_lanes(t, b), larger_lanes(u, c), larger_lanes(v, d)
    return a, b, c, d


@kernel
@no_type_check
def take_in(sums, threshold, query, group, targets, ring, best, values):
    """Update a query's nearest target with its sums to a group of targets. Returns the threshold for later sums."""
    bits, first = below(sums, spread(threshold)), WIDTH * group
    if first + WIDTH > targets.number:
        bits &= (np.uint64(1) << np.uint64(targets.number - first)) - np.uint64(1)
    if ring.used:
        bits = _inside(bits, first, query, ring)
    limit = best.limit[query]
    best.halves[query] += count_bits(bits & below(sums, spread(limit)))
    best.halves[query] += count_bits(bits & below(sums, spread(np.nextafter(limit, np.float32(-np.inf)))))
    store(values, 0, sums)
    while bits:
        t = lowest_bit(bits)
        bits &= bits - np.uint64(1)
        nearer = values[t] < best.total[query] or (values[t] == best.total[query] and first + t < best.target[query])
        if nearer:
            best.total[query], best.target[query] = values[t], first + t
    return max(best.total[query], best.limit[query])


@kernel
@no_type_check
def _inside(bits, first, query, ring):
    """The bits without those of targets outside the ring."""
    left, kept = bits, np.uint64(0)
    while left:
        t = lowest_bit(left)
        left &= left - np.uint64(1)
        x, y = (first + t) % ring.width - ring.centre[query, 0], (first + t) // ring.width - ring.centre[query, 1]
        squared = x * x + y * y
        if squared > ring.inner and squared <= ring.outer:
            kept |= np.uint64(1) << np.uint64(t)
    return kept
