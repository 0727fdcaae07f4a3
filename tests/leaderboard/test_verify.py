import csv
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from records import Blurred, changed, copied
from typer.testing import CliRunner

from pixbench.cli import app
from pixbench.errors import UserError, VerificationError
from pixbench.evaluation.matching.evaluate import evaluate
from pixbench.evaluation.matching.pairs import DatasetPairs, EvaluationPairs
from pixbench.evaluation.matching.predictions import read_predictions, write_predictions
from pixbench.evaluation.matching.rescore import renew
from pixbench.evaluation.matching.task import recorded_pairs
from pixbench.evaluation.metric import Metric
from pixbench.evaluation.network_input import NetworkInput
from pixbench.evaluation.record import StoredRecord, find_records, read_record
from pixbench.evaluation.reproduction import Comparison
from pixbench.evaluation.request import DataAccess
from pixbench.evaluation.suite import Opening
from pixbench.evaluation.task import METRICS
from pixbench.io.files import file_sha256
from pixbench.leaderboard import verify


def _access(source: EvaluationPairs) -> DataAccess:
    """Access to a data set that is open already."""
    return DataAccess(Opening(Path("nowhere")), opened={("tiny", source.query_stride, None): source})


def test_unchanged_row_is_reproduced(results: Path, source: DatasetPairs, tmp_path: Path) -> None:
    stored = copied(find_records([results])[0], tmp_path)
    found = verify.rescore(stored, _access(source))
    assert {each.name for each in found} > set(stored.record.metrics)
    assert [each.name for each in found if not each.same] == []


def test_plugin_metric_does_not_change_a_published_row(results: Path, source: DatasetPairs, tmp_path: Path) -> None:
    stored = copied(find_records([results])[0], tmp_path)
    METRICS.add("width")(Metric("width", 1, "width of the image", lambda result: float(result.width)))
    try:
        assert [each.name for each in verify.rescore(stored, _access(source)) if not each.same] == []
        # A row that was made with the metric is verified with it.
        path, record = evaluate(Blurred(0), source, tmp_path / "with")
        assert record.value("width") == source.images(0)[0].shape[1]
        found = verify.rescore(StoredRecord(path, record), _access(source))
        assert [each.same for each in found if each.name == "width"] == [True]
    finally:
        del METRICS._added["width"]
    with pytest.raises(UserError, match="metric 'width' is not known here: install the PixBench, or the plug-in, that made it"):
        verify.rescore(StoredRecord(path, record), _access(source))


def test_older_row_is_renewed(results: Path, source: DatasetPairs, tmp_path: Path) -> None:
    stored = copied(find_records([results])[0], tmp_path)
    raw = stored.record.model_dump()
    raw["metrics"]["mma@3"] |= {"version": 1, "sha256": "0" * 64, "value": 0.9}
    raw["protocol"]["mutual_px"] = None
    raw["groups"]["rooms: unseen"] = {"pairs": 3, "points": 40, "metrics": {"mma@3": 0.9, "pck@1": 0.25}}
    old = changed(stored, **raw)
    with pytest.raises(UserError, match="metric 'mma@3' is version 1"):
        verify.check_definitions(old)
    renewed = renew(old, lambda: source)
    assert read_record(old.path) == renewed
    assert renewed.protocol == stored.record.protocol.model_copy(update={"mutual_px": 0.0})
    own = {name for name in renewed.metrics if not name.startswith(("mma", "matches", "pose"))}
    assert {name: renewed.metrics[name] for name in own} == {name: stored.record.metrics[name] for name in own}
    assert renewed.value("matches") < stored.record.value("matches")  # type: ignore[operator]
    # Groups that only the owner of the training set can compute keep the metrics whose definition did not change.
    assert renewed.groups["rooms: unseen"].metrics == {"pck@1": 0.25}
    assert [each.name for each in verify.rescore(StoredRecord(old.path, renewed), _access(source)) if not each.same] == []


def _forged(stored: StoredRecord, how: str) -> StoredRecord:
    """A record with an improved number and matching hashes."""
    raw = stored.record.model_dump()
    if how == "value":
        raw["metrics"]["pck@4"]["value"] += 0.01
    elif how == "pooled":
        raw["metrics"]["pck@4"]["pooled"] += 0.01
    elif how == "missing":
        del raw["metrics"]["epe_mean"]
    elif how == "group":
        next(iter(raw["groups"].values()))["metrics"]["delta_avg"] = 0.9
    elif how == "points":
        raw["data"]["points"] += 5
    elif how == "pairs":
        path = stored.path.with_name(raw["pairs"]["file"])
        rows = list(csv.DictReader(path.read_text().splitlines()))
        rows[2]["delta_avg"] = "0.99"
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)
        raw["pairs"] |= {"sha256": file_sha256(path), "bytes": path.stat().st_size}
    return changed(stored, **raw)


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("value", "pck@4"),
        ("pooled", "pck@4, pooled"),
        ("missing", "epe_mean"),
        ("group", ", delta_avg"),
        ("points", "points"),
        ("pairs", "table of pairs, delta_avg"),
    ],
)
def test_forged_rows_are_detected(how: str, told: str, results: Path, source: DatasetPairs, tmp_path: Path) -> None:
    stored = _forged(copied(find_records([results])[0], tmp_path), how)
    wrong = [each.name for each in verify.rescore(stored, _access(source)) if not each.same]
    assert any(name.endswith(told) for name in wrong)
    assert len(wrong) <= 2  # a missing metric may be reported for its pooled value too


def test_predictions_for_selected_queries_are_rejected(results: Path, source: DatasetPairs, tmp_path: Path) -> None:
    stored = copied(find_records([results])[0], tmp_path)
    path = stored.beside("predictions")
    honest = read_predictions(path)

    def easy(answers: Any, keep: np.ndarray) -> Any:
        return dataclasses.replace(answers, pixel=answers.pixel[keep], matches=answers.matches.at(keep))

    for choose in (lambda n: np.zeros(n, int), lambda n: np.arange(n - 1), lambda n: np.arange(n)[::-1]):
        answers = [easy(each, choose(len(each.pixel))) for each in honest.answers]
        write_predictions(path, dataclasses.replace(honest, answers=answers))
        part = {**stored.record.predictions.model_dump(), "sha256": file_sha256(path), "bytes": path.stat().st_size}
        with pytest.raises(UserError, match="query"):
            verify.rescore(changed(stored, predictions=part), _access(source))


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_non_finite_numbers_are_rejected(value: float, results: Path, tmp_path: Path) -> None:
    stored = copied(find_records([results])[0], tmp_path)
    raw = json.loads(stored.path.read_text())
    raw["metrics"]["pck@1"]["value"] = value
    stored.path.write_text(json.dumps(raw))
    with pytest.raises(UserError, match=r"field 'metrics\.pck@1\.value"):
        read_record(stored.path)
    assert not Comparison("x", 0.3, float("inf")).same


@pytest.mark.parametrize("name", ["../x.h5", "sub/x.h5", "", "a\\b.h5"])
def test_files_outside_the_folder_of_a_record_are_rejected(name: str, results: Path, tmp_path: Path) -> None:
    stored = copied(find_records([results])[0], tmp_path)
    raw = json.loads(stored.path.read_text())
    raw["predictions"]["file"] = name
    stored.path.write_text(json.dumps(raw))
    with pytest.raises(UserError, match=r"field 'predictions\.file'"):
        read_record(stored.path)


def test_one_invalid_row_does_not_stop_the_others(results: Path, tiny: Path, tmp_path: Path) -> None:
    good, other = find_records([results / "0.02"])
    bad = changed(copied(other, tmp_path), data={**other.record.model_dump()["data"], "suite": "mini v9"})
    found = verify.rescore_all([bad, good], DataAccess(Opening(tmp_path), tiny), 1)
    assert isinstance(found[0], UserError)
    assert all(each.same for each in found[1])  # type: ignore[union-attr]


@pytest.mark.slow
def test_rows_are_rescored_in_parallel(results: Path, tiny: Path, tmp_path: Path) -> None:
    stored = find_records([results])
    ticks: list[int] = []
    found = verify.rescore_all(stored, DataAccess(Opening(tmp_path), tiny), 2, ticks.append)
    assert found == verify.rescore_all(stored, DataAccess(Opening(tmp_path), tiny), 1)
    assert sum(ticks) == sum(each.record.data.pairs for each in stored)


def test_rows_are_found_by_model_or_row_name(results: Path) -> None:
    stored = find_records([results])
    assert len(verify.find_rows(stored, None)) == 3
    assert [each.record.model for each in verify.find_rows(stored, "blurred-seed1")] == ["blurred-seed1"]
    assert len(verify.find_rows(stored, "blurred")) == 3
    with pytest.raises(UserError, match="unknown row 'blured': did you mean 'blurred'"):
        verify.find_rows(stored, "blured")


def test_model_is_rerun(results: Path, tiny: Path, tmp_path: Path) -> None:
    stored = next(each for each in find_records([results]) if each.record.model == "blurred-seed1")
    again = verify.rerun(stored, Blurred(1), DataAccess(Opening(tmp_path), tiny))
    assert all(each.same for each in again)
    with pytest.raises(UserError, match="was made by checkpoint_sha256 1, the model here has 0"):
        verify.rerun(stored, Blurred(0), DataAccess(Opening(tmp_path), tiny))


def test_model_is_rerun_with_the_settings_of_the_record(source: DatasetPairs, tiny: Path, tmp_path: Path) -> None:
    access = DataAccess(Opening(tmp_path), tiny)
    scaled, enlarged = Blurred(0), Blurred(0)
    scaled.scales, enlarged.input = (0.5, 1.0), NetworkInput(64, 16)
    made = [evaluate(model, source, tmp_path / str(number)) for number, model in enumerate((Blurred(0), scaled, enlarged))]
    assert len({record.value("delta_avg") for _, record in made}) == 3
    for path, record in made:
        # Also with a model that has other settings.
        for settings in ((0.5, 1.0), NetworkInput()), ((1.0,), NetworkInput(64, 16)):
            model = Blurred(0)
            model.scales, model.input = settings
            assert all(each.same for each in verify.rerun(StoredRecord(path, record), model, access))


def test_other_versions_are_rejected(results: Path, tmp_path: Path) -> None:
    stored = copied(find_records([results])[0], tmp_path)
    metrics = stored.record.model_dump()["metrics"]
    metrics["pck@2"]["version"] = 7
    with pytest.raises(UserError, match=r"metric 'pck@2' is version 7 .*here it is version 1"):
        verify.check_definitions(changed(stored, metrics=metrics))
    metrics["pck@2"] |= {"version": 1, "sha256": "0" * 64}
    with pytest.raises(UserError, match=r"metric 'pck@2' is version 1 \(000000000000\)"):
        verify.check_definitions(changed(stored, metrics=metrics))
    data = stored.record.model_dump()["data"]
    with pytest.raises(UserError, match="suite 'mini' is version 9, here it is version 2"):
        verify.check_definitions(changed(stored, data={**data, "suite": "mini v9"}))
    with pytest.raises(UserError, match="suite 'maxi' is version 1, here it is not known"):
        verify.check_definitions(changed(stored, data={**data, "suite": "maxi v1"}))
    with pytest.raises(UserError, match="'tiny', which is not a suite: give it with --data"):
        recorded_pairs(stored.record, DataAccess(Opening(tmp_path)))


def test_another_data_set_is_refused(results: Path, source: DatasetPairs, tmp_path: Path) -> None:
    stored = copied(find_records([results])[0], tmp_path)
    data = stored.record.model_dump()["data"]
    with pytest.raises(UserError, match="was scored on recipe 000000000000, the data here has"):
        verify.rescore(changed(stored, data={**data, "recipe_sha256": "0" * 64}), _access(source))


def test_every_changed_number_is_reported(results: Path, source: DatasetPairs, tmp_path: Path) -> None:
    stored = copied(find_records([results])[0], tmp_path)
    raw = stored.record.model_dump()
    group = next(iter(raw["groups"].values()))

    def wrong(**changes: Any) -> list[str]:
        return [each.name for each in verify.rescore(changed(stored, **{**raw, **changes}), _access(source)) if not each.same]

    nearly = {**raw["metrics"], "pck@4": {**raw["metrics"]["pck@4"], "value": raw["metrics"]["pck@4"]["value"] + 0.00099}}
    assert wrong(metrics=nearly) == ["pck@4"]
    pooled = {**raw["metrics"], "pck@4": {**raw["metrics"]["pck@4"], "pooled": raw["metrics"]["pck@4"]["pooled"] + 1e-5}}
    assert wrong(metrics=pooled) == ["pck@4, pooled"]
    assert "pixels: of gold, points" in wrong(groups={**raw["groups"], "pixels: of gold": group})
    counted = {name: {**part, "points": part["points"] + 1} for name, part in raw["groups"].items()}
    assert len(wrong(groups=counted)) == len(counted)
    assert wrong(data={**raw["data"], "pairs_without_points": 1}) == ["pairs without points"]
    assert wrong(data={**raw["data"], "seed": 8}) == ["split and seed"]
    # Only the owner of the training set can compute these: they are reported, but not verified.
    found = verify.rescore(changed(stored, **{**raw, "groups": {**raw["groups"], "rooms: unseen": group}}), _access(source))
    assert {each.name.partition(",")[0] for each in found if not each.decided} == {"rooms: unseen"}


def test_record_hash_covers_all_fields(results: Path, tmp_path: Path) -> None:
    stored = copied(find_records([results])[0], tmp_path)
    raw = json.loads(stored.path.read_text())
    for part, name, value in (("timing", "seconds", 1.0), ("data", "trained_on", "0" * 64), ("environment", "torch", "0.1")):
        stored.path.write_text(json.dumps({**raw, part: {**raw[part], name: value}}))
        with pytest.raises(UserError, match="sha256 is not the hash of the rest"):
            read_record(stored.path)
    # Records of older versions have none.
    stored.path.write_text(json.dumps({**raw, "sha256": None}))
    assert read_record(stored.path).model == stored.record.model


def test_rows_that_could_not_be_compared_are_not_said_to_differ(results: Path, tmp_path: Path) -> None:
    record = str(find_records([results])[0].path)
    for arguments, error, words in (
        ([record], UserError, "was scored on the data set 'tiny', which is not a suite: give it with --data"),
        (["--results", str(results)], VerificationError, "^3 of 3 rows could not be compared$"),
    ):
        with pytest.raises(error, match=words):
            CliRunner().invoke(app, ["leaderboard", "verify", *arguments, "--workers", "1"], catch_exceptions=False)
