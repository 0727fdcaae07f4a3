"""Progress of a sweep within its cells, on a stand-in experiment with hand-computed shares."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pixbench.cli.progress import PlainProgress
from pixbench.experiments import EXPERIMENTS, of_steps, sweep
from pixbench.experiments.stability import StabilityCell

CELLS = [StabilityCell("toy", "paper", "32-true", 1e-3, seed) for seed in (0, 1)]


def test_share_of_training_steps() -> None:
    seen: list[float] = []
    progress = of_steps(seen.append, 4)
    for _ in range(4):
        progress(1, 0.5)
    assert seen == pytest.approx([0.225] * 4)


def test_steps_of_an_earlier_run_are_left_out() -> None:
    seen: list[float] = []
    progress = of_steps(seen.append, 12)
    progress(9, 0.5)  # as a run that resumes reports them
    assert seen == []
    for _ in range(3):
        progress(1, 0.5)
    assert seen == pytest.approx([0.3] * 3)
    # A finished run reports all of its steps, and trains no more.
    finished = of_steps(seen.append, 12)
    finished(12, 0.5)
    finished(0, 0.5)
    assert len(seen) == 3


def test_sweep_adds_up_to_its_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(cell: StabilityCell, folder: Path, advance: Callable[[float], None]) -> dict[str, Any]:
        for _ in range(cell.seed * 3):
            advance(0.1)
        return {"seed": cell.seed}

    unused = dict.fromkeys(("PRESETS", "cells", "summary", "table", "draw"))
    module = SimpleNamespace(prepare=lambda preset, folder, workers: None, run=run, **unused)
    monkeypatch.setitem(sys.modules, "pixbench.experiments.stand_in", module)  # type: ignore[arg-type]
    monkeypatch.setattr("pixbench.experiments.EXPERIMENTS", {**EXPERIMENTS, "stand_in": ""})
    seen: list[float] = []
    assert sweep.sweep("stand_in", CELLS, tmp_path / "sweep", progress=seen.append) == 2
    assert seen == pytest.approx([0, 1, 0.1, 0.1, 0.1, 0.7])


def test_lines_have_fractions_of_cells_and_rates_per_hour() -> None:
    now, lines = [0.0], []
    progress = PlainProgress("networks cpu", 2, "cells", lines.append, clock=lambda: now[0])
    progress.advance(0)
    for second in range(1, 21):
        now[0] = 90.0 * second
        progress.advance(0.1)
    assert lines[2] == "networks cpu: 0.30 of 2 cells (15 %), 4/h, 0:25:30 left"
    assert lines[-1] == "networks cpu: 2 of 2 cells (100 %), 4/h, took 0:30:00"
