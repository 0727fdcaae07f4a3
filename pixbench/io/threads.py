"""Number of computing threads, and how they wait: fast on an idle machine, usable on a shared one.

OpenMP's threads (torch's, scikit-learn's) spin while they wait. Where another program has one of the cores, the others spin until it
gives the core back, and a step takes ten times as long. So spinning is bounded, and no more threads are used than there are idle cores.
Both are read from the environment when a library is loaded: call these functions before torch is imported.
"""

import os
import sys
import time
from pathlib import Path

WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
"""Environment variables that control how threads wait: OpenMP's, that of GCC's runtime, and that of LLVM's and Intel's."""

COUNT = "OMP_NUM_THREADS"
MEASURED = "PIXBENCH_MEASURED_THREADS"
"""Holds the number in COUNT where this module chose it, so that processes started from here do not take it for the user's."""

SPINS = 10_000
"""About 0.1 ms: longer than the pauses within a step on an idle machine."""

CPU_TIMES = Path("/proc/stat")
MEASURED_SECONDS = 0.2


def bound_spinning() -> None:
    """Let threads spin briefly and then sleep, unless the user has configured this."""
    if not any(name in os.environ for name in WAITING):
        # LLVM's is in milliseconds.
        os.environ.update(GOMP_SPINCOUNT=str(SPINS), KMP_BLOCKTIME="1")


def use_threads(wanted: int | None = None) -> int | None:
    """Compute with `wanted` threads, else as the user's OMP_NUM_THREADS says, else with one for each idle core.

    Returns the number that the user chose, or None.
    """
    if wanted is None and COUNT in os.environ:
        return _from_environment()
    os.environ[COUNT] = str(wanted or idle_cores())
    if wanted is None:
        os.environ[MEASURED] = os.environ[COUNT]
    else:
        os.environ.pop(MEASURED, None)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(int(os.environ[COUNT]))
    return wanted


def idle_cores(seconds: float = MEASURED_SECONDS) -> int:
    """Number of idle cores among those that this process may use, at least 1.

    A program of lower priority counts as idle: it gives way. Where the system does not tell (no /proc/stat), all cores.
    """
    cores = allowed_cores()
    try:
        before = _busy_and_total(cores)
        time.sleep(seconds)
        after = _busy_and_total(cores)
    except (OSError, ValueError, IndexError):
        return len(cores)
    busy, total = (b - a for a, b in zip(before, after, strict=True))
    idle = len(cores) * (1 - busy / total) if total > 0 else len(cores)
    # An idle system itself needs up to a quarter of a core.
    return max(1, min(len(cores), int(idle + 0.25)))


def allowed_cores() -> frozenset[int]:
    """The cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return frozenset(affinity(0) if affinity else range(os.cpu_count() or 1))


def _from_environment() -> int | None:
    if os.environ[COUNT] == os.environ.get(MEASURED):
        return None
    # OpenMP accepts a list, whose first entry is for the outermost level.
    first = os.environ[COUNT].split(",")[0].strip()
    return int(first) if first.isdigit() and int(first) else None


def _busy_and_total(cores: frozenset[int]) -> tuple[int, int]:
    """Ticks so far, summed over cores: those of programs of normal priority, and all. See proc(5) for the columns."""
    rows = [line.split() for line in CPU_TIMES.read_text().splitlines()]
    times = [list(map(int, row[1:9])) for row in rows if row[0].startswith("cpu") and row[0][3:].isdigit() and int(row[0][3:]) in cores]
    give_way = os.nice(0) <= 0
    busy = sum(user + (0 if give_way else nice) + system + irq + soft + steal for user, nice, system, _, _, irq, soft, steal in times)
    return busy, sum(map(sum, times))
