"""The cycle of the learning rate, for every length of a run."""

import math

import pytest
import torch
from torch.optim.lr_scheduler import OneCycleLR

from pixbench.training.config import TrainConfig
from pixbench.training.lengthening import learning_rate_cycle


def _rates(config: TrainConfig, first: int = 0) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = OneCycleLR(optimizer, **learning_rate_cycle(config, first))
    rates = []
    for _ in range(first, config.steps):
        rates.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    return rates


@pytest.mark.parametrize(("steps", "warmup", "first"), [(19, 0.05, 0), (3, 0.25, 0), (1, 0.5, 0), (119, 0.05, 100)])
def test_warmup_of_exactly_one_step(steps: int, warmup: float, first: int) -> None:
    """The share times the steps and one is 1, where OneCycleLR divides by zero. The first step is the warm-up, the others the way down."""
    rates = _rates(TrainConfig(steps=steps, warmup=warmup, learning_rate=1e-3), first)
    assert len(rates) == steps - first
    assert rates[0] == pytest.approx(1e-3 / 25)
    # From the peak at step 0 down to 1e-3 / 25 / 1e4 after the last one, along a cosine.
    low = 1e-3 / 25e4
    down = [low + (1e-3 - low) * (1 + math.cos(math.pi * step / len(rates))) / 2 for step in range(1, len(rates))]
    assert rates[1:] == pytest.approx(down, rel=1e-6)


def test_other_lengths_keep_the_warmup_that_was_asked_for() -> None:
    assert learning_rate_cycle(TrainConfig(steps=18), 0)["pct_start"] == 0.05
    assert learning_rate_cycle(TrainConfig(steps=2000), 0)["pct_start"] == 0.05
