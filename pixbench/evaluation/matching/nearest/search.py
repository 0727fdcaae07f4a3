"""Exact nearest neighbours of descriptors, in bounded memory and with the same answer on every device.

A distance is summed channel by channel, each step rounded to float32, so that a CPU and a GPU get the same bits and break ties alike: the
lowest index among equals wins. That is why no matrix product is used for the Euclidean norm: it loses digits where descriptors lie close.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from . import compiled
from .sum_kernels import Ring

BLOCK_BYTES = 128 * 2**20
Norm = float | Literal["cosine"]
"""How descriptors are compared: l1, l2, l-inf, or one minus the cosine of their angle."""

NORMS: tuple[Norm, ...] = (1.0, 2.0, math.inf, "cosine")
NORM_CODES: Mapping[Norm, int] = {1.0: 1, 2.0: 2, math.inf: 0, "cosine": 2}
"""Codes of the norms in kernels: maximum, sum, sum of squares (for the cosine, of unit vectors)."""


@dataclass(frozen=True, eq=False)
class Neighbours:
    """For each query the index of its nearest target and their distance in the norm of the search; -1 and inf if no target was allowed.

    `closer` is the number of allowed targets that are closer to the query than its rival is, those as close counting half; 0 without
    rivals.
    """

    index: Int[Tensor, " queries"]
    distance: Float[Tensor, " queries"]
    closer: Float[Tensor, " queries"]


@dataclass(frozen=True, eq=False)
class Window:
    """Targets are an image's pixels in reading order; only those farther than `inner` and at most `outer` px from a centre count.

    `centre` is (column, row) of each query's window, in pixels.
    """

    centre: Float[Tensor, "queries 2"]
    width: int
    inner: float = -1.0
    outer: float = math.inf


def nearest(
    queries: Float[Tensor, "queries channels"],
    targets: Float[Tensor, "targets channels"],
    *,
    p: Norm,
    window: Window | None = None,
    rival: Float[Tensor, "queries channels"] | None = None,
    block_bytes: int = BLOCK_BYTES,
) -> Neighbours:
    """The target nearest to each query in the norm p (1, 2, inf or "cosine"); the lowest index among equals.

    Distances are float32; "cosine" gives 1 - cos, and a descriptor of zeros is at distance 0.5 of all others. `rival` is one more
    descriptor for each query, such as the one at its true match. Holds at most `block_bytes` beyond float32 copies of the inputs and the
    answer.
    Raises ValueError for another p or descriptors that are not finite.
    """
    if p not in NORMS:
        raise ValueError(f"p is {p}: expected 1, 2, inf or 'cosine'")
    if not (torch.isfinite(queries).all() and torch.isfinite(targets).all()):
        raise ValueError("descriptors hold NaN or infinity: nothing is nearest to those")
    queries, targets = queries.float(), targets.float()
    if p == "cosine":
        queries, targets = unit(queries), unit(targets)
    if rival is not None and p == "cosine":
        rival = unit(rival.float())
    limit = None if rival is None else sums_of(queries, rival.float(), p)
    search = _search_compiled if queries.device.type == "cpu" else _search_in_blocks
    index, total, halves = search(queries, targets, p, window, limit, block_bytes)
    return Neighbours(index, as_distance(total, p), halves / 2)


def distances(
    queries: Float[Tensor, "queries channels"], targets: Float[Tensor, "queries #count channels"], *, p: Norm
) -> Float[Tensor, "queries count"]:
    """Distance of each query to each of its own targets, in the norm p of the descriptors, bitwise equal to those of `nearest`."""
    queries, targets = queries.float(), targets.float()
    if p == "cosine":
        queries, targets = unit(queries), unit(targets)
    return as_distance(sums_of(queries[:, None], targets, p), p)


def unit(descriptors: Float[Tensor, "*shape channels"]) -> Float[Tensor, "*shape channels"]:
    """Descriptors scaled to length 1; zero vectors are unchanged."""
    # The sum of squares goes channel by channel too: a library's norm may differ between devices in the last bit.
    length = sums_of(descriptors, torch.zeros_like(descriptors), 2).sqrt()
    return descriptors / length.clamp(min=1e-12)[..., None]


def as_distance(total: Float[Tensor, "*shape"], p: Norm) -> Float[Tensor, "*shape"]:
    """Convert the results of `sums_of` to distances in the norm p of the descriptors."""
    return total.sqrt() if p == 2 else total / 2 if p == "cosine" else total


def sums_of(queries: Tensor, targets: Tensor, p: Norm) -> Tensor:
    """Sum or maximum over the last axis, one channel after another."""
    total = torch.zeros_like(queries[..., 0] + targets[..., 0])
    for channel in range(queries.shape[-1]):
        step = targets[..., channel] - queries[..., channel]
        if p == math.inf:
            torch.maximum(total, step.abs_(), out=total)
        else:
            total += step.abs_() if p == 1 else step.mul_(step)
    return total


Found = tuple[Tensor, Tensor, Tensor]
"""Index, sum, and twice `Neighbours.closer`, which is a whole number."""


def _search_in_blocks(queries: Tensor, targets: Tensor, p: Norm, window: Window | None, limit: Tensor | None, block_bytes: int) -> Found:
    """Search on any device, by as many rows of the distance matrix at a time as `block_bytes` allow."""
    rows = max(1, block_bytes // (16 * max(len(targets), 1)))
    found = []
    # Once for no queries, too: a pair may have none.
    for first in range(0, max(len(queries), 1), rows):
        part = slice(first, first + rows)
        total = sums_of(queries[part, None], targets[None], p)
        if window is not None:
            total = total.masked_fill(~_allowed(window, part, len(targets), total.device), math.inf)
        lowest = total.min(dim=1).values
        # argmin alone does not guarantee which of equal entries it returns.
        index = (total == lowest[:, None]).to(torch.uint8).argmax(dim=1)
        halves = torch.zeros_like(index)
        if limit is not None:
            # Sums that overflow, and targets that are not allowed, are infinite: they tie with nothing.
            as_close = (total <= limit[part, None]) & (total < math.inf)
            halves = (total < limit[part, None]).sum(dim=1) + as_close.sum(dim=1)
        found.append((index.where(lowest < math.inf, -1), lowest, halves))
    index, lowest, halves = (torch.cat(parts) for parts in zip(*found, strict=True))
    return index, lowest, halves


def _allowed(window: Window, part: slice, targets: int, device: torch.device) -> Bool[Tensor, "rows targets"]:
    at = torch.arange(targets, device=device)
    place = torch.stack([at % window.width, at // window.width], dim=1).double()
    squared = (place[None] - window.centre[part, None].to(place)).square().sum(dim=2)
    inner = window.inner**2 if window.inner >= 0 else -1.0
    return (squared > inner) & (squared <= window.outer**2)


def _search_compiled(queries: Tensor, targets: Tensor, p: Norm, window: Window | None, limit: Tensor | None, block_bytes: int) -> Found:
    """Search on the CPU by compiled kernels, with as many threads as torch uses."""
    count = len(queries)
    ring = Ring(False, np.zeros((count, 2)), 1, -1.0, math.inf)
    if window is not None:
        inner = float(window.inner) ** 2 if window.inner >= 0 else -1.0
        ring = Ring(True, np.ascontiguousarray(window.centre.double().numpy()), window.width, inner, float(window.outer) ** 2)
    limits = np.full(count, -1, np.float32) if limit is None else np.nextafter(limit.numpy(), np.float32(math.inf))
    asked, given = (np.ascontiguousarray(x.numpy()) for x in (queries, targets))
    best = compiled.search(asked, given, NORM_CODES[p], ring, limits, block_bytes)
    return torch.from_numpy(best.target), torch.from_numpy(best.total), torch.from_numpy(best.halves)
