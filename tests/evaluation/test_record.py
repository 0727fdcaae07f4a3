import hashlib
import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
from records import Colour

from pixbench.errors import UserError
from pixbench.evaluation.matching.evaluate import evaluate
from pixbench.evaluation.matching.pairs import DatasetPairs
from pixbench.evaluation.record import (
    DataPart,
    FilePart,
    Protocol,
    Record,
    StoredRecord,
    TimingPart,
    Value,
    find_records,
    number,
    read_record,
    write_record,
)

PREDICTIONS = b"what a model said"


def _record(suite: str = "mini v2", **fields: Any) -> Record:
    """A minimal record."""
    made: dict[str, Any] = {
        "task": "matching",
        "model": "mine",
        "model_info": {"kind": "mine", "channels": 3},
        "model_sha256": "0" * 64,
        "data": DataPart(suite=suite, recipe_sha256="1" * 64, content_sha256="2" * 64, split="test", seed=0, scenes=1),
        "protocol": Protocol(scored="all", search="none", batch=1, device="cpu"),
        "metrics": {"pck@1": Value(version=1, sha256="3" * 64, value=0.5), "closer": Value(version=1, sha256="4" * 64, value=None)},
        "predictions": FilePart(file="mine.h5", sha256=hashlib.sha256(PREDICTIONS).hexdigest(), bytes=len(PREDICTIONS)),
        "timing": TimingPart(seconds=1.5, images_per_s=None, pairs_per_s=None, peak_memory_mb=None),
        "environment": {"python": "3"},
        "created": "2026-01-01T00:00:00+00:00",
    }
    return Record(**{**made, **fields})


def _stored(folder: Path, **fields: Any) -> StoredRecord:
    (folder / "mine.h5").write_bytes(PREDICTIONS)
    return StoredRecord(folder / "mine.json", write_record(folder / "mine.json", _record(**fields)))


def test_unknown_fields_of_a_record_are_refused(source: DatasetPairs, tmp_path: Path) -> None:
    path, _ = evaluate(Colour(), source, tmp_path)
    raw = json.loads(path.read_text())
    path.write_text(json.dumps({**raw, "surprise": 1}))
    with pytest.raises(UserError, match="surprise"):
        read_record(path)


def test_records_are_validated(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{"format": "pixbench-record", "surprise": 1}')
    with pytest.raises(UserError, match=r"bad\.json is not a record"):
        find_records([tmp_path])
    (tmp_path / "bad.json").write_text('{"format": "something else"}')
    assert find_records([tmp_path]) == []


def test_written_records_are_hashed_and_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    written = write_record(path, _record())
    assert read_record(path) == written
    assert written.sha256 == _record().own_sha256()
    # The hash covers neither itself nor the order of keys.
    assert written.own_sha256() == written.sha256
    raw = json.loads(path.read_text())
    raw["model_info"] = dict(reversed(raw["model_info"].items()))
    path.write_text(json.dumps(dict(reversed(raw.items()))))
    assert read_record(path) == written


@pytest.mark.parametrize("change", [{"model": "other"}, {"created": "2027-01-01T00:00:00+00:00"}, {"details": {"class": "encode"}}])
def test_edited_records_are_rejected(change: dict[str, Any], tmp_path: Path) -> None:
    path = _stored(tmp_path).path
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(UserError, match="sha256 is not the hash of the rest"):
        read_record(path)


def test_older_records_without_a_hash_are_read(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text(_record().model_dump_json())
    assert read_record(path) == _record()


@pytest.mark.parametrize(
    ("value", "kept"), [(0.123456789, 0.123457), (-2.5, -2.5), (1e-9, 0.0), (math.nan, None), (math.inf, None), (-math.inf, None)]
)
def test_numbers_have_six_decimals_and_non_finite_ones_are_none(value: float, kept: float | None) -> None:
    assert number(value) == kept


def test_missing_metrics_have_no_value() -> None:
    assert [_record().value(name) for name in ("pck@1", "closer", "pck@2")] == [0.5, None, None]


@pytest.mark.parametrize(
    ("suite", "name"),
    [
        ("mini v2", ("mini", 2)),
        ("my rooms v12", ("my rooms", 12)),
        ("a v1 v3", ("a v1", 3)),
        ("rooms", ("rooms", None)),
        ("v2", ("v2", None)),
    ],
)
def test_suite_name_is_split_into_name_and_version(suite: str, name: tuple[str, int | None]) -> None:
    assert _record(suite).suite == name


@pytest.mark.parametrize(
    ("info", "weights"),
    [
        ({}, "mine"),
        ({"sha256": "s"}, "s"),
        ({"sha256": "s", "weights_sha256": "w"}, "w"),
        ({"weights_sha256": "w", "checkpoint_sha256": "c"}, "c"),
        ({"weights_sha256": "w", "checkpoint_sha256": None}, "w"),
    ],
)
def test_weights_hash_prefers_the_checkpoint(info: dict[str, Any], weights: str) -> None:
    assert _record(model_info=info).weights_sha256 == weights


def test_files_of_a_record_are_checked_by_hash(tmp_path: Path) -> None:
    stored = _stored(tmp_path)
    assert stored.beside("predictions") == tmp_path / "mine.h5"
    with pytest.raises(UserError, match=r"mine\.json has no file of pairs"):
        stored.beside("pairs")
    (tmp_path / "mine.h5").write_bytes(PREDICTIONS[::-1])
    with pytest.raises(UserError, match=r"mine\.h5 is not the file that mine\.json was made with"):
        stored.beside("predictions")
    (tmp_path / "mine.h5").unlink()
    with pytest.raises(UserError, match=r"mine\.h5 is missing: mine\.json needs it"):
        stored.beside("predictions")


def test_files_of_a_record_must_lie_in_its_folder() -> None:
    for name in ("../mine.h5", "a/mine.h5", ""):
        with pytest.raises(ValueError, match="file"):
            FilePart(file=name, sha256="0" * 64, bytes=1)


def test_records_are_sorted_by_path(tmp_path: Path) -> None:
    places = ["b/mine.json", "a/z/mine.json", "a/mine.json"]
    for place in places:
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        write_record(tmp_path / place, _record())
    found = find_records([tmp_path / "b", tmp_path / "a"])
    assert [stored.path.relative_to(tmp_path).as_posix() for stored in found] == ["b/mine.json", "a/mine.json", "a/z/mine.json"]
    assert [stored.path for stored in find_records([tmp_path / places[0]])] == [tmp_path / places[0]]
    with pytest.raises(UserError, match=re.escape(f"{tmp_path / 'c'} does not exist")):
        find_records([tmp_path / "a", tmp_path / "c"])
    # A file given by name must be a record.
    (tmp_path / "a" / "other.json").write_text("{}")
    assert len(find_records([tmp_path / "a"])) == 2
    with pytest.raises(UserError, match=r"other\.json is not a record"):
        find_records([tmp_path / "a" / "other.json"])


def test_emptied_record_beside_its_predictions_is_not_passed_over(tmp_path: Path) -> None:
    for name in ("other.json", "row.json", "row.h5"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(UserError, match=r"row\.json"):
        find_records([tmp_path])
    (tmp_path / "row.json").unlink()
    assert find_records([tmp_path]) == []
