"""Experiment 1 at toy size: the sweep runs what is missing, the report is a function of the records, the rows have the known order."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import Result
from toys import toy_preset
from typer.testing import CliRunner

from pixbench.cli import app
from pixbench.errors import UserError
from pixbench.evaluation.probing.domains import Bounds
from pixbench.evaluation.probing.head import PixelHead, head_accuracy, train_head
from pixbench.evaluation.probing.linear_probe import probe_accuracy
from pixbench.experiments import cell_format, color_curve, experiment1
from pixbench.experiments import supervised as supervised_experiment
from pixbench.experiments.color_curve import ColorCurve
from pixbench.experiments.experiment1 import PRESETS, cells, draw, summary, table
from pixbench.experiments.supervised import PRESETS as PRESETS_SUPERVISED
from pixbench.experiments.supervised import SupervisedPreset, supervised
from pixbench.experiments.sweep import read_cells, sweep
from pixbench.generators.warps.colored_mnist import colored_mnist
from pixbench.generators.warps.mnist import Digits
from pixbench.models.unet import parameter_count

CPU = torch.device("cpu")


def _bars(count: int, seed: int = 0) -> Digits:
    """Distinguishable digits: class k is a bar with its own position and slope."""
    rng = np.random.default_rng(seed)
    classes = rng.integers(10, size=count).astype(np.uint8)
    y, x = np.mgrid[0:28, 0:28] - 13.5
    images = []
    for k in classes:
        angle = np.pi * (k % 5) / 5
        across = x * np.cos(angle) + y * np.sin(angle) + (4 if k < 5 else -4) + rng.normal(0, 0.5)
        images.append(np.clip(255 * np.exp(-((across / 2) ** 2)) * (np.hypot(x, y) < 11), 0, 255))
    return Digits(np.array(images).astype(np.uint8), classes, "0" * 64)


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A preset `toy`, that reads its digits from a file."""
    digits = _bars(120)
    np.savez(tmp_path / "bars.npz", images=digits.images, classes=digits.classes)
    small = replace(toy_preset(tmp_path / "bars.npz"), p=(math.inf, 1.0), seeds=2)
    monkeypatch.setitem(PRESETS, "toy", small)
    monkeypatch.setitem(PRESETS, "toy-curve", replace(small, steps=20, curve=True))
    return tmp_path / "sweep"


def test_paper_head_has_the_published_number_of_parameters() -> None:
    head = PixelHead(32)
    assert parameter_count(head) == 28_479
    assert head(torch.randn(2, 32, 9)).shape == (2, 9)


def test_heads_learn_from_descriptors_but_not_from_noise() -> None:
    g = torch.Generator().manual_seed(0)
    labels = (torch.rand(300, generator=g) < 0.5).numpy()
    features = torch.randn(300, 4, 16, generator=g)
    features[:, 1, :4] += 3.0 * torch.from_numpy(labels)[:, None]
    noise = torch.randn(300, 4, 16, generator=g)
    head = train_head(features[:200], labels[:200], steps=150, batch=64, learning_rate=2e-3, seed=0, device=CPU)
    assert head_accuracy(head, features[200:], labels[200:], device=CPU) > 0.9
    informative, uninformative = probe_accuracy(
        features[:200], labels[:200], (features[200:], labels[200:]), (noise[200:], labels[200:]), strength=1.0, steps=1000
    )
    assert informative > 0.9
    assert 0.3 < uninformative < 0.7


@pytest.mark.parametrize(
    ("preset", "id_", "ood", "kind"),
    [
        ("paper", 0.85, 0.10, "encode"),
        ("paper", 0.72, 0.717, "suppress"),
        ("paper", 0.87, 0.10, "ambiguous"),
        ("paper", 0.78, 0.37, "ambiguous"),
        ("cpu", 0.84, 0.13, "encode"),
        ("cpu", 0.71, 0.69, "suppress"),
        ("cpu", 0.71, 0.55, "ambiguous"),
    ],
)
def test_runs_are_classified_by_the_bounds_of_their_preset(preset: str, id_: float, ood: float, kind: str) -> None:
    assert PRESETS[preset].bounds.classify(id_, ood) == kind


def test_paper_preset_has_the_published_grid() -> None:
    grid = cells("paper")
    assert len(grid) == 3 * 7 * 10
    assert len({cell.name for cell in grid}) == len(grid)
    assert [cell.seed for cell in grid[:22]] == [0] * 21 + [1]
    with pytest.raises(UserError, match="did you mean 'paper'"):
        cells("papr")


@pytest.mark.slow
def test_sweep_runs_missing_cells_and_the_report_reads_them(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    assert sweep("experiment1", cells("toy", p=(1.0,)), toy, progress=seen.append) == 4
    assert sum(seen) == pytest.approx(4)
    first = {path.name: path.read_bytes() for path in toy.glob("cells/*.json")}
    assert len(first) == 4
    monkeypatch.setattr(experiment1, "train_backbone", None)  # a finished cell is never run again
    assert sweep("experiment1", cells("toy", p=(1.0,)), toy) == 0
    monkeypatch.undo()
    record = json.loads((toy / "cells/p-1_c-0.9_seed-1.json").read_text())
    assert (record["p"], record["between_weight"], record["seed"], record["preset"]) == ("1", 0.9, 1, "toy")
    assert 0 <= record["id"] <= 1
    assert len(record["losses"]) == 3
    assert (record["train_digits"], record["id_digits"], record["ood_digits"]) == (64, 16, 40)
    rows = summary(read_cells("experiment1", toy))
    assert [(row["p"], row["between_weight"], len(row["seeds"])) for row in rows] == [("1", 0.0, 2), ("1", 0.9, 2)]
    assert rows[0]["reference"] == {"encode": 0, "suppress": 10, "ambiguous": 0}
    result: Result = CliRunner().invoke(app, ["report", "experiment1", "--data", str(toy), "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.output.splitlines()[-1])["cells"] == rows
    assert (toy / "figure.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_cell_is_deterministic_for_its_seed(toy: Path, tmp_path: Path) -> None:
    cell = cells("toy")[0]
    first, again = (experiment1.run(cell, tmp_path / name) for name in ("one", "two"))
    for name in ("id", "ood", "losses", "channels", "probe_id"):
        assert first[name] == again[name]


@pytest.mark.slow
def test_colour_curve_has_every_saved_step_also_after_resuming(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(color_curve, "HEAD_STEPS", 2)
    cell = cells("toy-curve")[0]
    whole = experiment1.run(cell, toy)["curve"]
    assert [point["step"] for point in whole] == list(range(2, 21, 2))
    assert all(point["color_change"] > 0 and 0 <= point["probe_ood"] <= 1 for point in whole)
    measure = ColorCurve.measure

    def stopped(self: ColorCurve, step: int, network: torch.nn.Module) -> None:
        measure(self, step, network)
        if step == 6:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ColorCurve, "measure", stopped)
        with pytest.raises(KeyboardInterrupt):
            experiment1.run(cell, toy / "again")
    assert experiment1.run(cell, toy / "again")["curve"] == whole
    draw([_record("inf", 0.0, 0, 0.7, 0.7) | {"curve": whole}], toy / "figure.png")


def test_colour_curve_drops_points_of_an_attempt_that_was_not_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ColorCurve, "_measures", lambda self, network: {"id": 0.5})
    curve = ColorCurve(tmp_path / "run.curve.json", {}, lambda network, images: torch.zeros(()), 0, CPU)
    for step in (10, 20, 30, 10):
        curve.measure(step, torch.nn.Identity())
    assert curve.points() == [{"step": 10, "id": 0.5}]


def test_colour_change_matches_hand_computed_values() -> None:
    images = np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3)
    assert (color_curve.swapped_colors(images)[0, 1, 1] == [10, 9, 11]).all()
    features, swapped = torch.tensor([[[0.0]], [[2.0]]]), torch.tensor([[[1.0]], [[2.0]]])
    # Differences 1 and 0; the deviation of 0 and 2 is the root of 2.
    assert color_curve.color_change(features, swapped) == pytest.approx(0.5 / 2**0.5, abs=1e-6)
    assert color_curve.color_change(features, features) == 0


def _record(p: str, weight: float, seed: int, id_: float, ood: float) -> dict[str, Any]:
    kind = Bounds((0.8, 1), (0, 0.25), (0.5, 0.8), 0.1).classify(id_, ood)
    channels = np.zeros((2, 4, 16, 16), int).tolist()
    common = {"preset": "cpu", "settings": {"steps": 6}, "losses": [0.3, 0.1], "channels": channels, "probe_id": 0.8, "probe_ood": 0.2}
    return {
        "format": cell_format("experiment1"),
        "p": p,
        "between_weight": weight,
        "seed": seed,
        "id": id_,
        "ood": ood,
        "class": kind,
        **common,
    }


def test_the_table_shows_every_seed_and_whether_the_majority_agrees(tmp_path: Path) -> None:
    records = [_record("inf", 0.0, seed, 0.7, ood) for seed, ood in enumerate((0.69, 0.68, 0.1))]
    records += [_record("inf", 0.9, 0, 0.6, 0.1), _record("2", 0.9, 0, 0.85, 0.1)]
    (tmp_path / "cells").mkdir()
    for number, record in enumerate(records):
        (tmp_path / f"cells/{number}.json").write_text(json.dumps(record))
    rows = summary(read_cells("experiment1", tmp_path))
    assert [(row["p"], row["between_weight"], row["majority"], row["agrees"]) for row in rows] == [
        ("inf", 0.0, "suppress", True),
        ("inf", 0.9, "ambiguous", False),
        ("2", 0.9, "encode", True),
    ]
    # Four of the reference's ten runs are no majority to agree with.
    assert summary([_record("inf", 1, 0, 0.85, 0.1)])[0]["agrees"] is None
    text = table(rows)
    assert "Preset cpu, objective paper." in text
    assert "| inf | 0 | 0.700 0.700 0.700 | 0.690 0.680 0.100 | 0 / 2 / 1 | 0 / 10 / 0 | yes |" in text
    draw(records, tmp_path / "figure.png")
    (tmp_path / "cells/9.json").write_text("{}")
    with pytest.raises(UserError, match=r"9\.json is not a record of experiment1"):
        read_cells("experiment1", tmp_path)


def test_two_sweeps_do_not_share_a_folder(toy: Path) -> None:
    toy.mkdir()
    (toy / "thesis.txt").write_text("years of work")
    with pytest.raises(UserError, match="is not empty and is not a sweep"):
        sweep("experiment1", cells("toy"), toy)
    (toy / "thesis.txt").unlink()
    (toy / "sweep.json").write_text('{"experiment": "experiment1", "preset": "cpu"}\n')
    with pytest.raises(UserError, match="holds another sweep"):
        sweep("experiment1", cells("toy"), toy)


@pytest.mark.slow
def test_supervised_rows_have_the_known_order() -> None:
    domains = colored_mnist(_bars(4000), cut="irm", seed=0)
    erm, irm, grey = (supervised(domains, method, seed=0) for method in ("erm", "irm", "grey"))
    # Colour misleads ERM; IRM loses accuracy by ignoring it; the grey images do not have it.
    assert erm[0] > 0.8
    assert erm[1] < 0.5
    assert grey[1] > 0.7
    assert erm[1] < irm[1] <= grey[1] + 0.05


@pytest.mark.slow
def test_the_supervised_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digits = _bars(120)
    np.savez(tmp_path / "bars.npz", images=digits.images, classes=digits.classes)
    monkeypatch.setitem(PRESETS_SUPERVISED, "toy", SupervisedPreset(f"npz:{tmp_path}/bars.npz", 2))
    monkeypatch.setattr("pixbench.experiments.supervised.STEPS", 4)
    assert sweep("supervised", supervised_experiment.cells("toy"), tmp_path / "sweep") == 6
    rows = supervised_experiment.summary(read_cells("supervised", tmp_path / "sweep"))
    assert [(row["method"], len(row["ood"]), row["train_digits"]) for row in rows] == [("erm", 2, 100), ("irm", 2, 100), ("grey", 2, 100)]
    result: Result = CliRunner().invoke(app, ["report", "supervised", "--data", str(tmp_path / "sweep")])
    assert result.exit_code == 0, result.output
    assert "| irm | " in result.output
    assert "| 0.708 | 0.669 |" in result.output
