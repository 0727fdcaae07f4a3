import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from pixbench.io import threads
from pixbench.io.threads import COUNT, MEASURED, WAITING, allowed_cores, bound_spinning, idle_cores, use_threads


@pytest.fixture(autouse=True)
def torch_threads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Unset the environment variables, and record calls of torch.set_num_threads instead of making them."""
    for name in (*WAITING, COUNT, MEASURED):
        # Set first, so that monkeypatch removes what a test sets.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    thread_counts: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", thread_counts.append)
    return thread_counts


def _mock_cpu_times(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *readings: str, nice: int = 0) -> None:
    """Mock successive readings of the CPU times of four cores, for a process that may use cores 0, 1 and 2."""
    waiting = list(readings)

    class Times:
        def read_text(self) -> str:
            return waiting.pop(0)

    monkeypatch.setattr(threads, "CPU_TIMES", Times())
    monkeypatch.setattr(threads, "allowed_cores", lambda: frozenset({0, 1, 2}))
    monkeypatch.setattr(os, "nice", lambda by: nice)


#      user nice system idle iowait irq softirq steal guest guest_nice
BEFORE = """cpu 9 9 9 9 9 9 9 9 0 0
cpu0 100 50 10 400 5 1 2 3 0 0
cpu1 200 0 20 300 0 0 0 0 0 0
cpu2 0 0 0 900 0 0 0 0 0 0
cpu3 0 0 0 0 0 0 0 0 0 0
intr 5
"""


@pytest.mark.parametrize(
    ("cores", "nice", "expected"),
    [
        # 20 ticks per core, all of them idle or waiting for a disk.
        ((("0 0 0", 20, 0), ("0 0 0", 10, 10), ("0 0 0", 20, 0)), 0, 3),
        # One core is busy with another process.
        ((("20 0 0", 0, 0), ("0 0 0", 20, 0), ("0 0 0", 20, 0)), 0, 2),
        # The other process has lower priority than this one, or the same.
        ((("0 20 0", 0, 0), ("0 0 0", 20, 0), ("0 0 0", 20, 0)), 0, 3),
        ((("0 20 0", 0, 0), ("0 0 0", 20, 0), ("0 0 0", 20, 0)), 10, 2),
        # All cores are busy: the result is still one.
        ((("10 0 10", 0, 0), ("20 0 0", 0, 0), ("20 0 0", 0, 0)), 0, 1),
        # 40 of 60 ticks are idle: two cores. 30 of 60: one and a half, rounded down, as two threads would wait for each other.
        ((("5 0 2", 13, 0), ("7 0 0", 13, 0), ("6 0 0", 14, 0)), 0, 2),
        ((("10 0 0", 10, 0), ("10 0 0", 10, 0), ("10 0 0", 10, 0)), 0, 1),
    ],
)
def test_idle_cores_are_computed_from_cpu_times(
    cores: tuple[tuple[str, int, int], ...], nice: int, expected: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def add(line: str) -> str:
        name, *ticks = line.split()
        if name not in ("cpu0", "cpu1", "cpu2"):
            # A core that this process may not use is busy.
            return "cpu3 999 0 0 0 0 0 0 0 0 0" if name == "cpu3" else line
        taken, idle, waiting = cores[int(name[3])]
        more = [*map(int, taken.split()), idle, waiting, 0, 0, 0, 0, 0]
        return " ".join([name, *(str(int(a) + b) for a, b in zip(ticks, more, strict=True))])

    _mock_cpu_times(monkeypatch, tmp_path, BEFORE, "\n".join(map(add, BEFORE.splitlines())), nice=nice)
    assert idle_cores(0) == expected


def test_steal_time_counts_as_busy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # The hypervisor gives core 2 to another virtual machine.
    after = BEFORE.replace("cpu2 0 0 0 900 0 0 0 0", "cpu2 0 0 0 900 0 0 0 20").replace("10 400", "10 420").replace("20 300", "20 320")
    _mock_cpu_times(monkeypatch, tmp_path, BEFORE, after)
    assert idle_cores(0) == 2


def test_all_allowed_cores_are_idle_without_proc_stat(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(threads, "CPU_TIMES", tmp_path / "stat")
    assert idle_cores(0) == len(allowed_cores())


@pytest.mark.skipif(not threads.CPU_TIMES.exists(), reason="the system does not report CPU times")
def test_busy_processes_reduce_idle_cores() -> None:
    # Measured, not mocked: with a busy process on each core, no core is idle.
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in allowed_cores()]
    try:
        assert idle_cores(1.0) <= max(1, len(allowed_cores()) // 2)
    finally:
        for process in busy:
            process.kill()
            process.wait()


@pytest.mark.parametrize("name", WAITING)
def test_user_spin_settings_are_kept(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "7")
    bound_spinning()
    assert {each: os.environ.get(each) for each in WAITING} == {**dict.fromkeys(WAITING), name: "7"}


def test_user_thread_count_takes_precedence_over_idle_cores(monkeypatch: pytest.MonkeyPatch, torch_threads: list[int]) -> None:
    monkeypatch.setattr(threads, "idle_cores", lambda: 5)
    assert use_threads() is None
    assert os.environ[COUNT] == "5"
    # Child processes see the count and that it was measured, not chosen.
    assert use_threads() is None
    assert use_threads(3) == 3
    assert os.environ[COUNT] == "3"
    assert use_threads() == 3
    monkeypatch.setenv(COUNT, "7,2")
    assert use_threads() == 7
    assert os.environ[COUNT] == "7,2"
    # torch itself reads what is in the environment when it is loaded.
    assert torch_threads == [5, 3]


@pytest.mark.slow
def test_commands_bound_spinning_and_apply_the_threads_option() -> None:
    code = (
        "import json, os, sys\n"
        "from pixbench.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "import torch; print(json.dumps([os.environ['GOMP_SPINCOUNT'], torch.get_num_threads()]))"
    )
    for arguments, count in ((["--threads", "1"], 1), (["--threads", "2"], min(2, len(allowed_cores())))):
        command = [sys.executable, "-c", code, "evaluate", "--model", "nothing", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert "no such path" in done.stderr
        assert json.loads(done.stdout) == ["10000", count]
