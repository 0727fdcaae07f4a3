"""Two commands that write to one folder: the second one is refused while the first one runs, and changes nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pixbench.errors import UserError
from pixbench.evaluation.matching.evaluate import evaluate
from pixbench.evaluation.matching.pairs import DatasetPairs
from pixbench.experiments.experiment1 import cells
from pixbench.experiments.sweep import sweep
from pixbench.generation import generate
from pixbench.generation.protocol import GENERATORS
from pixbench.io.lock import locked
from pixbench.models.loading import load_model
from pixbench.training.config import TrainConfig
from pixbench.training.train import train

LOCKS = {"evaluate": ".random-unet.lock"}
"""Evaluations of several models may share a folder."""

COMMANDS: dict[str, Callable[[Path, Path], object]] = {
    "generate": lambda data, out: generate("3d", GENERATORS.get("3d").config_type(scenes=1, views=2, size=16, seed=5), out),
    "train": lambda data, out: train(data, out, TrainConfig(steps=1, batch=1, points=8), accelerator="cpu"),
    "evaluate": lambda data, out: evaluate(load_model("baseline:random-unet"), DatasetPairs(data, "tiny", 8), out),
    "sweep": lambda data, out: sweep("experiment1", cells("cpu"), out),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_locked_folder_is_rejected(command: str, tiny: Path, tmp_path: Path) -> None:
    with locked(tmp_path / "out", LOCKS.get(command, ".lock")):
        with pytest.raises(UserError, match="is being written by another process"):
            COMMANDS[command](tiny, tmp_path / "out")
        assert [path.name for path in (tmp_path / "out").iterdir()] == [LOCKS.get(command, ".lock")]


def test_another_seed_in_a_folder_is_refused(tmp_path: Path) -> None:
    def made(seed: int) -> object:
        return generate("3d", GENERATORS.get("3d").config_type(scenes=1, views=2, size=16, seed=seed), tmp_path / "data")

    made(1)
    before = (tmp_path / "data" / "dataset.json").read_bytes()
    with pytest.raises(UserError, match="seed"):
        made(2)
    assert (tmp_path / "data" / "dataset.json").read_bytes() == before
