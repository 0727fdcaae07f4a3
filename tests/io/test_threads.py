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
    """None of the variables is set; what torch is told in this process is noted, not done."""
    for name in (*WAITING, COUNT, MEASURED):
        # Set first, so that what a test sets is taken away after it.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    told: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", told.append)
    return told


def _clock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *readings: str, nice: int = 0) -> None:
    """Have a machine of four cores tell these times, one reading after the other, to a process that may use cores 0, 1 and 2."""
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
        # Of each core's 20 ticks: all idle or waiting for a disk.
        ((("0 0 0", 20, 0), ("0 0 0", 10, 10), ("0 0 0", 20, 0)), 0, 3),
        # One core is taken by a program.
        ((("20 0 0", 0, 0), ("0 0 0", 20, 0), ("0 0 0", 20, 0)), 0, 2),
        # It is of lower priority than this process, or of the same.
        ((("0 20 0", 0, 0), ("0 0 0", 20, 0), ("0 0 0", 20, 0)), 0, 3),
        ((("0 20 0", 0, 0), ("0 0 0", 20, 0), ("0 0 0", 20, 0)), 10, 2),
        # All are taken, and one thread is left all the same.
        ((("10 0 10", 0, 0), ("20 0 0", 0, 0), ("20 0 0", 0, 0)), 0, 1),
        # 40 of 60 ticks are idle: two cores. 30 of 60: one and a half, in which two threads would wait for each other.
        ((("5 0 2", 13, 0), ("7 0 0", 13, 0), ("6 0 0", 14, 0)), 0, 2),
        ((("10 0 0", 10, 0), ("10 0 0", 10, 0), ("10 0 0", 10, 0)), 0, 1),
    ],
)
def test_idle_cores_are_those_that_others_leave(
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

    _clock(monkeypatch, tmp_path, BEFORE, "\n".join(map(add, BEFORE.splitlines())), nice=nice)
    assert idle_cores(0) == expected


def test_steal_counts_as_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # The host of a virtual machine gives core 2 to somebody else.
    after = BEFORE.replace("cpu2 0 0 0 900 0 0 0 0", "cpu2 0 0 0 900 0 0 0 20").replace("10 400", "10 420").replace("20 300", "20 320")
    _clock(monkeypatch, tmp_path, BEFORE, after)
    assert idle_cores(0) == 2


def test_without_proc_all_cores_are_idle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(threads, "CPU_TIMES", tmp_path / "stat")
    assert idle_cores(0) == len(allowed_cores())


@pytest.mark.skipif(not threads.CPU_TIMES.exists(), reason="the system does not tell how busy its cores are")
def test_busy_processes_take_cores() -> None:
    # On the machine itself: with a busy process on each core nothing is idle.
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in allowed_cores()]
    try:
        assert idle_cores(1.0) <= max(1, len(allowed_cores()) // 2)
    finally:
        for process in busy:
            process.kill()
            process.wait()


@pytest.mark.parametrize("name", WAITING)
def test_the_users_way_to_wait_stays(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "7")
    bound_spinning()
    assert {each: os.environ.get(each) for each in WAITING} == {**dict.fromkeys(WAITING), name: "7"}


def test_the_number_of_threads_is_the_users_before_the_idle_cores(monkeypatch: pytest.MonkeyPatch, torch_threads: list[int]) -> None:
    monkeypatch.setattr(threads, "idle_cores", lambda: 5)
    assert use_threads() is None
    assert os.environ[COUNT] == "5"
    # A process started from here sees the number, and that nobody chose it.
    assert use_threads() is None
    assert use_threads(3) == 3
    assert os.environ[COUNT] == "3"
    assert use_threads() == 3
    monkeypatch.setenv(COUNT, "7,2")
    assert use_threads() == 7
    assert os.environ[COUNT] == "7,2"
    # What stood in the environment when torch was loaded is known to it.
    assert torch_threads == [5, 3]


@pytest.mark.slow
def test_a_command_bounds_the_spinning_and_takes_its_threads() -> None:
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
