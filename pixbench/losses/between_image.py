"""The between-image term: points of different images against each other, summed over many pairs of images.

A batch of B images with N points and D channels has B (B - 1) / 2 N comparisons of D channels each. Nothing of that size is held:
the gradient is computed along with the value, pair by pair, so that memory stays linear in B D N + B^2.
"""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, no_type_check

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..jit import reordering_kernel

POINTS_AT_ONCE = 64
"""Points that one thread takes at a time. It is fixed, so that the sum does not depend on the number of threads."""

Pairs = Int[Tensor, "pairs 2"]


def all_pairs(batch: int, device: torch.device) -> Pairs:
    """Every b1 < b2 of a batch."""
    return torch.triu_indices(batch, batch, 1, device=device).T


def drawn_pairs(batch: int, partners: int, device: torch.device) -> Pairs:
    """For each image, `partners` different others at random, each pair with the lower number first: a mean over these pairs is
    an unbiased estimate of the mean over all. Drawn from torch's global random numbers.
    """
    others = torch.rand(batch, batch - 1).argsort(dim=1)[:, :partners]
    images = torch.arange(batch)[:, None].expand_as(others)
    # Number k of the others is k or k + 1: the image itself is left out.
    drawn = torch.stack([images, others + (others >= images)], dim=-1).reshape(-1, 2)
    return drawn.sort(dim=1).values.to(device)


def mean_over_pairs(
    f1: Float[Tensor, "batch channels points"],
    f2: Float[Tensor, "batch channels points"],
    mask: Bool[Tensor, "batch points"],
    pairs: Pairs,
    *,
    p: float,
) -> Float[Tensor, ""]:
    """Mean over pairs (b1, b2) of the mean over points masked in both of (d(f1[b1], f2[b2]) - 1/2)^2, the between-image term of arXiv
    2512.04970; 0 without pairs.

    Uses compiled kernels on the CPU, and torch alone elsewhere. It is differentiable once. NaN propagates.
    """
    if not len(pairs):
        return f1.new_zeros(()) * (f1.sum() + f2.sum())
    shown = mask.to(f1.dtype)
    shared = shown @ shown.T
    weight = 1 / (shared[pairs[:, 0], pairs[:, 1]].clamp(min=1) * len(pairs))
    value: Tensor = _MeanOverPairs.apply(f1, f2, mask, pairs, weight, p)  # type: ignore[no-untyped-call]
    return value


class _MeanOverPairs(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, f1: Tensor, f2: Tensor, mask: Tensor, pairs: Tensor, weight: Tensor, p: float) -> Tensor:
        engine = _with_kernels if f1.device.type == "cpu" and f1.dtype in (torch.float32, torch.float64) else _with_torch
        value, g1, g2 = engine(f1, f2, mask, pairs, weight, p, f1.requires_grad or f2.requires_grad)
        ctx.save_for_backward(g1, g2)
        # Comparisons do not see NaN.
        poisoned = (f1.detach().sum() + f2.detach().sum()) * 0
        return value + poisoned

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, above: Tensor) -> tuple[Tensor | None, ...]:
        g1, g2 = ctx.saved_tensors
        return g1 * above, g2 * above, None, None, None, None


Result = tuple[Tensor, Tensor, Tensor]
"""The value, and the gradients by f1 and by f2 (empty where they are not wanted)."""


def _with_torch(f1: Tensor, f2: Tensor, mask: Tensor, pairs: Tensor, weight: Tensor, p: float, wanted: bool) -> Result:
    """Compute in chunks of as many pairs as there are images."""
    total, channels = f1.new_zeros(()), f1.shape[1]
    g1, g2 = (torch.zeros_like(f) if wanted else f.new_zeros(0) for f in (f1, f2))
    for start in range(0, len(pairs), len(f1)):
        at = slice(start, start + len(f1))
        first, second = pairs[at].T
        delta = f1[first] - f2[second]
        if p == math.inf:
            largest, channel = delta.abs().max(dim=1, keepdim=True)
            d = 0.5 * largest[:, 0]
        else:
            d = 0.5 * (delta.abs() if p == 1 else delta.square()).mean(dim=1)
        share = weight[at, None] * (mask[first] & mask[second])
        total += ((d - 0.5).square() * share).sum()
        if not wanted:
            continue
        pull = (2 * (d - 0.5) * share)[:, None]
        if p == math.inf:
            slope = torch.zeros_like(delta).scatter_(1, channel, pull * 0.5 * delta.gather(1, channel).sign())
        else:
            slope = pull * (0.5 * delta.sign() if p == 1 else delta) / channels
        g1.index_add_(0, first, slope)
        g2.index_add_(0, second, slope, alpha=-1)
    return total, g1, g2


def _with_kernels(f1: Tensor, f2: Tensor, mask: Tensor, pairs: Tensor, weight: Tensor, p: float, wanted: bool) -> Result:
    """Point by point: its descriptors in all images, and their gradients, fit into the L1 cache."""
    by_point = [f.detach().permute(2, 0, 1).contiguous().numpy() for f in (f1, f2)]
    points = len(by_point[0])
    gradients = [np.zeros_like(f) if wanted else np.zeros((0, 0, 0), f.dtype) for f in by_point]
    first, second = np.ascontiguousarray(pairs.numpy().T)
    seen = np.ascontiguousarray(mask.numpy().T)
    run = {1.0: _l1, 2.0: _l2, math.inf: _linf}[float(p)]

    def part(begin: int) -> float:
        end = min(begin + POINTS_AT_ONCE, points)
        return float(run(*by_point, seen, first, second, weight.numpy(), begin, end, *gradients, wanted))

    value = f1.new_tensor(sum(_in_threads(part, range(0, points, POINTS_AT_ONCE))))
    g1, g2 = (torch.from_numpy(g).permute(1, 2, 0) if wanted else f1.new_zeros(0) for g in gradients)
    return value, g1, g2


def _in_threads(part: Callable[[int], float], starts: range) -> list[float]:
    """The results in order, computed with as many threads as torch uses."""
    threads = min(torch.get_num_threads(), len(starts))
    if threads <= 1:
        return [part(start) for start in starts]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(part, starts))


@reordering_kernel
@no_type_check
def _l1(a, b, seen, first, second, weight, begin, end, ga, gb, wanted):
    total, channels = 0.0, a.shape[2]
    half = a.dtype.type(0.5)
    for n in range(begin, end):
        for k in range(len(first)):
            i, j = first[k], second[k]
            if not (seen[n, i] and seen[n, j]):
                continue
            x, y = a[n, i], b[n, j]
            far = half * 0
            for c in range(channels):
                far += abs(x[c] - y[c])
            off = half * far / channels - half
            total += off * off * weight[k]
            if wanted:
                step = a.dtype.type(off * weight[k] / channels)
                gx, gy = ga[n, i], gb[n, j]
                for c in range(channels):
                    delta = x[c] - y[c]
                    slope = step if delta > 0 else (-step if delta < 0 else half * 0)
                    gx[c] += slope
                    gy[c] -= slope
    return total


@reordering_kernel
@no_type_check
def _l2(a, b, seen, first, second, weight, begin, end, ga, gb, wanted):
    total, channels = 0.0, a.shape[2]
    half = a.dtype.type(0.5)
    for n in range(begin, end):
        for k in range(len(first)):
            i, j = first[k], second[k]
            if not (seen[n, i] and seen[n, j]):
                continue
            x, y = a[n, i], b[n, j]
            far = half * 0
            for c in range(channels):
                delta = x[c] - y[c]
                far += delta * delta
            off = half * far / channels - half
            total += off * off * weight[k]
            if wanted:
                step = a.dtype.type(2 * off * weight[k] / channels)
                gx, gy = ga[n, i], gb[n, j]
                for c in range(channels):
                    slope = step * (x[c] - y[c])
                    gx[c] += slope
                    gy[c] -= slope
    return total


@reordering_kernel
@no_type_check
def _linf(a, b, seen, first, second, weight, begin, end, ga, gb, wanted):
    total, channels = 0.0, a.shape[2]
    half = a.dtype.type(0.5)
    for n in range(begin, end):
        for k in range(len(first)):
            i, j = first[k], second[k]
            if not (seen[n, i] and seen[n, j]):
                continue
            x, y = a[n, i], b[n, j]
            far = half * 0
            for c in range(channels):
                far = max(far, abs(x[c] - y[c]))
            off = half * far - half
            total += off * off * weight[k]
            if wanted and far > 0:
                # All gradient goes to one channel: the first of the farthest, as torch.max has it.
                c = 0
                while c < channels - 1 and abs(x[c] - y[c]) != far:
                    c += 1
                step = a.dtype.type(off * weight[k])
                slope = step if x[c] > y[c] else -step
                ga[n, i, c] += slope
                gb[n, j, c] -= slope
    return total
