import numpy as np
import pytest
import torch

from pixbench.evaluation.probing.head import PixelHead, head_accuracy, head_probability, train_head

CPU = torch.device("cpu")


def _separable(count: int = 60) -> tuple[torch.Tensor, np.ndarray]:
    """The first of four channels has the label's sign at every pixel."""
    rng = np.random.default_rng(0)
    labels = rng.random(count) < 0.5
    features = rng.normal(0, 0.3, (count, 4, 9)).astype(np.float32)
    features[:, 0] += np.where(labels, 1.0, -1.0)[:, None].astype(np.float32)
    return torch.from_numpy(features), labels


def test_it_has_the_parameters_of_the_reference() -> None:
    assert sum(parameter.numel() for parameter in PixelHead(32).parameters()) == 28_479


def test_logits_follow_their_pixels() -> None:
    """No pixel has a place of its own: permuted pixels give permuted logits."""
    torch.manual_seed(0)
    head, features, order = PixelHead(6).eval(), torch.randn(3, 6, 10), torch.randperm(10)
    torch.testing.assert_close(head(features[..., order]), head(features)[:, order])


def test_the_scale_of_descriptors_does_not_matter() -> None:
    torch.manual_seed(1)
    head, features = PixelHead(6).eval(), 10 * torch.randn(2, 6, 8)
    torch.testing.assert_close(head(100 * features), head(features), rtol=1e-3, atol=1e-4)


def test_the_probability_is_the_mean_over_pixels() -> None:
    head, features = PixelHead(4).eval(), torch.randn(70, 4, 5)
    with torch.inference_mode():
        expected = head(features).sigmoid().mean(dim=1).numpy()
    np.testing.assert_allclose(head_probability(head, features, device=CPU), expected, rtol=1e-5, atol=1e-6)
    truth = expected > 0.5
    truth[:7] = ~truth[:7]
    assert head_accuracy(head, features, truth, device=CPU) == pytest.approx(0.9)


def test_it_learns_and_draws_from_its_own_seed() -> None:
    features, labels = _separable()
    before = torch.random.get_rng_state()
    first, again, other = (
        train_head(features, labels, steps=40, batch=16, learning_rate=2e-3, seed=seed, device=CPU).state_dict() for seed in (0, 0, 1)
    )
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["value.weight"], other["value.weight"])
    head = PixelHead(4)
    head.load_state_dict(first)
    assert head_accuracy(head.eval(), features, labels, device=CPU) > 0.9
