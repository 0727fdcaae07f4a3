"""Classifiers on frozen descriptors of labelled domains: a linear probe for each way to select its regularisation, and the paper's head."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float

from .grid import Features
from .head import head_probability, train_head
from .linear_probe import IMAGE_PROBE_STEPS, STRENGTHS, fit_linear_probe, pooled

HELD_OUT = 0.2
"""Share of each domain that is held out from training, for selection and, of the training domains, for ID accuracy."""

HEAD_STEPS, HEAD_BATCH, HEAD_RATE = 800, 64, 2e-3

READ_OUTS = ("training-domain", "leave-one-domain-out", "oracle", "head")
"""Protocols that select the linear probe's regularisation (DomainBed, arXiv 2007.01434); and the paper's head, without selection."""

Labels = Bool[np.ndarray, " images"]


@dataclass(frozen=True, eq=False)
class Classified:
    """Predictions of a classifier for images: the probability of class 1, and the true label."""

    probability: Float[np.ndarray, " images"]
    label: Labels

    @property
    def predicted(self) -> Labels:
        """The more probable class; 0 for ties."""
        return self.probability > 0.5


def accuracy(found: Classified) -> float:
    """Share of images that are classified correctly; NaN for none."""
    return float(np.mean(found.predicted == found.label)) if len(found.label) else math.nan


@dataclass(frozen=True, eq=False)
class LabelledDescriptors:
    """Descriptors and labels of some images."""

    features: Features
    labels: Labels


def read_out(
    training: Sequence[LabelledDescriptors], ood: LabelledDescriptors, seed: int, progress: Callable[[int], None] = lambda done: None
) -> tuple[dict[str, float], dict[str, tuple[Classified, Classified]]]:
    """Fit probes and head on frozen descriptors. Returns the strength that each protocol selects (DomainBed, arXiv 2007.01434), and the
    predictions for ID and OOD images.
    """
    fit, held = zip(*(_cut(part, 1 - HELD_OUT) for part in training), strict=True)
    test_choice, test = _cut(ood, HELD_OUT)
    probes = {strength: _probe(fit, strength) for strength in STRENGTHS}
    progress(10)
    by_protocol = {
        "training-domain": {s: np.mean([accuracy(_classified(probe, part)) for part in held]) for s, probe in probes.items()},
        "leave-one-domain-out": {
            s: np.mean(
                [
                    accuracy(_classified(_probe([part for k, part in enumerate(fit) if k != out], s), training[out]))
                    for out in range(len(training))
                ]
            )
            for s in STRENGTHS
        },
        "oracle": {s: accuracy(_classified(probe, test_choice)) for s, probe in probes.items()},
    }
    progress(10)
    chosen = {name: max(STRENGTHS, key=lambda s, found=found: (found[s], -s)) for name, found in by_protocol.items()}  # type: ignore[misc]
    id_test = _together(held)
    classified = {name: (_classified(probes[s], id_test), _classified(probes[s], test)) for name, s in chosen.items()}
    whole = _together(fit)
    head = train_head(
        whole.features, whole.labels, steps=HEAD_STEPS, batch=HEAD_BATCH, learning_rate=HEAD_RATE, seed=seed, device=torch.device("cpu")
    )
    first, second = (Classified(head_probability(head, part.features, device=torch.device("cpu")), part.labels) for part in (id_test, test))
    classified["head"] = (first, second)
    progress(20)
    return chosen, classified


def _cut(part: LabelledDescriptors, share: float) -> tuple[LabelledDescriptors, LabelledDescriptors]:
    at = round(len(part.labels) * share)
    return LabelledDescriptors(part.features[:at], part.labels[:at]), LabelledDescriptors(part.features[at:], part.labels[at:])


def _together(parts: Sequence[LabelledDescriptors]) -> LabelledDescriptors:
    return LabelledDescriptors(torch.cat([part.features for part in parts]), np.concatenate([part.labels for part in parts]))


def _probe(parts: Sequence[LabelledDescriptors], strength: float) -> Any:
    whole = _together(parts)
    return fit_linear_probe(pooled(whole.features), whole.labels, strength=strength, steps=IMAGE_PROBE_STEPS)


def _classified(probe: Any, part: LabelledDescriptors) -> Classified:
    return Classified(probe.predict_proba(pooled(part.features))[:, 1], part.labels)
