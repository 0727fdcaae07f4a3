"""Rows that are older than a metric."""

import csv
from pathlib import Path

import numpy as np
import pytest
from records import changed, copied

from pixbench.errors import UserError
from pixbench.evaluation.matching.evaluate import evaluate
from pixbench.evaluation.matching.pairs import DatasetPairs
from pixbench.evaluation.matching.rescore import renew
from pixbench.evaluation.matching.scoring import BY_TRAINING
from pixbench.evaluation.model import MatcherModel
from pixbench.evaluation.record import StoredRecord, find_records
from pixbench.evaluation.request import DataAccess
from pixbench.evaluation.suite import Opening
from pixbench.io.files import file_sha256
from pixbench.leaderboard import verify


def _without(stored: StoredRecord, *later: str) -> StoredRecord:
    """A record that is older than these metrics."""
    raw, path = stored.record.model_dump(), stored.beside("pairs")
    for metrics in (raw["metrics"], *(group["metrics"] for group in raw["groups"].values())):
        for name in later:
            metrics.pop(name, None)
    rows = [{name: text for name, text in row.items() if name not in later} for row in csv.DictReader(path.read_text().splitlines())]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    raw["pairs"] |= {"sha256": file_sha256(path), "bytes": path.stat().st_size}
    return changed(stored, **raw)


def test_older_rows_may_lack_later_metrics_without_a_value(results: Path, source: DatasetPairs, tmp_path: Path) -> None:
    access = DataAccess(Opening(Path("nowhere")), opened={("tiny", source.query_stride, None): source})
    dense = copied(find_records([results])[0], tmp_path)
    older = _without(dense, "coverage", "mma@3@easy")
    assert "coverage" not in older.record.metrics
    assert [each.name for each in verify.rescore(older, access) if not each.same] == []
    # Where the metric has a value, its column in the table of pairs is required.
    points = np.array([[20.5, 20.5], [40.0, 30.25]])
    matcher = StoredRecord(*evaluate(MatcherModel(lambda a, b: (points, points), "points"), source, tmp_path / "points"))
    assert [each.name for each in verify.rescore(matcher, access) if not each.same] == []
    with pytest.raises(UserError, match="its table of pairs has other rows or columns"):
        verify.rescore(_without(matcher, "coverage"), access)


def test_renewing_keeps_groups_by_training_and_drops_groups_that_no_longer_exist(
    results: Path, source: DatasetPairs, tmp_path: Path
) -> None:
    dense = copied(find_records([results])[0], tmp_path)
    raw = dense.record.model_dump()
    group = {"pairs": 1, "points": 1, "metrics": {"delta_avg": 0.5}}
    by_training = min(BY_TRAINING)
    assert by_training not in raw["groups"]
    older = changed(dense, **{**raw, "groups": {**raw["groups"], by_training: group, "a name of an older version": group}})
    renewed = renew(older, lambda: source)
    assert set(renewed.groups) == {*raw["groups"], by_training}
    assert renewed.groups[by_training].metrics == {"delta_avg": 0.5}
