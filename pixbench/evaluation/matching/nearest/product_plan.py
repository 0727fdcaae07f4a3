"""Whether a Euclidean search is faster by products, and along how many directions: measured on a sample of queries and targets."""

from typing import no_type_check

import numpy as np
from jaxtyping import Float, Float32, Float64, Int

from ....jit import kernel
from ....jit.simd import WIDTH
from .product_bound import MOST_CHANNELS, Array, Frame, Given, Queries, Vectors, error_share, products_of
from .product_kernels import TILE, Products

CHANNELS = range(8, MOST_CHANNELS + 1)
"""Numbers of channels for which products are used: with fewer, sums cost no more than products."""
PAIRS = 2**24
"""Least number of pairs of query and target: with fewer, the preparation is not worth it."""
SAMPLED_QUERIES, SAMPLED_TILES = 32, 32


def may_pay(queries: Queries, targets: Given) -> bool:
    """Whether the search is large enough for pruning by products to pay."""
    return len(queries) * len(targets) >= PAIRS and len(targets) >= TILE * WIDTH and queries.shape[1] in CHANNELS


def prepare(queries: Queries, targets: Given, some: Int[Array, " sampled"], reach: Float[Array, " sampled"]) -> Products | None:
    """Prepare the search with pruning; None if the search without is likely to be faster.

    `reach` is the largest sum that can still matter at the end of the search, for each of the queries numbered `some`.
    """
    largest = max(float(np.abs(x).max()) for x in (queries, targets))
    if not largest:
        return None
    size = TILE * WIDTH
    tiles = np.linspace(0, len(targets) // size - 1, SAMPLED_TILES).astype(int)
    sample = targets[(tiles[:, None] * size + np.arange(size)).ravel()]
    frame = Frame.of(sample, largest)
    directions = _directions(frame, queries[some], sample, reach * frame.scale**2)
    return products_of(frame.cut(directions), queries, targets) if directions else None


def _directions(frame: Frame, queries: Float32[Array, "sampled channels"], sample: Given, reach: Float64[Array, " sampled"]) -> int:
    """The number of directions for which the search is the cheapest; 0 for the search without products.

    Costs are cycles per pair of query and target, as measured on a Zen 3 core; only their ratios matter.
    """
    channels = queries.shape[1]
    tiles, groups = _left(*_along(frame, queries), *_along(frame, sample), reach, error_share(channels))
    count = np.arange(channels + 1)
    cost = 0.3 + 0.065 * (count + 1) + tiles * (3 + 0.25 * count) + groups * (4 + 0.25 * channels)
    cost[0] = 0.8 + 0.13 * channels
    return int(cost.argmin())


def _along(frame: Frame, vectors: Vectors) -> tuple[Float64[Array, "count channels"], Float64[Array, "count channels_and_one"]]:
    """R x with all directions, and the length r(x) of the residual after the first 0, 1, ... directions."""
    placed, squared = frame.place(vectors)
    along = placed[:, :-1].astype(np.float64)
    left = squared[:, None] - np.cumsum(np.pad(along**2, ((0, 0), (1, 0))), axis=1)
    return along, np.sqrt(np.maximum(left, 0))


@kernel
@no_type_check
def _left(a, a_left, b, b_left, reach, share):
    """Shares of tiles, and of groups, that pruning with 0, 1, ... directions does not exclude."""
    channels = a.shape[1]
    tiles, groups = np.zeros(channels + 1), np.zeros(channels + 1)
    for query in range(len(a)):
        most = 0
        for target in range(len(b)):
            if target % WIDTH == 0:
                needed = 0
            k, far = 0, -share * (a_left[query, 0] ** 2 + b_left[target, 0] ** 2)
            while k < channels and far + (a_left[query, k] - b_left[target, k]) ** 2 < reach[query]:
                far += (a[query, k] - b[target, k]) ** 2
                k += 1
            if k == channels and far < reach[query]:
                k += 1
            needed = max(needed, k)
            if target % WIDTH == WIDTH - 1:
                groups[:needed] += WIDTH / (len(a) * len(b))
                most = max(most, needed)
            if target % (TILE * WIDTH) == TILE * WIDTH - 1:
                tiles[:most] += TILE * WIDTH / (len(a) * len(b))
                most = 0
    return tiles, groups
