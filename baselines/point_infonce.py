"""PointInfoNCE (PointContrast, Xie et al., 2020): every match against all other sampled points of the same pair."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from pixbench.training.config import TrainConfig
from pixbench.training.objectives.base import DescriptorBatch, Objective, at_points, mean_where, options_of


class PointInfoNCE(Objective):
    """PointInfoNCE: cross-entropy over the matrix x.y / temperature of a pair's matches, unit descriptors."""

    norm = "cosine"

    def __init__(self, config: TrainConfig):
        super().__init__()
        self.options = options_of(config, {"temperature": 0.07})

    def forward(self, batch: DescriptorBatch) -> Float[Tensor, ""]:
        """See Objective."""
        x, y = at_points(batch, unit=True)
        logits = (x @ y.transpose(1, 2) / self.options["temperature"]).masked_fill(~batch.matched[:, None], -torch.inf)
        # A pair without any match would give an empty row.
        logits = torch.where(batch.matched.any(dim=1)[:, None, None], logits, torch.zeros_like(logits))
        own = torch.arange(x.shape[1], device=x.device).expand(len(x), -1)
        cost = functional.cross_entropy(logits.transpose(1, 2), own, reduction="none")
        return mean_where(torch.where(batch.matched, cost, torch.zeros_like(cost)), batch.matched)
