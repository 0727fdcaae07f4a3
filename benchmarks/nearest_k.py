"""The k nearest of sampled points against torch.cdist, masked_fill and topk: time and answers, on this machine.

    python benchmarks/nearest_k.py --json

The size is that of training with hard negatives: 6 images, 1,024 points each, 32 channels, the 16 nearest that are more than 4 pixels
from the match. Both run in one process, in turn; the ratio is the median of those of the rounds. The last line is one JSON object: for
each number of threads and norm the time over that of torch (below 1: faster), and the share of equal indices.
"""

import argparse
import json
import math
import os
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from pixbench.evaluation.matching.nearest import Separation, nearest_k

BATCH, POINTS, CHANNELS, K, NEAR_PX, SIDE = 6, 1024, 32, 16, 4.0, 128
ROUNDS = 15


def batch() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Descriptors of points of two views, where the points lie, and which of them are matches."""
    g = torch.Generator().manual_seed(0)
    x = 0.3 * torch.randn(BATCH, POINTS, CHANNELS, generator=g)
    y = x + 0.1 * torch.randn(BATCH, POINTS, CHANNELS, generator=g)
    return x, y, SIDE * torch.rand(BATCH, POINTS, 2, generator=g), torch.rand(BATCH, POINTS, generator=g) < 0.8


def ours(x: Tensor, y: Tensor, uv: Tensor, matched: Tensor, p: float) -> Tensor:
    """The library's."""
    return nearest_k(x, y, K, p=p, allowed=matched, apart=Separation(uv, uv, NEAR_PX)).index


def by_torch(x: Tensor, y: Tensor, uv: Tensor, matched: Tensor, p: float) -> Tensor:
    """All distances at once."""
    wrong = (torch.cdist(uv, uv) > NEAR_PX) & matched[:, None]
    return torch.cdist(x, y, p=p).masked_fill(~wrong, math.inf).topk(K, dim=2, largest=False).indices


def seconds(search: Callable[..., Tensor], *inputs: object) -> tuple[float, Tensor]:
    started = time.perf_counter()
    found = search(*inputs)
    return time.perf_counter() - started, found


def compare(p: float) -> dict[str, float]:
    inputs = (*batch(), p)
    ours(*inputs)
    by_torch(*inputs)
    rounds = [(*seconds(ours, *inputs), *seconds(by_torch, *inputs)) for _ in range(ROUNDS)]
    return {
        "over_torch": round(statistics.median(mine / theirs for mine, _, theirs, _ in rounds), 3),
        "ms": round(1000 * min(mine for mine, _, _, _ in rounds), 1),
        "torch_ms": round(1000 * min(theirs for _, _, theirs, _ in rounds), 1),
        "same": float((rounds[0][1] == rounds[0][3]).double().mean()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    arguments = parser.parse_args()
    result: dict[str, object] = {"load_before": os.getloadavg()[0]}
    for threads in arguments.threads:
        torch.set_num_threads(threads)
        found = {f"{p:g}": compare(p) for p in (1.0, 2.0, math.inf)}
        result[f"threads_{threads}"] = found
        for p, one in found.items():
            print(
                f"{threads} threads, p = {p:>3}: {one['ms']:6.1f} ms, torch {one['torch_ms']:6.1f} ms, ratio {one['over_torch']:.2f}",
                flush=True,
            )
    if arguments.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
