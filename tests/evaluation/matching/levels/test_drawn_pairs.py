from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from pixbench.dataset.reader import Dataset
from pixbench.errors import UserError
from pixbench.evaluation.matching.evaluate import evaluate
from pixbench.evaluation.matching.levels.drawn_pairs import DrawnPairs, measured
from pixbench.evaluation.matching.levels.level import Level, draw_pairs
from pixbench.evaluation.matching.pairs import DatasetPairs
from pixbench.evaluation.record import StoredRecord
from pixbench.geometry.correspondence import Status
from pixbench.leaderboard.tables import build_tables
from pixbench.models.loading import load_model

LEVELS = (Level("easy", (0, 40), 0.1, 9, 99), Level("medium", (40, 180), 0.05, 9, 99))


@pytest.fixture(scope="module")
def drawn(tiny: Path) -> DrawnPairs:
    return DrawnPairs(tiny, "tiny", 4, LEVELS, 3)


def test_each_level_gets_the_requested_number_of_pairs(tiny: Path, drawn: DrawnPairs) -> None:
    keys = [key for group in drawn.groups() for key in group]
    pairs = [drawn.pair(key) for key in keys]
    assert Counter(pair.level for pair in pairs) == {"easy": 3, "medium": 3}
    assert keys == sorted(keys, key=lambda key: (key.scene, key.row))
    levels = {level.name: level for level in LEVELS}
    assert all(levels[pair.level].holds(pair.angle_deg, pair.overlap) for pair in pairs)
    # Scenes are drawn round-robin.
    assert len({key.scene for key, pair in zip(keys, pairs, strict=True) if pair.level == "easy"}) > 1
    again = DrawnPairs(tiny, "tiny", 4, LEVELS, 3)
    assert again.identity == drawn.identity
    assert [key for group in again.groups() for key in group] == keys
    assert drawn.identity.recipe_sha256 != DatasetPairs(tiny, "tiny", 4).identity.recipe_sha256


def test_too_few_pairs_of_a_level_raise_an_error(tiny: Path) -> None:
    dataset = Dataset(tiny)
    with pytest.raises(UserError, match=r"level 'medium' has \d+ pairs, 50 are wanted"):
        draw_pairs(dataset, LEVELS[1:], 50, 0, lambda key: measured(dataset, key, 8))
    strict = Level("easy", (0, 180), 0.0, 1.0001, 1.0001)
    with pytest.raises(UserError, match="level 'easy' has 0 pairs"):
        draw_pairs(dataset, [strict], 1, 0, lambda key: measured(dataset, key, 8))


def test_edge_queries_are_added_to_the_regular_queries(tiny: Path, drawn: DrawnPairs) -> None:
    plain, edges = DatasetPairs(tiny, "tiny", 4), 0
    for group in drawn.groups():
        for key in group:
            pair = drawn.pair(key)
            queries = drawn.queries(pair)
            status = pair.truth.status[queries[:, 1], queries[:, 0]]
            assert pair.asked is not None
            assert np.array_equal(status == Status.AMBIGUOUS, pair.asked.strata.on_edge)
            assert np.array_equal(queries[~pair.asked.strata.on_edge], plain.queries(pair))
            edges += int(pair.asked.strata.on_edge.sum())
    assert edges > 20


def test_scores_by_level_and_stratum(drawn: DrawnPairs, tmp_path: Path) -> None:
    path, record = evaluate(load_model("baseline:rgb-patch"), drawn, tmp_path)
    value = {name: one.value for name, one in record.metrics.items()}
    assert value["delta_avg"] == pytest.approx((value["delta_avg@easy"] + value["delta_avg@medium"]) / 2, abs=1e-6)
    assert value["delta_avg@hard"] is None
    assert record.groups["level: easy"].metrics["delta_avg"] == value["delta_avg@easy"]
    assert record.groups["level: easy"].pairs == 3
    for what in ("scale", "anisotropy", "texture"):
        assert sum(group.points for name, group in record.groups.items() if name.startswith(f"{what}: ")) == record.data.points
    _, oracle = evaluate(load_model("baseline:oracle"), drawn, tmp_path)
    exact = ("delta_avg", "delta_avg@easy", "delta_avg_matchable", "delta_avg_edges")
    assert {oracle.metrics[name].value for name in exact} == {1.0}
    # Ambiguous queries are evaluated, and count only towards their own score.
    visible = sum(
        (drawn.pair(key).truth.status[tuple(drawn.queries(drawn.pair(key)).T[::-1])] == Status.VISIBLE).sum()
        for group in drawn.groups()
        for key in group
    )
    assert record.data.points == visible
    (table,) = build_tables([StoredRecord(path, record)])
    assert table.header[4:8] == ("δ_avg", "easy", "medium", "matchable")
