"""A record states what was evaluated: the model, the norm that was used, and what the model was given besides images."""

import importlib
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from pixbench.dataset.reader import Pair
from pixbench.errors import UserError
from pixbench.evaluation.matching.dense_matcher import Matches, Search
from pixbench.evaluation.matching.evaluate import evaluate
from pixbench.evaluation.matching.pairs import DatasetPairs
from pixbench.evaluation.model import DescriptorModel, Model
from pixbench.evaluation.record_place import file_stem
from pixbench.models.checkpoint import CheckpointConfig, save_checkpoint, seeded_network
from pixbench.models.identity import model_identity
from pixbench.models.loading import load_model
from pixbench.models.unet import UNetConfig

CODE = """
import torch
from pixbench.evaluation.model import DescriptorModel
import {helper}

class Mine(DescriptorModel):
    name, p = "mine", 2.0
    def __init__(self):
        self.weight = torch.{weight}(1)
    def describe(self, images):
        return {helper}.changed(images) * self.weight

def build():
    return Mine()
"""
HELPER = "def changed(images):\n    return images.{what}(2)\n"


class StoppedError(Exception):
    """Interrupts a run."""


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Model]:
    """Writes a user's model of two files, and loads it as a new process would."""
    name, helper = f"model_{tmp_path.name}".replace("-", "_"), f"helper_{tmp_path.name}".replace("-", "_")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def write(weight: str = "ones", what: str = "mul") -> Model:
        (tmp_path / f"{name}.py").write_text(CODE.format(helper=helper, weight=weight))
        (tmp_path / f"{helper}.py").write_text(HELPER.format(what=what))
        for module in (name, helper):
            sys.modules.pop(module, None)
        importlib.invalidate_caches()
        return load_model(f"{name}:build", trust_code=True)

    return write


def test_identity_covers_source_imported_files_and_state(written: Callable[..., Model]) -> None:
    first = model_identity(written())
    assert model_identity(written()) == first
    others = {model_identity(written(weight="zeros")), model_identity(written(what="add"))}
    assert len(others | {first}) == 3
    changed = written()
    changed.weight = torch.full((1,), 0.5)  # type: ignore[attr-defined]
    assert model_identity(changed) not in {*others, first}


@pytest.mark.parametrize("name", ["rgb-patch", "random-unet", "dense-sift"])
def test_identity_is_unchanged_by_use(name: str, tiny: Path, tmp_path: Path) -> None:
    model = load_model(f"baseline:{name}")
    before = model_identity(model)
    evaluate(model, DatasetPairs(tiny, "tiny", 16), tmp_path)
    model.cells(torch.rand(1, 3, 32, 32))  # type: ignore[attr-defined]
    assert model_identity(model) == before


def test_interrupted_run_resumes_only_with_the_same_model(written: Callable[..., Model], tiny: Path, tmp_path: Path) -> None:
    source, out = DatasetPairs(tiny, "tiny", 8), tmp_path / "out"
    steps = iter(range(7))

    def stop(done: int) -> None:
        if next(steps, None) is None:
            raise StoppedError

    with pytest.raises(StoppedError):
        evaluate(written(), source, out, progress_bar=lambda *_: nullcontext(stop))
    work = out / ".mine.scenes"
    assert len(list(work.glob("*.h5"))) == 1
    with pytest.raises(UserError, match=r"holds an interrupted run of another model .* --force"):
        evaluate(written(what="add"), source, out)
    # A finished scene that was damaged is evaluated again.
    part = next(work.glob("*.h5"))
    part.write_bytes(part.read_bytes()[:-100])
    resumed = evaluate(written(), source, out)[1]
    assert resumed.metrics == evaluate(written(), source, tmp_path / "fresh")[1].metrics


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rgb-patch", "dense-sift", "hog", "random-unet"])
def test_record_names_the_norm_that_was_used(name: str, tiny: Path, tmp_path: Path) -> None:
    source = DatasetPairs(tiny, "tiny", 16)
    records = {p: evaluate(load_model(f"baseline:{name}", p=p), source, tmp_path / str(p))[1] for p in (1.0, "cosine")}
    assert [record.model_info["p"] for record in records.values()] == ["1", "cosine"]
    assert records[1.0].model_sha256 != records["cosine"].model_sha256


@pytest.mark.slow
def test_other_records_are_not_overwritten(tiny: Path, tmp_path: Path) -> None:
    source, other = DatasetPairs(tiny, "tiny", 16), DatasetPairs(tiny, "tiny", 8)
    path, first = evaluate(load_model("baseline:rgb-patch"), source, tmp_path)
    before = path.read_bytes()
    changes: list[Callable[..., object]] = [
        lambda force: evaluate(load_model("baseline:rgb-patch", p=1.0), source, tmp_path, force=force),
        lambda force: evaluate(load_model("baseline:rgb-patch"), source, tmp_path, search=Search(subpixel=True), force=force),
        lambda force: evaluate(load_model("baseline:rgb-patch"), other, tmp_path, force=force),
    ]
    for change in changes:
        with pytest.raises(UserError, match=r"rgb-patch\.json is the record of another (model|protocol): .*--force"):
            change(False)
        assert path.read_bytes() == before
    assert evaluate(load_model("baseline:rgb-patch"), source, tmp_path)[1].metrics == first.metrics
    changes[0](True)
    assert path.read_bytes() != before


def test_checkpoints_are_named_by_their_run(tmp_path: Path) -> None:
    network = UNetConfig(widths=(8,), blocks=(1,), channels=4, heads=0)
    names = []
    for place in ("a/seed0/checkpoint", "b/seed0/checkpoint", "b/seed0/best", "mine/checkpoint", "mine/best"):
        config = CheckpointConfig(network=network, p=2.0, step=1, training={})
        save_checkpoint(tmp_path / place, seeded_network(network, 0), config)
        names.append(load_model(str(tmp_path / place)).name)
    assert names == ["a-seed0", "b-seed0", "b-seed0-best", "mine", "mine-best"]
    assert file_stem("../a b") == "..-a-b"


class Cheat(Model):
    """Returns the ground truth, if it is given."""

    name = "cheat"

    def match(self, pair: Pair, query_uv: np.ndarray) -> Matches:
        """See Model."""
        column, row = query_uv.astype(int).T
        pair.rgb_b[:] = 0  # and tries to change the images of other models
        return Matches.only(pair.truth.uv_b[row, column].astype(float))


class Asks(Cheat):
    """Declares that it needs the ground truth."""

    name = "asks"
    asks_for = ("truth",)


class Peeks(DescriptorModel):
    """Overrides the method that the harness calls with the ground truth."""

    name, p = "peeks", 2.0

    def describe(self, images: Tensor) -> Tensor:
        """See DescriptorModel."""
        return images

    def match_described(self, pair: Pair, *_: object) -> Matches:  # type: ignore[override]
        """See DescriptorModel."""
        raise AssertionError(pair)


def test_models_get_only_images_unless_the_record_says_more(tiny: Path, tmp_path: Path) -> None:
    source = DatasetPairs(tiny, "tiny", 16)
    _, cheat = evaluate(Cheat(), source, tmp_path)
    assert cheat.value("pck@1") == 0
    assert "asks_for" not in cheat.model_info
    _, asks = evaluate(Asks(), source, tmp_path)
    assert asks.value("pck@1") == 1
    assert asks.model_info["asks_for"] == ["truth"]
    assert evaluate(load_model("baseline:oracle"), source, tmp_path)[1].model_info["asks_for"] == ["truth"]
    assert not evaluate(Peeks(), source, tmp_path)[1].data.failed
