import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pixbench.errors import UserError
from pixbench.evaluation.record import find_records
from pixbench.leaderboard.compare import compare, statement
from pixbench.leaderboard.entries import Entry
from pixbench.leaderboard.statistics import Samples

ROOT = Path(__file__).parents[2]
STATEMENT = re.compile(
    r"^- (?:(?P<both>[^:]+ v\d+), )?(?P<metric>[^ ,]+): (?P<one>.+?)(?: on (?P<suite>\S+ v\d+))? \([\d.]+\) "
    r"(?:is ahead of|is behind|cannot be told from) (?P<other>.+?)(?: on (?P<other_suite>\S+ v\d+))? \([\d.]+\), p .*$"
)


class Row(Entry):
    """A row with given values of the scenes."""

    def __init__(self, first: Entry, values: list[float]):
        super().__init__(first.stored)
        object.__setattr__(self, "_of_scenes", np.array([values]))

    def mean(self, metric: str) -> float:
        return float(self._of_scenes.mean())  # type: ignore[attr-defined]

    def samples(self, metric: str) -> Samples:
        return Samples(self._of_scenes, np.ones_like(self._of_scenes))  # type: ignore[attr-defined]


def test_statement_reports_the_significance_test(results: Path) -> None:
    first = Entry(tuple(find_records([results / "9.0"])))
    low, high, mixed = (Row(first, values) for values in ([0.1] * 8, [0.3] * 8, [0.0, 0.2] * 4))
    # All eight signs agree: p is 2 / 2 ** 8.
    assert statement(high, low, "delta_avg") == "tiny, delta_avg: blurred (0.300) is ahead of blurred (0.100), p = 0.008 over scenes"
    assert " is behind " in statement(low, high, "delta_avg")
    assert " is ahead of " in statement(low, high, "epe_mean")
    assert " cannot be told from " in statement(low, mixed, "delta_avg")


def test_rows_that_cannot_be_compared_raise_an_error(results: Path) -> None:
    stored = find_records([results / "0.02"])
    with pytest.raises(UserError, match="unknown row of tiny 'blured': did you mean 'blurred'"):
        compare(stored, "tiny", ("blurred", "blured"))
    with pytest.raises(UserError, match="unknown suite 'tinny': did you mean 'tiny'"):
        compare(stored, "tinny", ("blurred", "blurred"))
    with pytest.raises(UserError, match="too few scenes or images have values of both; 6 are needed"):
        compare(stored, "tiny", ("blurred", "blurred"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"data": {"recipe_sha256": "0" * 64}}, "differ in data, [0-9a-f]{12} and 000000000000: evaluate one of them again"),
        ({"protocol": {"query_stride": 3}}, "differ in queries, every .* and every 3rd pixel of every 3rd row"),
        ({"metrics": {"delta_avg": {"sha256": "0" * 64}}}, "differ in definition of delta_avg, "),
    ],
)
def test_rows_that_never_share_a_table_are_not_compared(change: dict[str, Any], words: str, results: Path) -> None:
    (stored,) = find_records([results / "9.0"])
    record = stored.record
    for part, values in change.items():
        old = getattr(record, part)
        if part == "metrics":
            new = old | {name: old[name].model_copy(update=value) for name, value in values.items()}
        else:
            new = old.model_copy(update=values)
        record = record.model_copy(update={part: new})
    rows = [Row(Entry((each,)), [0.1] * 8) for each in (stored, replace(stored, record=record))]
    with pytest.raises(UserError, match=words):
        statement(*rows, "delta_avg")


def test_metrics_and_suites_that_cannot_be_compared_scene_by_scene() -> None:
    stored = find_records([ROOT / "results" / suite for suite in ("mini", "mini-v1", "standard")])
    with pytest.raises(UserError, match=r"daisy and hog cannot be compared by pose_auc@10/magsac: it is not a mean over scenes"):
        compare(stored, "mini", ("daisy", "hog"), "pose_auc@10/magsac")
    with pytest.raises(UserError, match=r"mini v2 has 16 scenes and standard v2 has 24 scenes: rows are compared scene by scene"):
        compare(stored, "mini", ("daisy", "daisy"), other_suite="standard")
    # Both have sixteen scenes, but of other rooms.
    with pytest.raises(UserError, match=r"mini v1 has split 'test', seed 2026 and mini v2 has split 'test', seed 2040: rows are compared"):
        compare(stored, "mini v1", ("dense-sift", "dense-sift"), other_suite="mini v2")


def test_suites_and_rows_may_be_given_by_their_short_names() -> None:
    stored = find_records([ROOT / "results" / suite for suite in ("mini", "mini-v1", "mini-light")])
    whole = compare(stored, "mini v2", ("xfeat (at 512 px)", "daisy"))
    assert whole.startswith("mini v2, delta_avg: xfeat (at 512 px)")
    assert compare(stored, "mini", ("xfeat", "daisy")) == whole
    assert compare(stored, "mini v1", ("daisy", "chance")).startswith("mini v1, ")
    across = compare(stored, "mini", ("daisy", "daisy"), "delta_avg@easy", "mini-light")
    assert re.match(r"delta_avg@easy: daisy on mini v2 \(0\.\d+\) is ahead of daisy on mini-light v1 \(0\.\d+\), p ", across)


def test_comparisons_in_the_docs_match_the_records() -> None:
    lines = [line for page in sorted((ROOT / "docs").glob("*.md")) for line in page.read_text().splitlines()]
    statements = [found for line in lines if (found := STATEMENT.match(line))]
    # Every list entry with a p value is one of these sentences.
    assert len(statements) == sum(line.startswith("- ") and line.endswith((" over scenes", " over images")) for line in lines) > 50
    stored = find_records([ROOT / "results"])
    for found in statements:
        assert found[0] == "- " + compare(
            stored, found["both"] or found["suite"], (found["one"], found["other"]), found["metric"], found["other_suite"]
        )
