"""Prefetching of batches in the background, and the time that steps wait for them."""

import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

import torch

AHEAD = 2
"""Number of prefetched batches."""

Batch = TypeVar("Batch")


def fetched_ahead(batches: Iterable[Batch], count: int = AHEAD) -> Generator[Batch, None, None]:
    """The same batches in the same order, each made by one background thread up to `count` before it is asked for.

    What making a batch raises is raised here, in its turn. Close the iterator to end the thread early.
    """
    iterator = iter(batches)
    pool = ThreadPoolExecutor(1, "batches")
    try:
        _one_thread_in(pool)
        waiting = deque(pool.submit(next, iterator, None) for _ in range(count))
        while (batch := waiting.popleft().result()) is not None:
            waiting.append(pool.submit(next, iterator, None))
            yield batch
    finally:
        pool.shutdown(cancel_futures=True)


def _one_thread_in(pool: ThreadPoolExecutor) -> None:
    """Limit torch to one thread in the pool, to leave the cores to the training step."""
    threads = torch.get_num_threads()
    # A thread inherits the process's number when it first reads it, so it must read it before its own can be set.
    for call in (torch.get_num_threads, lambda: torch.set_num_threads(1)):
        pool.submit(call).result()
    # Later threads would inherit the number set there: it is reset here, and stays 1 in the pool's thread.
    torch.set_num_threads(threads)


@dataclass
class Pace:
    """Steps since the last restart, the seconds they took, and how many of these were spent on waiting for data."""

    steps: int = 0
    waited: float = 0.0
    began: float = field(default_factory=lambda: time.perf_counter())
    began_cpu: float = field(default_factory=lambda: time.process_time())

    def timed(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """The same batches; records the time that the caller waits for them."""
        iterator = iter(batches)
        while True:
            requested = time.perf_counter()
            batch = next(iterator, None)
            if batch is None:
                return
            self.waited += time.perf_counter() - requested
            self.steps += 1
            yield batch

    def restart(self) -> None:
        """Reset all counts."""
        self.steps, self.waited, self.began, self.began_cpu = 0, 0.0, time.perf_counter(), time.process_time()

    @property
    def seconds(self) -> float:
        """Seconds since the last restart."""
        return time.perf_counter() - self.began

    @property
    def cpu_seconds(self) -> float:
        """Seconds of all cores that this process has used since the last restart; loader processes are not in it."""
        return time.process_time() - self.began_cpu

    def report(self, images_per_step: int) -> dict[str, float]:
        """Images per second, and the share of time spent on waiting for data."""
        passed = max(self.seconds, 1e-9)
        return {"images_per_second": images_per_step * self.steps / passed, "data_share": self.waited / passed}
