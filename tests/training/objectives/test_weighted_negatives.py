"""Relative weights and the loss built on them: hand-computed values, reference loops, and the detached weights."""

import math

import pytest
import torch

from pixbench.losses import half_distance
from pixbench.training.config import TrainConfig
from pixbench.training.objectives.base import DescriptorBatch, sample_descriptors
from pixbench.training.objectives.weighted_negatives import WeightedContrast, all_half_distances, relative_weights


def _objective(p: float, **options: float) -> WeightedContrast:
    return WeightedContrast(TrainConfig(objective="stable-weighted", p=p, keep=0.35, options=options))


def _random(*, points: int = 9) -> DescriptorBatch:
    g = torch.Generator().manual_seed(2)
    a, b = (0.3 * torch.randn(2, 5, 16, 16, generator=g, dtype=torch.float64) for _ in range(2))
    uv_a, uv_b = (torch.rand(2, points, 2, generator=g, dtype=torch.float64) * 16 for _ in range(2))
    matched = torch.rand(2, points, generator=g) < 0.8
    return DescriptorBatch(a.requires_grad_(), b.requires_grad_(), a.detach(), b.detach(), uv_a, uv_b, uv_b.flip(1), matched, matched)


def test_weights_match_hand_computed_values() -> None:
    """One point, match at .1, negatives at .2 and .4: their mean is .3, so that sharpness .3 gives exp(-d)."""
    weight, missed = relative_weights(torch.tensor([[0.1]]), torch.tensor([[[0.2, 0.4, 9.0]]]), torch.tensor([[[True, True, False]]]), 0.3)
    total = math.exp(-0.1) + math.exp(-0.2) + math.exp(-0.4)
    assert weight[0, 0].tolist() == pytest.approx([math.exp(-0.2) / total, math.exp(-0.4) / total, 0.0])
    assert missed.item() == pytest.approx(1 - math.exp(-0.1) / total)


def test_weights_are_invariant_to_descriptor_scale() -> None:
    g = torch.Generator().manual_seed(0)
    d, far = torch.rand(1, 4, generator=g), torch.rand(1, 4, 4, generator=g)
    negative = ~torch.eye(4, dtype=torch.bool)[None]
    small, large = (relative_weights(scale * d, scale * far, negative, 10.0)[0] for scale in (0.01, 100.0))
    assert torch.allclose(small, large, atol=1e-6)


@pytest.mark.parametrize("p", [1.0, 2.0, math.inf])
def test_loss_matches_reference_loops(p: float) -> None:
    batch = _random()
    x, y = sample_descriptors(batch.a, batch.uv_a), sample_descriptors(batch.b, batch.uv_b)
    costs = []
    for one, other, uv in ((x, y, batch.uv_b), (y, x, batch.uv_a)):
        terms: list[tuple[float, list[float]]] = []  # distances to the match and to the negatives
        for b in range(2):
            own = [n for n in range(9) if batch.matched[b, n]]
            for n in own:
                far = [m for m in own if (uv[b, n] - uv[b, m]).norm() > 4.0]
                d, *negatives = (half_distance((one[b, :, n] - other[b, :, m])[:, None], p).item() for m in (n, *far))
                terms.append((d, negatives))
        everything = [d for _, negatives in terms for d in negatives]
        mean = sum(everything) / len(everything)
        for d, negatives in terms:
            weights = [math.exp(-10 * v / mean) for v in [d, *negatives]]
            push = sum(w * (0.5 - v) ** 2 for w, v in zip(weights[1:], negatives, strict=True)) / sum(weights)
            costs.append(0.35 * (1 - weights[0] / sum(weights)) * (d + d * d) + 0.65 * push)
    assert _objective(p)(batch).item() == pytest.approx(sum(costs) / len(costs), rel=1e-9)


def test_no_gradient_flows_through_the_weights() -> None:
    """The gradient is that of the loss with its weights held as constants."""
    batch = _random()
    _objective(2.0)(batch).backward()
    x, y = (sample_descriptors(view, uv) for view, uv in ((batch.a, batch.uv_a), (batch.b, batch.uv_b)))
    d = half_distance(x - y, 2.0)
    far = 0.5 * (x[:, :, :, None] - y[:, :, None, :]).square().mean(dim=1)
    total = torch.zeros((), dtype=torch.float64)
    both = batch.matched[:, None] & batch.matched[..., None]
    for matrix, uv in ((far, batch.uv_b), (far.transpose(1, 2), batch.uv_a)):
        w, missed = relative_weights(d.detach(), matrix.detach(), (torch.cdist(uv, uv) > 4) & both, 10.0)
        cost = 0.35 * missed * (d + d.square()) + 0.65 * (w * (0.5 - matrix).square()).sum(dim=2)
        total = total + (cost * batch.matched).sum() / batch.matched.sum() / 2
    expected = torch.autograd.grad(total, batch.a)[0]
    assert batch.a.grad is not None
    assert torch.allclose(batch.a.grad, expected, atol=1e-9)


def test_batch_without_matches_has_zero_loss() -> None:
    batch = _random()
    none = torch.zeros_like(batch.matched)
    empty = DescriptorBatch(batch.a, batch.b, batch.target_a, batch.target_b, batch.uv_a, batch.uv_b, batch.uv_random, none, none)
    loss = _objective(math.inf)(empty)
    loss.backward()
    assert loss.item() == 0
    assert batch.a.grad is not None
    assert bool(batch.a.grad.isfinite().all())


@pytest.mark.parametrize("p", [1.0, 2.0, math.inf])
def test_all_half_distances_match_pairwise_distances(p: float) -> None:
    g = torch.Generator().manual_seed(0)
    x, y = torch.randn(2, 5, 7, generator=g), torch.randn(2, 5, 3, generator=g)
    found = all_half_distances(x, y, p)
    for n in range(7):
        for m in range(3):
            assert found[:, n, m] == pytest.approx(half_distance((x[:, :, n] - y[:, :, m])[..., None], p)[:, 0], abs=1e-5)
