"""Properties that all committed records must have."""

import itertools
from pathlib import Path

import pytest

from pixbench.evaluation.record import Record, find_records
from pixbench.experiments import experiment_named
from pixbench.experiments.sweep import read_cells

RESULTS = Path(__file__).parents[2] / "results"


def _models(suite: str) -> list[Record]:
    """Records of methods, without the oracle and chance."""
    found = [each.record for each in find_records([RESULTS / suite])]
    # Nor keypoint matchers, which are not ranked by their predictions for all queries.
    return [record for record in found if record.model_info.get("kind") not in ("oracle", "chance") and "reach_px" not in record.model_info]


@pytest.mark.parametrize("suite", ["mini", "standard"])
@pytest.mark.parametrize(("level", "spread"), [("easy", 0.3), ("medium", 0.2)])
def test_levels_discriminate_between_models(suite: str, level: str, spread: float) -> None:
    values = [record.value(f"delta_avg@{level}") for record in _models(suite)]
    known = [value for value in values if value is not None]
    assert len(known) >= 6
    assert max(known) - min(known) >= spread


@pytest.mark.parametrize("suite", ["mini", "standard"])
def test_delta_avg_is_the_mean_over_levels(suite: str) -> None:
    for record in _models(suite):
        levels = [record.value(f"delta_avg@{level}") for level in ("easy", "medium", "hard")]
        assert record.value("delta_avg") == pytest.approx(sum(level or 0.0 for level in levels) / 3, abs=1e-5)


def test_results_hold_records_and_no_data() -> None:
    # CONTRIBUTING.md asks for files under 1 MB; a set that a command made in this folder would be committed with them. The tables grow with
    # the records.
    files = [path for path in RESULTS.rglob("*") if path.is_file() and path.parent.name != "leaderboard"]
    assert {path for path in files if path.stat().st_size > 1_000_000} == set()
    assert {path for path in files if path.name == "dataset.json" or path.parent.name == "shards"} == set()


def test_reproduction_page_matches_the_records() -> None:
    page = (RESULTS.parent / "docs/reproduction.md").read_text().splitlines()
    first = page.index("| model | instance IoU | Rand index | depth edge AP | normal edge AP | binary values | ID mIoU | OOD mIoU |")
    rows = list(itertools.takewhile(lambda line: line.startswith("|"), page[first + 2 :]))
    records = {each.path.stem: each.record for each in find_records([RESULTS / "room-classes"])}
    metrics = ("instance_iou", "instance_rand", "depth_edge_ap", "normal_edge_ap", "binary_share", "id_miou", "ood_miou")
    assert len(rows) == len(records)
    for row in rows:
        name, *numbers = (cell.strip() for cell in row.strip("|").split("|"))
        assert numbers == [f"{records[name].value(metric):.3f}" for metric in metrics], name


TABLES = ("experiment1-cpu-long", "experiment1-cpu-longer", "experiment2-cpu", "networks-cpu", "negatives-cpu", "supervised-paper")


@pytest.mark.parametrize("folder", TABLES)
def test_tables_of_the_reproduction_page_are_those_of_the_report(folder: str) -> None:
    page = (RESULTS.parent / "docs/reproduction.md").read_text().splitlines()
    name = folder.partition("-")[0]
    experiment = experiment_named(name)
    rows = [line for line in experiment.table(experiment.summary(read_cells(name, RESULTS / folder))).splitlines() if line.startswith("|")]
    assert len(rows) > 2
    assert [row for row in rows if row not in page] == []
