import csv
import io
import json
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import ttest_rel
from torch import Tensor

from pixbench.errors import UserError
from pixbench.evaluation.evaluate import evaluate
from pixbench.evaluation.model import DescriptorModel
from pixbench.evaluation.predictions import read_predictions, write_predictions
from pixbench.evaluation.record import Record, Stored, find_records, read_record, schema_json, write_record
from pixbench.evaluation.source import DatasetSource, PairSource
from pixbench.evaluation.suite import Opening
from pixbench.files import file_sha256
from pixbench.leaderboard import verify
from pixbench.leaderboard.entries import entries
from pixbench.leaderboard.pareto import ParetoPoint, pareto_points, pareto_svg
from pixbench.leaderboard.render import FILES, differing, markdown, rendered, write
from pixbench.leaderboard.statistics import Samples, bimodal, interval, paired_p, shared_ranks
from pixbench.leaderboard.submit import check
from pixbench.leaderboard.tables import build_tables


class Blurred(DescriptorModel):
    """Colours with noise of a seed, as a trained model's record would have it."""

    p = 2.0

    def __init__(self, seed: int, noise: float = 0.02):
        self.name = f"blurred-seed{seed}" if seed else "blurred"
        self._seed, self._noise = seed, noise

    @property
    def info(self) -> dict[str, Any]:
        config = {"objective": "paper", "between_weight": 0.5, "seed": self._seed, "noise": self._noise}
        training = {"config": config, "data": {"recipe_sha256": "0"}}
        return {"kind": "checkpoint", "p": 2, "checkpoint_sha256": str(self._seed), "training": training}

    def describe(self, images: Tensor) -> Tensor:
        generator = torch.Generator().manual_seed(self._seed)
        places = torch.linspace(0, 1, images.shape[3]).expand(len(images), 1, *images.shape[2:])
        noise = torch.randn(images.shape[1:], generator=generator)
        return torch.cat([images + self._noise * noise, places, places.transpose(2, 3)], dim=1)


@pytest.fixture(scope="module")
def source(tiny: Path) -> DatasetSource:
    return DatasetSource(tiny, "tiny", 4)


@pytest.fixture(scope="module")
def results(source: DatasetSource, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seeds of one method, and a worse one."""
    folder = tmp_path_factory.mktemp("results")
    for model in (Blurred(0), Blurred(1), Blurred(0, noise=9.0)):
        evaluate(model, source, folder / str(model._noise))
    return folder


def samples(values: Any, count: float = 1.0) -> Samples:
    total = np.atleast_2d(np.asarray(values, float))
    return Samples(total * count, np.full(total.shape, count))


# Statistics


def test_intervals_hold_the_mean_and_shrink_with_its_spread() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(0.5, 0.1, 40)
    low, high = interval(samples(values))  # type: ignore[misc]
    # The normal approximation of the same interval, which a bootstrap of 40 numbers comes near to.
    half = 1.96 * values.std(ddof=1) / np.sqrt(40)
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.004)
    assert interval(samples(values)) == (low, high)
    assert interval(samples([0.5])) is None
    assert interval(samples([0.5, 0.5, 0.5])) == (0.5, 0.5)


def test_seeds_that_differ_widen_the_interval() -> None:
    scenes = np.linspace(0.4, 0.6, 20)
    one = interval(samples(scenes))
    three = interval(samples([scenes - 0.2, scenes, scenes + 0.2]))
    assert one is not None
    assert three is not None
    assert three[1] - three[0] > 3 * (one[1] - one[0])


def test_scenes_weigh_by_their_numbers_of_pairs() -> None:
    found = Samples(np.array([[9.0, 0.0]]), np.array([[9.0, 1.0]]))
    assert found.mean == 0.9
    assert found.of_units.tolist() == [1.0, 0.0]


def test_paired_tests_see_differences_that_scenes_share() -> None:
    rng = np.random.default_rng(0)
    scenes = rng.uniform(0, 1, 30)
    other = scenes + rng.normal(0.02, 0.05, 30)
    p = paired_p(samples(other), samples(scenes))
    assert p == pytest.approx(ttest_rel(other, scenes).pvalue, abs=0.02)
    assert paired_p(samples(scenes + 0.05), samples(scenes)) < 0.001  # type: ignore[operator]
    assert paired_p(samples(scenes), samples(scenes)) == 1.0
    # Six scenes: 2 of the 64 flips are as far as what was seen. With five nothing could fall below 0.05.
    assert paired_p(samples([0.3, 0.4, 0.5, 0.3, 0.4, 0.5]), samples([0.1] * 6)) == pytest.approx(2 / 64)
    assert paired_p(samples([0.3, 0.4, 0.5, 0.3, 0.4]), samples([0.1] * 5)) is None


def test_the_test_weighs_scenes_as_the_mean_does() -> None:
    # Better on one scene of 100 pairs, worse on seven of one: ahead in the mean, behind in the mean of scenes.
    count = np.array([[100.0] + [1.0] * 7])
    one, other = Samples(count * [[0.9] + [0.1] * 7], count), Samples(count * [[0.2] + [0.3] * 7], count)
    assert one.mean > other.mean
    assert one.of_units.mean() < other.of_units.mean()
    # The large scene alone decides how far a flip lies, so that every flip lies as far as what was seen.
    assert paired_p(one, other) == 1.0


def test_rows_that_cannot_be_told_apart_share_a_rank() -> None:
    rng = np.random.default_rng(0)
    base, noise = rng.uniform(0.4, 0.6, 30), rng.normal(0, 0.05, (4, 30))
    noise -= noise.mean(axis=1, keepdims=True)
    # A chain of small steps: each row is level with the one above, the last is not with the first.
    steps = [base + 0.012 * -k + noise[k] for k in range(4)]
    rows = [samples(each) for each in steps]
    assert all((paired_p(a, b) or 0) > 0.05 for a, b in zip(rows, rows[1:], strict=False))
    assert paired_p(rows[0], rows[3]) < 0.05  # type: ignore[operator]
    ranks = shared_ranks(rows)
    assert ranks[:2] == [1, 1]
    assert ranks[3] != 1
    assert shared_ranks([samples(base + 0.2), samples(base), samples(base)]) == [1, 2, 2]
    assert shared_ranks([None, None]) == [None, None]
    assert shared_ranks([samples([0.9] * 3), samples([0.1] * 3)]) == [None, None]
    assert shared_ranks([]) == []


@pytest.mark.parametrize(
    ("values", "heaps"),
    [
        ([0.11, 0.12, 0.85], True),
        ([0.11, 0.85, 0.86, 0.10], True),
        ([0.10, 0.20, 0.55, 0.68], True),
        ([0.369, 0.486, 0.504], False),  # one lies off, but not far
        ([0.50, 0.55, 0.61], False),  # no gap is wide
        ([0.1, 0.3, 0.5, 0.7], False),  # spread evenly
        ([0.11, 0.85], False),  # two are too few to say
    ],
)
def test_two_heaps_of_seeds(values: list[float], heaps: bool) -> None:
    assert bimodal(values) is heaps


# Rows and tables


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


def test_a_second_record_of_a_seed_is_a_row_of_its_own(results: Path, tmp_path: Path) -> None:
    stored = find_records([results / "0.02"])
    assert len(entries([*stored, stored[0]])) == 1  # the same file twice is one record
    again = _copied(stored[0], tmp_path)
    assert sorted(len(entry.stored) for entry in entries([*stored, again])) == [1, 2]


@pytest.mark.parametrize(
    ("names", "rows"),
    [
        (["mine-seed10", "mine-seed11", "mine-seed2"], ["mine"]),
        (["chair-seed1", "chance-seed2"], ["chair-seed1", "chance-seed2"]),
        (["mine-1", "mine-2"], ["mine-1", "mine-2"]),  # which may be two methods
    ],
)
def test_other_models_are_gathered_by_the_seed_in_their_names(names: list[str], rows: list[str], results: Path) -> None:
    first = find_records([results])[0]
    stored = [
        Stored(first.path.with_name(name), first.record.model_copy(update={"model": name, "model_info": {"kind": "factory", "p": 2}}))
        for name in names
    ]
    assert sorted(entry.name for entry in entries(stored)) == sorted(rows)


def test_a_longer_training_is_another_method(results: Path) -> None:
    one, other = find_records([results / "0.02"])
    info = {**other.record.model_info, "step": 40}
    longer = Stored(other.path, other.record.model_copy(update={"model_info": info}))
    assert len(entries([one, longer])) == 2


def test_a_registered_metric_leaves_rows_in_one_table(results: Path) -> None:
    one, other = find_records([results / "0.02"])
    more = {**other.record.metrics, "pck@3": other.record.metrics["pck@2"]}
    assert len(build_tables([one, Stored(other.path, other.record.model_copy(update={"metrics": more}))])) == 1


def test_the_files_are_a_pure_function_of_the_records(results: Path, tmp_path: Path) -> None:
    stored = find_records([results])
    tables, again = build_tables(stored, statistics=True), build_tables(stored[::-1], statistics=True)
    assert rendered(tables) == rendered(again)
    write(tables, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)
    assert differing(tables, tmp_path) == []
    (tmp_path / "leaderboard.tex").write_text("by hand")
    (tmp_path / "leaderboard.csv").unlink()
    assert differing(tables, tmp_path) == ["leaderboard.csv", "leaderboard.tex"]


def test_the_four_kinds_of_table_say_the_same(results: Path) -> None:
    tables = build_tables(find_records([results]), statistics=True)
    (table,) = tables
    files = rendered(tables)
    mean = table.rows[0].entry.mean("delta_avg")
    assert table.rows[0].rank is None  # three scenes tell nothing apart
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


def test_a_name_cannot_break_a_table(results: Path) -> None:
    (stored, *_) = find_records([results])
    odd = Stored(stored.path, stored.record.model_copy(update={"model": "a|b_<i>&50%"}))
    files = rendered(build_tables([odd], statistics=True))
    assert r"a\|b_&lt;i&gt;&amp;50%" in files["leaderboard.md"]
    assert r"a|b\_$<$i$>$\&50\%" in files["leaderboard.tex"]
    assert "a|b_&lt;i&gt;&amp;50%" in files["leaderboard.html"]


def test_a_table_of_pairs_that_was_changed_is_refused(results: Path, tmp_path: Path) -> None:
    stored = _copied(find_records([results])[0], tmp_path)
    pairs = tmp_path / stored.record.pairs.file  # type: ignore[union-attr]
    pairs.write_text(pairs.read_text().replace("0.", "1.", 1))
    with pytest.raises(UserError, match=r"pairs\.csv is not the file that .* was made with"):
        build_tables([stored], statistics=True)
    pairs.unlink()
    with pytest.raises(UserError, match="is missing"):
        build_tables([stored], statistics=True)
    assert build_tables([stored])  # without statistics records are enough


def test_the_pareto_plot_joins_what_nothing_beats() -> None:
    def point(name: str, matching: float, ood: float) -> ParetoPoint:
        return ParetoPoint(name, ("mini v1", "colours v1"), matching, 0.8, ood)

    from pixbench.leaderboard.pareto import _marked

    points = [point("a", 0.3, 0.1), point("b", 0.2, 0.5), point("c", 0.1, 0.4), point("d", 0.2, 0.5)]
    assert [_marked(each, points).best for each in points] == [True, True, False, True]
    root = ElementTree.fromstring(pareto_svg([_marked(each, points) for each in points]))
    name = "{http://www.w3.org/2000/svg}"
    assert len(root.findall(f".//{name}g")) == 4
    line = root.find(f".//{name}polyline")
    assert line is not None
    assert len(line.attrib["points"].split()) == 3
    assert "No checkpoint" in pareto_svg(pareto_points([]))


# Rows that are checked


def _copied(stored: Stored, folder: Path) -> Stored:
    for part in (stored.record.predictions, stored.record.pairs):
        assert part is not None
        (folder / part.file).write_bytes(stored.path.with_name(part.file).read_bytes())
    path = folder / stored.path.name
    path.write_text(stored.path.read_text())
    return Stored(path, stored.record)


def _changed(stored: Stored, **fields: Any) -> Stored:
    record = Record.model_validate({**stored.record.model_dump(), **fields})
    write_record(stored.path, record)
    return Stored(stored.path, read_record(stored.path))


def test_a_row_comes_out_again(results: Path, source: DatasetSource, tmp_path: Path) -> None:
    stored = _copied(find_records([results])[0], tmp_path)
    found = verify.rescore(stored, lambda record: source)
    assert {each.name for each in found} > set(stored.record.metrics)
    assert [each.name for each in found if not each.same] == []


def _forged(stored: Stored, how: str) -> Stored:
    """A record that was made prettier by hand, with all hashes put right."""
    raw = stored.record.model_dump()
    if how == "value":
        raw["metrics"]["pck@4"]["value"] += 0.01
    elif how == "pooled":
        raw["metrics"]["pck@4"]["pooled"] += 0.01
    elif how == "missing":
        del raw["metrics"]["epe_mean"]
    elif how == "group":
        next(iter(raw["groups"].values()))["metrics"]["delta_avg"] = 0.9
    elif how == "points":
        raw["data"]["points"] += 5
    elif how == "pairs":
        path = stored.path.with_name(raw["pairs"]["file"])
        rows = list(csv.DictReader(path.read_text().splitlines()))
        rows[2]["delta_avg"] = "0.99"
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)
        raw["pairs"]["sha256"] = file_sha256(path)
    return _changed(stored, **raw)


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("value", "pck@4"),
        ("pooled", "pck@4, pooled"),
        ("missing", "epe_mean"),
        ("group", ", delta_avg"),
        ("points", "points"),
        ("pairs", "table of pairs, delta_avg"),
    ],
)
def test_a_prettier_row_does_not_come_out(how: str, told: str, results: Path, source: DatasetSource, tmp_path: Path) -> None:
    stored = _forged(_copied(find_records([results])[0], tmp_path), how)
    wrong = [each.name for each in verify.rescore(stored, lambda record: source) if not each.same]
    assert any(name.endswith(told) for name in wrong)
    assert len(wrong) <= 2  # an error that is missing may be missing pooled too


def test_predictions_with_the_easy_queries_alone_are_refused(results: Path, source: DatasetSource, tmp_path: Path) -> None:
    import dataclasses

    stored = _copied(find_records([results])[0], tmp_path)
    path = stored.beside("predictions")
    honest = read_predictions(path)

    def easy(answers: Any, keep: np.ndarray) -> Any:
        return dataclasses.replace(answers, pixel=answers.pixel[keep], matches=answers.matches.at(keep))

    for choose in (lambda n: np.zeros(n, int), lambda n: np.arange(n - 1), lambda n: np.arange(n)[::-1]):
        answers = [easy(each, choose(len(each.pixel))) for each in honest.answers]
        write_predictions(path, dataclasses.replace(honest, answers=answers))
        part = {**stored.record.predictions.model_dump(), "sha256": file_sha256(path)}
        with pytest.raises(UserError, match="query"):
            verify.rescore(_changed(stored, predictions=part), lambda record: source)


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_numbers_that_are_none_are_refused(value: float, results: Path, tmp_path: Path) -> None:
    stored = _copied(find_records([results])[0], tmp_path)
    raw = json.loads(stored.path.read_text())
    raw["metrics"]["pck@1"]["value"] = value
    stored.path.write_text(json.dumps(raw))
    with pytest.raises(UserError, match=r"field 'metrics\.pck@1\.value"):
        read_record(stored.path)
    assert not verify.Comparison("x", 0.3, float("inf")).same


@pytest.mark.parametrize("name", ["../x.h5", "sub/x.h5", "", "a\\b.h5"])
def test_files_of_a_record_lie_beside_it(name: str, results: Path, tmp_path: Path) -> None:
    stored = _copied(find_records([results])[0], tmp_path)
    raw = json.loads(stored.path.read_text())
    raw["predictions"]["file"] = name
    stored.path.write_text(json.dumps(raw))
    with pytest.raises(UserError, match=r"field 'predictions\.file'"):
        read_record(stored.path)


def test_one_row_that_cannot_be_compared_does_not_hide_the_others(results: Path, tiny: Path, tmp_path: Path) -> None:
    good, other = find_records([results / "0.02"])
    bad = _changed(_copied(other, tmp_path), data={**other.record.model_dump()["data"], "suite": "mini v9"})
    found = verify.rescore_all([bad, good], Opening(tmp_path), tiny, 1)
    assert isinstance(found[0], UserError)
    assert all(each.same for each in found[1])  # type: ignore[union-attr]


def test_rows_are_scored_again_on_several_processes(results: Path, tiny: Path, tmp_path: Path) -> None:
    stored = find_records([results])
    ticks: list[int] = []
    found = verify.rescore_all(stored, Opening(tmp_path), tiny, 2, ticks.append)
    assert found == verify.rescore_all(stored, Opening(tmp_path), tiny, 1)
    assert sum(ticks) == sum(each.record.data.pairs for each in stored)


def test_rows_are_found_by_model_file_and_row(results: Path) -> None:
    stored = find_records([results])
    assert len(verify.find_rows(stored, None)) == 3
    assert [each.record.model for each in verify.find_rows(stored, "blurred-seed1")] == ["blurred-seed1"]
    assert len(verify.find_rows(stored, "blurred")) == 3
    with pytest.raises(UserError, match="unknown row 'blured': did you mean 'blurred'"):
        verify.find_rows(stored, "blured")


def test_the_model_itself_is_run_again(results: Path, source: DatasetSource, tmp_path: Path) -> None:
    stored = next(each for each in find_records([results]) if each.record.model == "blurred-seed1")
    again = verify.rerun(stored, Blurred(1), lambda record: source, Opening(tmp_path), lambda done: None)
    assert all(each.same for each in again)
    with pytest.raises(UserError, match="was made by checkpoint_sha256 1, the model here has 0"):
        verify.rerun(stored, Blurred(0), lambda record: source, Opening(tmp_path), lambda done: None)


def test_other_versions_are_refused_by_name(results: Path, tmp_path: Path) -> None:
    stored = _copied(find_records([results])[0], tmp_path)
    metrics = stored.record.model_dump()["metrics"]
    metrics["pck@2"]["version"] = 7
    with pytest.raises(UserError, match=r"metric 'pck@2' is version 7 .*here it is version 1"):
        verify.check_definitions(_changed(stored, metrics=metrics))
    metrics["pck@2"] |= {"version": 1, "sha256": "0" * 64}
    with pytest.raises(UserError, match=r"metric 'pck@2' is version 1 \(000000000000\)"):
        verify.check_definitions(_changed(stored, metrics=metrics))
    data = stored.record.model_dump()["data"]
    with pytest.raises(UserError, match="suite 'mini' is version 9, here it is version 1"):
        verify.check_definitions(_changed(stored, data={**data, "suite": "mini v9"}))
    with pytest.raises(UserError, match="suite 'maxi' is version 1, here it is not known"):
        verify.check_definitions(_changed(stored, data={**data, "suite": "maxi v1"}))
    with pytest.raises(UserError, match="'tiny', which is no suite: give it with --data"):
        verify.pair_opener(Opening(tmp_path), None)(stored.record)


def test_another_data_set_is_refused(results: Path, source: DatasetSource, tmp_path: Path) -> None:
    stored = _copied(find_records([results])[0], tmp_path)
    data = stored.record.model_dump()["data"]
    with pytest.raises(UserError, match="was scored on recipe 000000000000, the data here has"):
        verify.rescore(_changed(stored, data={**data, "recipe_sha256": "0" * 64}), lambda record: source)


class Elsewhere(PairSource):
    """The same set as another processor makes it: some queries have another status."""

    def __init__(self, source: DatasetSource, lost: int):
        self._source, self._lost = source, lost
        self.query_stride = source.query_stride
        self.identity = source.identity.__class__(**{**source.identity.__dict__, "content_sha256": "other"})

    def groups(self) -> Any:
        return self._source.groups()

    def images(self, scene: int) -> Any:
        return self._source.images(scene)

    def pair(self, key: Any) -> Any:
        return self._source.pair(key)

    def queries(self, pair: Any) -> Any:
        found = super().queries(pair)
        first = self.groups()[0][0]
        return found[self._lost :] if pair.key == first else found


def test_a_set_made_on_another_processor_scores_the_same(tiny: Path, tmp_path: Path) -> None:
    source = DatasetSource(tiny, "tiny", 2)
    path, record = evaluate(Blurred(0), source, tmp_path)
    stored = Stored(path, record)
    found = verify.rescore(stored, lambda record: Elsewhere(source, 1))
    assert all(each.same for each in found if each.name in record.metrics and "pose" not in each.name)
    assert any(each.reported != each.measured for each in found)
    with pytest.raises(UserError, match=r"of .* query pixels differ from the suite's, one in a thousand may"):
        verify.rescore(stored, lambda record: Elsewhere(source, 20))


def test_what_a_submission_needs(results: Path, tmp_path: Path) -> None:
    first = find_records([results])[0]
    stored = _copied(first, tmp_path)

    def missing(each: Stored, others: Any = (), rescored: Any = ()) -> dict[str, str]:
        return {one.what: one.missing for one in check(each, others, rescored) if one.missing}

    found = missing(stored, [first])
    assert set(found) == {"it is of a published suite", "its name is its own", "it says what was trained on"}
    data = stored.record.model_dump()["data"]
    good = _changed(stored, data={**data, "suite": "mini v1", "trained_on": "0" * 64})
    assert missing(good) == {}
    apart = [verify.Comparison("pck@1", 0.5, 0.4)]
    assert missing(good, rescored=apart) == {"its predictions give its numbers": "pck@1 came out otherwise: evaluate again"}
    assert missing(good, rescored=UserError("not here")) == {"its predictions give its numbers": "not here"}
    failed = _changed(good, data={**good.record.model_dump()["data"], "failed": {"ValueError: no": 3}})
    assert missing(failed) == {"every pair was answered": "3 pairs failed: ValueError: no"}
    info = {**good.record.model_info, "note": "/home/me/weights.pt"}
    assert "'/home/me/weights.pt' stands in it" in missing(_changed(good, model_info=info))["no path of your machine is in it"]
    (tmp_path / stored.record.predictions.file).write_bytes(b"another" * 200_000)
    found = missing(good)
    assert "is not the file" in found["the files that it names lie beside it"]
    assert "has 1400000 bytes" in found["each file is under 1 MB"]


# What is published


def test_committed_tables_are_what_the_records_give() -> None:
    root = Path(__file__).parents[2] / "results"
    tables = build_tables(find_records([root]), statistics=True)
    assert differing(tables, root / "leaderboard") == []


def test_committed_files_are_those_that_their_records_name_and_small() -> None:
    stored = find_records([Path(__file__).parents[2] / "results"])
    assert len(stored) >= 18
    for each in stored:
        for part in filter(None, (each.record.predictions, each.record.pairs)):
            path = each.path.with_name(part.file)
            assert file_sha256(path) == part.sha256, path
            assert path.stat().st_size < 1_000_000, path
        verify.check_definitions(each)


def test_the_published_schema_is_that_of_the_records() -> None:
    published = Path(__file__).parents[2] / "docs" / "record.schema.json"
    assert published.read_text() == schema_json()
    assert json.loads(schema_json())["additionalProperties"] is False
