"""PixPro (Xie et al., 2021): a propagated descriptor against the momentum network's at the same point."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from pixbench.training.config import TrainConfig
from pixbench.training.objectives.base import DescriptorBatch, Objective, grid_uv, mean_where, options_of, sample_descriptors


class PixPro(Objective):
    """PixPro: -cos of the propagated descriptor and the momentum network's; no negatives.

    A point's descriptor is propagated from the cells of its own view: the sum of max(cos, 0)^sharpness times a linear map of each
    cell's descriptor. The momentum rises from its start to 1 along half a cosine. Both ways.
    """

    norm = "cosine"

    def __init__(self, config: TrainConfig):
        super().__init__()
        self.options = options_of(config, {"sharpness": 2, "cell_px": 4, "momentum": 0.99})
        self.momentum = self.options["momentum"]
        self.map = nn.Linear(config.network.channels, config.network.channels)

    def momentum_at(self, progress: float) -> float:
        """See Objective."""
        return 1 - (1 - self.options["momentum"]) * (math.cos(math.pi * progress) + 1) / 2

    def forward(self, batch: DescriptorBatch) -> Float[Tensor, ""]:
        """See Objective."""
        there = self._one_way(batch.a, batch.uv_a, batch.target_b, batch.uv_b)
        back = self._one_way(batch.b, batch.uv_b, batch.target_a, batch.uv_a)
        return mean_where(-(there + back) / 2, batch.matched)

    def _one_way(
        self,
        view: Float[Tensor, "batch channels height width"],
        uv: Float[Tensor, "batch points 2"],
        target: Float[Tensor, "batch channels height width"],
        uv_target: Float[Tensor, "batch points 2"],
    ) -> Float[Tensor, "batch points"]:
        cells = grid_uv(view, self.options["cell_px"]).expand(len(uv), -1, -1)
        x = sample_descriptors(view, uv).transpose(1, 2)
        around = sample_descriptors(view, cells).transpose(1, 2)
        alike = functional.normalize(x, dim=-1) @ functional.normalize(around, dim=-1).transpose(1, 2)
        propagated = alike.clamp(min=0).pow(self.options["sharpness"]) @ self.map(around)
        return torch.cosine_similarity(propagated, sample_descriptors(target, uv_target).transpose(1, 2), dim=-1)
