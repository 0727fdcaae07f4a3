"""Compiled nearest-neighbour search on the CPU: multi-threaded, with pruning by products where this excludes most targets."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float32

from ....jit.simd import WIDTH
from . import product_plan
from .product_kernels import BLOCK as PRODUCT_BLOCK
from .product_kernels import TILE, Products, lowest_products, search_tiles
from .sum_kernels import BLOCK, Best, Ring, Targets, in_rows, search_all

Array = np.ndarray
EUCLIDEAN = 2
CHUNK = 1536
"""Number of queries whose lowest products of all tiles are held at a time."""


def search(
    queries: Float32[Array, "queries channels"],
    targets: Float32[Array, "targets channels"],
    code: int,
    ring: Ring,
    limit: Float32[Array, " queries"],
    block_bytes: int,
) -> Best:
    """Nearest target of each query; `code` is the norm: 0 for the maximum, 1 for the sum, 2 for the sum of squares.

    Targets with a sum below a query's `limit` are counted in `Best.halves`; a limit of -1 counts none.
    """
    all_targets = Targets(in_rows(targets, WIDTH), *targets.shape)
    if code == EUCLIDEAN and product_plan.may_pay(queries, targets):
        some = np.linspace(0, len(queries) - 1, product_plan.SAMPLED_QUERIES).astype(int)
        sample = _by_sums(queries[some], all_targets, code, _of(ring, some), limit[some])
        reach = np.maximum(sample.total, sample.limit).astype(np.float64)
        products = product_plan.prepare(queries, targets, some, reach)
        if products:
            return _by_products(products, queries, all_targets, ring, limit, block_bytes)
    return _by_sums(queries, all_targets, code, ring, limit)


def _by_sums(rows: Array, targets: Targets, code: int, ring: Ring, limit: Array) -> Best:
    best = _nothing_yet(limit)

    def run(part: slice) -> None:
        search_all(in_rows(rows[part], BLOCK), targets, code, _of(ring, part), _of(best, part))

    in_threads(run, parts_of(len(rows), BLOCK))
    return best


def _by_products(products: Products, rows: Array, targets: Targets, ring: Ring, limit: Array, block_bytes: int) -> Best:
    best, crowded = _nothing_yet(limit), np.zeros(len(rows), np.bool_)
    tiles = -(-len(products.groups) // TILE)
    chunk = max(1, min(CHUNK, block_bytes // (4 * tiles * torch.get_num_threads())) // PRODUCT_BLOCK) * PRODUCT_BLOCK

    def run(part: slice) -> None:
        for first in range(part.start, part.stop, chunk):
            span = slice(first, min(first + chunk, part.stop))
            blocks = products.rows[span.start // PRODUCT_BLOCK : -(-span.stop // PRODUCT_BLOCK)]
            selected = products._replace(rows=blocks, half=products.half[span])
            lowest = np.empty((len(blocks) * PRODUCT_BLOCK, tiles), np.float32)
            lowest_products(selected, lowest)
            search_tiles(selected, lowest, rows[span], targets, _of(ring, span), _of(best, span), crowded[span])

    in_threads(run, parts_of(len(rows), PRODUCT_BLOCK))
    left = np.flatnonzero(crowded)
    if len(left):
        for values, found in zip(best, _by_sums(rows[left], targets, EUCLIDEAN, _of(ring, left), limit[left]), strict=True):
            values[left] = found
    return best


def _nothing_yet(limit: Array) -> Best:
    count = len(limit)
    return Best(np.full(count, -1), np.full(count, np.inf, np.float32), np.zeros(count, np.int64), limit)


Part = TypeVar("Part", Best, Ring)
Task = TypeVar("Task")


def _of(whole: Part, part: slice | Array) -> Part:
    """The part of the arguments that belongs to some of the queries."""
    if isinstance(whole, Ring):
        return whole._replace(centre=whole.centre[part])
    return Best(*(values[part] for values in whole))


def parts_of(count: int, step: int) -> list[slice]:
    """One part for each thread that torch uses, if there is enough to do; they begin at multiples of `step`."""
    steps = -(-count // step)
    threads = max(1, min(torch.get_num_threads(), steps // 8))
    return [slice(*bounds) for bounds in pairwise(min(step * (steps * i // threads), count) for i in range(threads + 1))]


def in_threads(run: Callable[[Task], None], tasks: Sequence[Task]) -> None:
    """Run work on each part, with as many threads as torch uses."""
    threads = min(torch.get_num_threads(), len(tasks))
    if threads <= 1:
        for task in tasks:
            run(task)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(run, tasks))
