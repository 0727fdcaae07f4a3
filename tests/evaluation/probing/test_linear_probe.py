import numpy as np
import pytest
import torch

from pixbench.evaluation.probing.linear_probe import fit_linear_probe, pooled, probe_accuracy


def test_pooling_gives_mean_and_standard_deviation_of_channels() -> None:
    features = torch.tensor([[[1.0, 2.0, 3.0], [4.0, 4.0, 4.0]]])
    np.testing.assert_allclose(pooled(features), [[2.0, 4.0, 1.0, 0.0]])


def test_probe_is_invariant_to_channel_scale() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(200, 3))
    labels = values @ [1.0, -2.0, 0.5] + rng.normal(0, 0.3, 200) > 0
    one, other = (fit_linear_probe(values * unit, labels, strength=0.1, steps=500) for unit in ([1, 1, 1], [1000, 0.01, 7]))
    np.testing.assert_allclose(one.predict_proba(values), other.predict_proba(values * [1000, 0.01, 7]), atol=1e-3)


def test_stronger_regularisation_lowers_confidence() -> None:
    values = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    labels = np.array([False, False, True, True])
    weak, strong = (fit_linear_probe(values, labels, strength=strength, steps=500).predict_proba([[2.0]])[0, 1] for strength in (10, 1e-3))
    assert 0.5 < strong < 0.51 < 0.9 < weak


def test_accuracy_matches_hand_computed_values() -> None:
    """One channel equals the label; one in four test images has the wrong label."""
    labels = np.array([True, False] * 10)
    features = torch.from_numpy(np.where(labels, 1.0, -1.0)[:, None, None].repeat(4, axis=2)).float()
    wrong = labels.copy()
    wrong[:5] = ~wrong[:5]
    accuracies = probe_accuracy(features, labels, (features, labels), (features, wrong), strength=1.0, steps=500)
    assert accuracies == [1.0, pytest.approx(0.75)]
