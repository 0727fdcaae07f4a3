"""Objectives of baselines: hand-computed values, gradients, and training with the common trainer."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from pixbench.errors import UserError
from pixbench.leaderboard.tables import WITH_BETWEEN_WEIGHT
from pixbench.models.unet import UNetConfig
from pixbench.training.config import TrainConfig
from pixbench.training.objectives.base import OBJECTIVES, DescriptorBatch, sample_descriptors
from pixbench.training.train import train

NAMES = OBJECTIVES.names()
SMALL = UNetConfig(widths=(8, 16), blocks=(1, 1), channels=6)


def _objective(name: str, channels: int = 6, **options: float) -> Any:
    torch.manual_seed(0)
    return OBJECTIVES.get(name)(TrainConfig(objective=name, options=options, network=SMALL.model_copy(update={"channels": channels})))


def _batch(f_a: Tensor, f_b: Tensor, *, uv: Tensor, matched: Tensor | None = None, uv_random: Tensor | None = None) -> DescriptorBatch:
    """Two views whose points match at the same positions."""
    batch, points = uv.shape[:2]
    yes = torch.ones(batch, points, dtype=torch.bool)
    return DescriptorBatch(
        f_a, f_b, f_a.detach(), f_b.detach(), uv, uv, uv if uv_random is None else uv_random, yes, yes if matched is None else matched
    )


def _random(channels: int = 6, *, size: int = 16, points: int = 12, seed: int = 0) -> DescriptorBatch:
    g = torch.Generator().manual_seed(seed)
    f_a, f_b = (torch.randn(2, channels, size, size, generator=g, dtype=torch.float64).requires_grad_() for _ in range(2))
    uv, other = (torch.rand(2, points, 2, generator=g, dtype=torch.float64) * size for _ in range(2))
    matched = torch.rand(2, points, generator=g) < 0.7
    return _batch(f_a, f_b, uv=uv, matched=matched, uv_random=other)


def _two_points(x: tuple[list[float], list[float]], y: tuple[list[float], list[float]], gap: int = 8) -> DescriptorBatch:
    """Views of 4 x 16 pixels, with given descriptors at two points `gap` pixels apart."""
    views = []
    for rows in (x, y):
        view = torch.zeros(1, len(rows[0]), 4, 16)
        view[0, :, 1, 2], view[0, :, 1, 2 + gap] = torch.tensor(rows[0]), torch.tensor(rows[1])
        views.append(view)
    uv = torch.tensor([[[2.5, 1.5], [2.5 + gap, 1.5]]])
    return _batch(views[0], views[1], uv=uv)


@pytest.mark.parametrize("name", NAMES)
def test_between_weight_is_shown_for_objectives_that_use_it(name: str) -> None:
    losses = []
    for weight in (0.1, 0.9):
        torch.manual_seed(0)
        config = TrainConfig(objective=name, between_weight=weight, network=SMALL)
        objective = OBJECTIVES.get(name)(config).double()
        torch.manual_seed(1)
        losses.append(objective(_random()).item())
    assert (losses[0] != losses[1]) == (name in WITH_BETWEEN_WEIGHT)


def test_dense_object_nets_matches_hand_computed_values() -> None:
    batch = _two_points(([1.0, 0.0], [0.0, 0.0]), ([1.0, 0.3], [0.4, 0.0]))
    # Matches: 0.09 and 0.16. Non-matches: x0 with y1 is 0.6 away, outside the margin; x1 with y0 is 1.04 away. None violates.
    assert _objective("dense-object-nets")(batch).item() == pytest.approx((0.09 + 0.16) / 2, abs=1e-6)
    close = _two_points(([1.0, 0.0], [0.8, 0.0]), ([1.0, 0.0], [0.8, 0.0]))
    # Both non-matches are 0.2 away: (0.5 - 0.2)^2, averaged over the two that violate.
    assert _objective("dense-object-nets")(close).item() == pytest.approx(0.09, abs=1e-5)
    near = _two_points(([1.0, 0.0], [0.8, 0.0]), ([1.0, 0.0], [0.8, 0.0]), gap=3)
    assert _objective("dense-object-nets")(near).item() == pytest.approx(0, abs=1e-6)
    with pytest.raises(UserError, match=r"options\.non_matches is 5000: expected at most 1024, the number of points"):
        _objective("dense-object-nets", non_matches=5000)


def test_ucn_matches_hand_computed_values() -> None:
    batch = _two_points(([1.0, 0.0], [0.0, 1.0]), ([1.0, 0.0], [0.6, 0.8]))
    # Unit vectors; the second match: |(0,1) - (.6,.8)|^2 = .4, beyond .1 by .3. Hardest negatives there: x0-y1 sqrt(.8), x1-y0
    # sqrt(2), which is beyond 1.4; back: y0-x1 sqrt(2), y1-x0 sqrt(.8).
    push = (1.4 - math.sqrt(0.8)) ** 2
    assert _objective("ucn")(batch).item() == pytest.approx(0.3 / 2 + (push / 2 + push / 2) / 2, abs=1e-5)


def test_point_infonce_matches_hand_computed_values() -> None:
    batch = _two_points(([1.0, 0.0], [0.0, 1.0]), ([1.0, 0.0], [0.6, 0.8]))
    logits = torch.tensor([[1.0, 0.6], [0.0, 0.8]]) / 0.07
    expected = -(logits.log_softmax(dim=1).diagonal()).mean()
    assert _objective("point-infonce")(batch).item() == pytest.approx(expected.item(), abs=1e-5)
    nothing = _random()
    nothing = _batch(nothing.a, nothing.b, uv=nothing.uv_a, matched=torch.zeros(2, 12, dtype=torch.bool))
    loss = _objective("point-infonce")(nothing)
    loss.backward()
    assert loss.item() == 0
    assert nothing.a.grad is not None
    assert torch.isfinite(nothing.a.grad).all()


def test_pixcontrast_positives_are_nearby_cells() -> None:
    # Cells of 4 pixels in 4 x 16: centres at x = 2, 6, 10, 14. The point at 2.5 has one cell within 2.8 pixels, that at 2.
    f_b = torch.zeros(1, 2, 4, 16)
    f_b[0, 0], f_b[0, 1, :, 8:] = 1.0, 1.0
    f_a = f_b.clone()
    uv = torch.tensor([[[2.5, 2.0]]])
    x = torch.tensor([1.0, 0.0])
    keys = torch.nn.functional.normalize(torch.tensor([[1.0, 0], [1, 0], [1, 1], [1, 1]]), dim=1)
    expected = -(keys @ x / 0.3).log_softmax(0)[0]
    assert _objective("pixcontrast", 2)(_batch(f_a, f_b, uv=uv)).item() == pytest.approx(expected.item(), abs=1e-5)


def test_pixpro_is_minus_one_for_consistent_directions() -> None:
    objective = _objective("pixpro", 2)
    with torch.no_grad():
        objective.map.weight.copy_(torch.eye(2))
        objective.map.bias.zero_()
    f = torch.zeros(1, 2, 8, 8)
    f[0, 0, :, :4], f[0, 1, :, 4:] = 2.0, 3.0
    # Each half is similar only to itself, so the propagated feature keeps its direction.
    assert objective(_batch(f, f, uv=torch.tensor([[[1.5, 2.5], [6.5, 3.5]]]))).item() == pytest.approx(-1, abs=1e-6)
    assert objective.momentum_at(0) == pytest.approx(0.99)
    assert objective.momentum_at(1) == pytest.approx(1)
    assert objective.momentum_at(0.5) == pytest.approx(0.995)


def test_vicreg_matches_hand_computed_values() -> None:
    objective = _objective("vicregl-local", 2)
    x = torch.tensor([[0.0, 0.0], [2.0, 2.0]])
    # Variance 2 in each channel: no shortfall; covariance 2 off the diagonal, twice: (4 + 4) / 2 a view. No difference.
    assert objective.vicreg(x, x).item() == pytest.approx(2 * 4.0, abs=1e-4)
    flat = torch.zeros(3, 2)
    # All equal: the standard deviation is sqrt(1e-4), short by .99 in each view; the difference to ones is 1.
    assert objective.vicreg(flat, flat + 1).item() == pytest.approx(25 * 1 + 2 * 25 * 0.99, abs=1e-3)
    assert objective.vicreg(x[:1], x[:1]).item() == 0


def test_simsiam_stops_the_gradient_of_the_target() -> None:
    objective = _objective("pixel-simsiam", 6)
    batch = _random()
    objective.double()(batch).backward()
    assert batch.a.grad is not None
    value = float(objective(batch).detach())
    assert -1 <= value <= 1
    # The target is detached: with a predictor of zeros no gradient reaches the views.
    torch.nn.init.zeros_(objective.predictor[-1].weight)
    torch.nn.init.ones_(objective.predictor[-1].bias)
    batch = _random(seed=1)
    objective(batch).backward()
    assert not batch.a.grad.any()


def test_byol_momentum_schedule() -> None:
    objective = _objective("pixel-byol")
    assert objective.momentum == 0.996
    assert objective.momentum_at(1) == pytest.approx(1)
    assert _objective("pixel-byol", momentum=0.9).momentum_at(0) == pytest.approx(0.9)


# The weights of stable-weighted are detached: tests/training/objectives/test_weighted_negatives.py tests its gradient.
@pytest.mark.parametrize("name", [name for name in NAMES if name != "stable-weighted"])
def test_gradients_match_finite_differences(name: str) -> None:
    objective = _objective(name, 2).double()
    batch = _random(2, size=5, points=4)
    # Copies: gradcheck perturbs the views in place.
    target = (batch.target_a.clone(), batch.target_b.clone())

    def loss(a: Tensor, b: Tensor) -> Tensor:
        return objective(DescriptorBatch(a, b, *target, batch.uv_a, batch.uv_b, batch.uv_random, batch.positive, batch.matched))

    assert torch.autograd.gradcheck(loss, (batch.a, batch.b), eps=1e-7, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_unknown_options_are_refused(name: str) -> None:
    with pytest.raises(UserError, match=f"unknown option of objective '{name}' 'colour'"):
        _objective(name, colour=1)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_objective_trains_and_resumes_to_the_same_weights(name: str, tiny: Path, tmp_path: Path) -> None:
    config = TrainConfig(objective=name, network=SMALL, steps=6, batch=2, points=64)
    train(tiny, tmp_path / "whole", config)
    done = 0

    def stop(steps: int, loss: float) -> None:
        nonlocal done
        assert math.isfinite(loss)
        done += steps
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tiny, tmp_path / "broken", config, progress=stop)
    train(tiny, tmp_path / "broken", config)
    whole, resumed = (torch.load(tmp_path / run / "state.pt", weights_only=True) for run in ("whole", "broken"))
    for part in ("network", "objective", "target"):
        assert (whole[part] is None) == (resumed[part] is None)
        for key, value in (whole[part] or {}).items():
            assert torch.equal(value, resumed[part][key])
    assert whole["losses"] == resumed["losses"]


def test_descriptors_are_sampled_bilinearly() -> None:
    view = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert sample_descriptors(view, torch.tensor([[[1.0, 1.0]]])).item() == pytest.approx(2.5)
