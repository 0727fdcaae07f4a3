import csv
import io
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from records import copied

from pixbench.errors import UserError
from pixbench.evaluation.record import StoredRecord, find_records, schema_json
from pixbench.evaluation.request import DataAccess
from pixbench.evaluation.suite import Opening
from pixbench.io.files import file_sha256
from pixbench.leaderboard import verify
from pixbench.leaderboard.entries import entries
from pixbench.leaderboard.render import differing, markdown, rendered, write
from pixbench.leaderboard.tables import Scored, Table, build_tables

RESULTS = Path(__file__).parents[2] / "results"


def test_records_that_differ_only_in_the_seed_are_one_row(results: Path) -> None:
    stored = find_records([results])
    found = entries(stored)
    assert sorted((entry.name, len(entry.stored)) for entry in found) == [("blurred", 1), ("blurred", 2)]
    both = next(entry for entry in found if len(entry.stored) == 2)
    alone = [each.record.metrics["delta_avg"].value for each in both.stored]
    assert both.values("delta_avg") == alone
    assert both.mean("delta_avg") == pytest.approx(np.mean(alone))
    kept = both.samples("delta_avg")
    assert kept is not None
    assert kept.total.shape == (2, 3)
    # The table of pairs has six digits.
    assert kept.mean == pytest.approx(both.mean("delta_avg"), abs=1e-6)


def test_second_record_of_a_seed_is_a_separate_row(results: Path, tmp_path: Path) -> None:
    stored = find_records([results / "0.02"])
    assert len(entries([*stored, stored[0]])) == 1  # the same file twice is one record
    again = copied(stored[0], tmp_path)
    assert sorted(len(entry.stored) for entry in entries([*stored, again])) == [1, 2]


@pytest.mark.parametrize(
    ("names", "rows"),
    [
        (["mine-seed10", "mine-seed11", "mine-seed2"], ["mine"]),
        (["chair-seed1", "chance-seed2"], ["chair-seed1", "chance-seed2"]),
        (["mine-1", "mine-2"], ["mine-1", "mine-2"]),  # these may be two methods
    ],
)
def test_other_models_are_grouped_by_the_seed_in_their_names(names: list[str], rows: list[str], results: Path) -> None:
    first = find_records([results])[0]
    stored = [
        StoredRecord(first.path.with_name(name), first.record.model_copy(update={"model": name, "model_info": {"kind": "factory", "p": 2}}))
        for name in names
    ]
    assert sorted(entry.name for entry in entries(stored)) == sorted(rows)


def test_different_numbers_of_training_steps_are_separate_rows(results: Path) -> None:
    one, other = find_records([results / "0.02"])
    info = {**other.record.model_info, "step": 40}
    longer = StoredRecord(other.path, other.record.model_copy(update={"model_info": info}))
    assert len(entries([one, longer])) == 2


def test_ranked_columns_have_their_own_ranks(results: Path) -> None:
    first, second = entries(find_records([results / "0.02"])[:1]), entries(find_records([results / "9.0"]))
    columns = {"delta_avg": "δ_avg", "pck@1": "PCK@1", "pck@4": "PCK@4"}
    rows = (Scored(first[0], 1, ranks={"pck@4": 2}), Scored(second[0], 2, ranks={"pck@4": 1}))
    cells = Table("matching", "tiny", "", "", columns, rows, statistics=True).cells
    assert [row[-1].split(" ")[1] for row in cells] == ["(2)", "(1)"]
    assert "(" not in cells[0][-2]


def test_earlier_versions_of_a_suite_come_last(results: Path) -> None:
    first = find_records([results])[0]
    named = [first.record.data.model_copy(update={"suite": suite}) for suite in ("mini v1", "mini v10", "mini v9", "own", "photos v1")]
    stored = [StoredRecord(first.path, first.record.model_copy(update={"data": data})) for data in named]
    assert [table.suite for table in build_tables(stored)] == ["mini v10", "own", "photos v1", "mini v1", "mini v9"]


def test_keypoint_matchers_have_their_own_table_ranked_by_mma(results: Path) -> None:
    stored = find_records([results])
    info = {"kind": "matcher", "reach_px": 4.0}
    matchers = [
        StoredRecord(each.path, each.record.model_copy(update={"model_info": info, "model": name}))
        for each, name in zip(stored[:2], ("one", "two"), strict=True)
    ]
    dense, points = build_tables([*stored, *matchers], statistics=True)
    assert (next(iter(dense.columns)), len(dense.rows)) == ("delta_avg", 2)
    assert list(points.columns)[:1] == ["mma@3"]
    assert list(points.columns)[-1] == "matches"
    assert "delta_avg" not in points.columns
    values = [row.entry.mean("mma@3") for row in points.rows]
    assert values == sorted(values, key=lambda value: -(value or 0))
    assert "within 4 px" in points.caption


def test_references_are_unranked_and_change_no_rank() -> None:
    stored = [each for each in find_records([RESULTS / "mini"]) if each.record.model in ("oracle", "chance", "daisy", "hog", "random-unet")]
    methods = [each for each in stored if each.record.model not in ("oracle", "chance")]
    (both,), (alone,) = (build_tables(records, statistics=True) for records in (stored, methods))
    references, others = (
        [(row.rank, row.p_above, dict(row.ranks)) for row in both.rows if row.entry.is_reference is kind] for kind in (True, False)
    )
    assert len(references) == 2
    assert all((rank, p, set(by.values())) == (None, None, {None}) for rank, p, by in references)
    assert others == [(row.rank, row.p_above, dict(row.ranks)) for row in alone.rows]
    assert [rank for rank, _, _ in others] == [1, 2, 3]
    assert "references, without rank" in both.caption
    assert "references" not in alone.caption


def test_records_without_a_later_metric_share_a_table(results: Path) -> None:
    one, other = find_records([results / "0.02"])
    fewer = {name: value for name, value in other.record.metrics.items() if name != "delta_avg@easy"}
    assert len(fewer) < len(other.record.metrics)
    assert len(build_tables([one, StoredRecord(other.path, other.record.model_copy(update={"metrics": fewer}))])) == 1


def test_records_with_an_additional_metric_share_a_table(results: Path) -> None:
    one, other = find_records([results / "0.02"])
    more = {**other.record.metrics, "pck@3": other.record.metrics["pck@2"]}
    assert len(build_tables([one, StoredRecord(other.path, other.record.model_copy(update={"metrics": more}))])) == 1


def test_the_files_are_a_pure_function_of_the_records(results: Path, tmp_path: Path) -> None:
    stored = find_records([results])
    tables, again = build_tables(stored, statistics=True), build_tables(stored[::-1], statistics=True)
    assert rendered(tables) == rendered(again)
    (tmp_path / "pareto.svg").write_text("of other records")
    assert differing(tables, tmp_path)[-1] == "pareto.svg"
    assert sorted(write(tables, tmp_path)) == sorted(path.name for path in tmp_path.iterdir()) == sorted(rendered(tables))
    assert not (tmp_path / "pareto.svg").exists()  # nothing was classified
    assert differing(tables, tmp_path) == []
    (tmp_path / "leaderboard.tex").write_text("by hand")
    (tmp_path / "leaderboard.csv").unlink()
    assert differing(tables, tmp_path) == ["leaderboard.csv", "leaderboard.tex"]


def test_the_four_table_formats_agree(results: Path) -> None:
    tables = build_tables(find_records([results]), statistics=True)
    (table,) = tables
    files = rendered(tables)
    mean = table.rows[0].entry.mean("delta_avg")
    assert table.rows[0].rank is None  # three scenes are too few for a significant difference
    assert f"| – | blurred | 2 | 5 | 0.5 | {mean:.3f} |" in markdown(table)

    rows = list(csv.DictReader(io.StringIO(files["leaderboard.csv"])))
    ours = next(row for row in rows if row["metric"] == "delta_avg")
    assert float(ours["mean"]) == pytest.approx(mean, abs=1e-6)
    assert float(ours["low"]) <= float(ours["mean"]) <= float(ours["high"])
    assert ours["seeds"] == "0 1"
    assert [float(each) for each in ours["each_seed"].split()] == pytest.approx(table.rows[0].entry.values("delta_avg"), abs=1e-6)
    assert len(rows) == 2 * len(table.rows[0].entry.first.metrics)

    assert r"$\delta$\_avg & 95\% interval" in files["leaderboard.tex"]
    assert files["leaderboard.tex"].count(r" \\") == 3

    class Cells(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.found: list[str] = []

        def handle_starttag(self, tag: str, attrs: Any) -> None:
            if tag == "td":
                self.found.append("")

        def handle_data(self, data: str) -> None:
            if self.found:
                self.found[-1] += data if "\n" not in data else ""

    parser = Cells()
    parser.feed(files["leaderboard.html"])
    assert tuple(parser.found[: len(table.header)]) == table.cells[0]


def test_model_names_are_escaped(results: Path) -> None:
    (stored, *_) = find_records([results])
    odd = StoredRecord(stored.path, stored.record.model_copy(update={"model": "a|b_<i>&50%"}))
    files = rendered(build_tables([odd], statistics=True))
    assert r"a\|b_&lt;i&gt;&amp;50%" in files["leaderboard.md"]
    assert r"a|b\_$<$i$>$\&50\%" in files["leaderboard.tex"]
    assert "a|b_&lt;i&gt;&amp;50%" in files["leaderboard.html"]


def test_changed_table_of_pairs_is_rejected(results: Path, tmp_path: Path) -> None:
    stored = copied(find_records([results])[0], tmp_path)
    pairs = tmp_path / stored.record.pairs.file  # type: ignore[union-attr]
    pairs.write_text(pairs.read_text().replace("0.", "1.", 1))
    with pytest.raises(UserError, match=r"pairs\.csv is not the file that .* was made with"):
        build_tables([stored], statistics=True)
    pairs.unlink()
    with pytest.raises(UserError, match="is missing"):
        build_tables([stored], statistics=True)
    assert build_tables([stored])  # without statistics records are enough


@pytest.mark.slow
def test_committed_tables_match_the_records() -> None:
    tables = build_tables(find_records([RESULTS]), statistics=True)
    assert differing(tables, RESULTS / "leaderboard") == []


def test_committed_files_match_their_records_and_are_small() -> None:
    stored = find_records([RESULTS])
    assert len(stored) >= 18
    for each in stored:
        for part in filter(None, (each.record.predictions, each.record.pairs)):
            path = each.path.with_name(part.file)
            assert file_sha256(path) == part.sha256, path
            assert path.stat().st_size < 1_000_000, path
        verify.check_definitions(each)


def test_committed_rows_without_data_are_reproduced_from_predictions() -> None:
    rows = [each for each in find_records([RESULTS]) if each.record.task != "matching"]
    assert len(rows) > 5
    access = DataAccess(Opening(Path("nowhere")))
    for each in rows:
        found = verify.rescore(each, access)
        assert [one.name for one in found if not one.same] == [], each.path
    assert access.opened == {}


def test_published_schema_matches_the_record_class() -> None:
    published = Path(__file__).parents[2] / "docs" / "record.schema.json"
    assert published.read_text() == schema_json()
    assert json.loads(schema_json())["additionalProperties"] is False
