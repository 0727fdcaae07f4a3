"""Rows that are verified on another processor's copy of their data set."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from records import Blurred, changed, copied

from pixbench.errors import UserError
from pixbench.evaluation.matching.evaluate import evaluate
from pixbench.evaluation.matching.metrics.copy_tolerances import TRUTH_PX
from pixbench.evaluation.matching.pairs import DatasetPairs, EvaluationPairs
from pixbench.evaluation.matching.predictions import read_predictions, write_predictions
from pixbench.evaluation.record import StoredRecord, find_records
from pixbench.evaluation.request import DataAccess
from pixbench.evaluation.suite import Opening
from pixbench.geometry.correspondence import Status
from pixbench.io.files import file_sha256
from pixbench.leaderboard import verify


def _access(source: EvaluationPairs) -> DataAccess:
    """Access to a data set that is open already."""
    return DataAccess(Opening(Path("nowhere")), opened={("tiny", source.query_stride, None): source})


class Elsewhere(EvaluationPairs):
    """The same set as another processor makes it: some queries have another status, and true matches move by up to `moved` px."""

    def __init__(self, source: DatasetPairs, lost: int, moved: float = 0.0):
        self._source, self._lost, self._moved = source, lost, moved
        self.query_stride = source.query_stride
        self.identity = source.identity.__class__(**{**source.identity.__dict__, "content_sha256": "other"})

    def groups(self) -> Any:
        return self._source.groups()

    def images(self, scene: int) -> Any:
        return self._source.images(scene)

    def pair(self, key: Any) -> Any:
        pair = self._source.pair(key)
        noise = np.random.default_rng(key.a).uniform(-self._moved, self._moved, pair.truth.uv_b.shape) / np.sqrt(2)
        return dataclasses.replace(pair, truth=dataclasses.replace(pair.truth, uv_b=(pair.truth.uv_b + noise).astype(np.float32)))

    def queries(self, pair: Any) -> Any:
        found = super().queries(pair)
        first = self.groups()[0][0]
        return found[self._lost :] if pair.key == first else found


@pytest.mark.slow
def test_data_set_of_another_processor_gives_the_same_scores(tiny: Path, tmp_path: Path) -> None:
    source = DatasetPairs(tiny, "tiny", 2)
    path, record = evaluate(Blurred(0), source, tmp_path)
    stored = StoredRecord(path, record)
    found = verify.rescore(stored, _access(Elsewhere(source, 1)))
    assert all(each.same for each in found if each.name in record.metrics)
    assert any(each.reported != each.measured for each in found)
    with pytest.raises(UserError, match=r"of .* query pixels differ from the suite's, at most one in a thousand may"):
        verify.rescore(stored, _access(Elsewhere(source, 20)))


@pytest.mark.slow
def test_only_differences_explained_by_the_copy_are_accepted(results: Path, source: DatasetPairs, tmp_path: Path) -> None:
    stored = copied(find_records([results])[0], tmp_path)
    raw, elsewhere = stored.record.model_dump(), _access(Elsewhere(source, 0, moved=TRUTH_PX))

    def wrong(**changes: Any) -> list[str]:
        return [each.name for each in verify.rescore(changed(stored, **{**raw, **changes}), elsewhere) if not each.same]

    honest = verify.rescore(stored, elsewhere)
    assert [each for each in honest if not each.same] == []
    moved = {each.name for each in honest if each.reported != each.measured}
    assert {"epe_mean", "epe_median", "table of pairs, epe_mean"} <= moved
    for name in ("delta_avg", "delta_avg_256", "closer", "occlusion_ap"):
        better = {**raw["metrics"], name: {**raw["metrics"][name], "value": raw["metrics"][name]["value"] + 0.00099}}
        assert wrong(metrics=better) == [name]
    pooled = {**raw["metrics"], "pck@4": {**raw["metrics"]["pck@4"], "pooled": raw["metrics"]["pck@4"]["pooled"] + 0.00099}}
    assert wrong(metrics=pooled) == ["pck@4, pooled"]
    group, part = next((name, part) for name, part in raw["groups"].items() if name.startswith("visible share"))
    forged = {**part, "metrics": {**part["metrics"], "delta_avg": part["metrics"]["delta_avg"] + 0.00099}}
    assert wrong(groups={**raw["groups"], group: forged}) == [f"{group}, delta_avg"]


def _tolerances(stored: StoredRecord, source: DatasetPairs) -> dict[str, float]:
    return {each.name: each.tolerance for each in verify.rescore(stored, _access(Elsewhere(source, 0)))}


@pytest.mark.slow
def test_errors_near_a_threshold_widen_the_tolerance(source: DatasetPairs, results: Path, tmp_path: Path) -> None:
    """One query of one pair is moved to TRUTH_PX / 2 beyond 4 px: pck@4 may then differ by the weight of this query, and no more."""
    stored = copied(find_records([results])[0], tmp_path)
    before = _tolerances(stored, source)
    path, honest = stored.beside("predictions"), read_predictions(stored.beside("predictions"))
    pair = source.pair(source.groups()[0][0])
    answer = honest.answers[0]
    column, row = answer.pixel.astype(int).T
    visible = np.flatnonzero(pair.truth.status[row, column] == Status.VISIBLE)
    uv = answer.matches.uv.copy()
    uv[visible[0]] = pair.truth.uv_b[row[visible[0]], column[visible[0]]] + [4 + TRUTH_PX / 2, 0]
    nearly = dataclasses.replace(answer, matches=dataclasses.replace(answer.matches, uv=uv))
    write_predictions(path, dataclasses.replace(honest, answers=[nearly, *honest.answers[1:]]))
    part = {**stored.record.predictions.model_dump(), "sha256": file_sha256(path), "bytes": path.stat().st_size}
    tolerance = _tolerances(changed(stored, predictions=part), source)
    weight = 1 / len(visible) / len(honest.answers)
    assert tolerance["pck@4"] - before["pck@4"] == pytest.approx(weight)
    assert tolerance["delta_avg"] - before["delta_avg"] == pytest.approx(weight / 5)
    assert {name: tolerance[name] for name in ("pck@1", "pck@2", "pck@8", "closer")} == {
        name: before[name] for name in ("pck@1", "pck@2", "pck@8", "closer")
    }
