"""Parallel work in processes of this machine, with progress, and handling of Ctrl-C and killed workers."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, TypeVar

from ..errors import UserError

Item = TypeVar("Item")
Result = TypeVar("Result")
Count = TypeVar("Count", int, float)

Work = Callable[[Item, Callable[[Count], None]], Result]
"""A function of the module level that does one item, and reports steps, or shares of the item, done."""

_ticks: Any = None


def in_processes(
    work: Work[Item, Count, Result], items: Sequence[Item], workers: int, progress: Callable[[Count], None]
) -> Iterator[Result]:
    """The results of `work` on each item, in order of completion, from `workers` processes. Raises UserError if one of these is killed.

    What `work` raises is raised here, and the other processes are ended.
    """
    # Spawned, not forked: the caster's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    ticks = context.SimpleQueue()
    with one_thread_each(), ProcessPoolExecutor(min(workers, len(items)), context, _start_worker, (ticks,)) as pool:
        try:
            with interrupts_held():
                waiting: set[Future[Result]] = {pool.submit(_do, work, item) for item in items}
            while waiting:
                done, waiting = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
                _pass_on(ticks, progress)
                for future in done:
                    yield future.result()
        except BrokenProcessPool:
            raise UserError(
                "a worker process was killed, perhaps because memory ran out: finished work is kept; "
                "run the same command again with fewer --workers"
            ) from None
        except BaseException:
            # Otherwise queued items would still run, and running ones would be waited for.
            for worker in multiprocessing.active_children():
                worker.terminate()
            raise
        _pass_on(ticks, progress)


def _do(work: Work[Item, Any, Result], item: Item) -> Result:
    return work(item, _ticks.put)


def _pass_on(ticks: Any, progress: Callable[[Any], None]) -> None:
    while not ticks.empty():
        progress(ticks.get())


def _start_worker(ticks: Any) -> None:
    """Initialises a worker process: where it reports progress, and that it ends with its parent."""
    global _ticks
    _ticks = ticks
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Defer Ctrl-C until the block is left. Processes started in it ignore it; the parent ends them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    # The mask is what children inherit; the handler is for when another thread of this process gets the signal.
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    _mask_interrupts(True)
    try:
        yield
    finally:
        _mask_interrupts(False)
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt


def _mask_interrupts(masked: bool) -> None:
    """Block or unblock SIGINT in this thread, which child processes inherit. Windows has no signal masks."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK if masked else signal.SIG_UNBLOCK, {signal.SIGINT})


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Limit each worker to one thread, because the workers share the cores."""
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
