"""What makes two records seeds of one method, and which of them a row's samples are of."""

from pathlib import Path

import pytest

from pixbench.evaluation.record import StoredRecord, find_records
from pixbench.leaderboard.entries import entries


@pytest.mark.parametrize("trained", [{"init": {"checkpoint_sha256": "ab", "step": 5}}, {"earlier_steps": [20]}])
def test_seeds_with_another_start_are_separate_rows(trained: dict[str, object], results: Path) -> None:
    """A fine-tuned run, and one that was made longer, are no second seed of one that was trained from scratch in one go."""
    one, other = find_records([results / "0.02"])
    info = {**other.record.model_info, "training": {**other.record.model_info["training"], **trained}}
    tuned = StoredRecord(other.path, other.record.model_copy(update={"model_info": info}))
    assert [len(entry.stored) for entry in entries([one, tuned])] == [1, 1]


def test_samples_are_of_the_seeds_that_have_a_value(results: Path) -> None:
    """A mean that is infinite is stored as none: its seed is neither in the row's mean nor in its test."""
    one, other = find_records([results / "0.02"])
    metrics = {**other.record.metrics, "epe_mean": other.record.metrics["epe_mean"].model_copy(update={"value": None})}
    (entry,) = entries([one, StoredRecord(other.path, other.record.model_copy(update={"metrics": metrics}))])
    kept = entry.samples("epe_mean")
    assert kept is not None
    assert kept.total.shape == (1, 3)
    assert kept.mean == pytest.approx(one.record.value("epe_mean"), abs=1e-4)
