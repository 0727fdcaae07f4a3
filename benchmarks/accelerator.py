"""The steps of accelerator.sh. Each is a command of its own with a time limit; one that fails does not end the others.

The last line is one JSON object: the card, and for each step its seconds, its exit code (124: out of time) and what it measured.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

OUT_OF_TIME = 124


@dataclass(frozen=True)
class Size:
    """How much of everything, and how many seconds each step may take."""

    scenes: int
    image: int
    training: dict[str, Any]
    train_s: float
    preset: str
    cells: int
    cells_s: float


FULL = Size(
    scenes=2000,
    image=192,
    # More steps than fit: the learning rate follows the schedule until time is up, so that the number is set from the measured pace.
    training={"batch": 24, "crop": 160, "points": 2048, "network": {"widths": [32, 64, 96, 96], "blocks": [1, 1, 2, 2], "channels": 32}},
    train_s=420,
    preset="paper",
    cells=4,
    cells_s=300,
)
TINY = Size(
    scenes=6,
    image=48,
    training={"batch": 2, "crop": 32, "points": 64, "network": {"widths": [8, 8], "blocks": [1, 1], "channels": 8}},
    train_s=60,
    preset="cpu",
    cells=0,
    cells_s=1,
)


@dataclass
class Steps:
    """What was done, in order."""

    folder: Path
    device: str
    done: dict[str, dict[str, Any]] = field(default_factory=dict)

    def run(self, name: str, command: Sequence[str], limit_s: float, measured: Callable[[], dict[str, Any]] = dict) -> bool:
        """Run a command, its output in NAME.log. Whether it went well."""
        started = time.perf_counter()
        with (self.folder / f"{name}.log").open("w") as log:
            try:
                code = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, timeout=limit_s, check=False).returncode
            except subprocess.TimeoutExpired:
                code = OUT_OF_TIME
        seconds = round(time.perf_counter() - started, 1)
        said = {"said": (self.folder / f"{name}.log").read_text().strip().splitlines()[-3:]}
        self.done[name] = {"seconds": seconds, "exit": code, **(said if code else measured())}
        print(f"{name}: exit {code} after {self.done[name]['seconds']} s", file=sys.stderr, flush=True)
        return code == 0


def main() -> None:
    """Run all steps; what they wrote goes into OUT."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--tiny", action="store_true")
    options = parser.parse_args()
    size, device = TINY if options.tiny else FULL, "cuda" if torch.cuda.is_available() else "cpu"
    options.out.mkdir(parents=True, exist_ok=True)
    work = options.out / "work"
    work.mkdir(exist_ok=True)
    os.environ["PIXBENCH_TEST_DEVICE"] = device
    steps, pixbench = Steps(work, device), [sys.executable, "-m", "pixbench"]
    steps.run("tests", [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/devices/test_device.py"], 120)
    made = _generate(steps, pixbench, size, work)
    trained = made and _train(steps, pixbench, size, work)
    if trained:
        test, run = work / "test", work / "rooms"
        steps.run(
            "evaluate", [*pixbench, "evaluate", "--model", str(run), "--data", str(test), "--device", device, "--out", str(work)], 120
        )
    if size.cells:
        sweep = [
            *pixbench,
            "sweep",
            "experiment1",
            "--preset",
            size.preset,
            "--out",
            str(work / "experiment1"),
            "--workers",
            str(size.cells),
        ]
        steps.run("experiment1", sweep, size.cells_s)
    _collect(work, options.out)
    print(json.dumps({"card": torch.cuda.get_device_name() if device == "cuda" else "cpu", "torch": torch.__version__, **steps.done}))


def _generate(steps: Steps, pixbench: list[str], size: Size, work: Path) -> bool:
    cores = str(os.cpu_count() or 1)
    good = True
    for split, scenes in (("train", size.scenes), ("val", max(size.scenes // 100, 3)), ("test", max(size.scenes // 100, 2))):
        options = ["--split", split, "--scenes", str(scenes), "--views", "4", "--size", str(size.image), "--workers", cores]
        command = [*pixbench, "generate", "3d", "--out", str(work / split), *options]
        good &= steps.run(f"generate-{split}", command, 240, lambda scenes=scenes: {"scenes": scenes, "workers": int(cores)})
    return good


def _train(steps: Steps, pixbench: list[str], size: Size, work: Path) -> bool:
    """A short run tells the pace; the long one has as many steps as fit into the time."""
    chosen = [f"{name}={json.dumps(value)}" for name, value in size.training.items() if name != "batch"]
    settings = [part for value in chosen for part in ("--set", value)]
    command = [*pixbench, "train", "--preset", "rooms", "--data", str(work / "train"), "--batch", str(size.training["batch"]), *settings]
    few = 5 if size is TINY else 60
    pace = lambda: {"steps": few, "seconds_per_step": _seconds_per_step(work / "pace")}  # noqa: E731
    if not steps.run("pace", [*command, "--out", str(work / "pace"), "--steps", str(few)], size.train_s, pace):
        return False
    count = max(int(0.9 * size.train_s / steps.done["pace"]["seconds_per_step"]), few)
    count = min(count, 20) if size is TINY else count
    long = [*command, "--out", str(work / "rooms"), "--validation", str(work / "val"), "--steps", str(count)]
    return steps.run("train", long, 1.5 * size.train_s + 60, lambda: {"steps": count, "curve": _curve(work / "rooms")})


def _curve(run: Path) -> list[dict[str, float]]:
    curve: list[dict[str, float]] = json.loads((run / "run.json").read_text())["curve"]
    return curve


def _seconds_per_step(run: Path) -> float:
    """Of the second half, when all is compiled and warm."""
    curve = _curve(run)
    middle, last = curve[len(curve) // 2 - 1], curve[-1]
    return (last["train_seconds"] - middle["train_seconds"]) / max(last["step"] - middle["step"], 1) or 0.01


def _collect(work: Path, out: Path) -> None:
    """What is worth keeping: logs, records and the checkpoint. The data are made again by their recipe."""
    with tarfile.open(out / "logs.tar.gz", "w:gz") as archive:
        for path in sorted(work.glob("*.log")):
            archive.add(path, path.name)
    for name in ("rooms/best", "rooms/checkpoint"):
        if (work / name).is_dir():
            with tarfile.open(out / f"{name.replace('/', '-')}.tar.gz", "w:gz") as archive:
                archive.add(work / name, name)
    for path in (work / "rooms/run.json", *sorted((work / "experiment1").glob("cells/*.json"))[:4]):
        if path.is_file():
            shutil.copy(path, out / path.name)
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
