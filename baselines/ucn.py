"""Universal Correspondence Network (Choy et al., 2016), with the loss of its later public version: hardest negatives."""

import torch
from jaxtyping import Float
from torch import Tensor

from pixbench.training.config import TrainConfig
from pixbench.training.objectives.base import DescriptorBatch, Objective, at_points, mean_where, options_of


class UCN(Objective):
    """UCN: hinge on matches, and on the hardest negative of each, among all sampled points further than `near_px` away.

    max(0, |x - y|^2 - positive) + max(0, negative - D)^2 on unit descriptors, D the distance to the hardest negative; both ways.
    """

    norm = "cosine"

    def __init__(self, config: TrainConfig):
        super().__init__()
        self.options = options_of(config, {"positive": 0.1, "negative": 1.4, "near_px": 4})

    def forward(self, batch: DescriptorBatch) -> Float[Tensor, ""]:
        """See Objective."""
        x, y = at_points(batch, unit=True)
        distance = torch.cdist(x, y)
        pull = ((x - y).square().sum(-1) - self.options["positive"]).clamp(min=0)
        loss = mean_where(pull, batch.matched)
        for way, uv in ((distance, batch.uv_b), (distance.transpose(1, 2), batch.uv_a)):
            near = torch.cdist(uv, uv) <= self.options["near_px"]
            hardest = way.masked_fill(near | ~batch.matched[:, None], float("inf")).amin(dim=-1)
            push = (self.options["negative"] - hardest).clamp(min=0).square()
            loss = loss + mean_where(push, batch.matched) / 2
        return loss
