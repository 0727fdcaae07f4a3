"""A task of another package works in every command after one registration."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from click.testing import Result
from typer.testing import CliRunner

from pixbench.cli import app
from pixbench.errors import UserError
from pixbench.evaluation.metric import Metric
from pixbench.evaluation.model import DescriptorModel, Model
from pixbench.evaluation.record import DataPart, Protocol, Record, StoredRecord, read_record
from pixbench.evaluation.record_place import file_stem
from pixbench.evaluation.record_writer import Timing, record_result
from pixbench.evaluation.reproduction import Comparison, compare_metrics
from pixbench.evaluation.request import DataAccess, EvaluationRequest
from pixbench.evaluation.suite import SUITES, Opening, Suite
from pixbench.evaluation.task import METRICS, TASKS, Task, evaluate, metrics_of, ordered_tasks
from pixbench.io.files import file_sha256
from pixbench.leaderboard import verify
from pixbench.leaderboard.render import markdown
from pixbench.leaderboard.tables import build_tables


@dataclass(frozen=True)
class Noise(Suite):
    """Noise images, each shown twice."""

    images: int
    task: ClassVar[str] = "constancy"


class Constancy(Task):
    """Whether equal images get equal descriptors."""

    name = "constancy"
    title = "whether an image that is shown twice gets the same descriptors"
    primary = "same"
    columns: Mapping[str, str] = {"same": "same twice"}
    metrics = (Metric("same", 1, "share of images described equally twice", lambda same: float(np.mean(same)), task="constancy"),)
    units = "images"

    def run(self, model: Model, request: EvaluationRequest) -> tuple[Path, Record]:
        request.refuse_pair_options()
        suite = request.suite
        assert isinstance(suite, Noise)
        assert isinstance(model, DescriptorModel)
        request.folder.mkdir(parents=True, exist_ok=True)
        path = request.folder / f"{file_stem(model.name)}.npy"
        images = torch.rand(suite.images, 3, 8, 8, generator=torch.Generator().manual_seed(0))
        with request.progress_bar(f"describe {model.name}", suite.images, "images") as advance:
            same = [bool(torch.equal(model.dense(image[None]), model.dense(image[None]))) for image in images]
            advance(suite.images)
        np.save(path, same)
        data = DataPart(suite=suite.full_name, recipe_sha256="0" * 64, content_sha256="0" * 64, split="test", seed=0, scenes=suite.images)
        protocol = Protocol(scored="all pixels", search="none", batch=1, device="cpu")
        return record_result(model, self.name, data, protocol, self._scores(path), path, timing=Timing(), seconds=0.0)

    def rescore(self, stored: StoredRecord, access: DataAccess, progress: Callable[[int], None] = lambda done: None) -> list[Comparison]:
        progress(1)
        return compare_metrics(stored.record, self._scores(stored.beside("predictions")))

    def unit_sums(self, stored: StoredRecord, metric: str) -> dict[int, tuple[float, float]]:
        return {image: (float(same), 1.0) for image, same in enumerate(np.load(stored.beside("predictions")))}

    def caption(self, record: Record, shown: Mapping[str, str]) -> str:
        return f"{record.data.scenes} images of noise."

    def _scores(self, path: Path) -> dict[str, float]:
        return {metric.id: metric(np.load(path)) for metric in metrics_of(self.name)}


class Drifting(DescriptorModel):
    """Gives another result every second time, except for the first `constant` images."""

    name, p = "drifting", 2.0

    def __init__(self, constant: int):
        self._calls, self._constant = 0, constant

    def describe(self, images: torch.Tensor) -> torch.Tensor:
        self._calls += 1
        return images + (self._calls % 2 if self._calls > 2 * self._constant else 0)


@pytest.fixture
def noise(monkeypatch: pytest.MonkeyPatch) -> Noise:
    """The suite, registered with its task as a package's entry points would."""
    suite = Noise("noise", "eight images of noise, twice", 1, images=8)
    monkeypatch.setitem(TASKS._added, "constancy", Constancy())
    monkeypatch.setitem(SUITES._added, "noise", suite)
    return suite


def test_plugin_task_is_run_stored_verified_and_shown(noise: Noise, tmp_path: Path) -> None:
    path, record = evaluate(Drifting(6), EvaluationRequest(noise, tmp_path, Opening(tmp_path)))
    assert path == tmp_path / "noise" / "drifting.json"
    assert read_record(path) == record
    assert record.value("same") == 0.75
    stored = StoredRecord(path, record)
    access = DataAccess(Opening(tmp_path))
    assert [each.same for each in verify.rescore(stored, access)] == [True]
    assert [each.same for each in verify.rerun(stored, Drifting(6), access)] == [True]
    (worse,) = verify.rerun(stored, Drifting(2), access)
    assert (worse.reported, worse.measured, worse.same) == (0.75, 0.25, False)
    (table,) = build_tables([stored], statistics=True)
    assert table.title == "noise v1 (test, 8 images, recipe 000000000000)"
    assert "| 1 | drifting | 2 | 3 | – | 0.750 |" in markdown(table)
    assert "8 images of noise. Intervals: bootstrap over images," in markdown(table)


def test_manipulated_record_is_not_reproduced(noise: Noise, tmp_path: Path) -> None:
    path, record = evaluate(Drifting(2), EvaluationRequest(noise, tmp_path, Opening(tmp_path)))
    predictions = path.with_suffix(".npy")
    np.save(predictions, np.ones(8, bool))
    part = record.predictions.model_copy(update={"sha256": file_sha256(predictions), "bytes": predictions.stat().st_size})
    stored = StoredRecord(path, record.model_copy(update={"predictions": part}))
    (found,) = verify.rescore(stored, DataAccess(Opening(tmp_path)))
    assert (found.reported, found.measured, found.same) == (0.25, 1.0, False)


def _pixbench(*arguments: Any) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)


def test_commands_support_a_plugin_task(noise: Noise, tmp_path: Path) -> None:
    evaluated = _pixbench("evaluate", "--model", "baseline:rgb-patch", "--suite", "noise", "--out", tmp_path)
    assert "rgb-patch" in evaluated.output
    assert "1.000" in evaluated.output
    assert "1 of 1 numbers reproduced" in _pixbench("leaderboard", "verify", "--results", tmp_path).output
    assert "twice" in _pixbench("leaderboard", "show", tmp_path).output
    assert "metric      same, version 1, of constancy" in _pixbench("metrics", "explain", "same").output
    with pytest.raises(UserError, match="--radius: suite noise has no pairs; leave it out"):
        _pixbench("evaluate", "--model", "baseline:rgb-patch", "--suite", "noise", "--radius", 4, "--out", tmp_path)


def test_matching_is_the_first_task(noise: Noise) -> None:
    assert [task.name for task in ordered_tasks()] == ["matching", "classification", "constancy", "segmentation"]
    assert {METRICS.get(name).task for name in METRICS.names()} == set(TASKS.names())
    for task in ordered_tasks():
        assert task.primary in task.columns
        assert set(task.columns) <= {metric.id for metric in metrics_of(task.name)}


def test_record_of_an_unknown_task_is_rejected(noise: Noise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, record = evaluate(Drifting(8), EvaluationRequest(noise, tmp_path, Opening(tmp_path)))
    monkeypatch.delitem(TASKS._added, "constancy")
    with pytest.raises(UserError, match="unknown evaluation task 'constancy'"):
        build_tables([StoredRecord(path, record)])
