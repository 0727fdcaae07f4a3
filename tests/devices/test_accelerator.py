"""The accelerator script at toy size, so that its first run on a GPU is not its first run."""

import json
import os
import runpy
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks/accelerator.sh"


@pytest.mark.slow
def test_every_step_runs_at_toy_size(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHON": sys.executable, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([SCRIPT, tmp_path / "out", "--tiny"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    steps = ("tests", "generate-train", "generate-val", "pace-rooms", "pace-rooms-infonce", "train-rooms", "train-rooms-infonce")
    assert {name: summary[name]["exit"] for name in steps} == dict.fromkeys(steps, 0), done.stderr
    assert summary["train-rooms"]["curve"][-1]["step"] == summary["train-rooms"]["steps"] == summary["train-rooms-infonce"]["steps"]
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 16 * 2**20
    assert {"logs.tar.gz", "checkpoints.tar.gz"} == {path.name for path in files}


def test_steps_have_their_own_seconds_and_what_they_measured_before_time_ran_out(tmp_path: Path) -> None:
    module = runpy.run_path(str(SCRIPT.with_suffix(".py")))
    steps = module["Steps"](tmp_path)
    python = [sys.executable, "-c"]
    short, stuck = (steps.start(name, [*python, f"import time; time.sleep({seconds})"]) for name, seconds in (("short", 0), ("stuck", 60)))
    began = time.perf_counter()
    assert not steps.end(stuck, began + 3, lambda: {"cells": 2})
    # Waited for after the other one, which took three seconds.
    assert steps.end(short, began + 60, lambda: {"curve": [][0]})
    assert steps.done["stuck"] == {"seconds": pytest.approx(3, abs=2), "exit": 124, "cells": 2, "said": []}
    assert steps.done["short"] == {"seconds": pytest.approx(0, abs=2), "exit": 0}
    assert steps.done["short"]["seconds"] < steps.done["stuck"]["seconds"]
