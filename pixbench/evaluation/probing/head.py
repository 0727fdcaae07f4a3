"""The paper's per-pixel head (arXiv 2512.04970), trained on frozen descriptors."""

from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from ...io.seeding import seeded
from .grid import Features

LAYERS = (150, 100, 50, 1)


class PixelHead(nn.Module):
    """A group norm without bias, one attention head over all pixels, and a perceptron: one logit per pixel.

    With 32 channels it has 28,479 parameters, those of the reference's head. Queries and keys are normalised over all pixels together.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels))
        self.query, self.key, self.value = (nn.Linear(channels, channels) for _ in range(3))
        self.norm_query, self.norm_key = (nn.GroupNorm(1, channels) for _ in range(2))
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise((channels, *LAYERS)):
            layers += [nn.Linear(inputs, outputs), nn.GELU()]
        self.perceptron = nn.Sequential(*layers[:-1])

    def forward(self, features: Float[Tensor, "batch channels pixels"]) -> Float[Tensor, "batch pixels"]:
        """Logits of the label at each pixel."""
        x = functional.group_norm(features, 1, self.scale).transpose(1, 2)
        query, key = (norm(layer(x).transpose(1, 2)).transpose(1, 2) for norm, layer in self._query_and_key())
        logits: Tensor = self.perceptron(functional.scaled_dot_product_attention(query, key, self.value(x)))[..., 0]
        return logits

    def _query_and_key(self) -> list[tuple[nn.Module, nn.Module]]:
        return [(self.norm_query, self.query), (self.norm_key, self.key)]


def train_head(
    features: Features,
    labels: Bool[np.ndarray, " images"],
    *,
    steps: int,
    batch: int,
    learning_rate: float,
    seed: int,
    device: torch.device,
) -> PixelHead:
    """Train a head: binary cross-entropy on every pixel with its image's label, AdamW, one-cycle learning rate."""
    with seeded(seed):
        head = PixelHead(features.shape[1]).to(device)
        optimizer = torch.optim.AdamW(head.parameters(), lr=learning_rate)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=learning_rate, total_steps=steps + 1, pct_start=0.05)
        targets = torch.from_numpy(labels).float()
        for _ in range(steps):
            chosen = torch.randint(len(features), (batch,))
            logits = head(features[chosen].to(device))
            loss = functional.binary_cross_entropy_with_logits(logits, targets[chosen, None].to(device).expand_as(logits))
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    return head.eval()


def head_probability(head: PixelHead, features: Features, *, device: torch.device) -> Float[np.ndarray, " images"]:
    """Mean over pixels of the probability of the label."""
    with torch.inference_mode():
        found = [head(part.to(device)).sigmoid().mean(dim=1).cpu() for part in torch.split(features, 64)]
    return torch.cat(found).numpy()


def head_accuracy(head: PixelHead, features: Features, labels: Bool[np.ndarray, " images"], *, device: torch.device) -> float:
    """Share of images whose mean probability over pixels, thresholded at 0.5, equals the label."""
    return float(np.mean((head_probability(head, features, device=device) > 0.5) == labels))
