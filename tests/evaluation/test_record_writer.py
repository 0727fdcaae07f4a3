import hashlib
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from records import Colour

from pixbench.dataset.reader import Pair
from pixbench.evaluation.matching.dense_matcher import Matches
from pixbench.evaluation.model import Model
from pixbench.evaluation.record import DataPart, GroupPart, Protocol, read_record
from pixbench.evaluation.record_writer import Timing, described_info, file_part, record_result, values
from pixbench.evaluation.task import METRICS

DATA = DataPart(suite="mini v1", recipe_sha256="1" * 64, content_sha256="2" * 64, split="test", seed=0, scenes=1)
PROTOCOL = Protocol(scored="all", search="none", batch=1, device="cpu")


class Asking(Model):
    """Needs more than the two images."""

    name = "org/asking:2"
    asks_for = ("truth", "pose")

    def match(self, pair: Pair, query_uv: np.ndarray) -> Matches:
        raise NotImplementedError


def test_timings_are_added() -> None:
    assert Timing(1.5, 2, 3.0, 4).plus(Timing(10.0, 20, 30.0, 40)) == Timing(11.5, 22, 33.0, 44)


@pytest.mark.parametrize(
    ("timing", "rates"), [(Timing(4.0, 6, 0.5, 9), (1.5, 18.0)), (Timing(), (None, None)), (Timing(match_s=3.0, pairs=1), (None, 0.333))]
)
def test_runs_without_work_have_no_throughput(timing: Timing, rates: tuple[float | None, float | None], tmp_path: Path) -> None:
    predictions = tmp_path / "predictions.h5"
    predictions.write_bytes(b"1")
    _, record = record_result(Colour(), "matching", DATA, PROTOCOL, {}, predictions, timing=timing, seconds=12.34567)
    assert (record.timing.images_per_s, record.timing.pairs_per_s) == rates
    assert record.timing.seconds == 12.346
    # Python with PyTorch takes some hundred MB, and no test takes 100 GB.
    assert 50 < record.timing.peak_memory_mb < 1e5  # type: ignore[operator]


def test_record_is_written_next_to_its_predictions(tmp_path: Path) -> None:
    predictions, table = tmp_path / "predictions.h5", tmp_path / "table.csv"
    predictions.write_bytes(b"said")
    table.write_bytes(b"scene,a,b\n")
    group = GroupPart(pairs=1, points=2, metrics={"pck@1": 0.5})
    path, record = record_result(
        Asking(),
        "matching",
        DATA,
        PROTOCOL,
        {"pck@1": 0.25},
        predictions,
        timing=Timing(),
        seconds=1,
        pooled={"pck@1": 0.75},
        groups={"level: easy": group},
        details={"class": "encode"},
        pair_table=table,
    )
    assert path == tmp_path / "org-asking-2.json"
    assert read_record(path) == record
    assert record.model_info == {"p": None, "asks_for": ["truth", "pose"]}
    assert (record.metrics["pck@1"].value, record.metrics["pck@1"].pooled) == (0.25, 0.75)
    assert (record.groups, record.details) == ({"level: easy": group}, {"class": "encode"})
    assert (record.predictions.file, record.predictions.bytes) == ("predictions.h5", 4)
    assert record.pairs is not None
    assert record.pairs.sha256 == hashlib.sha256(b"scene,a,b\n").hexdigest()


def test_file_names_are_stored_without_their_folder(tmp_path: Path) -> None:
    (tmp_path / "a.h5").write_bytes(bytes(1000))
    part = file_part(tmp_path / "a.h5")
    assert (part.file, part.bytes, part.sha256) == ("a.h5", 1000, hashlib.sha256(bytes(1000)).hexdigest())


def test_descriptor_size_is_recorded_once_known() -> None:
    model = Colour()
    assert described_info(model) == {"p": "2"}
    model.dense(torch.zeros(1, 3, 12, 12))
    assert described_info(model) == {"p": "2", "channels": 5, "described_rows": 12, "described_columns": 12}


def test_values_carry_the_version_and_hash_of_their_metric() -> None:
    found = values({"pck@1": 1 / 3, "closer": math.nan, "epe_mean": math.inf}, {"closer": 0.5})
    assert [(value.value, value.pooled) for value in found.values()] == [(0.333333, None), (None, 0.5), (None, None)]
    for name, value in found.items():
        assert (value.version, value.sha256) == (METRICS.get(name).version, METRICS.get(name).sha256())
