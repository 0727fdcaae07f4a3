"""Compiled search with pruning: exact sums are computed only for targets that may be the nearest; see `product_bound`."""

from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Float

from ....jit import inlined, kernel
from ....jit.simd import WIDTH, below, load_lanes, multiply_add, smaller_lanes, smallest, spread, spread_from
from .sum_kernels import take_in

BLOCK = 6
"""Queries whose products are summed at once: with 16 targets each they fill the registers."""
TILE = 8
"""Groups of targets of which only the lowest product is kept."""
FIRST = 4
"""Number of tiles that are searched first: those with the lowest products."""
CROWDED = 8
"""If more than one tile in this many remains, pruning does not pay for the query."""

Array = np.ndarray


class Products(NamedTuple):
    """Queries a row of BLOCK, targets a row of 16; the factors make what a sum must be below what a product must be below."""

    rows: Float[Array, "blocks block_x_directions"]
    groups: Float[Array, "groups width_x_directions_and_one"]
    half: Float[Array, " queries"]
    tiny: float
    factor: float


@kernel
@no_type_check
def lowest_products(products, lowest):
    """For each query, padded to whole rows, and each tile the lowest product of the tile: lowest (queries, tiles)."""
    rows, groups = products.rows.ravel(), products.groups.ravel()
    directions, count = products.rows.shape[1] // BLOCK, len(products.groups)
    for tile in range(lowest.shape[1]):
        for block in range(len(products.rows)):
            a = spread(np.float32(np.inf))
            b, c, d, e, f = a, a, a, a, a
            for group in range(TILE * tile, min(TILE * (tile + 1), count)):
                s, t, u, v, w, x = _products_of_six(rows, block * BLOCK * directions, groups, group * (directions + 1) * WIDTH, directions)
                a, b, c = smaller_lanes(s, a), smaller_lanes(t, b), smaller_lanes(u, c)
                d, e, f = smaller_lanes(v, d), smaller_lanes(w, e), smaller_lanes(x, f)
            first = BLOCK * block
            lowest[first, tile], lowest[first + 1, tile], lowest[first + 2, tile] = smallest(a), smallest(b), smallest(c)
            lowest[first + 3, tile], lowest[first + 4, tile], lowest[first + 5, tile] = smallest(d), smallest(e), smallest(f)


@inlined
@no_type_check
def _products_of_six(rows, row, groups, begin, directions):
    a = load_lanes(groups, begin)
    b, c, d, e, f = a, a, a, a, a
    for k in range(directions):
        x, first = load_lanes(groups, begin + WIDTH * (k + 1)), row + BLOCK * k
        a = multiply_add(spread_from(rows, first), x, a)
        b = multiply_add(spread_from(rows, first + 1), x, b)
        c = multiply_add(spread_from(rows, first + 2), x, c)
        d = multiply_add(spread_from(rows, first + 3), x, d)
        e = multiply_add(spread_from(rows, first + 4), x, e)
        f = multiply_add(spread_from(rows, first + 5), x, f)
    return a, b, c, d, e, f


@kernel
@no_type_check
def search_tiles(products, lowest, queries, targets, ring, best, crowded):
    """Search the tiles whose lowest product is below a query's limit; if these are too many, only set `crowded`."""
    values = np.empty(WIDTH, np.float32)
    for query in range(len(queries)):
        low = lowest[query]
        if ring.used:
            _leave_out(low, query, ring, targets.number)
        for _ in range(FIRST):
            tile = np.argmin(low)
            if low[tile] < _product_limit(products, best, query, tile):
                _look(tile, query, products, queries, targets, ring, best, values)
            low[tile] = np.inf
        waiting = 0
        for tile in range(len(low)):
            waiting += low[tile] < _product_limit(products, best, query, tile)
        crowded[query] = waiting * CROWDED > len(low)
        if waiting and not crowded[query]:
            for tile in range(len(low)):
                if low[tile] < _product_limit(products, best, query, tile):
                    _look(tile, query, products, queries, targets, ring, best, values)


@kernel
@no_type_check
def _leave_out(low, query, ring, count):
    """Mark tiles that consist of rows of pixels farther away than the ring reaches."""
    for tile in range(len(low)):
        first, last = tile * TILE * WIDTH, min((tile + 1) * TILE * WIDTH, count) - 1
        above, under = ring.centre[query, 1] - last // ring.width, first // ring.width - ring.centre[query, 1]
        if max(above, under, 0.0) ** 2 > ring.outer:
            low[tile] = np.inf


@inlined
@no_type_check
def _product_limit(products, best, query, tile):
    """Upper bound on a product for the exact sum to be relevant; an equal sum is relevant if its target comes first."""
    reach = best.total[query]
    if tile * TILE * WIDTH < best.target[query]:
        reach = np.nextafter(reach, np.float32(np.inf))
    reach = max(reach, best.limit[query])
    if reach <= 0:
        return np.float32(-np.inf)
    return np.float32((reach + products.tiny) * products.factor - products.half[query])


@kernel
@no_type_check
def _look(tile, query, products, queries, targets, ring, best, values):
    """Compute the exact sums of a query for those groups of a tile in which a product is below the limit."""
    rows, groups, sums_of = products.rows.ravel(), products.groups.ravel(), targets.groups.ravel()
    directions, channels = products.rows.shape[1] // BLOCK, targets.channels
    mine, row = queries[query], query // BLOCK * BLOCK * directions + query % BLOCK
    for group in range(TILE * tile, min(TILE * (tile + 1), len(products.groups))):
        begin = group * (directions + 1) * WIDTH
        total = load_lanes(groups, begin)
        for k in range(directions):
            total = multiply_add(spread_from(rows, row + BLOCK * k), load_lanes(groups, begin + WIDTH * (k + 1)), total)
        if below(total, spread(_product_limit(products, best, query, tile))):
            sums, begin = spread(np.float32(0)), group * channels * WIDTH
            for k in range(channels):
                step = load_lanes(sums_of, begin + WIDTH * k) - spread_from(mine, k)
                sums = sums + step * step
            reach = max(np.nextafter(best.total[query], np.float32(np.inf)), best.limit[query])
            take_in(sums, reach, query, group, targets, ring, best, values)
