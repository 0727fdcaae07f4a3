"""A sweep on a Dask cluster, two of whose workers are killed in the middle: the records are those of a sweep on one process."""

import json
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from dask_cluster import started
from toys import toy_preset, write_digits

from pixbench.experiments.experiment1 import PRESETS, cells
from pixbench.experiments.sweep import sweep

WEIGHTS = (0.0, 0.3, 0.6, 0.9)
VOLATILE = ("seconds", "created", "environment")
"""Fields that differ between runs: time, place and speed."""

PRELOAD = """
from dataclasses import replace
from pathlib import Path
from pixbench.experiments.experiment1 import PRESETS
from toys import toy_preset

def dask_setup(worker):
    PRESETS["toy"] = replace(toy_preset(Path({digits!r})), between_weight={weights}, steps={steps})
"""
STEPS = 12


def _without_volatile(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_volatile(item) for name, item in value.items() if name not in VOLATILE}
    return [_without_volatile(item) for item in value] if isinstance(value, list) else value


def _records(folder: Path) -> dict[str, Any]:
    return {path.name: _without_volatile(json.loads(path.read_text())) for path in sorted((folder / "cells").glob("*.json"))}


@pytest.mark.slow
def test_cluster_that_loses_two_workers_writes_the_same_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digits, preload = tmp_path / "digits.npz", tmp_path / "preload.py"
    write_digits(digits)
    preload.write_text(PRELOAD.format(digits=str(digits), weights=WEIGHTS, steps=STEPS))
    monkeypatch.setitem(PRESETS, "toy", replace(toy_preset(digits), between_weight=WEIGHTS, steps=STEPS))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        sweep("experiment1", cells("toy"), tmp_path / "local")
    finally:
        torch.set_num_threads(threads)
    done: list[int] = []
    with started(tmp_path, 3, preload) as cluster:

        def progress(number: int) -> None:
            done.append(number)
            print(f"{sum(done)} cells are done")
            if sum(done) in (1, 2):
                # All three workers are busy: there are four cells.
                cluster.workers[sum(done) - 1].kill()

        ran = sweep("experiment1", cells("toy"), tmp_path / "cluster", cluster=str(cluster.file), progress=progress)
        assert [worker.wait(10) for worker in cluster.workers[:2]] == [-signal.SIGKILL] * 2
    assert ran == sum(done) == len(WEIGHTS)
    assert len(_records(tmp_path / "local")) == len(WEIGHTS)
    assert _records(tmp_path / "cluster") == _records(tmp_path / "local")
