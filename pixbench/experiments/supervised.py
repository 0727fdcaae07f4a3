"""The supervised rows of ColoredMNIST: empirical risk, invariant risk, and a grey-scale oracle (arXiv 1907.02893), at any size.

A perceptron on 14 x 14 pixels, full batches, Adam; the invariant risk adds the squared gradient of each domain's risk by a scale on
the logits. Settings are those of the authors' public run.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from ..seeding import seeded

Method = Literal["erm", "irm", "grey"]
METHODS: tuple[Method, ...] = ("erm", "irm", "grey")

HIDDEN = 390
LEARNING_RATE = 0.0004898536566546834
L2 = 0.00110794568
PENALTY = 91257.18613115903
PENALTY_FROM = 190
STEPS = 501


def supervised(domains: Sequence[Any], method: Method, *, seed: int) -> tuple[float, float]:
    """Accuracy on the training domains and on the one held back; `domains` as those of ColoredMNIST."""
    training = [_inputs(domain, grey=method == "grey") for domain in domains if not domain.ood]
    ((test, truth),) = [_inputs(domain, grey=method == "grey") for domain in domains if domain.ood]
    with seeded(seed):
        network = _perceptron(training[0][0].shape[1])
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    for step in range(STEPS):
        risks, penalties = zip(*(_risk(network, *domain) for domain in training), strict=True)
        loss = torch.stack(risks).mean() + L2 * sum(parameter.square().sum() for parameter in network.parameters())
        if method == "irm":
            weight = PENALTY if step >= PENALTY_FROM else 1.0
            loss = loss + weight * torch.stack(penalties).mean()
            # As its authors do: the gradients stay of one size when the penalty rises.
            loss = loss / max(weight, 1.0)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    with torch.no_grad():
        seen = float(np.mean([_accuracy(network, *domain) for domain in training]))
        return seen, _accuracy(network, test, truth)


def _inputs(domain: Any, *, grey: bool) -> tuple[Float[Tensor, "digits values"], Float[Tensor, " digits"]]:
    """Every second pixel of red and green; for the oracle their sum in both, which is the digit without its colour."""
    two = torch.from_numpy(domain.images[:, ::2, ::2, :2].copy()).float() / 255
    if grey:
        two = two.sum(dim=-1, keepdim=True).expand(-1, -1, -1, 2)
    return two.reshape(len(two), -1), torch.from_numpy(domain.labels.copy()).float()


def _perceptron(inputs: int) -> nn.Sequential:
    network = nn.Sequential(nn.Linear(inputs, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 1))
    for layer in network:
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    return network


def _risk(network: nn.Module, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy, and the squared gradient by a scale of 1 on the logits."""
    scale = torch.ones((), requires_grad=True)
    risk = functional.binary_cross_entropy_with_logits(network(x)[:, 0] * scale, y)
    (slope,) = torch.autograd.grad(risk, scale, create_graph=True)
    return risk, slope.square()


def _accuracy(network: nn.Module, x: Tensor, y: Tensor) -> float:
    return float(((network(x)[:, 0] > 0) == (y > 0.5)).float().mean())
