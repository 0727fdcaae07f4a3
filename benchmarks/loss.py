"""The between-image term against a naive broadcast version: time, peak memory and values, forward and backward, on this machine.

64 images, 32 channels, 32 x 32 points: the size of the paper's first experiment at half its batch. Both run in one process, in turn;
memory is what each adds to the process at its peak, measured in a process of its own.
"""

import argparse
import json
import math
import multiprocessing
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from pixbench.losses import between_loss

BATCH, CHANNELS, POINTS = 64, 32, 32 * 32
ROUNDS = 5

Loss = Callable[[Tensor, Tensor, Tensor, Tensor, float], Tensor]


def ours(f1: Tensor, f2: Tensor, index: Tensor, mask: Tensor, p: float) -> Tensor:
    """The library's."""
    return between_loss(f1, f2, index, mask, p=p)


def naive(f1: Tensor, f2: Tensor, index: Tensor, mask: Tensor, p: float) -> Tensor:
    """The formula written down: every image against every other, of which the upper triangle counts."""
    partners = f2.gather(2, index[:, None].expand_as(f1))
    delta = f1[:, None] - partners[None]
    far = {1: lambda: delta.abs().mean(dim=2), 2: lambda: delta.square().mean(dim=2), math.inf: lambda: delta.abs().max(dim=2).values}[p]()
    both = (mask[:, None] & mask[None]).to(f1.dtype)
    cost = ((0.5 * far - 0.5).square() * both).sum(dim=2) / both.sum(dim=2).clamp(min=1)
    return cost.triu(1).sum() / (len(f1) * (len(f1) - 1) / 2)


def batch() -> tuple[Tensor, ...]:
    """Descriptors as a network gives them at the start of training, all but a tenth of the points valid."""
    g = torch.Generator().manual_seed(0)
    f1, f2 = (torch.randn(BATCH, CHANNELS, POINTS, generator=g).mul_(0.5).requires_grad_() for _ in range(2))
    index = torch.randint(POINTS, (BATCH, POINTS), generator=g)
    return f1, f2, index, torch.rand(BATCH, POINTS, generator=g) < 0.9


def step(loss: Loss, inputs: tuple[Tensor, ...], p: float) -> tuple[Tensor, Tensor, Tensor]:
    """Value and both gradients."""
    f1, f2, index, mask = inputs
    f1.grad = f2.grad = None
    value = loss(f1, f2, index, mask, p)
    value.backward()
    assert f1.grad is not None
    assert f2.grad is not None
    return value.detach(), f1.grad, f2.grad


def seconds(loss: Loss, inputs: tuple[Tensor, ...], p: float) -> float:
    """Seconds of one step."""
    start = time.perf_counter()
    step(loss, inputs, p)
    return time.perf_counter() - start


def extra_mb(name: str, p: float) -> float:
    """What one step adds to the peak of a process that has run a small one (which compiles and loads all code)."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_extra_mb, (name, p))


def _extra_mb(name: str, p: float) -> float:
    loss = {"ours": ours, "naive": naive}[name]
    inputs = batch()
    small = tuple(x[:2, ..., :8].detach() for x in inputs)
    small = (small[0].requires_grad_(), small[1].requires_grad_(), small[2] % 8, small[3])
    step(loss, small, p)
    before = _peak_mb()
    step(loss, inputs, p)
    return _peak_mb() - before


def _peak_mb() -> float:
    # Not getrusage: its peak is inherited from the process that started this one.
    return int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024  # type: ignore[index]


def compare(p: float) -> dict[str, float]:
    """The figures of one norm."""
    inputs = batch()
    with torch.no_grad():
        ours(*inputs, p)  # type: ignore[arg-type]
    wanted, got = step(naive, inputs, p), step(ours, inputs, p)
    # In turn, and the best of each: other programs may use the machine meanwhile.
    times = [(seconds(naive, inputs, p), min(seconds(ours, inputs, p) for _ in range(3))) for _ in range(ROUNDS)]
    slow, fast = (min(column) for column in zip(*times, strict=True))
    memory = {name: extra_mb(name, p) for name in ("naive", "ours")}
    # Gradients are those of a mean over millions of comparisons: compared against the largest.
    difference = max(float((a - b).abs().max() / max(float(a.abs().max()), 1e-30)) for a, b in zip(wanted, got, strict=True))
    return {
        "speedup": slow / fast,
        "memory_ratio": memory["ours"] / memory["naive"],
        "max_abs_difference": max(float((a - b).abs().max()) for a, b in zip(wanted, got, strict=True)),
        "max_relative_difference": difference,
        "naive_s": slow,
        "ours_s": fast,
        "naive_mb": memory["naive"],
        "ours_mb": memory["ours"],
    }


def main() -> None:
    """Print a table, and with --json one JSON object last."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    arguments = parser.parse_args()
    figures = {}
    for p in (1, 2, math.inf):
        figures[f"{p:g}"] = compare(p)
        print(f"p = {p:g}", *(f"{name} {value:.3g}" for name, value in figures[f"{p:g}"].items()), sep="  ")
        sys.stdout.flush()
    if arguments.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
