"""Matching as a task: requested pairs, table captions, and the units that statistics resample."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flat_pairs import FlatPairs, flat_pair
from real_pairs import picture
from records import Colour

from pixbench.dataset.manifest import MANIFEST
from pixbench.errors import UserError
from pixbench.evaluation.matching.dense_matcher import Search
from pixbench.evaluation.matching.evaluate import _protocol, mutual_tolerance
from pixbench.evaluation.matching.task import MATCHING, POINT_COLUMNS, _requested_pairs, recorded_pairs
from pixbench.evaluation.metric import Metric
from pixbench.evaluation.model import MatcherModel, Model
from pixbench.evaluation.record import DataPart, FilePart, Protocol, Record, StoredRecord, TimingPart
from pixbench.evaluation.record_writer import file_part
from pixbench.evaluation.request import DataAccess, EvaluationRequest
from pixbench.evaluation.suite import SUITES, Opening
from pixbench.evaluation.task import METRICS


def _record(stride: int = 4, pairs: FilePart | None = None, **info: Any) -> Record:
    data = DataPart(suite="rooms", recipe_sha256="1" * 64, content_sha256="2" * 64, split="test", seed=0, scenes=2, pairs=6, points=123)
    return Record(
        task="matching",
        model="mine",
        model_info=info,
        model_sha256="0" * 64,
        data=data,
        protocol=Protocol(query_stride=stride, scored="visible queries", search="own", batch=1, device="cpu"),
        metrics={},
        predictions=FilePart(file="mine.h5", sha256="0" * 64, bytes=1),
        pairs=pairs,
        timing=TimingPart(seconds=1.5, images_per_s=None, pairs_per_s=None, peak_memory_mb=None),
        environment={},
        created="2026-01-01T00:00:00+00:00",
    )


def test_keypoint_matchers_have_their_own_columns() -> None:
    assert MATCHING.columns_of(_record(channels=32)) == MATCHING.columns
    assert MATCHING.columns_of(_record(reach_px=4.0)) == POINT_COLUMNS
    assert {*MATCHING.columns, *POINT_COLUMNS} <= set(METRICS.names())
    assert MATCHING.size(_record().data) == "2 scenes, 6 ordered pairs"


def test_captions_describe_queries_and_search() -> None:
    shown = {"delta_avg": "δ_avg", "epe_median": "median EPE", "closer": "closer"}
    caption = MATCHING.caption(_record(), shown)
    assert caption.startswith("123 visible queries (every 4th pixel of every 4th row), searched in the whole target image")
    assert "Higher is better, but for median EPE and closer." in caption
    assert "(every pixel)" in MATCHING.caption(_record(stride=1), {})
    for stride, word in ((2, "2nd"), (3, "3rd"), (11, "11th"), (12, "12th"), (21, "21st"), (112, "112th")):
        assert f"(every {word} pixel of every {word} row)" in MATCHING.caption(_record(stride=stride), {})
    within = _record()
    within = within.model_copy(update={"protocol": within.protocol.model_copy(update={"radius_px": 3.0})})
    assert "searched in the whole target image, or within the radius that a row names; means" in MATCHING.caption(within, shown)
    assert "Higher is better. " in MATCHING.caption(_record(), {"delta_avg": "δ_avg"})
    points = MATCHING.caption(_record(reach_px=2.5), shown)
    assert "share of 123 visible queries (every 4th pixel of every 4th row) with a match within 2.5 px" in points


def test_description_of_the_aggregation() -> None:
    assert MATCHING.aggregation(METRICS.get("pck@1")) == "mean over pairs that have a value"
    assert MATCHING.aggregation(METRICS.get("pose_auc@10/poselib")) == "computed from the errors of all pairs"


def test_unit_sums_are_per_scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "mine.pairs.csv"
    table.write_text("scene,a,b,pck@1,epe_mean\n0,0,1,0.25,inf\n4,0,1,0.5,\n0,1,0,0.5,2\n4,1,0,,\n")
    stored = StoredRecord(tmp_path / "mine.json", _record(pairs=file_part(table)))
    # A pair without a value is not counted.
    assert MATCHING.unit_sums(stored, "pck@1") == {0: (0.75, 2), 4: (0.5, 1)}
    assert MATCHING.unit_sums(stored, "epe_mean") == {0: (float("inf"), 2)}
    with monkeypatch.context() as added:
        added.setitem(METRICS._added, "mine", Metric("mine", 1, "named otherwise", lambda result: 0.0, per_pair="pck@1"))
        assert MATCHING.unit_sums(stored, "mine") == {0: (0.75, 2), 4: (0.5, 1)}
    with pytest.raises(UserError, match=r"mine\.json: its table of pairs cannot be read \('pck@2'\)"):
        MATCHING.unit_sums(stored, "pck@2")
    table.write_text("scene,pck@1\nzero,0.5\n")
    with pytest.raises(UserError, match="its table of pairs cannot be read"):
        MATCHING.unit_sums(StoredRecord(stored.path, _record(pairs=file_part(table))), "pck@1")


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    """A folder with a list of one pair."""
    for name in ("a.png", "b.png"):
        picture(tmp_path / "listed" / name)
    pair = {"image_a": "a.png", "image_b": "b.png", "homography": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}
    (tmp_path / "listed" / "pairs.json").write_text(json.dumps({"pairs": [pair]}))
    return tmp_path / "listed"


def test_recorded_pairs_are_opened_once(listed: Path, tmp_path: Path) -> None:
    access = DataAccess(Opening(tmp_path), data=listed)
    record = _record(stride=3)
    pairs = recorded_pairs(record, access)
    assert pairs.query_stride == 3
    assert pairs.identity.suite == "rooms"
    assert recorded_pairs(record, access) is pairs
    # Another record of the same data set, with other queries, has pairs of its own.
    assert recorded_pairs(_record(stride=5), access).query_stride == 5
    assert recorded_pairs(record, access) is pairs
    with pytest.raises(UserError, match="mine was scored on the data set 'rooms', which is not a suite: give it with --data"):
        recorded_pairs(record, DataAccess(Opening(tmp_path)))


@pytest.mark.parametrize(("option", "value"), [("query_stride", 2), ("long_side", 320)])
def test_suites_reject_query_and_size_options(option: str, value: int, tmp_path: Path) -> None:
    request = EvaluationRequest(SUITES.get("mini"), tmp_path, Opening(tmp_path), **{option: value})  # type: ignore[arg-type]
    with pytest.raises(UserError, match=f"--{option.replace('_', '-')}: suite mini fixes its queries and sizes; use it with --data"):
        _requested_pairs(request, None)


def test_options_of_a_data_set(listed: Path, tmp_path: Path) -> None:
    request = EvaluationRequest(None, tmp_path, Opening(tmp_path), data=listed)
    assert _requested_pairs(request, None).query_stride == 12
    assert _requested_pairs(replace(request, query_stride=5), None).query_stride == 5
    assert _requested_pairs(replace(request, long_side=32), None).images(0)[0].shape == (24, 32, 3)
    with pytest.raises(UserError, match="--rooms: --data is made already"):
        _requested_pairs(replace(request, opening=Opening(tmp_path, sources={"rooms": "x"})), None)
    with pytest.raises(UserError, match="--trained-on: real pairs name no rooms"):
        _requested_pairs(request, frozenset())
    (listed / MANIFEST).write_text("{}")
    with pytest.raises(UserError, match="--long-side: a PixBench data set is scored at its own size"):
        _requested_pairs(replace(request, long_side=320), None)


@pytest.mark.parametrize(("grid_px", "tolerance"), [(1.0, 1.0), (2.0, 1.0), (2.5, 1.0), (32 / 7, 2.0), (14.0, 7.0)])
def test_mutual_tolerance_is_half_a_cell_in_whole_pixels_and_at_least_one(grid_px: float, tolerance: float) -> None:
    assert mutual_tolerance(grid_px) == tolerance


@pytest.mark.parametrize(
    ("model", "search", "said"),
    [
        (Colour(), Search(), ("whole target image", None, False, 5.0)),
        (Colour(), Search(radius_px=4.0, subpixel=True, exclude_px=3.0), ("disk around the query's place", 4.0, True, 3.0)),
        # A keypoint matcher has its own search.
        (MatcherModel(lambda image_a, image_b: (), "points"), Search(), ("own", None, False, None)),
    ],
)
def test_protocol_records_the_search_options(model: Model, search: Search, said: tuple[Any, ...]) -> None:
    protocol = _protocol(model, FlatPairs(flat_pair()), search, 3)
    assert (protocol.search, protocol.radius_px, protocol.subpixel, protocol.ratio_excludes_px) == said
    assert (protocol.query_stride, protocol.batch, protocol.device, protocol.mutual_px) == (2, 3, "cpu", None)
