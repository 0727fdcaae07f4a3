"""Settings that cannot be trained with are refused before anything starts."""

import math

import pytest
import torch
from pydantic import ValidationError

from pixbench.cli.common import build_config
from pixbench.io.seeding import seeded
from pixbench.training.config import TrainConfig, preset_values


@pytest.mark.parametrize("wrong", [{"seed": 2**32}, {"seed": -1}, {"weight_decay": math.inf}, {"weight_decay": math.nan}])
def test_values_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        TrainConfig(**wrong)  # type: ignore[arg-type]


def test_largest_seed_can_be_drawn_from() -> None:
    """The seed of a step is that of the run times a million and three, plus the step: below torch's limit."""
    config = TrainConfig(seed=2**32 - 1, steps=10**9)
    with seeded(config.seed * 1_000_003 + config.steps):
        assert torch.rand(1).item() < 1


def test_settings_inside_a_preset_do_not_change_the_preset() -> None:
    changed = build_config(TrainConfig, {}, ["network.channels=16"], preset=preset_values("rooms"))
    assert changed.network.channels == 16
    assert build_config(TrainConfig, {}, preset=preset_values("rooms")).network.channels == 32
