import math

import pytest
import torch

from pixbench.io.seeding import seeded
from pixbench.losses import NORMS, between_loss, contrastive_loss, half_distance, within_loss
from pixbench.losses.between_image import _with_kernels, _with_torch, all_pairs, drawn_pairs

INF = math.inf


def _batch(batch: int = 3, channels: int = 4, points: int = 5, seed: int = 0) -> tuple[torch.Tensor, ...]:
    g = torch.Generator().manual_seed(seed)
    f1, f2 = (torch.randn(batch, channels, points, generator=g, dtype=torch.float64) for _ in range(2))
    index = torch.randint(points, (batch, points), generator=g)
    positive = torch.rand(batch, points, generator=g) < 0.4
    mask = torch.rand(batch, points, generator=g) < 0.8
    return f1, f2, index, positive, mask


def test_distances_match_hand_computed_values() -> None:
    difference = torch.tensor([[1.0], [-3.0]])
    assert half_distance(difference, 1).item() == pytest.approx(0.5 * 2.0)
    assert half_distance(difference, 2).item() == pytest.approx(0.5 * 5.0)
    assert half_distance(difference, INF).item() == pytest.approx(0.5 * 3.0)
    with pytest.raises(ValueError, match="expected 1, 2 or inf"):
        half_distance(difference, 3)


@pytest.mark.parametrize(("p", "d_match", "d_other"), [(1, 0.1, 0.45), (2, 0.02, 0.425), (INF, 0.1, 0.6)])
def test_within_loss_matches_hand_computed_values(p: float, d_match: float, d_other: float) -> None:
    f1 = torch.tensor([[[0.0, 0.0], [0.0, 0.0]]])
    # Point 0 against (0.2, 0.2), its match; point 1 against (0.6, 1.2).
    f2 = torch.tensor([[[0.6, 0.2], [1.2, 0.2]]])
    index, positive = torch.tensor([[1, 0]]), torch.tensor([[True, False]])
    expected = ((d_match + d_match**2) + (d_other - 0.5) ** 2) / 2
    if p == 2:
        expected = ((0.02 + 0.02**2) + (0.5 * (0.36 + 1.44) / 2 - 0.5) ** 2) / 2
    both = torch.ones_like(positive)
    assert within_loss(f1, f2, index, positive, both, p=p).item() == pytest.approx(expected, abs=1e-6)
    first = torch.tensor([[True, False]])
    assert within_loss(f1, f2, index, positive, first, p=p).item() == pytest.approx(d_match + d_match**2, abs=1e-6)


@pytest.mark.parametrize("p", NORMS)
def test_within_loss_matches_its_expanded_form(p: float) -> None:
    # method.md: each pixel costs 1/4 (1 - mean f) + (2f - 1) d + d^2; with full masks the two forms are equal.
    f1, f2, index, positive, _ = _batch(batch=1)
    d = half_distance(f1 - f2.gather(2, index[:, None].expand_as(f1)), p)
    f = positive.double()
    coded = (0.25 * (1 - f.mean()) + (2 * f - 1) * d + d**2).mean()
    assert within_loss(f1, f2, index, positive, torch.ones_like(positive), p=p).item() == pytest.approx(coded.item(), abs=1e-12)


@pytest.mark.parametrize("p", NORMS)
def test_between_loss_matches_reference_loops(p: float) -> None:
    f1, f2, index, _, mask = _batch()
    costs = []
    for b1 in range(3):
        for b2 in range(b1 + 1, 3):
            terms = []
            for n in range(5):
                if mask[b1, n] and mask[b2, n]:
                    delta = (f1[b1, :, n] - f2[b2, :, index[b2, n]]).abs()
                    d = 0.5 * {1: delta.mean(), 2: (delta**2).mean(), INF: delta.max()}[p]
                    terms.append((d - 0.5) ** 2)
            costs.append(sum(terms) / max(len(terms), 1))
    assert between_loss(f1, f2, index, mask, p=p).item() == pytest.approx(float(sum(costs)) / 3, abs=1e-12)


@pytest.mark.parametrize("p", NORMS)
def test_gradients(p: float) -> None:
    f1, f2, index, positive, mask = _batch(seed=3)
    f1.requires_grad_()
    f2.requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: within_loss(a, b, index, positive, mask, p=p), (f1, f2))
    assert torch.autograd.gradcheck(lambda a, b: between_loss(a, b, index, mask, p=p), (f1, f2))


def test_binary_codes_have_zero_loss_under_the_infinity_norm() -> None:
    # Two different codes with entries +-1/2 have l-inf distance 1, so d = 1/2: the minimum of the loss of a negative.
    f1, f2 = torch.tensor([[[0.5], [-0.5]]]), torch.tensor([[[0.5], [0.5]]])
    no, yes = torch.tensor([[False]]), torch.tensor([[True]])
    zero = torch.zeros(1, 1, dtype=torch.int64)
    assert within_loss(f1, f2, zero, no, yes, p=INF).item() == 0
    assert within_loss(f1, f1, zero, yes, yes, p=INF).item() == 0


def test_weights_and_empty_masks() -> None:
    f1, f2, index, positive, mask = _batch()
    within = within_loss(f1, f2, index, positive, mask, p=1)
    between = between_loss(f1, f2, index, mask, p=1)
    mixed = contrastive_loss(f1, f2, index, positive, mask, p=1, between_weight=0.3)
    assert mixed.item() == pytest.approx((0.7 * within + 0.3 * between).item())
    nothing = torch.zeros_like(mask)
    assert contrastive_loss(f1, f2, index, positive, nothing, p=2, between_weight=0.5).item() == 0
    assert between_loss(f1[:1], f2[:1], index[:1], mask[:1], p=2).item() == 0


@pytest.mark.parametrize("p", NORMS)
def test_compiled_and_torch_agree_and_masked_points_get_no_gradient(p: float) -> None:
    f1, f2, _, _, mask = _batch(batch=5, channels=7, points=200)
    # Ties among the channels: the gradient must go to the same one.
    f1[0, 1], f2[1, 1] = f1[0, 0], f2[1, 0]
    pairs = all_pairs(5, f1.device)
    weight = torch.rand(len(pairs), dtype=torch.float64)
    for wanted, got in zip(
        _with_torch(f1, f2, mask, pairs, weight, p, True), _with_kernels(f1, f2, mask, pairs, weight, p, True), strict=True
    ):
        assert torch.allclose(wanted, got, atol=1e-12)
        assert float(wanted.abs().max()) > 0
        assert got.dim() == 0 or not got[~mask[:, None].expand_as(got)].any()


@pytest.mark.parametrize("p", NORMS)
def test_sampled_pairs_give_an_unbiased_estimate(p: float) -> None:
    f1, f2, index, _, mask = _batch(batch=4)
    f1.requires_grad_()
    full = between_loss(f1, f2, index, mask, p=p)
    (slope,) = torch.autograd.grad(full, f1)
    draws, rounds = [], 500
    with seeded(1):
        for _ in range(rounds):
            value = between_loss(f1, f2, index, mask, p=p, pairs=1)
            draws.append(torch.cat([torch.autograd.grad(value, f1)[0].flatten(), value.detach()[None]]))
    found = torch.stack(draws)
    error = found.std(dim=0) / rounds**0.5
    off = (found.mean(dim=0) - torch.cat([slope.flatten(), full.detach()[None]])).abs()
    assert bool((error > 0).any())
    # 81 values: five standard errors are practically never exceeded by chance.
    assert bool((off <= 5 * error + 1e-12).all())
    assert torch.equal(between_loss(f1, f2, index, mask, p=p, pairs=3), full)


def test_sampled_pairs_are_distinct() -> None:
    with seeded(0):
        pairs = drawn_pairs(6, 3, torch.device("cpu"))
    assert pairs.shape == (18, 2)
    assert bool((pairs[:, 0] < pairs[:, 1]).all())
    with seeded(0):
        everything = drawn_pairs(6, 5, torch.device("cpu"))
    assert sorted(map(tuple, everything.tolist())) == sorted(2 * [(i, j) for i in range(6) for j in range(i + 1, 6)])


@pytest.mark.parametrize("p", NORMS)
def test_nan_descriptors_give_a_nan_loss(p: float) -> None:
    f1, f2, index, _, mask = _batch()
    f1[1, 2, 3] = math.nan
    assert math.isnan(between_loss(f1, f2, index, mask, p=p).item())


def test_batch_of_one_has_zero_between_loss() -> None:
    f1, f2, index, _, mask = _batch(batch=1)
    f1.requires_grad_()
    loss = between_loss(f1, f2, index, mask, p=2)
    loss.backward()
    assert loss.item() == 0
    assert not f1.grad.any()


@pytest.mark.parametrize(("arguments", "message"), [({"p": 3}, "p is 3"), ({"p": 1, "pairs": 0}, "pairs is 0: expected at least 1")])
def test_invalid_norm_and_number_of_pairs_are_rejected(arguments: dict, message: str) -> None:
    f1, f2, index, _, mask = _batch()
    with pytest.raises(ValueError, match=message):
        between_loss(f1, f2, index, mask, **arguments)


def test_loss_is_independent_of_the_number_of_threads() -> None:
    f1, f2, index, _, mask = (x.float() if x.is_floating_point() else x for x in _batch(batch=6, points=500))
    threads, found = torch.get_num_threads(), []
    for count in (1, 3):
        torch.set_num_threads(count)
        found.append(between_loss(f1, f2, index, mask, p=1).item())
    torch.set_num_threads(threads)
    assert found[0] == found[1]
