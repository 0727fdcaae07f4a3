"""Objectives of baselines: values by hand, gradients, and that all train under the same trainer."""

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


def _seen(f_a: Tensor, f_b: Tensor, *, uv: Tensor, matched: Tensor | None = None, uv_random: Tensor | None = None) -> DescriptorBatch:
    """Two views whose points are pixel centres that match in place."""
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
    return _seen(f_a, f_b, uv=uv, matched=matched, uv_random=other)


def _two_points(x: tuple[list[float], list[float]], y: tuple[list[float], list[float]], gap: int = 8) -> DescriptorBatch:
    """Views of 4 x 16 pixels, with given descriptors at two points `gap` pixels apart."""
    views = []
    for rows in (x, y):
        view = torch.zeros(1, len(rows[0]), 4, 16)
        view[0, :, 1, 2], view[0, :, 1, 2 + gap] = torch.tensor(rows[0]), torch.tensor(rows[1])
        views.append(view)
    uv = torch.tensor([[[2.5, 1.5], [2.5 + gap, 1.5]]])
    return _seen(views[0], views[1], uv=uv)


@pytest.mark.parametrize("name", NAMES)
def test_tables_show_the_between_weight_of_those_that_use_it(name: str) -> None:
    losses = []
    for weight in (0.1, 0.9):
        torch.manual_seed(0)
        config = TrainConfig(objective=name, between_weight=weight, network=SMALL)
        objective = OBJECTIVES.get(name)(config).double()
        torch.manual_seed(1)
        losses.append(objective(_random()).item())
    assert (losses[0] != losses[1]) == (name in WITH_BETWEEN_WEIGHT)


def test_dense_object_nets_by_hand() -> None:
    seen = _two_points(([1.0, 0.0], [0.0, 0.0]), ([1.0, 0.3], [0.4, 0.0]))
    # Matches: 0.09 and 0.16. Non-matches: x0 with y1 is 0.6 away, outside the margin; x1 with y0 is 1.04 away. None violates.
    assert _objective("dense-object-nets")(seen).item() == pytest.approx((0.09 + 0.16) / 2, abs=1e-6)
    close = _two_points(([1.0, 0.0], [0.8, 0.0]), ([1.0, 0.0], [0.8, 0.0]))
    # Both non-matches are 0.2 away: (0.5 - 0.2)^2, averaged over the two that violate.
    assert _objective("dense-object-nets")(close).item() == pytest.approx(0.09, abs=1e-5)
    near = _two_points(([1.0, 0.0], [0.8, 0.0]), ([1.0, 0.0], [0.8, 0.0]), gap=3)
    assert _objective("dense-object-nets")(near).item() == pytest.approx(0, abs=1e-6)


def test_ucn_by_hand() -> None:
    seen = _two_points(([1.0, 0.0], [0.0, 1.0]), ([1.0, 0.0], [0.6, 0.8]))
    # Unit vectors; the second match: |(0,1) - (.6,.8)|^2 = .4, beyond .1 by .3. Hardest negatives there: x0-y1 sqrt(.8), x1-y0
    # sqrt(2), which is beyond 1.4; back: y0-x1 sqrt(2), y1-x0 sqrt(.8).
    push = (1.4 - math.sqrt(0.8)) ** 2
    assert _objective("ucn")(seen).item() == pytest.approx(0.3 / 2 + (push / 2 + push / 2) / 2, abs=1e-5)


def test_point_infonce_by_hand_and_without_matches() -> None:
    seen = _two_points(([1.0, 0.0], [0.0, 1.0]), ([1.0, 0.0], [0.6, 0.8]))
    logits = torch.tensor([[1.0, 0.6], [0.0, 0.8]]) / 0.07
    expected = -(logits.log_softmax(dim=1).diagonal()).mean()
    assert _objective("point-infonce")(seen).item() == pytest.approx(expected.item(), abs=1e-5)
    nothing = _random()
    nothing = _seen(nothing.a, nothing.b, uv=nothing.uv_a, matched=torch.zeros(2, 12, dtype=torch.bool))
    loss = _objective("point-infonce")(nothing)
    loss.backward()
    assert loss.item() == 0
    assert nothing.a.grad is not None
    assert torch.isfinite(nothing.a.grad).all()


def test_pixcontrast_puts_the_mass_on_near_cells() -> None:
    # Cells of 4 pixels in 4 x 16: centres at x = 2, 6, 10, 14. The point at 2.5 has one cell within 2.8 pixels, that at 2.
    f_b = torch.zeros(1, 2, 4, 16)
    f_b[0, 0], f_b[0, 1, :, 8:] = 1.0, 1.0
    f_a = f_b.clone()
    uv = torch.tensor([[[2.5, 2.0]]])
    x = torch.tensor([1.0, 0.0])
    keys = torch.nn.functional.normalize(torch.tensor([[1.0, 0], [1, 0], [1, 1], [1, 1]]), dim=1)
    expected = -(keys @ x / 0.3).log_softmax(0)[0]
    assert _objective("pixcontrast", 2)(_seen(f_a, f_b, uv=uv)).item() == pytest.approx(expected.item(), abs=1e-5)


def test_pixpro_is_minus_one_where_the_map_keeps_directions() -> None:
    objective = _objective("pixpro", 2)
    with torch.no_grad():
        objective.map.weight.copy_(torch.eye(2))
        objective.map.bias.zero_()
    f = torch.zeros(1, 2, 8, 8)
    f[0, 0, :, :4], f[0, 1, :, 4:] = 2.0, 3.0
    # Each half is only like itself, so that what is propagated has its direction.
    assert objective(_seen(f, f, uv=torch.tensor([[[1.5, 2.5], [6.5, 3.5]]]))).item() == pytest.approx(-1, abs=1e-6)
    assert objective.momentum_at(0) == pytest.approx(0.99)
    assert objective.momentum_at(1) == pytest.approx(1)
    assert objective.momentum_at(0.5) == pytest.approx(0.995)


def test_vicreg_by_hand() -> None:
    objective = _objective("vicregl-local", 2)
    x = torch.tensor([[0.0, 0.0], [2.0, 2.0]])
    # Variance 2 in each channel: no shortfall; covariance 2 off the diagonal, twice: (4 + 4) / 2 a view. No difference.
    assert objective.vicreg(x, x).item() == pytest.approx(2 * 4.0, abs=1e-4)
    flat = torch.zeros(3, 2)
    # All equal: the standard deviation is sqrt(1e-4), short by .99 in each view; the difference to ones is 1.
    assert objective.vicreg(flat, flat + 1).item() == pytest.approx(25 * 1 + 2 * 25 * 0.99, abs=1e-3)
    assert objective.vicreg(x[:1], x[:1]).item() == 0


def test_no_gradient_flows_through_what_is_predicted() -> None:
    objective = _objective("pixel-simsiam", 6)
    seen = _random()
    objective.double()(seen).backward()
    assert seen.a.grad is not None
    value = float(objective(seen).detach())
    assert -1 <= value <= 1
    # Predictor and view move, the target does not: with a predictor of zeros nothing reaches the views.
    torch.nn.init.zeros_(objective.predictor[-1].weight)
    torch.nn.init.ones_(objective.predictor[-1].bias)
    seen = _random(seed=1)
    objective(seen).backward()
    assert not seen.a.grad.any()


def test_byol_follows_slowly_and_stops_at_the_end() -> None:
    objective = _objective("pixel-byol")
    assert objective.momentum == 0.996
    assert objective.momentum_at(1) == pytest.approx(1)
    assert _objective("pixel-byol", momentum=0.9).momentum_at(0) == pytest.approx(0.9)


# The weights of stable-weighted are constants to its gradient: tests/training/objectives/test_weighted_negatives.py holds them fixed.
@pytest.mark.parametrize("name", [name for name in NAMES if name != "stable-weighted"])
def test_gradients_are_those_of_the_value(name: str) -> None:
    objective = _objective(name, 2).double()
    seen = _random(2, size=5, points=4)
    # Copies: the views are moved in place to see what the loss does.
    target = (seen.target_a.clone(), seen.target_b.clone())

    def loss(a: Tensor, b: Tensor) -> Tensor:
        return objective(DescriptorBatch(a, b, *target, seen.uv_a, seen.uv_b, seen.uv_random, seen.positive, seen.matched))

    assert torch.autograd.gradcheck(loss, (seen.a, seen.b), eps=1e-7, atol=1e-4)


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
    whole, broken = (torch.load(tmp_path / run / "state.pt", weights_only=True) for run in ("whole", "broken"))
    for part in ("network", "objective", "target"):
        assert (whole[part] is None) == (broken[part] is None)
        for key, value in (whole[part] or {}).items():
            assert torch.equal(value, broken[part][key])
    assert whole["losses"] == broken["losses"]


def test_points_are_read_bilinearly_between_pixels() -> None:
    view = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert sample_descriptors(view, torch.tensor([[[1.0, 1.0]]])).item() == pytest.approx(2.5)
