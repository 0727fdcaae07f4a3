from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pixbench.cli import app
from pixbench.errors import UserError
from pixbench.experiments import experiment1, experiment2
from pixbench.experiments.records import best_first, by_settings, check_variants, exact, thinned
from pixbench.experiments.sweep import sweep


def test_records_are_grouped_by_settings_and_sorted_by_seed() -> None:
    cells = [{"p": p, "w": w, "seed": seed} for p, w, seed in (("2", 0.5, 1), ("inf", 0.0, 0), ("2", 0.5, 0), ("2", 0.0, 0))]
    found = list(by_settings(cells, "p", "w", order={"p": ("inf", "2").index}))
    assert [values for values, _ in found] == [("inf", 0.0), ("2", 0.0), ("2", 0.5)]
    assert [cell["seed"] for cell in found[2][1]] == [0, 1]


def test_rows_of_a_budget_are_sorted_by_their_mean() -> None:
    rows = [{"steps": steps, "delta_avg": values} for steps, values in ((9, [0.9]), (3, [0.2, 0.4]), (3, [0.5, 0.3]))]
    assert [row["delta_avg"] for row in best_first(rows)] == [[0.5, 0.3], [0.2, 0.4], [0.9]]


def test_an_unknown_variant_is_refused_with_a_suggestion() -> None:
    check_variants(["ucn"], ["ucn", "paper"])
    with pytest.raises(UserError, match=r"unknown variant 'papr': did you mean 'paper'\?"):
        check_variants(["ucn", "papr"], ["ucn", "paper"])


def test_names_of_cells_hold_numbers_exactly() -> None:
    assert [exact(number) for number in (float("inf"), 1.0, 0.0, 0.1, 0.5, 1e-4, 0.0003, 1e38)] == [
        *("inf", "1", "0", "0.1", "0.5", "0.0001", "0.0003", "1e+38"),
    ]
    assert [exact(number) for number in (0.1234567, 0.12345671, 0.1 + 0.2)] == ["0.1234567", "0.12345671", "0.30000000000000004"]
    near = experiment1.cells("cpu", between_weight=[0.1234567, 0.12345671], seeds=1)
    assert len({cell.name for cell in near}) == len(near) == 6
    assert experiment1.Experiment1Cell("cpu", float("inf"), 0.5, 0).name == "p-inf_c-0.5_seed-0"
    near_rooms = experiment2.cells("cpu", between_weight=[0.1234567, 0.12345671], seeds=1)
    assert len({cell.name for cell in near_rooms}) == len(near_rooms) == 6


def test_cells_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^two cells have the name p-1_c-0.5_seed-0: expected each cell once$"):
        sweep("experiment1", experiment1.cells("cpu", p=[1, 1, 2], between_weight=[0.5], seeds=1), tmp_path / "sweep")
    assert not (tmp_path / "sweep").exists()


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("experiment1 --p 1 --p 1 --between-weight 0.5 --between-weight 0.5", ["p-1_c-0.5_seed-0"]),
        ("networks --variant paper --variant paper", ["paper_seed-0"]),
    ],
)
def test_repeated_options_mean_each_cell_once(words: str, names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def run(experiment: str, grid: Any, folder: Path, **options: Any) -> int:
        ran.extend(cell.name for cell in grid)
        return len(ran)

    monkeypatch.setattr("pixbench.experiments.sweep.sweep", run)
    result = CliRunner().invoke(app, ["sweep", *words.split(), "--seeds", "1", "--out", str(tmp_path / "sweep")])
    assert result.exit_code == 0, result.output
    assert ran == names


def test_losses_are_averaged_over_equal_intervals() -> None:
    assert thinned([1.0, 2.0]) == [1.0, 2.0]
    assert thinned([float(step) for step in range(200)]) == [2 * k + 0.5 for k in range(100)]
