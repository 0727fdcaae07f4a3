"""The plot of matching against classification: which records are one model, the front, and its labels."""

import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pixbench.evaluation.record import find_records
from pixbench.leaderboard.pareto import ParetoPoint, _marked, pareto_points, pareto_svg
from pixbench.leaderboard.tables import build_tables

RESULTS = Path(__file__).parents[2] / "results"


def test_pareto_plot_connects_the_pareto_front() -> None:
    def point(name: str, matching: float, ood: float) -> ParetoPoint:
        return ParetoPoint(name, ("mini v1", "colours v1"), matching, 0.8, ood)

    points = [point("a", 0.3, 0.1), point("b", 0.2, 0.5), point("c", 0.1, 0.4), point("d", 0.2, 0.5)]
    assert [_marked(each, points).best for each in points] == [True, True, False, True]
    root = ElementTree.fromstring(pareto_svg([_marked(each, points) for each in points]))
    name = "{http://www.w3.org/2000/svg}"
    titles = [each.text for each in root.findall(f".//{name}g/{name}title")]
    assert sorted(titles)[0] == "a: δ_avg 0.300, ID 0.800, OOD 0.100"
    assert len(titles) == 4
    line = root.find(f".//{name}g[@id='front']/{name}path")
    assert line is not None
    assert sum(word in "ML" for word in line.attrib["d"].split()) == 3
    # One that is best in both, or none: no trade-off, no plot.
    assert pareto_svg([_marked(each, points[1:3]) for each in points[1:3]]) == ""
    assert pareto_svg(pareto_points([])) == ""


def test_pareto_plot_uses_the_mean_over_levels() -> None:
    tables = build_tables(find_records([RESULTS]))
    points = pareto_points(tables)
    rows = {row.entry.name: row.entry for table in tables if table.suite == points[0].suites[0] for row in table.rows}
    assert points[0].suites[0] == "mini v2"
    for point in points:
        levels = [rows[point.name].mean(f"delta_avg@{level}") or 0.0 for level in ("easy", "medium", "hard")]
        assert point.matching == pytest.approx(sum(levels) / 3, abs=1e-5)


def test_pareto_plot_joins_records_of_one_model_only() -> None:
    """Models without weights have the hash of nothing in common; one checkpoint with other preprocessing is another model."""
    stored = find_records([RESULTS])
    matched = next(each for each in stored if each.record.data.suite == "mini v2" and each.record.model == "daisy")
    classified = next(each for each in stored if each.record.task == "classification")

    def joined(first: dict[str, Any], second: dict[str, Any]) -> int:
        both = [
            replace(each, record=each.record.model_copy(update={"model_info": {**each.record.model_info, **info}}))
            for each, info in ((matched, first), (classified, second))
        ]
        return len(pareto_points(build_tables(both)))

    same = {"weights_sha256": "0" * 64, "checkpoint_sha256": None, "p": "2", "scales": None, "input_size": None, "source_sha256": "a"}
    assert joined(same, same) == 1
    for name, value in {"source_sha256": "b", "scales": [0.5, 1.0], "p": "1", "input_size": 512}.items():
        assert joined(same, {**same, name: value}) == 0


def test_labels_of_the_pareto_plot_do_not_overlap() -> None:
    near = [ParetoPoint(f"m{k}", ("mini v1", "colours v1"), 0.1 + 0.004 * (k % 4), 0.8, 0.1 + 0.01 * (k % 3)) for k in range(9)]
    points = [_marked(each, near) for each in (*near, ParetoPoint("front", ("mini v1", "colours v1"), 0.05, 0.8, 0.5))]
    root = ElementTree.fromstring(pareto_svg(points))
    name = "{http://www.w3.org/2000/svg}"
    dots = [(float(dot.attrib["x"]), float(dot.attrib["y"])) for dot in root.findall(f".//{name}g[@id='axes_1']//{name}use[@x]")]
    dots = [dot for dot in dots if dot[0] > 0]
    groups = [root.find(f".//{name}g[@id='label-{k}']/{name}text") for k in range(len(points))]
    labels = [(float(each.attrib["x"]), float(each.attrib["y"])) for each in groups if each is not None]
    assert len(labels) == len(points)

    def over(one: tuple[float, float], other: tuple[float, float], width: float, height: float) -> bool:
        return abs(one[0] - other[0]) < width and abs(one[1] - other[1]) < height

    assert not any(over(label, dot, 6 + 4, 5 + 4) for label in labels for dot in dots)
    assert not any(over(one, other, 12, 10) for k, one in enumerate(labels) for other in labels[:k])
