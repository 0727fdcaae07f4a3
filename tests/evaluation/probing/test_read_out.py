"""Which strength each protocol selects, with a probe whose predictions are known."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from pixbench.errors import UserError
from pixbench.evaluation.probing.head import PixelHead
from pixbench.evaluation.probing.probabilities import read_probabilities, write_probabilities
from pixbench.evaluation.probing.read_out import READ_OUTS, STRENGTHS, Classified, LabelledDescriptors, accuracy, read_out

IMAGES = 20
SEEN, UNSEEN = 1.0, 0.1


@dataclass(frozen=True)
class Known:
    """Correct on training domains for the strengths `seen`, and on other domains for the strengths `unseen`."""

    domains: frozenset[float]
    strength: float
    seen: tuple[float, ...]
    unseen: tuple[float, ...]

    def predict_proba(self, values: np.ndarray) -> np.ndarray:
        domain, label = values[:, 0], values[:, 1]
        right = [self.strength in (self.seen if each in self.domains else self.unseen) for each in domain.tolist()]
        probability = np.where(np.array(right), label, 1 - label) * 0.8 + 0.1
        return np.stack([1 - probability, probability], axis=1)


def _domain(number: int, seed: int) -> LabelledDescriptors:
    """The first channel is the domain, the second the label."""
    label = np.random.default_rng(seed).random(IMAGES) < 0.5
    channels = np.stack([np.full(IMAGES, number), label], axis=1)[:, :, None].repeat(3, axis=2)
    return LabelledDescriptors(torch.from_numpy(channels).float(), label)


DOMAINS = [_domain(number, seed=number) for number in range(4)]


@pytest.fixture
def cases(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of images that probes are trained on."""
    found: list[int] = []

    def fit(values: np.ndarray, labels: np.ndarray, *, strength: float, steps: int) -> Known:
        found.append(len(labels))
        return Known(frozenset(values[:, 0].tolist()), strength, (SEEN,), (UNSEEN,))

    monkeypatch.setattr("pixbench.evaluation.probing.read_out.fit_linear_probe", fit)
    monkeypatch.setattr(
        "pixbench.evaluation.probing.read_out.train_head", lambda features, labels, **_: PixelHead(features.shape[1]).eval()
    )
    return found


def test_protocols_select_on_their_validation_data(cases: list[int]) -> None:
    steps: list[int] = []
    chosen, found = read_out(DOMAINS[:3], DOMAINS[3], 0, steps.append)
    # A domain left out of training behaves like the test domain; held-out images of training domains do not.
    assert chosen == {"training-domain": SEEN, "leave-one-domain-out": UNSEEN, "oracle": UNSEEN}
    assert {name: [accuracy(part) for part in found[name]] for name in chosen} == {
        "training-domain": [1.0, 0.0],
        "leave-one-domain-out": [0.0, 1.0],
        "oracle": [0.0, 1.0],
    }
    assert sum(steps) == 40
    # Four fifths of all three domains, or of two of them.
    assert sorted(cases) == [32] * 15 + [48] * 5


def test_training_and_test_images_are_disjoint(cases: list[int]) -> None:
    _, found = read_out(DOMAINS[:3], DOMAINS[3], 0)
    for name in READ_OUTS:
        id_, ood = found[name]
        assert id_.label.tolist() == [label for part in DOMAINS[:3] for label in part.labels[16:].tolist()]
        assert ood.label.tolist() == DOMAINS[3].labels[4:].tolist()


def test_ties_go_to_the_strongest_regularisation(cases: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    def fit(values: np.ndarray, labels: np.ndarray, *, strength: float, steps: int) -> Known:
        return Known(frozenset(values[:, 0].tolist()), strength, STRENGTHS[1:4], STRENGTHS[2:])

    monkeypatch.setattr("pixbench.evaluation.probing.read_out.fit_linear_probe", fit)
    chosen, _ = read_out(DOMAINS[:3], DOMAINS[3], 0)
    assert chosen == {"training-domain": 0.01, "leave-one-domain-out": 0.1, "oracle": 0.1}


def test_probability_of_one_half_predicts_the_first_class() -> None:
    found = Classified(np.array([0.5, 0.51, 0.49]), np.array([False, True, True]))
    assert found.predicted.tolist() == [False, True, False]
    assert accuracy(found) == pytest.approx(2 / 3)
    assert math.isnan(accuracy(Classified(np.empty(0), np.empty(0, bool))))


@pytest.mark.parametrize("replaced", [np.zeros(4), np.zeros((3, 1))])
def test_probabilities_that_do_not_fit_their_labels_are_rejected(replaced: Any, tmp_path: Path) -> None:
    one = Classified(np.array([0.1, 0.2, 0.9]), np.array([False, True, True]))
    path = tmp_path / "p.h5"
    write_probabilities(path, dict.fromkeys(READ_OUTS, (one, one)))
    with h5py.File(path, "a") as file:
        del file["ood/head"]
        file["ood/head"] = replaced
        if replaced.ndim > 1:
            del file["ood/label"]
            file["ood/label"] = replaced
    with pytest.raises(UserError, match=r"probabilities .* and labels .* do not fit together"):
        read_probabilities(path)
    with h5py.File(path, "a") as file:
        file.attrs["format"] = "another"
    with pytest.raises(UserError, match="it is not of format pixbench-probabilities"):
        read_probabilities(path)
