import pytest

from pixbench.errors import UserError
from pixbench.experiments.records import best_first, by_settings, check_variants, thinned


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


def test_losses_are_averaged_over_equal_intervals() -> None:
    assert thinned([1.0, 2.0]) == [1.0, 2.0]
    assert thinned([float(step) for step in range(200)]) == [2 * k + 0.5 for k in range(100)]
