"""The steps of accelerator.sh. Each is a command of its own with a time limit; one that fails does not end the others.

First come the tests and the data, on all cores. Then training runs and sweeps share the GPU. The last line is one JSON object: the card,
and for each step its seconds, its exit code (124: out of time) and what it measured.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

OUT_OF_TIME = 124
PIXBENCH = (sys.executable, "-m", "pixbench")
PHASES = ("tests", "data", "train")


@dataclass(frozen=True)
class Size:
    """Amount of data, lengths of the runs, and time limits in seconds.

    `runs` are training runs of equal length, for each its preset; `training` has the settings that differ from the presets'. `sweeps`
    are arguments of `pixbench sweep`; those that are `early` start before the data, which they do not need. All of these share the device
    and end `together_s` seconds after the start of the script, tests and data included.
    """

    scenes: int
    image: int
    training: Mapping[str, Any]
    runs: Mapping[str, Mapping[str, Any]]
    readers: int
    early: Mapping[str, Sequence[str]]
    sweeps: Mapping[str, Sequence[str]]
    together_s: float
    pace_steps: int
    most_steps: int
    data_s: float = 300


FULL = Size(
    scenes=600,
    image=192,
    training={},
    runs={"rooms": {"preset": "rooms"}, "rooms-infonce": {"preset": "rooms-infonce"}},
    readers=3,
    # The preset `paper` of experiment1 takes 30,000 steps of 128 digits a cell, which do not fit into a quarter of an hour. Nine cells of
    # `cpu-long` were run and are in results; the three of `cpu-longer` have two thirds as many steps in all.
    early={"experiment1": ("experiment1", "--preset", "cpu-longer", "--seeds", "1", "--workers", "3")},
    sweeps={"stability": ("stability", "--variant", "stable-weighted-2", "--precision", "bf16-mixed", "--workers", "6")},
    together_s=720,
    pace_steps=60,
    most_steps=20_000,
)
TINY = Size(
    scenes=6,
    image=48,
    training={"batch": 2, "crop": 32, "points": 64, "network": {"widths": [8, 8], "blocks": [1, 1], "channels": 8}},
    runs={"rooms": {"preset": "rooms"}, "rooms-infonce": {"preset": "rooms-infonce"}},
    readers=0,
    early={},
    sweeps={},
    together_s=180,
    pace_steps=5,
    most_steps=10,
)


@dataclass
class Steps:
    """What was done, in order."""

    folder: Path
    done: dict[str, dict[str, Any]] = field(default_factory=dict)

    def start(self, name: str, command: Sequence[str]) -> "Step":
        """Start a command, its output in NAME.log."""
        with (self.folder / f"{name}.log").open("w") as log:
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        return Step(name, process, time.perf_counter())

    def end(self, step: "Step", until: float, measured: Callable[[], dict[str, Any]] = dict) -> bool:
        """Wait for a step until the time `until` of `perf_counter`, then stop it. Returns whether it succeeded.

        `measured` says what a step has measured, also one that was stopped: its values are left out where it has none.
        """
        step.watcher.join(timeout=max(until - time.perf_counter(), 0.1))
        out_of_time = step.watcher.is_alive()
        if out_of_time:
            _stop(step.process)
            step.watcher.join()
        code, seconds = OUT_OF_TIME if out_of_time else step.process.returncode, round(step.ended - step.started, 1)
        said = {"said": (self.folder / f"{step.name}.log").read_text().strip().splitlines()[-3:]}
        self.done[step.name] = {"seconds": seconds, "exit": code, **_if_any(measured), **(said if code else {})}
        print(f"{step.name}: exit {code} after {seconds} s", file=sys.stderr, flush=True)
        return code == 0

    def run(self, name: str, command: Sequence[str], limit_s: float, measured: Callable[[], dict[str, Any]] = dict) -> bool:
        """Start a command and wait for it."""
        return self.end(self.start(name, command), time.perf_counter() + limit_s, measured)


@dataclass
class Step:
    """A command that runs. `ended` is when it did, which may be before it is waited for; both times are those of `perf_counter`."""

    name: str
    process: "subprocess.Popen[bytes]"
    started: float
    ended: float = 0.0

    def __post_init__(self) -> None:
        self.watcher = threading.Thread(target=self._watch, daemon=True)
        self.watcher.start()

    def _watch(self) -> None:
        self.process.wait()
        self.ended = time.perf_counter()


def _if_any(measured: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What was measured; nothing if the step was stopped before it wrote anything."""
    try:
        return measured()
    except (OSError, ValueError, LookupError):
        return {}


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """End a command and its workers: by request, then by force."""
    for number in (15, 9):
        try:
            os.killpg(process.pid, number)
            process.wait(timeout=10)
        except (subprocess.TimeoutExpired, ProcessLookupError):
            continue


def main() -> None:
    """Run the steps; what they wrote goes into OUT."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--tiny", action="store_true", help="every step at toy size, on a CPU too")
    parser.add_argument("--work", type=Path, help="folder of data and runs, kept; default: one in OUT, removed at the end")
    parser.add_argument("--phase", choices=PHASES, action="append", help="run only this phase; may be repeated")
    ends = f"end of training and sweeps, in seconds from the start; default: {FULL.together_s:g}, with --tiny {TINY.together_s:g}"
    parser.add_argument("--seconds", type=float, help=ends)
    options = parser.parse_args()
    size, device = TINY if options.tiny else FULL, "cuda" if torch.cuda.is_available() else "cpu"
    phases, limit = options.phase or PHASES, options.seconds or size.together_s
    work = options.work or options.out / "work"
    for folder in (options.out, work):
        folder.mkdir(parents=True, exist_ok=True)
    os.environ["PIXBENCH_TEST_DEVICE"] = device
    # Many processes at once: one thread each. On a GPU the CPU's threads do little.
    os.environ["OMP_NUM_THREADS"] = "1"
    steps, began = Steps(work), time.perf_counter()
    if "tests" in phases:
        steps.run("tests", [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/devices/test_device.py"], 150)
    early = _sweeps(steps, size.early, work) if "train" in phases else []
    if ("data" not in phases or _generate(steps, size, work)) and "train" in phases:
        _train_together(steps, size, work, began + limit)
    for step in early:
        steps.end(step, began + limit, lambda step=step: _cells(work / step.name))
    _collect(work, options.out)
    if options.work is None:
        shutil.rmtree(work)
    print(json.dumps({"card": torch.cuda.get_device_name() if device == "cuda" else "cpu", "torch": torch.__version__, **steps.done}))


def _generate(steps: Steps, size: Size, work: Path) -> bool:
    cores = str(os.cpu_count() or 1)
    good = True
    for split, scenes in (("val", max(size.scenes // 100, 3)), ("train", size.scenes)):
        options = ["--split", split, "--scenes", str(scenes), "--views", "4", "--size", str(size.image), "--workers", cores]
        command = [*PIXBENCH, "generate", "3d", "--out", str(work / split), *options]
        good &= steps.run(f"generate-{split}", command, size.data_s, lambda scenes=scenes: {"scenes": scenes, "workers": int(cores)})
    return good


def _sweeps(steps: Steps, sweeps: Mapping[str, Sequence[str]], work: Path) -> "list[Step]":
    return [steps.start(name, [*PIXBENCH, "sweep", *arguments, "--out", str(work / name)]) for name, arguments in sweeps.items()]


def _cells(folder: Path) -> dict[str, Any]:
    return {"cells": len(list(folder.glob("cells/*.json")))}


def _train_together(steps: Steps, size: Size, work: Path, until: float) -> None:
    """Sweeps start first, so that the pace of the training runs, which sets their number of steps, is measured beside them."""
    sweeps = _sweeps(steps, size.sweeps, work)

    def pace(step: Step) -> dict[str, Any]:
        return {"steps": size.pace_steps, "pace": _seconds_per_step(work / step.name)}

    paces = [steps.start(f"pace-{name}", _train(size, work, name, work / f"pace-{name}", size.pace_steps)) for name in size.runs]
    good = [steps.end(step, until, lambda step=step: pace(step)) for step in paces]
    if all(good):
        slowest = max(steps.done[step.name]["pace"] for step in paces)
        # A share of the time is left for start, validation and the last save.
        count = min(max(int(0.9 * (until - time.perf_counter() - 25) / slowest), size.pace_steps), size.most_steps)
        more = ("--validation", str(work / "val"))
        runs = [steps.start(f"train-{name}", _train(size, work, name, work / name, count, *more)) for name in size.runs]
        for step, name in zip(runs, size.runs, strict=True):
            steps.end(step, until, lambda name=name: {"steps": count, "curve": _curve(work / name)})
    for step in sweeps:
        steps.end(step, until, lambda step=step: _cells(work / step.name))


def _train(size: Size, work: Path, name: str, out: Path, count: int, *more: str) -> list[str]:
    settings = {**size.training, **size.runs[name]}
    preset = settings.pop("preset")
    chosen = [part for key, value in settings.items() for part in ("--set", f"{key}={json.dumps(value)}")]
    fixed = ["--preset", preset, "--workers", str(size.readers), "--no-check"]
    return [*PIXBENCH, "train", *fixed, "--data", str(work / "train"), *chosen, "--out", str(out), "--steps", str(count), *more]


def _curve(run: Path) -> list[dict[str, float]]:
    curve: list[dict[str, float]] = json.loads((run / "run.json").read_text())["curve"]
    return curve


def _seconds_per_step(run: Path) -> float:
    """Mean seconds per step over the second half of a run, in which everything is compiled and warm."""
    curve = _curve(run)
    middle, last = curve[len(curve) // 2 - 1], curve[-1]
    return (last["train_seconds"] - middle["train_seconds"]) / max(last["step"] - middle["step"], 1) or 0.01


def _collect(work: Path, out: Path) -> None:
    """Copy logs, records and checkpoints to `out`. Data are left out: their recipe reproduces them."""
    with tarfile.open(out / "logs.tar.gz", "w:gz") as archive:
        for path in sorted(work.glob("*.log")):
            archive.add(path, path.name)
    for kind, patterns in (
        ("checkpoints", ("rooms*/best", "rooms*/checkpoint", "rooms*/run.json", "rooms*/loss.png")),
        ("records", ("*/cells", "*/sweep.json")),
    ):
        found = [path for pattern in patterns for path in sorted(work.glob(pattern))]
        if found:
            with tarfile.open(out / f"{kind}.tar.gz", "w:gz") as archive:
                for path in found:
                    archive.add(path, str(path.relative_to(work)))


if __name__ == "__main__":
    main()
