"""Shards on several processes of this machine."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any

from ..errors import UserError
from .job import Job

_ticks: Any = None


def make_in_pool(workers: int, job: Job, shards: Sequence[int], progress: Callable[[int], None]) -> None:
    """Make shards of a job on `workers` processes. UserError where one of them is killed."""
    # Spawned, not forked: the caster's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    ticks = context.SimpleQueue()
    with _one_thread_each(), ProcessPoolExecutor(min(workers, len(shards)), context, _start_worker, (ticks,)) as pool:
        try:
            with _interrupts_held():
                waiting: set[Future[None]] = {pool.submit(_make, job, shard) for shard in shards}
            while waiting:
                done, waiting = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
                _pass_on(ticks, progress)
                for future in done:
                    future.result()
        except BrokenProcessPool:
            raise UserError(
                "a worker process was killed, perhaps for want of memory: what is finished is kept; "
                "run the same command again with fewer --workers"
            ) from None
        except BaseException:
            # What is queued would still run, and what runs would be waited for.
            for worker in multiprocessing.active_children():
                worker.terminate()
            raise
        _pass_on(ticks, progress)


def _make(job: Job, shard: int) -> None:
    job.make(shard, _ticks.put)


def _pass_on(ticks: Any, progress: Callable[[int], None]) -> None:
    while not ticks.empty():
        progress(ticks.get())


def _start_worker(ticks: Any) -> None:
    """Runs first in each worker process: where to report, and to end with the process that started it."""
    global _ticks
    _ticks = ticks
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Ctrl-C waits until the block is left. Processes that are started in it never hear it: the parent ends them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    # The mask is what children inherit; the handler is for when another thread of this process gets the signal.
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Workers share the cores already; threads of their linear algebra only get in each other's way."""
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
