"""A real Dask scheduler and real worker processes on this machine, which tests may kill."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from distributed import Client


@dataclass
class Cluster:
    """Its scheduler file, and its workers in the order of their start. `preload` is a Python file that each worker runs first."""

    file: Path
    preload: Path | None = None
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        """The scheduler's."""
        return str(json.loads(self.file.read_text())["address"])

    def start_worker(self) -> None:
        """One more, of one thread."""
        first = [] if self.preload is None else ["--preload", str(self.preload)]
        once = ["--scheduler-file", str(self.file), "--nthreads", "1", "--nworkers", "1", "--no-nanny"]
        self.workers.append(_start("worker", *once, *first))


def _start(program: str, *arguments: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", f"distributed.cli.dask_{program}", "--no-dashboard", "--host", "127.0.0.1", *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@contextmanager
def started(folder: Path, workers: int, preload: Path | None = None) -> Iterator[Cluster]:
    """A cluster for the time of a block."""
    file = folder / "scheduler.json"
    scheduler = _start("scheduler", "--port", "0", "--scheduler-file", str(file))
    made = Cluster(file, preload)
    try:
        for _ in range(workers):
            made.start_worker()
        with Client(scheduler_file=str(file), timeout=120, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=120)
        yield made
    finally:
        for process in (*made.workers, scheduler):
            process.kill()
            process.wait()
