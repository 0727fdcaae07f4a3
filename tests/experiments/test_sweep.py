"""Sweeps and reports without training: failed cells, folders of several sweeps, advice in errors, figures of unfinished sweeps."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure
from typer.testing import CliRunner

from pixbench.cli import app
from pixbench.errors import UserError
from pixbench.experiments import experiment1, negatives, supervised
from pixbench.experiments.records import file_name
from pixbench.experiments.sweep import command_of, read_cells, sweep
from pixbench.training.step import DivergedError


def _accuracies(cell: supervised.SupervisedCell, *_: Any) -> dict[str, Any]:
    measured = {"train": 0.9, "ood": 0.1, "train_digits": 3}
    return {"format": "pixbench-supervised-cell", "preset": cell.preset, "method": cell.method, "seed": cell.seed, **measured}


@pytest.fixture
def without_training(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The supervised experiment with made-up accuracies, in which IRM diverges; returns the names of the cells that were run."""
    ran: list[str] = []

    def run(cell: supervised.SupervisedCell, *_: Any) -> dict[str, Any]:
        ran.append(cell.name)
        if cell.method == "irm":
            raise DivergedError("the loss became nan", 7, 1e-3)
        return _accuracies(cell)

    monkeypatch.setattr(supervised, "run", run)
    monkeypatch.setattr(supervised, "prepare", lambda preset, folder, workers: None)
    return ran


def test_a_cell_that_diverges_does_not_keep_others_from_running(tmp_path: Path, without_training: list[str]) -> None:
    cells = supervised.cells("cpu", seeds=1)
    for run in (["erm_seed-0", "irm_seed-0", "grey_seed-0"], ["irm_seed-0"]):
        without_training.clear()
        with pytest.raises(UserError, match="1 of the cells failed, all others are finished: irm_seed-0: the loss became nan at step 7"):
            sweep("supervised", cells, tmp_path / "sweep")
        assert without_training == run
    assert sorted(path.name for path in (tmp_path / "sweep/cells").iterdir()) == ["erm_seed-0.json", "grey_seed-0.json"]


def test_records_of_two_sweeps_are_not_averaged(tmp_path: Path) -> None:
    (tmp_path / "cells").mkdir()
    for number, preset in enumerate(("cpu", "paper")):
        record = _accuracies(supervised.SupervisedCell(preset, "erm", number))
        (tmp_path / f"cells/{number}.json").write_text(json.dumps(record))
    with pytest.raises(UserError, match=r"1\.json has preset paper, the records before it have cpu: keep the records"):
        read_cells("supervised", tmp_path)


def test_the_advised_command_continues_the_sweep_of_the_folder(tmp_path: Path) -> None:
    assert command_of("experiment1", tmp_path, "cpu-long") == f"'pixbench sweep experiment1 --preset cpu-long --out {tmp_path}'"
    (tmp_path / "sweep.json").write_text('{"experiment": "experiment1", "preset": "cpu", "objective": "paper-hard"}\n')
    continued = f"'pixbench sweep experiment1 --preset cpu --objective paper-hard --out {tmp_path}'"
    assert command_of("experiment1", tmp_path) == continued


def test_a_report_names_the_preset_that_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    missing = CliRunner().invoke(app, ["report", "experiment1", "--preset", "cpu-long"])
    assert "make some with 'pixbench sweep experiment1 --preset cpu-long --out" in str(missing.exception)
    wrong = CliRunner().invoke(app, ["report", "experiment1", "--preset", "cpu-lon"])
    assert "did you mean 'cpu-long'" in str(wrong.exception)


def test_settings_that_an_objective_ignores_make_no_cells() -> None:
    by_cosine = experiment1.cells("cpu", objective="point-infonce", seeds=2)
    assert [cell.name for cell in by_cosine] == [f"point-infonce_p-cosine_c-0_seed-{seed}" for seed in (0, 1)]
    hard = experiment1.cells("cpu", objective="paper-hard", p=(1.0,), seeds=1)
    assert [cell.name for cell in hard] == ["paper-hard_p-1_c-0_seed-0"]
    with pytest.raises(UserError, match="p: descriptors of objective point-infonce are compared with cosine; leave it out"):
        experiment1.cells("cpu", objective="point-infonce", p=(1.0,))
    with pytest.raises(UserError, match="between_weight: objective paper-hard has no between-image term; leave it out"):
        experiment1.cells("cpu", objective="paper-hard", between_weight=(0.9,))
    with pytest.raises(UserError, match="did you mean 'paper-hard'"):
        experiment1.cells("cpu", objective="paper-hrad")


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, list[dict[str, Any]]], Figure]:
    """Draws the figure of an experiment without writing it."""

    def draw(module: Any, cells: list[dict[str, Any]]) -> Figure:
        figures: list[Figure] = []
        monkeypatch.setattr(module, "save_figure", lambda figure, path: figures.append(figure))
        module.draw(cells, Path("unused.png"))
        return figures[0]

    return draw


def test_figure_of_an_unfinished_supervised_sweep(drawn: Callable[..., Figure]) -> None:
    cells = [_accuracies(supervised.SupervisedCell("cpu", method, 0)) for method in ("erm", "grey")]
    (axes,) = drawn(supervised, cells).axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["erm", "grey"]
    dotted = [float(line.get_ydata()[0]) for line in axes.lines if line.get_linestyle() == ":"]  # type: ignore[index, arg-type]
    assert dotted == [*supervised.REFERENCE["erm"], *supervised.REFERENCE["grey"]]


def test_figure_of_an_unfinished_sweep_of_negatives_has_every_variant(drawn: Callable[..., Figure]) -> None:
    def cell(variant: str, steps: int, score: float) -> dict[str, Any]:
        metrics = {"delta_avg": score, "epe_median": 9.0}
        return {"variant": variant, "steps": steps, "seed": 0, "preset": "cpu", "metrics": metrics, "train_seconds": 1.0}

    cells = [cell("paper", 200, 0.1), cell("p = 1", 200, 0.3), cell("paper", 600, 0.2)]
    few, many = drawn(negatives, cells).axes
    assert [label.get_text() for label in few.get_yticklabels()] == ["p = 1", "paper"]
    means = {axes: [float(line.get_xdata()[0]) for line in axes.lines if line.get_marker() == "|"] for axes in (few, many)}  # type: ignore[index, arg-type]
    assert (sorted(means[few]), means[many]) == ([0.1, 0.3], [0.2])


def test_file_names_have_letters_digits_and_hyphens() -> None:
    assert file_name("small, D = 32") == "small-D-32"
