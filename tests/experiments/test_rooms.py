"""Experiments on rooms at toy size: records, measures, tables and figures."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from pixbench.cli import app
from pixbench.errors import UserError
from pixbench.experiments import budgets, experiment2, negatives, stability
from pixbench.experiments.rooms import Rooms
from pixbench.experiments.sweep import read_cells, sweep
from pixbench.training.config import TrainConfig, preset_values

SMALL = {"widths": (8, 8), "blocks": (1, 1), "channels": 8}


@pytest.mark.slow
def test_experiment_2_end_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training = {"steps": 3, "batch": 2, "points": 64, "network": SMALL}
    toy = replace(
        experiment2.PRESETS["cpu"], rooms=Rooms({"train": 2, "val": 2, "test": 2}, views=2, size=32), training=training, p=(math.inf, 2.0)
    )
    monkeypatch.setitem(experiment2.PRESETS, "toy", toy)
    assert sweep("experiment2", experiment2.cells("toy"), tmp_path / "sweep") == 2
    found = read_cells("experiment2", tmp_path / "sweep")
    rows = experiment2.summary(found)
    assert [row["p"] for row in rows] == ["inf", "2"]
    for record in found:
        assert list(record["validation"])[-1] == "3"
        # IoU, average precision and shares lie between 0 and 1.
        assert all(0 <= record["structure"][name] <= 1 for name in experiment2.MEASURES if name != "rand")
        assert record["structure"]["depth_edges_share"] == record["structure_colour"]["depth_edges_share"]
        assert record["structure"]["depth_edges"] != record["structure_untrained"]["depth_edges"]
        assert len(record["shown"]["channels"]) == experiment2.SHOWN_CHANNELS
    text = experiment2.table(rows)
    assert text.count("| trained |") == text.count("| untrained |") == text.count("| colours |") == 2
    result: Result = CliRunner().invoke(app, ["report", "experiment2", "--data", str(tmp_path / "sweep"), "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.output.splitlines()[-1])["cells"] == rows
    assert (tmp_path / "sweep/figure.png").exists()
    assert (tmp_path / "sweep/figure.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "sweep/pictures/p-inf_c-0.5_seed-0_matches.png").exists()


@pytest.mark.slow
def test_negatives_experiment_end_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy = replace(
        negatives.PRESETS["cpu"],
        rooms=Rooms({"train": 2, "test": 2}, views=2, size=32),
        network=SMALL,
        budgets=(2, 3),
        batch=2,
        points=32,
        seeds=1,
        variants=("paper", "stable-hard", "point-infonce"),
    )
    monkeypatch.setitem(negatives.PRESETS, "toy", toy)
    assert sweep("negatives", negatives.cells("toy"), tmp_path / "sweep") == 6
    found = read_cells("negatives", tmp_path / "sweep")
    assert {cell["config"]["objective"] for cell in found} == {"paper", "stable-hard", "point-infonce"}
    # As after attempts that trained for 100 s together: what is measured is the sum of all.
    (cell,) = (cell for cell in negatives.cells("toy", variants=["paper"]) if cell.steps == 3)
    run = tmp_path / "sweep/runs" / cell.name / "run.json"
    record = json.loads(run.read_text())
    record["curve"][-1]["train_seconds"] = 100.0
    run.write_text(json.dumps(record))
    assert negatives.run(cell, tmp_path / "sweep")["train_seconds"] == 100
    rows = negatives.summary(found)
    assert [row["steps"] for row in rows] == [2, 2, 2, 3, 3, 3]
    assert all(0 <= value <= 1 for row in rows for value in row["delta_avg"])
    # Best first within a budget.
    assert rows[0]["delta_avg"][0] >= rows[1]["delta_avg"][0] >= rows[2]["delta_avg"][0]
    assert "| 3 | stable-hard | " in negatives.table(rows)
    negatives.draw(found, tmp_path / "figure.png")
    with pytest.raises(UserError, match="is not a record of experiment2"):
        read_cells("experiment2", tmp_path / "sweep")


def test_every_variant_can_be_trained_and_has_its_own_name() -> None:
    for chosen in negatives.VARIANTS.values():
        TrainConfig(**{name: value for name, value in chosen.items() if name != "channels"})
    grid = negatives.cells("cpu")
    assert len({cell.name for cell in grid}) == len(grid) == 7 * 2 * 3
    with pytest.raises(UserError, match="did you mean 'hardest 1'"):
        negatives.cells("cpu", variants=["hardest1"])


def test_variants_of_budgets_change_the_settings_that_they_name() -> None:
    def settings(variant: str) -> TrainConfig:
        return budgets.train_config(budgets.BudgetsCell("cpu", variant, 3000, 1))

    assert (settings("paper-2").p, settings("paper-2").network.channels, settings("paper-2").seed) == (2, 32, 1)
    assert settings("stable-weighted-slow").learning_rate == settings("stable-weighted").learning_rate / 2
    for name in ("paper-1", "point-infonce"):
        narrow, wide = settings(name), settings(f"{name}-64-channels")
        assert wide.network == narrow.network.model_copy(update={"channels": 64})
        assert wide.model_copy(update={"network": narrow.network}) == narrow


def test_training_presets_and_invalid_options(tmp_path: Path) -> None:
    config = TrainConfig(**preset_values("experiment2"))
    assert (config.network.widths, config.points, config.batch) == ((16, 16, 32, 32), 8192, 32)
    for arguments, words in (
        (["train", "--data", "x", "--out", "y", "--preset", "experiment3"], "did you mean 'experiment2'"),
        (["sweep", "experiment3"], "did you mean"),
        (["sweep", "experiment2", "--variant", "paper"], "--variant: experiment2 has no such option"),
        (["sweep", "negatives", "--p", "1"], "--p: negatives has no such option"),
        (["report", "negatives", "--data", str(tmp_path)], "holds no finished cells of negatives"),
    ):
        with pytest.raises(UserError, match=words):
            CliRunner().invoke(app, arguments, catch_exceptions=False, standalone_mode=False)


@pytest.mark.slow
def test_budgets_experiment_end_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy = budgets.BudgetsPreset(
        rooms=Rooms({"train": 2, "val": 2, "test": 2}, views=2, size=32),
        network=SMALL,
        batch=2,
        points=32,
        budgets=(budgets.Budget(20, seeds=2, variants=("paper-inf", "point-infonce")),),
    )
    monkeypatch.setitem(budgets.PRESETS, "toy", toy)
    monkeypatch.setattr("pixbench.baselines.REFERENCES", ("dense-sift",))
    grid = budgets.cells("toy")
    assert [(cell.variant, cell.steps, cell.seed) for cell in grid] == [
        ("dense-sift", 0, 0),
        ("paper-inf", 20, 0),
        ("point-infonce", 20, 0),
        ("paper-inf", 20, 1),
        ("point-infonce", 20, 1),
    ]
    assert sweep("budgets", grid, tmp_path / "sweep") == 5
    found = read_cells("budgets", tmp_path / "sweep")
    trained = [cell for cell in found if cell["steps"]]
    for cell in trained:
        assert [row["step"] for row in cell["curve"]] == list(range(2, 21, 2))
        assert all(0 <= row["validation_delta_avg"] <= 1 for row in cell["curve"])
    rows = budgets.summary(found)
    assert (rows[0]["steps"], rows[0]["variant"]) == (0, "dense-sift")
    assert sorted(row["variant"] for row in rows[1:]) == ["paper-inf", "point-infonce"]
    mean = sum(cell["curve"][-1]["cpu_seconds"] for cell in trained if cell["variant"] == "paper-inf") / 2 / 3600
    assert next(row for row in rows if row["variant"] == "paper-inf")["core_hours"] == pytest.approx(mean)
    result: Result = CliRunner().invoke(app, ["report", "budgets", "--data", str(tmp_path / "sweep"), "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.output.splitlines()[-1])["cells"] == rows
    assert (tmp_path / "sweep/figure.png").exists()
    with pytest.raises(UserError, match="unknown variant"):
        budgets.cells("toy", variants=["paper-infinity"])


@pytest.mark.slow
def test_stability_experiment_end_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loss that becomes NaN is a result, not the end of the sweep."""
    rooms = Rooms({"train": 2, "val": 2}, views=2, size=32)
    toy = budgets.BudgetsPreset(rooms=rooms, network=SMALL, batch=2, points=32, budgets=())
    monkeypatch.setattr(stability, "PRESETS", {"toy": toy})
    monkeypatch.setattr(stability, "STEPS", 20)
    monkeypatch.setattr(stability, "LEARNING_RATES", (1e-3, 1e38))
    grid = stability.cells("toy", seeds=1, variants=["stable-weighted-2"], precisions=["32-true"])
    assert [cell.learning_rate for cell in grid] == [1e-3, 1e38]
    assert sweep("stability", grid, tmp_path / "sweep") == 2
    found = {cell["learning_rate"]: cell for cell in read_cells("stability", tmp_path / "sweep")}
    assert found[1e-3]["config"]["p"] == 2
    assert (found[1e-3]["collapsed_at"], found[1e-3]["diverged_at"]) == (None, None)
    assert len(found[1e-3]["separations"]) == 2
    assert found[1e-3]["curve"][-1]["step"] == 20
    assert 1 <= found[1e38]["diverged_at"] <= 20
    text = stability.table(stability.summary(list(found.values())))
    assert f"diverged at {found[1e38]['diverged_at']}" in text
    stability.draw(list(found.values()), tmp_path / "figure.png")
    assert (tmp_path / "figure.png").exists()
    with pytest.raises(UserError, match="unknown precision 'bf16'"):
        stability.cells("toy", precisions=["bf16"])
