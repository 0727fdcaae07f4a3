"""Losses with hard negatives: hand-computed values, reference loops, and the gradient."""

import math

import pytest
import torch
from torch import Tensor

from pixbench.errors import UserError
from pixbench.losses import half_distance
from pixbench.training.config import TrainConfig
from pixbench.training.objectives.base import DescriptorBatch, sample_descriptors
from pixbench.training.objectives.hard_negatives import HardContrast, PaperHard


def _objective(p: float, *, keep: float = 0.5, **options: float) -> HardContrast:
    return HardContrast(TrainConfig(objective="stable-hard", p=p, keep=keep, options=options))


def _batch(a: Tensor, b: Tensor, uv: Tensor, uv_random: Tensor, matched: Tensor) -> DescriptorBatch:
    return DescriptorBatch(a, b, a.detach(), b.detach(), uv, uv, uv_random, matched, matched)


def _two_points(gap: int) -> DescriptorBatch:
    """Views of 4 x 16 pixels: descriptors (1, 0), (0, 0) in the first and (1, .2), (.4, 0) in the second, `gap` pixels apart."""
    views = []
    for rows in (((1.0, 0.0), (0.0, 0.0)), ((1.0, 0.2), (0.4, 0.0))):
        view = torch.zeros(1, 2, 4, 16)
        view[0, :, 1, 2], view[0, :, 1, 2 + gap] = torch.tensor(rows[0]), torch.tensor(rows[1])
        views.append(view)
    uv = torch.tensor([[[2.5, 1.5], [2.5 + gap, 1.5]]])
    return _batch(views[0], views[1], uv, uv.flip(1), torch.ones(1, 2, dtype=torch.bool))


def _random(*, size: int = 8, points: int = 12, channels: int = 4, dtype: torch.dtype = torch.float64) -> DescriptorBatch:
    g = torch.Generator().manual_seed(1)
    a, b = (0.3 * torch.randn(2, channels, size, size, generator=g, dtype=dtype) for _ in range(2))
    uv, other = (torch.rand(2, points, 2, generator=g, dtype=dtype) * size for _ in range(2))
    return _batch(a.requires_grad_(), b.requires_grad_(), uv, other, torch.rand(2, points, generator=g) < 0.7)


def test_loss_matches_hand_computed_values() -> None:
    # Matches are .1 and .2 apart: .11 and .24. Negatives: x0-y1 at .3, which costs .04, and x1-y0 at .5, which costs nothing.
    assert _objective(math.inf)(_two_points(8)).item() == pytest.approx(0.5 * 0.175 + 0.5 * 0.02, abs=1e-6)
    assert _objective(math.inf, keep=0.25)(_two_points(8)).item() == pytest.approx(0.25 * 0.175 + 0.75 * 0.02, abs=1e-6)
    # The random position of each point is the other point: the same negatives. If too near to be negatives, only matches are left.
    assert _objective(math.inf, hardest=0)(_two_points(8)).item() == pytest.approx(0.5 * 0.175 + 0.5 * 0.02, abs=1e-6)
    assert _objective(math.inf)(_two_points(3)).item() == pytest.approx(0.5 * 0.175, abs=1e-6)
    # p = 1, halves of means: matches .05 and .1; negatives .15 and .3, both below 1/2.
    pull, push = (0.0525 + 0.11) / 2, (0.35**2 + 0.2**2) / 2
    assert _objective(1.0)(_two_points(8)).item() == pytest.approx(0.5 * pull + 0.5 * push, abs=1e-6)


def test_only_the_two_sided_loss_penalises_distant_negatives() -> None:
    batch = _two_points(8)
    far = _batch(3 * batch.a, 3 * batch.b, batch.uv_a, batch.uv_random, batch.matched)
    # Matches at .3 and .6; negatives at .9 and 1.5.
    pull = (0.3 + 0.09 + 0.6 + 0.36) / 2
    assert _objective(math.inf)(far).item() == pytest.approx(0.5 * pull, abs=1e-5)
    assert _objective(math.inf, one_sided=0)(far).item() == pytest.approx(0.5 * pull + 0.5 * (0.4**2 + 1.0) / 2, abs=1e-5)


def test_paper_hard_is_the_two_sided_loss() -> None:
    near = _random()
    # Far enough apart that some negatives are further than 1/2.
    batch = _batch(10 * near.a, 10 * near.b, near.uv_a, near.uv_random, near.matched)
    named = PaperHard(TrainConfig(objective="paper-hard", keep=0.5))
    assert named(batch).item() == _objective(math.inf, one_sided=0)(batch).item() != _objective(math.inf)(batch).item()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])  # the torch search, and the compiled one
@pytest.mark.parametrize("p", [1.0, 2.0, math.inf])
@pytest.mark.parametrize("options", [{"hardest": 3}, {"hardest": 5, "sharpness": 20}, {"hardest": 3, "semi": 1}, {"near_px": 1}])
def test_loss_matches_reference_loops(p: float, options: dict[str, float], dtype: torch.dtype) -> None:
    batch = _random(dtype=dtype)
    used = {"hardest": 16.0, "sharpness": 0.0, "semi": 0.0, "near_px": 4.0, **options}
    x, y = (sample_descriptors(view.detach(), batch.uv_a) for view in (batch.a, batch.b))
    pulls = [d for d, yes in zip(half_distance(x - y, p).flatten(), batch.matched.flatten(), strict=True) if yes]
    directions = []
    for one, other in ((x, y), (y, x)):
        total, weights = 0.0, 0.0
        for image in range(2):
            matches = [n for n in range(12) if batch.matched[image, n]]
            for n in matches:
                own = half_distance((x - y)[image, :, n : n + 1], p).item()
                far = [m for m in matches if torch.dist(batch.uv_a[image, n], batch.uv_a[image, m]) > used["near_px"]]
                found = sorted(half_distance((one[image, :, n] - other[image, :, m])[:, None], p).item() for m in far)
                chosen = [d for d in found if d >= own or not used["semi"]][: int(used["hardest"])]
                for d in chosen:
                    weight = math.exp(-used["sharpness"] * (d - chosen[0]))
                    total, weights = total + weight * max(0.5 - d, 0) ** 2, weights + weight
        directions.append(total / weights)
    expected = 0.5 * float(sum(d + d**2 for d in pulls)) / len(pulls) + 0.5 * sum(directions) / 2
    assert _objective(p, **options)(batch).item() == pytest.approx(expected, abs=1e-9 if dtype == torch.float64 else 1e-6)


@pytest.mark.parametrize("p", [1.0, 2.0, math.inf])
def test_gradient(p: float) -> None:
    batch = _random(size=4, points=6, channels=2)

    def loss(a: Tensor, b: Tensor) -> Tensor:
        return _objective(p, between=0.3, near_px=1)(_batch(a, b, batch.uv_a, batch.uv_random, batch.matched))

    assert torch.autograd.gradcheck(loss, (batch.a, batch.b), eps=1e-7, atol=1e-4)


def test_batch_without_matches_and_unknown_option() -> None:
    batch = _random()
    nothing = _batch(batch.a, batch.b, batch.uv_a, batch.uv_random, torch.zeros_like(batch.matched))
    assert _objective(math.inf)(nothing).item() == 0
    with pytest.raises(UserError, match="did you mean 'hardest'"):
        _objective(math.inf, hardst=1)
