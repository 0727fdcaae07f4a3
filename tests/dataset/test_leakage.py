from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from pixbench.cli import app
from pixbench.dataset.leakage import assets, scene_assets, shared
from pixbench.dataset.reader import Dataset, StoredScene
from pixbench.errors import VerificationError
from pixbench.generation import generate
from pixbench.generation.protocol import GENERATORS


def _generate(folder: Path, split: str, seed: int) -> Path:
    config = GENERATORS.get("3d").config_type(split=split, scenes=2, views=2, size=32, seed=seed, scenes_per_shard=2)
    generate("3d", config, folder)
    return folder


@pytest.mark.slow
def test_leak_check_finds_no_assets_shared_by_splits_and_all_assets_within_one(tmp_path: Path) -> None:
    train, test = (Dataset(_generate(tmp_path / split, split, 0)) for split in ("train", "test"))
    assert shared(train, test) == []
    leaks = shared(test, test)
    assert {leak.sha256 for leak in leaks} == set(assets(test))
    assert {leak.kind for leak in leaks} == {"object", "room"}
    done = CliRunner().invoke(app, ["leak-check", str(train.folder), str(test.folder)])
    assert (done.exit_code, "no leak" in done.output) == (0, True)
    found = CliRunner().invoke(app, ["leak-check", str(test.folder), str(test.folder)])
    assert isinstance(found.exception, VerificationError)
    assert "in both" not in found.output


class _Scene(StoredScene):
    """Scene stub without a file."""

    def __init__(self, names: list[str], hashes: dict[str, str]):
        self._names, self._hashes = names, hashes

    def json(self, attribute: str) -> dict[str, Any]:
        return {"assets": self._hashes, "room": "rooms/one"}

    def read(self, field: str, view: int | None = None) -> np.ndarray:
        return np.array([name.encode() for name in self._names])


def test_renamed_assets_are_matched_by_hash() -> None:
    room, (chair, stool) = scene_assets(_Scene(["a/chair", "procedural/stool/1"], {"a/chair": "c" * 64, "rooms/one": "r" * 64}))
    assert (room, chair, stool) == ("r" * 64, "c" * 64, "procedural/stool/1")
    assert scene_assets(_Scene(["b/other-name"], {"b/other-name": "c" * 64}))[1] == [chair]


@pytest.mark.parametrize("suite", ["colored-mnist-irm", "photos"])
def test_leak_check_rejects_suites_without_a_generated_data_set(tiny: Path, suite: str) -> None:
    done = CliRunner().invoke(app, ["leak-check", str(tiny), "--suite", suite])
    assert "has no data set of its own" in str(done.exception)


def test_digits_shared_by_sets_of_other_seeds_are_found(tmp_path: Path) -> None:
    digits = tmp_path / "digits.npz"
    np.savez(digits, images=np.random.default_rng(0).integers(0, 255, (60, 28, 28), np.uint8), classes=np.arange(60) % 10)
    sets = {}
    for split, seed, scenes in (("train", 0, 20), ("test", 0, 4), ("test", 1, 4)):
        config = GENERATORS.get("2d").config_type(
            pictures="colored-mnist",
            digits="npz",
            locations={"digits": str(digits)},
            cut="irm",
            split=split,
            seed=seed,
            scenes=scenes,
            size=32,
        )
        generate("2d", config, tmp_path / f"{split}{seed}")
        sets[split, seed] = Dataset(tmp_path / f"{split}{seed}")
    train, same, other = ({f"digits/npz {scene.json('recipe')['index']}" for scene in each.scenes()} for each in sets.values())
    assert {leak.id for leak in shared(sets["train", 0], sets["train", 0])} == train
    assert train & same == {leak.id for leak in shared(sets["train", 0], sets["test", 0])} == set()
    assert train & other == {leak.id for leak in shared(sets["train", 0], sets["test", 1])} != set()
