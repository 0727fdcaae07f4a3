import math
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from pixbench.errors import UserError
from pixbench.evaluation.evaluate import evaluate
from pixbench.evaluation.matching import nearest
from pixbench.evaluation.metrics import summarise
from pixbench.evaluation.model import load_model
from pixbench.evaluation.predictions import query_grid, read_predictions
from pixbench.evaluation.record import find_records, read_record
from pixbench.leaderboard import build_tables


@pytest.mark.parametrize(("p", "name"), [(1, "cityblock"), (2, "sqeuclidean"), (math.inf, "chebyshev")])
def test_nearest_equals_scipy_whatever_the_block_size(p: float, name: str) -> None:
    g = torch.Generator().manual_seed(1)
    queries, targets = torch.randn(50, 8, generator=g), torch.randn(300, 8, generator=g)
    expected = cdist(queries.double(), targets.double(), name).argmin(axis=1)
    for block in (1, 5000, 2**27):
        assert nearest(queries, targets, p=p, block_bytes=block).tolist() == expected.tolist()


def test_euclidean_search_is_exact_among_tight_clusters() -> None:
    g = torch.Generator().manual_seed(2)
    centres = torch.nn.functional.normalize(torch.randn(10, 32, generator=g), dim=1)
    targets = centres.repeat(60, 1) + 1e-4 * torch.randn(600, 32, generator=g)
    queries = targets[::7] + 2e-5 * torch.randn(86, 32, generator=g)
    expected = cdist(queries.double(), targets.double(), "sqeuclidean").argmin(axis=1)
    assert nearest(queries, targets, p=2).tolist() == expected.tolist()


@pytest.mark.parametrize("p", [1, 2, math.inf])
def test_ties_go_to_the_first(p: float) -> None:
    targets = torch.tensor([[5.0, 0.0], [1.0, 1.0], [1.0, 1.0], [-1.0, -1.0]])
    assert nearest(torch.tensor([[0.0, 0.0], [1.0, 1.0]]), targets, p=p).tolist() == [1, 1]


def test_nearest_refuses_what_has_no_answer() -> None:
    with pytest.raises(ValueError, match="NaN or infinity"):
        nearest(torch.tensor([[math.nan]]), torch.zeros(1, 1), p=2)
    with pytest.raises(ValueError, match="expected 1, 2 or inf"):
        nearest(torch.zeros(1, 1), torch.zeros(1, 1), p=3)


def test_metrics_by_hand() -> None:
    # Two pairs: errors 0, 1, 3 and 20 px; and one of 5 px. A third without points counts nowhere.
    values = summarise([np.array([0.0, 1.0, 3.0, 20.0]), np.array([5.0]), np.empty(0)])
    assert values["pck@1"] == (pytest.approx((0.5 + 0) / 2), pytest.approx(2 / 5))
    assert values["pck@4"] == (pytest.approx((0.75 + 0) / 2), pytest.approx(3 / 5))
    assert values["pck@8"] == (pytest.approx((0.75 + 1) / 2), pytest.approx(4 / 5))
    # Strictly below 1, 2, 4, 8, 16: .25 .5 .75 .75 .75 and 0 0 0 1 1.
    assert values["delta_avg"][0] == pytest.approx((0.6 + 0.4) / 2)
    assert values["epe_mean"] == (pytest.approx((6 + 5) / 2), pytest.approx(29 / 5))
    assert values["epe_median"] == (pytest.approx((2 + 5) / 2), pytest.approx(3))
    assert all(math.isnan(number) for pair in summarise([np.empty(0)]).values() for number in pair)


def test_queries_are_pixel_centres() -> None:
    assert query_grid(8, 4, 4).tolist() == [[2.5, 2.5], [6.5, 2.5]]


def test_oracle_scores_exactly_one(tiny: Path, tmp_path: Path) -> None:
    path, record = evaluate(load_model("baseline:oracle"), tiny, tmp_path, suite="tiny")
    assert {name: value.value for name, value in record.metrics.items() if name.startswith(("pck", "delta"))} == {
        "delta_avg": 1.0,
        "pck@1": 1.0,
        "pck@2": 1.0,
        "pck@4": 1.0,
        "pck@8": 1.0,
        "pck@16": 1.0,
    }
    assert record.metrics["epe_mean"].pooled == 0.0
    assert record.data.points > 500
    assert read_record(path) == record
    assert len(read_predictions(path.with_suffix(".h5")).pairs) == 18


def test_table_is_a_pure_function_of_records(tiny: Path, tmp_path: Path) -> None:
    for name in ("oracle", "rgb-patch"):
        evaluate(load_model(f"baseline:{name}"), tiny, tmp_path, suite="tiny")
    records = find_records([tmp_path])
    (table,), (again,) = build_tables(records), build_tables(records[::-1])
    assert table.markdown() == again.markdown()
    assert [row[0] for row in table.rows] == ["oracle", "rgb-patch"]
    assert "| oracle | – | – | – | 1.000 |" in table.markdown()
    other = records[0].model_copy(update={"data": records[0].data.model_copy(update={"content_sha256": "0" * 64})})
    assert len(build_tables([*records, other])) == 2


def test_records_are_validated(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{"format": "pixbench-record", "surprise": 1}')
    with pytest.raises(UserError, match=r"bad\.json is not a record"):
        find_records([tmp_path])
    (tmp_path / "bad.json").write_text('{"format": "something else"}')
    assert find_records([tmp_path]) == []
