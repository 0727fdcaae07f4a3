"""The k nearest descriptors of each, in a batch of sets of points: exact, with the same answer on every device."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from ....jit.simd import WIDTH
from .compiled import in_threads, parts_of
from .search import NORM_CODES, Norm, as_distance, sums_of, unit
from .sum_kernels import BLOCK, Targets, in_rows
from .top_k_kernels import NOTHING, Apart, Kept, search_k


@dataclass(frozen=True, eq=False)
class Nearest:
    """Distances in the norm of the search, ascending, and the targets' indices; inf and -1 if there are fewer than k."""

    distance: Float[Tensor, "batch queries k"]
    index: Int[Tensor, "batch queries k"]


@dataclass(frozen=True, eq=False)
class Separation:
    """Only targets whose `place` is farther than `px` from a query's `centre` count."""

    centre: Float[Tensor, "batch queries 2"]
    place: Float[Tensor, "batch targets 2"]
    px: float


def nearest_k(
    queries: Float[Tensor, "batch queries channels"],
    targets: Float[Tensor, "batch targets channels"],
    k: int,
    *,
    p: Norm,
    allowed: Bool[Tensor, "batch targets"] | None = None,
    apart: Separation | None = None,
    beyond: Float[Tensor, "batch queries channels"] | None = None,
) -> Nearest:
    """The k targets of the same set that are nearest to each query in the norm p; the lowest index first among equals.

    A target counts only if it is `allowed`, `apart` from the query, and at least as far in descriptor as `beyond`, such as the query's
    match. Descriptors with NaN or infinity neither have neighbours nor are any. Distances are float32, or float64 for descriptors in
    float64. On the CPU float32 is searched by as many threads as torch uses; all else by torch, with all distances in memory.
    """
    if queries.dtype != torch.float64:
        queries, targets, beyond = queries.float(), targets.float(), None if beyond is None else beyond.float()
    if p == "cosine":
        queries, targets = unit(queries), unit(targets)
        beyond = None if beyond is None else unit(beyond)
    least = None if beyond is None else sums_of(queries, beyond, p)
    asking, answering = (x.isfinite().all(dim=2) for x in (queries, targets))
    search = _with_kernels if _can_be_compiled(queries) else _with_torch
    total, index = search(queries, targets, k, p, answering if allowed is None else answering & allowed, apart, least)
    return Nearest(as_distance(total, p).where(asking[..., None], math.inf), index.where(asking[..., None], -1))


def _can_be_compiled(descriptors: Tensor) -> bool:
    return descriptors.device.type == "cpu" and descriptors.dtype == torch.float32


Found = tuple[Float[Tensor, "batch queries k"], Int[Tensor, "batch queries k"]]


def _with_torch(
    queries: Tensor, targets: Tensor, k: int, p: Norm, allowed: Tensor, apart: Separation | None, least: Tensor | None
) -> Found:
    total = sums_of(queries[:, :, None], targets[:, None], p)
    left_out = ~(allowed[:, None] & (total < math.inf))
    if apart is not None:
        between = apart.place[:, None].double() - apart.centre[:, :, None].double()
        left_out |= ~(between.square().sum(dim=3) > _squared(apart.px))
    if least is not None:
        left_out |= total < least[..., None]
    # Unlike topk, a stable sort guarantees which of equal entries comes first.
    total, index = (found[..., :k] for found in total.masked_fill(left_out, math.inf).sort(dim=2, stable=True))
    index = index.where(total < math.inf, -1)
    short = (0, k - total.shape[2])
    return functional.pad(total, short, value=math.inf), functional.pad(index, short, value=-1)


def _with_kernels(
    queries: Tensor, targets: Tensor, k: int, p: Norm, allowed: Tensor, apart: Separation | None, least: Tensor | None
) -> Found:
    batch, count, _ = queries.shape
    key = np.full((batch, count, k), NOTHING)
    floor = torch.zeros(batch, count) if least is None else least
    rows, given = queries.detach().numpy(), [_targets(targets[i], allowed[i]) for i in range(batch)]
    around = [_around(apart, i, count) for i in range(batch)]

    def run(task: tuple[int, slice]) -> None:
        image, part = task
        kept = Kept(key[image, part], floor[image, part].numpy())
        centre = around[image].centre[part]
        search_k(in_rows(rows[image, part], BLOCK), given[image], NORM_CODES[p], around[image]._replace(centre=centre), kept)

    in_threads(run, [(image, part) for image in range(batch) for part in parts_of(count, BLOCK)])
    total, index = (key >> 32).astype(np.int32).view(np.float32), np.where(key == NOTHING, -1, key & 0xFFFFFFFF)
    return torch.from_numpy(total), torch.from_numpy(index)


def _targets(targets: Tensor, allowed: Tensor) -> Targets:
    groups = in_rows(targets.detach().numpy(), WIDTH)
    # Padding is infinite, so that it is never near. A group begins with the first channel of its targets.
    left_out = np.zeros(len(groups) * WIDTH, np.bool_)
    left_out[: len(allowed)] = ~allowed.numpy()
    groups[:, :WIDTH][left_out.reshape(-1, WIDTH)] = math.inf
    return Targets(groups, *targets.shape)


def _around(apart: Separation | None, image: int, count: int) -> Apart:
    if apart is None:
        return Apart(False, np.zeros((count, 2)), np.zeros((1, 2)), -1.0)
    centre, place = (np.ascontiguousarray(x[image].double().numpy()) for x in (apart.centre, apart.place))
    return Apart(True, centre, place, _squared(apart.px))


def _squared(px: float) -> float:
    """Threshold that squared distances must exceed; a negative threshold admits all."""
    return float(px) ** 2 if px >= 0 else -1.0
