"""The method's match_index objective."""

from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from ...losses import contrastive_loss
from .base import DescriptorBatch, Objective, options_of, sample_descriptors

if TYPE_CHECKING:
    from ..config import TrainConfig


class StableContrast(Objective):
    """The method: p-norm losses within and between images (arXiv 2512.04970), matches at sub-pixel positions, negatives at random ones."""

    has_between_term = True

    def __init__(self, config: "TrainConfig"):
        super().__init__()
        options_of(config, {})
        self.config = config

    @property
    def compares_images(self) -> bool:
        """See Objective."""
        return self.config.between_weight > 0

    def forward(self, batch: DescriptorBatch) -> Float[Tensor, ""]:
        """See Objective."""
        f1 = sample_descriptors(batch.a, batch.uv_a)
        f2 = sample_descriptors(batch.b, torch.cat([batch.uv_b, batch.uv_random], dim=1))
        points = batch.uv_a.shape[1]
        match_index = torch.arange(points, device=f1.device).expand_as(batch.positive)
        index = torch.where(batch.positive, match_index, match_index + points)
        return contrastive_loss(
            f1,
            f2,
            index,
            batch.positive,
            torch.ones_like(batch.positive),
            p=self.config.p,
            between_weight=self.config.between_weight,
            between_pairs=self.config.between_pairs,
        )
