"""What a run refuses before it starts, and what it may trust of an earlier attempt."""

import json
import os
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

import pixbench
from pixbench.cli import app
from pixbench.errors import UserError
from pixbench.models.checkpoint import CheckpointConfig, load_checkpoint, save_checkpoint, seeded_network
from pixbench.models.unet import UNetConfig
from pixbench.training import step
from pixbench.training.config import TrainConfig
from pixbench.training.data.pairs import PairDataset
from pixbench.training.state import State
from pixbench.training.train import train

SMALL = UNetConfig(widths=(8, 16), blocks=(1, 1), channels=6)


def _config(**options: object) -> TrainConfig:
    return TrainConfig(**{"steps": 10, "batch": 2, "points": 64, "network": SMALL, **options})  # type: ignore[arg-type]


def test_run_whose_last_save_failed_is_not_extended_before_it_is_finished(tiny: Path, tmp_path: Path) -> None:
    """The checkpoint is written before the state: it may be of a later step."""
    train(tiny, tmp_path / "run", _config(steps=2))
    stored = torch.load(tmp_path / "run/state.pt", weights_only=True)
    torch.save({**stored, "step": 1}, tmp_path / "run/state.pt")
    assert load_checkpoint(tmp_path / "run").config.step == 2
    with pytest.raises(UserError, match="stands at step 1 of 2; finish it with --steps 2"):
        train(tiny, tmp_path / "run", _config(steps=4))
    assert json.loads((tmp_path / "run/run.json").read_text())["config"]["steps"] == 2


def test_extended_run_that_starts_again_has_one_cycle(tiny: Path, tmp_path: Path) -> None:
    for steps in (1, 2):
        train(tiny, tmp_path / "run", _config(steps=steps))
    assert load_checkpoint(tmp_path / "run").config.training["earlier_steps"] == [1]
    (tmp_path / "run/state.pt").unlink()
    train(tiny, tmp_path / "run", _config(steps=2))
    assert "earlier_steps" not in load_checkpoint(tmp_path / "run").config.training
    assert "earlier_steps" not in json.loads((tmp_path / "run/run.json").read_text())


def test_batch_may_be_larger_than_the_number_of_scenes_where_images_are_not_compared(tiny: Path, tmp_path: Path) -> None:
    train(tiny, tmp_path / "run", _config(batch=4, steps=1, objective="point-infonce"))
    with pytest.raises(UserError, match="--batch 4 with 3 scenes"):
        train(tiny, tmp_path / "between", _config(batch=4, steps=1, objective="stable-hard", options={"between": 0.5}, between_weight=0))


def test_validation_set_without_pairs_is_rejected(tiny: Path, tmp_path: Path) -> None:
    empty = PairDataset(tiny)
    empty.groups = []
    with pytest.raises(UserError, match="the validation set has no pairs of views"):
        train(tiny, tmp_path / "run", _config(), validation=empty)
    assert not (tmp_path / "run").exists()


def test_settings_that_the_objective_ignores_are_rejected(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="p: descriptors of objective point-infonce are compared with cosine; leave it out"):
        pixbench.train(tiny, tmp_path / "run", objective="point-infonce", p=1, progress=False)
    options = ["--objective", "stable-hard", "--set", "between_weight=0.9"]
    result = CliRunner().invoke(app, ["train", "--data", str(tiny), "--out", str(tmp_path / "run"), *options])
    assert "between_weight: objective stable-hard has no between-image term" in str(result.exception)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("failing", ["weights.safetensors", "checkpoint.json"])
def test_checkpoint_that_is_not_whole_is_not_loaded(failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed while a checkpoint is replaced: what can be loaded afterwards has the weights and the JSON of one step."""
    networks = [seeded_network(SMALL, seed) for seed in (0, 1)]
    configs = [CheckpointConfig(network=SMALL, p=2.0, step=step, training={}) for step in (1, 2)]
    save_checkpoint(tmp_path, networks[0], configs[0])
    replace = os.replace

    def killed(source: Path, target: Path) -> None:
        if target.name == failing:
            raise KeyboardInterrupt
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            save_checkpoint(tmp_path, networks[1], configs[1])
    with pytest.raises(UserError, match=r"checkpoint\.json"):
        load_checkpoint(tmp_path)
    save_checkpoint(tmp_path, networks[1], configs[1])
    assert load_checkpoint(tmp_path).config.step == 2


def test_momentum_network_is_validated_without_dropout(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = SMALL.model_copy(update={"dropout": (0.5, 0.5)})
    modes: list[tuple[bool, bool]] = []

    def noted(fabric: object, state: State, batch: object, augment: object) -> object:
        if type(augment) is torch.nn.Identity:
            assert state.target is not None
            modes.append((state.network.training, state.target.training))
        return step.described(fabric, state, batch, augment)  # type: ignore[arg-type]

    monkeypatch.setattr("pixbench.training.train.described", noted)
    train(tiny, tmp_path / "run", _config(steps=1, objective="pixel-byol", network=network), validation=tiny)
    assert set(modes) == {(False, False)}
