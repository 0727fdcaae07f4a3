"""Rescoring a record of flat pairs reports every number that was changed, and no other."""

import csv
import io
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flat_pairs import FlatPairs, answered, flat_pair
from records import Colour, changed

from pixbench.errors import UserError
from pixbench.evaluation.matching.evaluate import _data_part, group_parts, pair_table
from pixbench.evaluation.matching.predictions import write_predictions
from pixbench.evaluation.matching.rescore import _apart, _cell, renew, rescore
from pixbench.evaluation.matching.scoring import PairRow, Scores, score
from pixbench.evaluation.metric import Metric
from pixbench.evaluation.record import Protocol, StoredRecord
from pixbench.evaluation.record_writer import Timing, file_part, record_result
from pixbench.evaluation.task import METRICS

QUERIES = [(column, row) for row in (1, 3, 5) for column in (1, 3, 5, 7)]


@pytest.fixture
def source() -> FlatPairs:
    left = np.zeros((6, 8), bool)
    left[:, :4] = True
    return FlatPairs(flat_pair(on_object=left), flat_pair(scene=1, angle_deg=50.0, on_object=left))


@pytest.fixture
def stored(source: FlatPairs, tmp_path: Path) -> StoredRecord:
    """A model that is 1.5 px off on the first pair, and failed on the second."""
    model, predictions, table = Colour(), tmp_path / "colour.h5", tmp_path / "colour.pairs.csv"
    failed = replace(answered(QUERIES, (np.nan, np.nan)), reason="ValueError: no")
    said = replace(source.predicted(answered(QUERIES, (1.5, 0), cycle_error_px=[0] * 12), failed), model=model.name)
    write_predictions(predictions, said)
    scores = score(said, source, mutual_px=1.0)
    table.write_text(pair_table(scores))
    protocol = Protocol(query_stride=2, scored="visible queries", search="whole target image", mutual_px=1.0, batch=1, device="cpu")
    path, record = record_result(
        model,
        "matching",
        _data_part(source.identity, scores, None),
        protocol,
        scores.metrics,
        predictions,
        timing=Timing(),
        seconds=1.0,
        pooled=scores.pooled,
        groups=group_parts(scores),
        pair_table=table,
    )
    return StoredRecord(path, record)


def test_metrics_of_plugins_are_renewed(source: FlatPairs, stored: StoredRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METRICS._added, "width", Metric("width", 1, "width of the source image", lambda result: float(result.width)))
    assert renew(stored, lambda: source).value("width") == 8
    assert {float(row["width"]) for row in csv.DictReader(io.StringIO(stored.path.with_name("colour.pairs.csv").read_text()))} == {8.0}


def _differences(stored: StoredRecord, source: FlatPairs) -> list[str]:
    return [each.name for each in rescore(stored, lambda: source) if not each.same]


def test_unchanged_record_has_no_differences(stored: StoredRecord, source: FlatPairs) -> None:
    done: list[int] = []
    found = rescore(stored, lambda: source, done.append)
    assert [each for each in found if not each.same] == []
    assert done == [1, 1]
    by_name = {each.name: each for each in found}
    assert (by_name["pck@2"].measured, by_name["pairs that failed"].measured, by_name["points"].measured) == (0.5, 1, 24)
    assert stored.record.data.failed == {"ValueError: no": 1}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"scenes": 3}, ["scenes"]),
        ({"pairs": 3}, ["pairs"]),
        ({"pairs_without_points": 1}, ["pairs without points"]),
        ({"points": 25}, ["points"]),
        ({"failed": {}}, ["pairs that failed", "reasons of failures"]),
        ({"failed": {"ValueError: yes": 1}}, ["reasons of failures"]),
        ({"seed": 1}, ["split and seed"]),
        ({"split": "train"}, ["split and seed"]),
        # Fields that only the model's owner can know are not compared.
        ({"trained_on": "0" * 64}, []),
    ],
)
def test_changed_data_fields_are_reported(change: dict[str, Any], named: list[str], stored: StoredRecord, source: FlatPairs) -> None:
    assert _differences(changed(stored, data={**stored.record.data.model_dump(), **change}), source) == named


@pytest.mark.parametrize(
    ("group", "change", "named"),
    [
        ("pixels: object", {"pairs": 3}, ["pixels: object, pairs"]),
        ("pixels: object", {"points": 11}, ["pixels: object, points"]),
        ("angle: 45 to 60 deg", {"metrics": {"pck@2": 0.1}}, ["angle: 45 to 60 deg, pck@2"]),
    ],
)
def test_changed_groups_are_reported(group: str, change: dict[str, Any], named: list[str], stored: StoredRecord, source: FlatPairs) -> None:
    groups = stored.record.model_dump()["groups"]
    groups[group] = {**groups[group], **change, "metrics": {**groups[group]["metrics"], **change.get("metrics", {})}}
    assert _differences(changed(stored, groups=groups), source) == named


def test_missing_and_extra_groups_are_reported(stored: StoredRecord, source: FlatPairs) -> None:
    groups = stored.record.model_dump()["groups"]
    invented = {"pairs": 1, "points": 2, "metrics": {"pck@1": 0.9}}
    # Only the owner of the training set can know what was seen in training.
    assert _differences(changed(stored, groups={**groups, "rooms: unseen": invented}), source) == []
    found = _differences(changed(stored, groups={**groups, "level: easy": invented}), source)
    assert found == ["level: easy, pairs", "level: easy, points", "level: easy, pck@1"]
    del groups["pixels: room"]
    lacking = _differences(changed(stored, groups=groups), source)
    assert {"pixels: room, pairs", "pixels: room, points", "pixels: room, pck@2"} <= set(lacking)
    assert all(name.startswith("pixels: room, ") for name in lacking)


def _with_table(stored: StoredRecord, rows: list[dict[str, str]]) -> StoredRecord:
    path = stored.path.with_suffix(".pairs.csv")
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return changed(stored, pairs=file_part(path).model_dump())


@pytest.mark.parametrize(
    ("row", "column", "text"),
    [
        (0, "pck@2", "0.9"),
        (0, "points", "11"),
        (1, "failed", "ValueError: yes"),
        (1, "failed", ""),
        (1, "epe_mean", "3"),
        (0, "scene", "7"),
    ],
)
def test_changed_table_cells_are_reported(row: int, column: str, text: str, stored: StoredRecord, source: FlatPairs) -> None:
    with stored.beside("pairs").open(newline="") as file:
        rows = list(csv.DictReader(file))
    rows[row][column] = text
    if column == "failed" and not text:
        # An empty column counts as absent, but the recomputed table has it.
        with pytest.raises(UserError, match="has other rows or columns than its predictions give"):
            _differences(_with_table(stored, rows), source)
    else:
        assert _differences(_with_table(stored, rows), source) == [f"table of pairs, {column}"]
    with pytest.raises(UserError, match="has other rows or columns than its predictions give"):
        _differences(_with_table(stored, rows[:1]), source)


def test_records_of_other_data_or_models_are_rejected(stored: StoredRecord, source: FlatPairs) -> None:
    other = FlatPairs(*(source.pair(key) for group in source.groups() for key in group))
    other.identity = replace(source.identity, recipe_sha256="2" * 64)
    with pytest.raises(UserError, match="was scored on recipe 111111111111, the data here has 222222222222"):
        rescore(stored, lambda: other)
    with pytest.raises(UserError, match=r"holds predictions of colour, the record is of grey: evaluate again"):
        rescore(changed(stored, model="grey"), lambda: source)


def test_renew_restores_the_record(stored: StoredRecord, source: FlatPairs) -> None:
    metrics = {name: value.model_dump() for name, value in stored.record.metrics.items()}
    metrics["pck@2"]["value"] = 0.9
    renewed = renew(changed(stored, metrics=metrics), lambda: source)
    assert renewed.metrics == stored.record.metrics
    assert renewed.groups == stored.record.groups
    assert renewed.protocol == stored.record.protocol
    # Older records have no tolerance: mutual meant the same pixel.
    older = stored.record.protocol.model_copy(update={"mutual_px": None})
    assert renew(changed(stored, protocol=older.model_dump()), lambda: source).protocol.mutual_px == 0.0


def test_cells_are_parsed_as_numbers_or_text() -> None:
    assert [_cell(text) for text in ("0.5", "inf", "", None)] == [0.5, math.inf, None, None]
    assert _cell("ValueError: no") == _cell("ValueError: no") != _cell("ValueError: yes")


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [(0.5, 0.25, 0.25), (200.0, 201.0, 1 / 200), (None, None, 0), (None, 0.0, math.inf), (0.0, None, math.inf), (math.inf, math.inf, 0)],
)
def test_difference_between_cells(one: float | None, other: float | None, apart: float) -> None:
    assert _apart(one, other) == pytest.approx(apart)


def test_pair_table_format() -> None:
    rows = [
        PairRow(3, 0, 1, 12.345, 0.56789, 7, "", {"b": 1 / 3, "a": math.inf}),
        PairRow(3, 1, 0, math.nan, 0.0, 0, "ValueError: a, b", {"a": math.nan}),
    ]
    assert pair_table(Scores(rows, {}, {}, {})).splitlines() == [
        "scene,a,b,angle_deg,visible_share,points,failed,a,b",
        "3,0,1,12.35,0.5679,7,,inf,0.333333",
        '3,1,0,,0.0000,0,"ValueError: a, b",,',
    ]
