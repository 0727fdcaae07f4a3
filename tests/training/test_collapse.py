"""Separation against hand-computed values, and the warning of a collapsed run."""

import logging
import math
from pathlib import Path

import pytest
import torch
from torch import nn

from pixbench.models.checkpoint import seeded_network
from pixbench.models.unet import UNetConfig
from pixbench.training.collapse import FIRST, WINDOW, collapsed, collapsed_at, separation
from pixbench.training.config import TrainConfig
from pixbench.training.objectives.base import OBJECTIVES, DescriptorBatch, Objective, at_points
from pixbench.training.train import train


def _batch(a: torch.Tensor, b: torch.Tensor, column_a: list[int], column_b: list[int], matched: bool = True) -> DescriptorBatch:
    uv = [torch.tensor([[[column + 0.5, 0.5] for column in columns]]) for columns in (column_a, column_b)]
    mask = torch.full((1, len(column_a)), matched)
    return DescriptorBatch(a, b, a, b, uv[0], uv[1], uv[1], mask, mask)


def test_separation_is_the_share_of_matches_nearer_than_the_next_point() -> None:
    a = torch.tensor([0.0, 1.0, 2.0, 3.0]).reshape(1, 1, 1, 4)
    assert separation(_batch(a, a, [0, 1, 2, 3], [0, 1, 2, 3]), math.inf) == 1.0
    # Point 0 (value 0) is matched to value 1, and compared with the position before it in the list, of value 0: the wrong one is nearer.
    # Point 1 (value 3) is matched to value 0, and compared with value 1, which is nearer.
    assert separation(_batch(a, a, [0, 3], [1, 0]), 2.0) == 0.0
    # Equal descriptors everywhere: only ties.
    assert separation(_batch(torch.ones_like(a), torch.ones_like(a), [0, 1, 2], [2, 1, 0]), 1.0) == 0.5
    assert math.isnan(separation(_batch(a, a, [0, 1], [0, 1], matched=False), math.inf))


def test_collapse_is_a_low_mean_of_a_full_window() -> None:
    assert collapsed([0.5] * (FIRST - 1)) is None
    assert collapsed([0.5] * FIRST) == 0.5
    assert collapsed([0.5] * FIRST + [0.9] * WINDOW) is None
    assert collapsed([0.9] * FIRST + [math.nan, *[0.55] * WINDOW]) == pytest.approx(0.55)


def test_step_of_collapse_matches_the_warning() -> None:
    assert collapsed_at([0.9] * 50) is None
    # The twentieth measurement is taken at step 190, during the 191st.
    assert collapsed_at([0.5] * FIRST) == 191
    # Six of the ten last at .5, four at .85: a mean of .64.
    assert collapsed_at([0.85] * 30 + [0.5] * 10) == 10 * 35 + 1


class _ConstantObjective(Objective):
    """Keeps the descriptors of an all-zero network constant."""

    def __init__(self, config: TrainConfig):
        super().__init__()

    def forward(self, batch: DescriptorBatch) -> torch.Tensor:
        """See Objective."""
        x, y = at_points(batch)
        return x.square().mean() + y.square().mean()


def _network_of_zeros(config: UNetConfig, seed: int) -> nn.Module:
    network = seeded_network(config, seed)
    for parameter in network.parameters():
        nn.init.zeros_(parameter)
    return network


@pytest.mark.slow
def test_constant_descriptors_give_one_warning_of_collapse(
    tiny: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pixbench.training.step.EVERY", 1)
    monkeypatch.setattr("pixbench.training.state.seeded_network", _network_of_zeros)
    monkeypatch.setattr(OBJECTIVES, "get", lambda name: _ConstantObjective)
    with caplog.at_level(logging.WARNING):
        train(tiny, tmp_path / "run", TrainConfig(steps=25, batch=2, points=32))
    messages = [record.getMessage() for record in caplog.records if "collapsed" in record.getMessage()]
    assert len(messages) == 1
    assert messages[0].startswith("step 20: descriptors may have collapsed")
    assert "50 % of cases" in messages[0]
