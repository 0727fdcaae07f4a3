"""What a run logs and keeps when it is saved."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor

from pixbench.errors import UserError
from pixbench.models.unet import UNetConfig
from pixbench.training.config import TrainConfig
from pixbench.training.data.warped_pairs import WarpedPictures
from pixbench.training.objectives.base import OBJECTIVES, DescriptorBatch, Objective
from pixbench.training.step import DivergedError
from pixbench.training.train import train


class SteepAtZero(Objective):
    """Its value is 0, and the gradient of its root is not a number."""

    def __init__(self, config: TrainConfig):
        super().__init__()
        del config

    def forward(self, batch: DescriptorBatch) -> Tensor:
        return (0 * batch.a).abs().sum().sqrt()


class Harmless(SteepAtZero):
    """Has a finite value and gradient."""

    def forward(self, batch: DescriptorBatch) -> Tensor:
        return batch.a.square().mean()


@pytest.fixture(autouse=True)
def _objectives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OBJECTIVES, "get", {"steep": SteepAtZero, "harmless": Harmless}.__getitem__)


def _config(objective: str, **options: Any) -> TrainConfig:
    network = UNetConfig(widths=(8, 16), blocks=(1, 1), channels=6)
    return TrainConfig(**{"objective": objective, "batch": 2, "points": 16, "network": network, **options})


def test_logged_loss_is_the_mean_since_the_last_save(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a validation set, too."""
    logged: dict[int, float] = {}
    monkeypatch.setattr(Fabric, "log_dict", lambda self, values, step: logged.update({step: values["loss"]}))
    train(tiny, tmp_path / "run", _config("harmless", steps=20), precision="32-true")
    losses = torch.load(tmp_path / "run/state.pt", weights_only=True)["losses"]
    assert len(losses) == 20
    assert logged == {step: pytest.approx((losses[step - 2] + losses[step - 1]) / 2) for step in range(2, 21, 2)}


def test_data_without_pairs_is_refused(tmp_path: Path) -> None:
    nothing = WarpedPictures(np.zeros((0, 8, 8, 3), np.uint8), size=16, warps="affine", description={})
    for weight in (0.0, 0.5):
        with pytest.raises(UserError, match=r"^the data has no pairs of views"):
            train(nothing, tmp_path / "run", _config("harmless", steps=1, between_weight=weight))
    assert not list(tmp_path.iterdir())


def test_weights_that_are_not_finite_are_not_saved(tiny: Path, tmp_path: Path) -> None:
    """The loss of the only step is 0; its update makes every weight NaN."""
    with pytest.raises(DivergedError, match=r"weights are not finite at step 1: lower --learning-rate"):
        train(tiny, tmp_path / "run", _config("steep", steps=1))
    assert not (tmp_path / "run/checkpoint").exists()
    assert not (tmp_path / "run/state.pt").exists()


def test_validation_loss_that_is_not_finite_ends_the_run(tiny: Path, tmp_path: Path) -> None:
    """Weights are finite after a huge step, but the descriptors that they give are not: no match can be searched for."""
    with pytest.raises(DivergedError, match=r"validation loss is (inf|nan) at step 1"):
        train(tiny, tmp_path / "run", _config("harmless", steps=2, learning_rate=1e30), validation=tiny, precision="32-true")
    assert not (tmp_path / "run/state.pt").exists()
