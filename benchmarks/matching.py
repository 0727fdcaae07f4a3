"""The search for nearest descriptors against faiss, torch and scikit-learn: time, memory and answers, on this machine.

    python benchmarks/matching.py --json

Every descriptor of one image of 256 x 256 pixels with 32 channels against all of another. All run in one process, in turn, on as many
threads as torch uses. A peer that would take more than a minute gets fewer queries, and its time is scaled: what a query costs does not
depend on their number. Memory is what a search adds to a process of its own at its peak. The last line is one JSON object: for each norm
the time over that of the fastest peer (below 1: faster), and the memory in MB beyond the inputs.
"""

import argparse
import json
import math
import multiprocessing
import threading
import time
from collections.abc import Callable, Mapping

import numpy as np
import torch

from pixbench.evaluation.matching.nearest import Norm, nearest
from pixbench.evaluation.model import norm_name

SIDE, CHANNELS = 256, 32
TRIAL, LIMIT_S = 2048, 60.0
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


def seconds(search: Search, queries: Array, targets: Array) -> tuple[float, Array]:
    """Time for all queries, measured on fewer where it would be long; and the answers of those measured."""
    search(queries[:64], targets)
    started = time.perf_counter()
    search(queries[:TRIAL], targets)
    whole = (time.perf_counter() - started) * len(queries) / TRIAL
    count = len(queries) if whole < LIMIT_S else max(TRIAL, int(len(queries) * LIMIT_S / whole) // TRIAL * TRIAL)
    started = time.perf_counter()
    found = search(queries[:count], targets)
    return (time.perf_counter() - started) * len(queries) / count, found


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
    arguments = parser.parse_args()
    queries, targets = inputs()
    result = {}
    norms: tuple[Norm, ...] = (1.0, 2.0, math.inf, "cosine")
    for p in norms:
        taken, found = seconds(ours(p), queries, targets)
        peers = {}
        for name, make in PEERS.items():
            peers[name], theirs = seconds(make(p), queries, targets)
            agree = float(np.mean(theirs == found[: len(theirs)]))
            print(f"{norm_name(p):>6} {name:<13} {peers[name]:8.2f} s, ours {taken:6.2f} s; the same answer for {agree:.4%}", flush=True)
        fastest = min(peers, key=lambda name: peers[name])
        result[norm_name(p)] = {
            "over_fastest_peer": round(taken / peers[fastest], 3),
            "fastest_peer": fastest,
            "seconds": round(taken, 2),
            "extra_mb": round(extra_mb(p), 1),
        }
    if arguments.json:
        print(json.dumps({"queries": len(queries), "channels": CHANNELS, "threads": torch.get_num_threads(), "norms": result}))


if __name__ == "__main__":
    main()
