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


def test_number_of_parameters_matches_the_reference() -> None:
    assert sum(parameter.numel() for parameter in PixelHead(32).parameters()) == 28_479


def test_head_is_permutation_equivariant() -> None:
    """There is no positional encoding: permuted pixels give permuted logits."""
    torch.manual_seed(0)
    head, features, order = PixelHead(6).eval(), torch.randn(3, 6, 10), torch.randperm(10)
    torch.testing.assert_close(head(features[..., order]), head(features)[:, order])


def test_head_is_invariant_to_descriptor_scale() -> None:
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


def test_training_learns_and_uses_its_own_seed() -> None:
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


def test_attention_matches_its_formula() -> None:
    """Keys and queries differ: each pixel weights the others by its query and their keys."""
    torch.manual_seed(2)
    head, x = PixelHead(4).eval(), torch.randn(1, 4, 6)

    def normalised(values: torch.Tensor) -> torch.Tensor:
        return (values - values.mean()) / torch.sqrt(values.var(unbiased=False) + 1e-5)

    rows = normalised(x[0]).T
    query, key = (normalised(rows @ layer.weight.T + layer.bias) for layer in (head.query, head.key))
    weights = torch.softmax(query @ key.T / 2, dim=1)
    expected = head.perceptron(weights @ (rows @ head.value.weight.T + head.value.bias))[:, 0]
    torch.testing.assert_close(head(x)[0], expected, rtol=1e-4, atol=1e-5)


def test_gradients_are_reset_between_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a single image and no updates, every step has the same gradient."""
    norms: list[float] = []

    class RecordingSGD(torch.optim.SGD):
        def step(self, closure: None = None) -> None:  # type: ignore[override]
            norms.append(sum(float(parameter.grad.norm()) for group in self.param_groups for parameter in group["params"]))

    monkeypatch.setattr(torch.optim, "AdamW", RecordingSGD)
    features = torch.ones(1, 4, 3) * torch.tensor([1.0, -1, 2, 0])[:, None]
    train_head(features, np.array([True]), steps=3, batch=2, learning_rate=1e-3, seed=0, device=CPU)
    assert norms == pytest.approx([norms[0]] * 3)
    assert norms[0] > 0
