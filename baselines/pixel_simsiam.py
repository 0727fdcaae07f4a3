"""SimSiam (Chen and He, 2021) on pixels: a predictor, a stop-gradient on its target, and no negatives."""

from collections.abc import Mapping
from types import MappingProxyType

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pixbench.training.config import TrainConfig
from pixbench.training.objectives.base import DescriptorBatch, Objective, mean_where, options_of, sample_descriptors


class PixelSimSiam(Objective):
    """Pixel SimSiam: -cos of the predicted descriptor and the other view's, through which no gradient flows; both ways."""

    norm = "cosine"

    defaults: Mapping[str, float] = MappingProxyType({"hidden": 0})

    def __init__(self, config: TrainConfig):
        super().__init__()
        self.options = options_of(config, self.defaults)
        channels = config.network.channels
        # SimSiam's predictor is a bottleneck of a quarter.
        hidden = int(self.options["hidden"]) or max(channels // 4, 8)
        self.predictor = nn.Sequential(nn.Linear(channels, hidden), nn.LayerNorm(hidden), nn.ReLU(), nn.Linear(hidden, channels))

    def forward(self, batch: DescriptorBatch) -> Float[Tensor, ""]:
        """See Objective."""
        there = self._agreement(batch.a, batch.uv_a, batch.target_b, batch.uv_b)
        back = self._agreement(batch.b, batch.uv_b, batch.target_a, batch.uv_a)
        return mean_where(-(there + back) / 2, batch.matched)

    def _agreement(self, view: Tensor, uv: Tensor, target: Tensor, uv_target: Tensor) -> Float[Tensor, "batch points"]:
        predicted = self.predictor(sample_descriptors(view, uv).transpose(1, 2))
        return torch.cosine_similarity(predicted, sample_descriptors(target, uv_target).transpose(1, 2), dim=-1)
