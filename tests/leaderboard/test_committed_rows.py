"""What the committed records must show, whoever adds one."""

from pathlib import Path

import pytest

from pixbench.evaluation.record import Record, find_records

RESULTS = Path(__file__).parents[2] / "results"


def _models(suite: str) -> list[Record]:
    """Records that say something of a method: not what knows the truth or nothing."""
    found = [each.record for each in find_records([RESULTS / suite])]
    # Nor matchers of points, which are not ranked by what they answer of all queries.
    return [record for record in found if record.model_info.get("kind") not in ("oracle", "chance") and "reach_px" not in record.model_info]


@pytest.mark.parametrize("suite", ["mini", "standard"])
@pytest.mark.parametrize(("level", "spread"), [("easy", 0.3), ("medium", 0.2)])
def test_the_levels_tell_models_apart(suite: str, level: str, spread: float) -> None:
    values = [record.value(f"delta_avg@{level}") for record in _models(suite)]
    known = [value for value in values if value is not None]
    assert len(known) >= 6
    assert max(known) - min(known) >= spread


@pytest.mark.parametrize("suite", ["mini", "standard"])
def test_the_first_number_is_the_mean_of_the_levels(suite: str) -> None:
    for record in _models(suite):
        levels = [record.value(f"delta_avg@{level}") for level in ("easy", "medium", "hard")]
        assert record.value("delta_avg") == pytest.approx(sum(level or 0.0 for level in levels) / 3, abs=1e-5)
