"""Exact nearest neighbours of descriptors, in bounded memory and with the same answer on every device.

A distance is summed channel by channel, each step rounded to float32, so that a CPU and a GPU get the same bits and break ties alike: the
lowest index among equals wins. That is why no matrix product is used for the Euclidean norm: it loses digits where descriptors lie close.
"""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, no_type_check

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ...jit import kernel, larger

BLOCK_BYTES = 128 * 2**20
Norm = float | Literal["cosine"]
"""How descriptors are compared: l1, l2, l-inf, or one minus the cosine of their angle."""

NORMS: tuple[Norm, ...] = (1.0, 2.0, math.inf, "cosine")

_TILE = 256
"""Targets that the compiled search takes at a time: with 32 channels 32 kB, the first cache of a core."""


@dataclass(frozen=True, eq=False)
class Neighbours:
    """For each query the index of its nearest target and their distance; -1 and inf where no target was allowed.

    `closer` is the number of allowed targets that are closer to the query than its rival is; 0 without rivals.
    """

    index: Int[Tensor, " queries"]
    distance: Float[Tensor, " queries"]
    closer: Int[Tensor, " queries"]


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
    ValueError for another p or descriptors that are not finite.
    """
    if p not in NORMS:
        raise ValueError(f"p is {p}: expected 1, 2, inf or 'cosine'")
    if not (torch.isfinite(queries).all() and torch.isfinite(targets).all()):
        raise ValueError("descriptors hold NaN or infinity: nothing is nearest to those")
    queries, targets = queries.float(), targets.float()
    if p == "cosine":
        queries, targets = _unit(queries), _unit(targets)
    if rival is not None and p == "cosine":
        rival = _unit(rival.float())
    limit = None if rival is None else _sums(queries, rival.float(), p)
    search = _search_compiled if queries.device.type == "cpu" else _search_in_blocks
    index, total, closer = search(queries, targets, p, window, limit, block_bytes)
    return Neighbours(index, _as_distance(total, p), closer)


def distances(
    queries: Float[Tensor, "queries channels"], targets: Float[Tensor, "queries #count channels"], *, p: Norm
) -> Float[Tensor, "queries count"]:
    """Distance of each query to each of its own few targets, to the bit as `nearest` has it."""
    queries, targets = queries.float(), targets.float()
    if p == "cosine":
        queries, targets = _unit(queries), _unit(targets)
    return _as_distance(_sums(queries[:, None], targets, p), p)


def _unit(descriptors: Tensor) -> Tensor:
    # The sum of squares goes channel by channel too: a library's norm may differ between devices in the last bit.
    length = _sums(descriptors, torch.zeros_like(descriptors), 2).sqrt()
    return descriptors / length.clamp(min=1e-12)[..., None]


def _as_distance(total: Tensor, p: Norm) -> Tensor:
    return total.sqrt() if p == 2 else total / 2 if p == "cosine" else total


def _sums(queries: Tensor, targets: Tensor, p: Norm) -> Tensor:
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


def _search_in_blocks(queries: Tensor, targets: Tensor, p: Norm, window: Window | None, limit: Tensor | None, block_bytes: int) -> Found:
    """On any device: rows of the matrix of distances, as many at a time as may be held."""
    rows = max(1, block_bytes // (16 * max(len(targets), 1)))
    found = []
    for first in range(0, len(queries), rows):
        part = slice(first, first + rows)
        total = _sums(queries[part, None], targets[None], p)
        if window is not None:
            total = total.masked_fill(~_allowed(window, part, len(targets), total.device), math.inf)
        lowest = total.min(dim=1).values
        # argmin alone does not promise which of equal entries it returns.
        index = (total == lowest[:, None]).to(torch.uint8).argmax(dim=1)
        closer = (total < limit[part, None]).sum(dim=1) if limit is not None else torch.zeros_like(index)
        found.append((index.where(lowest < math.inf, -1), lowest, closer))
    index, lowest, closer = (torch.cat(parts) for parts in zip(*found, strict=True))
    return index, lowest, closer


def _allowed(window: Window, part: slice, targets: int, device: torch.device) -> Bool[Tensor, "rows targets"]:
    at = torch.arange(targets, device=device)
    place = torch.stack([at % window.width, at // window.width], dim=1).double()
    squared = (place[None] - window.centre[part, None].to(place)).square().sum(dim=2)
    inner = window.inner**2 if window.inner >= 0 else -1.0
    return (squared > inner) & (squared <= window.outer**2)


def _search_compiled(queries: Tensor, targets: Tensor, p: Norm, window: Window | None, limit: Tensor | None, block_bytes: int) -> Found:
    """On the CPU: the queries are shared out among as many threads as torch uses."""
    del block_bytes  # it holds a tile of distances a thread
    count, channels = queries.shape
    padded = np.zeros((channels, -(-len(targets) // _TILE) * _TILE), np.float32)
    padded[:, : len(targets)] = targets.numpy().T
    tiles = np.ascontiguousarray(padded.reshape(channels, -1, _TILE).transpose(1, 0, 2))
    index, total, closer = np.full(count, -1), np.full(count, np.inf, np.float32), np.zeros(count, np.int64)
    asked = np.ascontiguousarray(queries.numpy())
    limits = np.full(count, -1.0, np.float32) if limit is None else limit.numpy()
    centre = np.zeros((count, 2)) if window is None else np.ascontiguousarray(window.centre.double().numpy())
    inner = -1.0 if window is None or window.inner < 0 else window.inner**2
    outer = math.inf if window is None else window.outer**2
    width = 1 if window is None else window.width
    code = {1: 1, 2: 2, math.inf: 0, "cosine": 2}[p]
    threads = max(1, min(torch.get_num_threads(), -(-count // 64)))
    bounds = np.linspace(0, count, threads + 1).astype(int)

    def run(thread: int) -> None:
        part = slice(bounds[thread], bounds[thread + 1])
        _search(
            asked[part],
            tiles,
            len(targets),
            code,
            limits[part],
            window is not None,
            centre[part],
            width,
            inner,
            outer,
            index[part],
            total[part],
            closer[part],
        )

    if threads == 1:
        run(0)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(run, range(threads)))
    return torch.from_numpy(index), torch.from_numpy(total), torch.from_numpy(closer)


@kernel
@no_type_check
def _search(queries, tiles, targets, code, limit, windowed, centre, width, inner, outer, index, total, closer):
    """Tile after tile of targets against all queries; `code` is the norm, 0 for the maximum."""
    sums = np.empty(_TILE, np.float32)
    lanes = np.empty(32, np.float32)
    counting = limit.max() >= 0 if len(limit) else False
    for tile in range(len(tiles)):
        block, first = tiles[tile], tile * _TILE
        size = min(_TILE, targets - first)
        for query in range(len(queries)):
            _tile_sums(queries[query], block, code, sums)
            if windowed:
                for t in range(size):
                    x, y = (first + t) % width - centre[query, 0], (first + t) // width - centre[query, 1]
                    squared = x * x + y * y
                    if squared <= inner or squared > outer:
                        sums[t] = np.inf
            for t in range(size, _TILE):
                sums[t] = np.inf
            if counting:
                within = 0
                for t in range(_TILE):
                    within += sums[t] < limit[query]
                closer[query] += within
            # The least of a tile first, lane by lane; where it lies is asked only if it is less than what was found before.
            lanes[:] = sums[:32]
            for t in range(32, _TILE, 32):
                for lane in range(32):
                    value = sums[t + lane]
                    lanes[lane] = value if value < lanes[lane] else lanes[lane]
            least = lanes.min()
            if least < total[query]:
                total[query] = least
                for t in range(_TILE):
                    if sums[t] == least:
                        index[query] = first + t
                        break


@kernel
@no_type_check
def _tile_sums(query, block, code, sums):
    """Distances of one query to a tile of targets, (channels, tile); four channels at a time, one after another in each sum."""
    channels = len(query)
    sums[:] = np.float32(0)
    whole = channels - channels % 4
    if code == 0:
        for c in range(0, whole, 4):
            q0, q1, q2, q3 = query[c], query[c + 1], query[c + 2], query[c + 3]
            for t in range(_TILE):
                a, b = abs(block[c, t] - q0), abs(block[c + 1, t] - q1)
                d, e = abs(block[c + 2, t] - q2), abs(block[c + 3, t] - q3)
                sums[t] = larger(larger(larger(a, b), larger(d, e)), sums[t])
        for c in range(whole, channels):
            for t in range(_TILE):
                sums[t] = larger(abs(block[c, t] - query[c]), sums[t])
    elif code == 1:
        for c in range(0, whole, 4):
            q0, q1, q2, q3 = query[c], query[c + 1], query[c + 2], query[c + 3]
            for t in range(_TILE):
                s = sums[t] + abs(block[c, t] - q0)
                s = s + abs(block[c + 1, t] - q1)
                s = s + abs(block[c + 2, t] - q2)
                sums[t] = s + abs(block[c + 3, t] - q3)
        for c in range(whole, channels):
            for t in range(_TILE):
                sums[t] += abs(block[c, t] - query[c])
    else:
        for c in range(0, whole, 4):
            q0, q1, q2, q3 = query[c], query[c + 1], query[c + 2], query[c + 3]
            for t in range(_TILE):
                a, b, d, e = block[c, t] - q0, block[c + 1, t] - q1, block[c + 2, t] - q2, block[c + 3, t] - q3
                s = sums[t] + a * a
                s = s + b * b
                s = s + d * d
                sums[t] = s + e * e
        for c in range(whole, channels):
            for t in range(_TILE):
                a = block[c, t] - query[c]
                sums[t] += a * a
