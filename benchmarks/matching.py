"""The search for nearest descriptors against faiss, torch and scikit-learn: time, memory and answers, on this machine.

    python benchmarks/matching.py --json

Every descriptor of one image of 256 x 256 pixels with 32 channels against all of another. All run in one process, in turn and several times
over, on one thread and on two: a ratio is the median of those of the rounds. A peer that would take more than ten seconds gets fewer
queries, and its time is scaled: what a query costs does not depend on their number. Memory is what a search adds to a process of its own at
its peak. For the Euclidean norm three other pairs of images follow, against faiss alone, because the time of the search depends on the
data. The last line is one JSON object: for each number of threads and norm the time over that of the fastest peer (below 1: faster), and
the memory in MB beyond the inputs.
"""

import argparse
import json
import math
import multiprocessing
import os
import statistics
import threading
import time
from collections.abc import Callable, Mapping

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from pixbench.evaluation.matching.nearest import Norm, nearest
from pixbench.evaluation.model import norm_name

SIDE, CHANNELS = 256, 32
TRIAL, LIMIT_S, ROUNDS = 2048, 10.0, 3
NORMS: tuple[Norm, ...] = (1.0, 2.0, math.inf, "cosine")
Array = np.ndarray
Search = Callable[[Array, Array], Array]


def ours(p: Norm) -> Search:
    """The library's."""
    return lambda queries, targets: nearest(torch.from_numpy(queries), torch.from_numpy(targets), p=p).index.numpy()


def by_faiss(p: Norm) -> Search:
    """A flat index; unit vectors and inner products for the cosine."""
    import faiss

    faiss.omp_set_num_threads(torch.get_num_threads())
    metric = {1: faiss.METRIC_L1, 2: faiss.METRIC_L2, math.inf: faiss.METRIC_Linf, "cosine": faiss.METRIC_INNER_PRODUCT}[p]

    def search(queries: Array, targets: Array) -> Array:
        if p == "cosine":
            queries, targets = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (queries, targets))
        index = faiss.IndexFlat(targets.shape[1], metric)
        index.add(targets)
        found: Array = index.search(queries, 1)[1][:, 0]
        return found

    return search


def by_cdist(p: Norm) -> Search:
    """torch.cdist and argmin, rows of 64 MB at a time."""

    def search(queries: Array, targets: Array) -> Array:
        q, t = torch.from_numpy(queries), torch.from_numpy(targets)
        if p == "cosine":
            q, t = (torch.nn.functional.normalize(x, dim=1) for x in (q, t))
        rows = max(1, 2**24 // len(t))
        return torch.cat([torch.cdist(part, t, p=2.0 if p == "cosine" else float(p)).argmin(dim=1) for part in q.split(rows)]).numpy()

    return search


def by_sklearn(p: Norm) -> Search:
    """Brute force in chunks."""
    from sklearn.metrics import pairwise_distances_argmin

    metric = {1: "manhattan", 2: "euclidean", math.inf: "chebyshev", "cosine": "cosine"}[p]

    def search(queries: Array, targets: Array) -> Array:
        found: Array = pairwise_distances_argmin(queries, targets, metric=metric)
        return found

    return search


PEERS: Mapping[str, Callable[[Norm], Search]] = {"faiss": by_faiss, "torch.cdist": by_cdist, "scikit-learn": by_sklearn}


def inputs() -> tuple[Array, Array]:
    """Descriptors that a trained network might give: the second image's are noisy copies of the first one's."""
    rng = np.random.default_rng(0)
    targets = rng.normal(size=(SIDE * SIDE, CHANNELS)).astype(np.float32)
    queries = (targets[rng.permutation(len(targets))] + 0.3 * rng.normal(size=targets.shape)).astype(np.float32)
    return queries, targets


def strangers() -> tuple[Array, Array]:
    """Descriptors without any match, all about equally far from each other: the hardest."""
    return np.random.default_rng(1).normal(size=(SIDE * SIDE, CHANNELS)).astype(np.float32), inputs()[1]


def smooth(fields: int) -> tuple[Array, Array]:
    """Mixtures of `fields` smooth random fields, like the output of a network, and the same moved by three pixels; with a little noise."""
    g = torch.Generator().manual_seed(2)
    field = torch.zeros(1, fields, SIDE + 8, SIDE + 8)
    for size in (4, 16, 64):
        coarse = torch.randn(1, fields, SIDE // size + 3, SIDE // size + 3, generator=g)
        field += torch.nn.functional.interpolate(coarse, size=field.shape[2:], mode="bicubic")
    mixed = torch.tanh(torch.einsum("df,fhw->dhw", torch.randn(CHANNELS, fields, generator=g), field[0]) / fields**0.5)
    views = (mixed[:, :SIDE, :SIDE], mixed[:, 3 : 3 + SIDE, 3 : 3 + SIDE])
    queries, targets = ((view + 0.02 * torch.randn(view.shape, generator=g)).flatten(1).T.contiguous().numpy() for view in views)
    return queries, targets


OTHER_INPUTS: Mapping[str, Callable[[], tuple[Array, Array]]] = {
    "strangers": strangers,
    "smooth, 8 fields": lambda: smooth(8),
    "smooth, 32 fields": lambda: smooth(32),
}


def affordable(search: Search, queries: Array, targets: Array) -> int:
    """The number of queries with which a search stays within the time limit."""
    search(queries[:TRIAL], targets)  # compiles, starts threads
    started = time.perf_counter()
    search(queries[:TRIAL], targets)
    taken = time.perf_counter() - started
    return len(queries) if taken * len(queries) / TRIAL < LIMIT_S else max(TRIAL, int(LIMIT_S / taken) * TRIAL)


def seconds(search: Search, queries: Array, targets: Array, count: int) -> tuple[float, Array]:
    """Time for all queries, measured on the first `count`; and the answers to those."""
    started = time.perf_counter()
    found = search(queries[:count], targets)
    return (time.perf_counter() - started) * len(queries) / count, found


def compare(p: Norm, queries: Array, targets: Array, peers: Mapping[str, Callable[[Norm], Search]]) -> dict[str, object]:
    """Time of our search over that of the fastest peer; all take turns."""
    searches = {"ours": ours(p), **{name: make(p) for name, make in peers.items()}}
    counts = {name: affordable(search, queries, targets) for name, search in searches.items()}
    taken: dict[str, list[float]] = {name: [] for name in searches}
    for _ in range(ROUNDS):
        answers = {}
        for name, search in searches.items():
            spent, answers[name] = seconds(search, queries, targets, counts[name])
            taken[name].append(spent)
    for name in peers:
        agree = np.mean(answers[name] == answers["ours"][: counts[name]])
        best = [min(taken[of]) for of in ("ours", name)]
        print(f"{norm_name(p):>6} {name:<13} {best[1]:8.2f} s, ours {best[0]:6.2f} s; the same answer for {agree:.4%}", flush=True)
    fastest = min(peers, key=lambda name: min(taken[name]))
    ratios = {name: statistics.median(o / t for o, t in zip(taken["ours"], taken[name], strict=True)) for name in peers}
    return {
        "over_fastest_peer": round(ratios[fastest], 3),
        "fastest_peer": fastest,
        "over_each": {name: round(ratio, 3) for name, ratio in ratios.items()},
        "seconds": round(min(taken["ours"]), 2),
    }


def extra_mb(p: Norm) -> float:
    """What our search adds to a process at its peak, its answers included."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_grown, (p,))


def _grown(p: Norm) -> float:
    """The highest resident memory while a search runs, over what it was before."""
    import psutil

    queries, targets = inputs()
    ours(p)(queries[:64], targets[:512])  # what is compiled and imported once is not the search's
    process, running = psutil.Process(), threading.Event()
    before = highest = process.memory_info().rss

    def watch() -> None:
        nonlocal highest
        while not running.wait(0.01):
            highest = max(highest, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    ours(p)(queries, targets)
    running.set()
    watcher.join()
    return (highest - before) / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    arguments = parser.parse_args()
    queries, targets = inputs()
    result: dict[str, object] = {"queries": len(queries), "channels": CHANNELS, "load_before": os.getloadavg()[0]}
    for threads in arguments.threads:
        torch.set_num_threads(threads)
        with threadpool_limits(threads):
            print(f"{threads} threads")
            norms = {norm_name(p): compare(p, queries, targets, PEERS) for p in NORMS}
            others = {}
            for name, make in OTHER_INPUTS.items():
                print(name)
                others[name] = compare(2.0, *make(), {"faiss": by_faiss})
            result[f"threads_{threads}"] = {"norms": norms, "other_inputs": others}
    result["extra_mb"] = {norm_name(p): round(extra_mb(p), 1) for p in NORMS}
    if arguments.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
