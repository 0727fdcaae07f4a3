"""The linear probe of frozen descriptors: logistic regression on standardised values (scikit-learn)."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Inverse regularisation strengths C of the probe of images. A protocol selects one; ties go to the first, the strongest regularisation."""

IMAGE_PROBE_STEPS = 2000
"""Largest number of the solver's iterations for the probe of images."""

PIXEL_PROBE_STRENGTH, PIXEL_PROBE_STEPS = 0.01, 300
"""The same for the probe of single pixels."""

COLOR_PROBE_STRENGTH, COLOR_PROBE_STEPS = 1.0, 1000
"""The same for the probe in experiment 1."""


def fit_linear_probe(
    values: Float[np.ndarray, "cases values"],
    labels: Bool[np.ndarray, " cases"] | Int[np.ndarray, " cases"],
    *,
    strength: float,
    steps: int,
) -> Any:
    """A scikit-learn classifier. `strength` is the inverse regularisation C, `steps` the largest number of iterations of the solver."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=steps)).fit(values, labels)


def pooled(features: Float[Tensor, "images channels pixels"]) -> Float[np.ndarray, "images values"]:
    """Mean and standard deviation of each channel over pixels: the input of the probe for an image."""
    return torch.cat([features.mean(dim=2), features.std(dim=2)], dim=1).numpy()


def probe_accuracy(
    features: Float[Tensor, "images channels pixels"],
    labels: Bool[np.ndarray, " images"],
    *tests: tuple[Float[Tensor, "_ channels pixels"], Bool[np.ndarray, " _"]],
    strength: float,
    steps: int,
) -> list[float]:
    """Accuracy on each test of a probe of pooled descriptors."""
    probe = fit_linear_probe(pooled(features), labels, strength=strength, steps=steps)
    return [float(probe.score(pooled(test), truth)) for test, truth in tests]
