"""A sweep on a Dask cluster, two of whose workers are killed in the middle: the records are those of a sweep on one process."""

import json
import signal
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from dask_cluster import started
from distributed.client import FutureCancelledError
from toys import toy_preset, write_digits

from pixbench.errors import UserError
from pixbench.experiments.experiment1 import PRESETS, cells
from pixbench.experiments.sweep import sweep

WEIGHTS = (0.0, 0.3, 0.6, 0.9)
VOLATILE = ("seconds", "train_seconds", "environment")
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


def test_lost_scheduler_is_reported_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a stand-in for the cluster, whose second cell raises what distributed raises once its scheduler is gone."""
    handed: list[str] = []
    done: list[float] = []

    def submit(work: Any, item: Any, *, pure: bool) -> Any:
        handed.append(item[1].name)
        number = len(handed)

        def result() -> None:
            if number > 1:
                raise FutureCancelledError("key", "scheduler-connection-lost")

        return SimpleNamespace(result=result)

    class Completed(list[Any]):
        def __init__(self, futures: list[Any], loop: Any):
            super().__init__(futures)

        update = list.extend

    monkeypatch.setattr("pixbench.experiments.experiment1.prepare", lambda preset, folder, workers: None)
    monkeypatch.setattr("pixbench.experiments.sweep.connected", lambda *_: nullcontext(SimpleNamespace(submit=submit, loop=None)))
    monkeypatch.setattr("distributed.as_completed", Completed)
    grid = cells("cpu", p=[1], between_weight=[0.5, 0.9], seeds=1)
    with pytest.raises(UserError, match=r"^the connection to the cluster was lost; finished work is kept, and the same command resumes$"):
        sweep("experiment1", grid, tmp_path / "sweep", cluster="tcp://host:8786", progress=done.append)
    assert sum(done) == 1
    assert handed == ["p-1_c-0.5_seed-0", "p-1_c-0.9_seed-0"]


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
