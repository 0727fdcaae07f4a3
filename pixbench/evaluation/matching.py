"""Exact nearest neighbours of descriptors in bounded memory."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

BLOCK_BYTES = 128 * 2**20
CANDIDATES = 4


def nearest(
    queries: Float[Tensor, "queries channels"],
    targets: Float[Tensor, "targets channels"],
    *,
    p: float,
    block_bytes: int = BLOCK_BYTES,
) -> Int[Tensor, " queries"]:
    """Index of the target nearest to each query in the norm p (1, 2 or inf); the lowest index among equals.

    Never holds more than `block_bytes` of distances. ValueError for another p or descriptors that are not finite.
    """
    if p not in (1, 2, math.inf):
        raise ValueError(f"p is {p}: expected 1, 2 or inf")
    if not (torch.isfinite(queries).all() and torch.isfinite(targets).all()):
        raise ValueError("descriptors hold NaN or infinity: nothing is nearest to those")
    rows = max(1, block_bytes // (8 * max(len(targets), 1)))
    find = _nearest_euclidean if p == 2 else _nearest_direct
    return torch.cat([find(queries[first : first + rows], targets, p) for first in range(0, len(queries), rows)])


def _nearest_direct(
    queries: Float[Tensor, "queries channels"], targets: Float[Tensor, "targets channels"], p: float
) -> Int[Tensor, " queries"]:
    return _first_minimum(torch.cdist(queries, targets, p=p))


def _nearest_euclidean(
    queries: Float[Tensor, "queries channels"], targets: Float[Tensor, "targets channels"], p: float
) -> Int[Tensor, " queries"]:
    """A matrix product in float64 finds candidates fast; the differences themselves decide among them, and ties."""
    shift = targets.double().mean(dim=0)
    centred, moved = targets.double() - shift, queries.double() - shift
    score = centred.square().sum(dim=1) - 2 * moved @ centred.T
    candidates = score.topk(min(CANDIDATES, len(targets)), dim=1, largest=False).indices.sort(dim=1).values
    exact = (targets[candidates].double() - queries[:, None].double()).square().sum(dim=2)
    return candidates.gather(1, _first_minimum(exact)[:, None])[:, 0]


def _first_minimum(distance: Float[Tensor, "queries targets"]) -> Int[Tensor, " queries"]:
    # argmin alone does not promise which of equal entries it returns.
    lowest = distance.min(dim=1, keepdim=True).values
    return (distance == lowest).to(torch.uint8).argmax(dim=1)
