import csv
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from records import Colour
from torch import Tensor

from pixbench.dataset.reader import Pair
from pixbench.errors import UserError
from pixbench.evaluation.matching.dense_matcher import Matches
from pixbench.evaluation.matching.evaluate import evaluate
from pixbench.evaluation.matching.metrics.pair_result import truth_at
from pixbench.evaluation.matching.pairs import DatasetPairs, query_pixels
from pixbench.evaluation.matching.predict import predict, work_folder
from pixbench.evaluation.matching.predictions import read_predictions
from pixbench.evaluation.matching.scoring import score
from pixbench.evaluation.model import MatcherModel, Model
from pixbench.evaluation.record import StoredRecord, find_records, read_record
from pixbench.geometry.correspondence import Status
from pixbench.leaderboard.render import markdown
from pixbench.leaderboard.tables import build_tables
from pixbench.models.loading import load_model


def test_queries_have_known_ground_truth() -> None:
    status = np.full((4, 8), Status.VISIBLE, np.uint8)
    assert query_pixels(status, 4).tolist() == [[2, 2], [6, 2]]
    status[2, 2], status[2, 6] = Status.AMBIGUOUS, Status.OCCLUDED
    assert query_pixels(status, 4).tolist() == [[6, 2]]


def test_oracle_scores_exactly_one(source: DatasetPairs, tmp_path: Path) -> None:
    path, record = evaluate(load_model("baseline:oracle"), source, tmp_path)
    scored = {name: value.value for name, value in record.metrics.items() if name.startswith(("pck", "delta", "mma"))}
    # Metrics that need a suite with levels have no value here.
    exact = {name: value for name, value in scored.items() if value is not None}
    assert len(exact) == 17
    assert set(exact.values()) == {1.0}
    assert (record.metrics["epe_mean"].pooled, record.metrics["closer"].value, record.metrics["occlusion_ap"].value) == (0.0, 0.0, 1.0)
    assert all(record.metrics[f"pose_auc@5/{name}"].value > 0.97 for name in ("magsac", "poselib"))  # type: ignore[operator]
    assert record.data.points > 500
    assert read_record(path) == record
    assert len(read_predictions(path.with_suffix(".h5")).pairs) == 18
    # The groups add up to the total.
    groups = record.groups
    assert sum(group.pairs for name, group in groups.items() if name.startswith("visible share")) == 18
    assert groups["pixels: object"].points + groups["pixels: room"].points == record.data.points


def test_chance_baseline_scores_like_random_pixels(source: DatasetPairs, tmp_path: Path) -> None:
    _, record = evaluate(load_model("baseline:chance"), source, tmp_path)
    width = source.images(0)[0].shape[1]
    assert record.metrics["closer"].pooled == pytest.approx(0.5, abs=0.05)
    # A disk of 16 px, cut by the image's borders, is at most this share of it.
    assert 0.0 < record.metrics["pck@16"].pooled < math.pi * 16**2 / width**2  # type: ignore[operator]


def test_progress_counts_every_pair_once(source: DatasetPairs, tmp_path: Path) -> None:
    bars: dict[str, tuple[int, list[int]]] = {}

    @contextmanager
    def bar(what: str, total: int, unit: str) -> Iterator[Callable[..., None]]:
        assert unit == "pairs"
        bars[what] = total, []
        yield bars[what][1].append

    for _ in range(2):
        evaluate(load_model("baseline:rgb-patch"), source, tmp_path, progress_bar=bar)
        assert {what: (total, sum(done)) for what, (total, done) in bars.items()} == {
            "match rgb-patch": (18, 18),
            "score rgb-patch": (18, 18),
        }


def test_interrupted_run_reuses_finished_scenes(source: DatasetPairs, tmp_path: Path) -> None:
    class Counting(Colour):
        seen = 0
        stops = True

        def describe(self, images: Tensor) -> Tensor:
            type(self).seen += len(images)
            if type(self).stops and type(self).seen > 6:
                raise KeyboardInterrupt
            return super().describe(images)

    with pytest.raises(KeyboardInterrupt):
        evaluate(Counting(), source, tmp_path)
    assert not list(tmp_path.glob("*.json"))
    Counting.stops, Counting.seen = False, 0
    _, record = evaluate(Counting(), source, tmp_path)
    views = sum(len(source.images(group[0].scene)) for group in source.groups())
    assert 0 < Counting.seen < views
    _, uninterrupted = evaluate(Colour(), source, tmp_path / "straight")
    assert record.metrics == uninterrupted.metrics
    assert not work_folder(tmp_path, "colour").exists()


def test_interrupted_run_of_another_model_is_not_resumed(source: DatasetPairs, tmp_path: Path) -> None:
    predict(Colour(), source, tmp_path / "work", model_hash="one")
    (tmp_path / "work" / "000000.h5").write_text("what another run left")
    with pytest.raises(UserError, match="holds an interrupted run of another model"):
        predict(Colour(), source, tmp_path / "work", model_hash="two")
    predictions, _ = predict(Colour(), source, tmp_path / "work", model_hash="two", force=True)
    assert len(predictions.pairs) == 18


def test_failed_pairs_are_recorded_with_a_reason(source: DatasetPairs, tmp_path: Path) -> None:
    class Fragile(Model):
        name = "fragile"
        asks_for = ("which pair it is",)

        def match(self, pair: Pair, query_uv: np.ndarray) -> Matches:
            if pair.key.a == 0:
                raise ValueError("no features\nin this image")
            return Matches.only(query_uv)

    _, record = evaluate(Fragile(), source, tmp_path)
    failed = sum(key.a == 0 for group in source.groups() for key in group)
    assert record.data.failed == {"ValueError: no features in this image": failed}
    rows = (tmp_path / "fragile.pairs.csv").read_text().splitlines()
    assert sum("no features" in row for row in rows) == failed
    # Its queries count as misses, with infinite error.
    assert record.metrics["epe_mean"].value is None
    assert record.data.pairs == 18

    class Broken(Model):
        name = "broken"

        def match(self, pair: Pair, query_uv: np.ndarray) -> Matches:
            raise RuntimeError("never")

    with pytest.raises(UserError, match="broken failed on every pair; the first time with: RuntimeError: never"):
        evaluate(Broken(), source, tmp_path)
    assert not (tmp_path / "broken.json").exists()


def test_failed_pairs_are_misses_in_every_metric(source: DatasetPairs, tmp_path: Path) -> None:
    class Failing(Colour):
        name = "failing"
        scenes = 0

        def describe(self, images: Tensor) -> Tensor:
            Failing.scenes += 1
            if Failing.scenes == 1:
                raise ValueError("no")
            return super().describe(images)

    evaluate(Failing(), source, tmp_path)
    rows = list(csv.DictReader((tmp_path / "failing.pairs.csv").read_text().splitlines()))
    failed = [row for row in rows if row["failed"]]
    assert {row["closer"] for row in failed} == {"1"}
    assert {row["mma@3"] for row in failed} == {row["delta_avg"] for row in failed} == {"0"}
    assert {row["pose_error_deg/magsac"] for row in failed} == {"inf"}
    known = [float(row["occlusion_ap"]) for row in failed if row["occlusion_ap"]]
    assert known
    assert known == pytest.approx([0.0] * len(known))


def test_collapsed_model_scores_at_chance(source: DatasetPairs, tmp_path: Path) -> None:
    class Collapsed(Colour):
        name = "collapsed"

        def describe(self, images: Tensor) -> Tensor:
            return torch.zeros(len(images), 4, *images.shape[2:])

    _, record = evaluate(Collapsed(), source, tmp_path)
    assert record.metrics["closer"].value == 0.5


def test_mutual_match_tolerance_scales_with_the_stride(source: DatasetPairs, tmp_path: Path) -> None:
    class Coarse(Colour):
        name = "coarse"

        def describe(self, images: Tensor) -> Tensor:
            return torch.nn.functional.avg_pool2d(super().describe(images), 8)

    (_, fine), (path, coarse) = evaluate(Colour(), source, tmp_path), evaluate(Coarse(), source, tmp_path)
    assert (fine.protocol.mutual_px, coarse.protocol.mutual_px) == (1.0, 4.0)
    counts = {px: score(read_predictions(path.with_suffix(".h5")), source, mutual_px=px).metrics["matches"] for px in (0.0, 4.0)}
    assert counts[4.0] == pytest.approx(coarse.metrics["matches"].value, abs=1e-6)
    assert counts[0.0] < counts[4.0] / 3
    assert evaluate(MatcherModel(lambda a, b: (np.ones((9, 2)), np.ones((9, 2))), "points"), source, tmp_path)[1].protocol.mutual_px is None


def test_batch_size_does_not_change_scores(source: DatasetPairs, tmp_path: Path) -> None:
    records = [evaluate(load_model("baseline:random-unet"), source, tmp_path / str(batch), batch=batch)[1] for batch in (1, 3)]
    first, second = ({name: value.value for name, value in record.metrics.items()} for record in records)
    for name, value in first.items():
        assert second[name] == (value if value is None else pytest.approx(value, abs=1e-4)), name


def test_predictions_of_other_pairs_are_rejected(source: DatasetPairs, tiny: Path, tmp_path: Path) -> None:
    path, _ = evaluate(Colour(), source, tmp_path)
    predictions = read_predictions(path.with_suffix(".h5"))
    with pytest.raises(UserError, match="other query pixels"):
        score(predictions, DatasetPairs(tiny, "tiny", 5))
    path.with_suffix(".h5").write_bytes(b"nothing")
    with pytest.raises(UserError, match="not a predictions file"):
        read_predictions(path.with_suffix(".h5"))


def test_matcher_predicts_only_near_its_points(source: DatasetPairs, tmp_path: Path) -> None:
    def matcher(image_a: Tensor, image_b: Tensor) -> tuple[Any, ...]:
        points = np.array([[20.5, 20.5], [40.0, 30.25], [np.nan, 1.0]])
        return points, points + np.array([3.0, -2.0])

    model = MatcherModel(matcher, "points")
    pair = source.pair(source.groups()[0][0])
    found = model.match(pair, np.array([[21.5, 22.5], [60.5, 5.5]]))
    assert found.uv[0].tolist() == [24.5, 20.5]
    assert np.isnan(found.uv[1]).all()
    assert len(found.points_a) == 2  # type: ignore[arg-type]
    _, record = evaluate(model, source, tmp_path)
    # A point at a depth edge has no single true position: it is not counted.
    status = np.array([source.pair(key).truth.status[[20, 30], [20, 40]] for group in source.groups() for key in group])
    assert record.metrics["matches"].value == pytest.approx(2 * np.mean((status != Status.AMBIGUOUS) & (status != Status.NO_SURFACE)))
    assert record.metrics["closer"].value is None
    with pytest.raises(ValueError, match="returned 2 points of the first image and 3 of the second"):
        MatcherModel(lambda a, b: (np.zeros((2, 2)), np.zeros((3, 2))), "bad").match(pair, np.zeros((1, 2)))


def test_coverage_is_the_share_of_queries_near_a_match(source: DatasetPairs, tmp_path: Path) -> None:
    points = np.stack(np.meshgrid(np.arange(4.0, 48, 9), np.arange(4.0, 48, 9)), axis=-1).reshape(-1, 2)
    calls = []

    def matcher(image_a: Tensor, image_b: Tensor) -> tuple[Any, ...]:
        calls.append(1)
        if len(calls) == 1:
            raise ValueError("no")
        return points, points[::-1]  # nearly all wrong: coverage does not depend on it

    _, record = evaluate(MatcherModel(matcher, "points"), source, tmp_path)
    shares = []
    for key in (key for group in source.groups() for key in group):
        pair = source.pair(key)
        queries = source.queries(pair)
        visible = queries[pair.truth.status[queries[:, 1], queries[:, 0]] == Status.VISIBLE] + 0.5
        if len(visible):
            near = np.linalg.norm(visible[:, None] - points, axis=2).min(axis=1) <= 4
            shares.append(near.mean() if shares or key != source.groups()[0][0] else 0.0)
    assert record.value("coverage") == pytest.approx(np.mean(shares), abs=1e-6)
    assert 0.2 < np.mean(shares) < 0.8
    assert evaluate(Colour(), source, tmp_path)[1].value("coverage") is None


def test_ground_truth_between_pixel_centres(source: DatasetPairs) -> None:
    pair = source.pair(source.groups()[0][0])
    visible = pair.truth.status == Status.VISIBLE
    # Four visible pixels around a corner: the ground truth there is the mean of theirs.
    block = visible[:-1, :-1] & visible[1:, :-1] & visible[:-1, 1:] & visible[1:, 1:]
    row, column = np.argwhere(block)[len(np.argwhere(block)) // 2]
    expected = pair.truth.uv_b[row : row + 2, column : column + 2].astype(float).mean(axis=(0, 1))
    corner, centre = np.array([[column + 1.0, row + 1.0]]), np.array([[column + 0.5, row + 0.5]])
    np.testing.assert_allclose(truth_at(pair, corner)[0], expected, atol=1e-5)
    np.testing.assert_allclose(truth_at(pair, centre)[0], pair.truth.uv_b[row, column], atol=1e-5)


def test_assets_seen_in_training_are_grouped_separately(tiny: Path, tmp_path: Path) -> None:
    from pixbench.dataset.leakage import assets
    from pixbench.dataset.reader import Dataset

    known = assets(Dataset(tiny))
    rooms = [sha256 for sha256, (kind, _, _) in known.items() if kind == "room"]
    objects = [sha256 for sha256, (kind, _, _) in known.items() if kind == "object"]
    trained = frozenset([*rooms[:1], *objects[: len(objects) // 2]])
    _, record = evaluate(Colour(), DatasetPairs(tiny, "tiny", 4, trained), tmp_path, trained_on="hash")
    groups = record.groups
    assert groups["rooms: seen in training"].pairs + groups["rooms: unseen"].pairs == 18
    assert groups["rooms: seen in training"].pairs == 18 // len(rooms)
    seen, unseen = groups["objects: seen in training"], groups["objects: unseen"]
    assert seen.points + unseen.points == groups["pixels: object"].points
    assert min(seen.points, unseen.points) > 0


def test_the_table_is_a_pure_function_of_records(source: DatasetPairs, tmp_path: Path) -> None:
    for name in ("oracle", "rgb-patch"):
        evaluate(load_model(f"baseline:{name}"), source, tmp_path)
    records = find_records([tmp_path])
    (table,), (again,) = build_tables(records), build_tables(records[::-1])
    assert markdown(table) == markdown(again)
    assert [row[0] for row in table.cells] == ["oracle", "rgb-patch"]
    assert "| oracle | – | – | – | 1.000 |" in markdown(table)

    def changed(stored: StoredRecord, **data: str) -> StoredRecord:
        record = stored.record
        return StoredRecord(stored.path, record.model_copy(update={"data": record.data.model_copy(update=data)}))

    # Contents that differ by a processor's rounding share a table; other recipes do not.
    assert len(build_tables([*records, changed(records[0], content_sha256="0" * 64)])) == 1
    assert len(build_tables([*records, changed(records[0], recipe_sha256="0" * 64)])) == 2
    redefined = {name: value.model_copy(update={"sha256": "0" * 64}) for name, value in records[0].record.metrics.items()}
    other = StoredRecord(records[0].path, records[0].record.model_copy(update={"metrics": redefined}))
    assert len(build_tables([*records, other])) == 2
