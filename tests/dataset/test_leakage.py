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
