"""PixContrast (PixPro's pixel contrast, Xie et al., 2021): a point against all cells of the other view, of which near ones are
positives.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from pixbench.training.config import TrainConfig
from pixbench.training.objectives.base import DescriptorBatch, Objective, grid_uv, mean_where, options_of, sample_descriptors


class PixContrast(Objective):
    """PixContrast: -log of the softmax mass on cells within `reach` cell widths of the true place, momentum encoder, both ways.

    Cells of `cell_px` pixels stand for the feature maps of the original, which are coarser than the image.
    """

    norm = "cosine"

    def __init__(self, config: TrainConfig):
        super().__init__()
        self.options = options_of(config, {"temperature": 0.3, "reach": 0.7, "cell_px": 4, "momentum": 0.99})
        self.momentum = self.options["momentum"]

    def forward(self, batch: DescriptorBatch) -> Float[Tensor, ""]:
        """See Objective."""
        there = self._one_way(batch.a, batch.uv_a, batch.target_b, batch.uv_b, batch.matched)
        back = self._one_way(batch.b, batch.uv_b, batch.target_a, batch.uv_a, batch.matched)
        return (there + back) / 2

    def _one_way(
        self,
        view: Float[Tensor, "batch channels height width"],
        uv: Float[Tensor, "batch points 2"],
        other: Float[Tensor, "batch channels height width"],
        uv_other: Float[Tensor, "batch points 2"],
        matched: Bool[Tensor, "batch points"],
    ) -> Float[Tensor, ""]:
        step = self.options["cell_px"]
        cells = grid_uv(other, step).expand(len(uv), -1, -1)
        x = functional.normalize(sample_descriptors(view, uv), dim=1)
        keys = functional.normalize(sample_descriptors(other, cells), dim=1)
        logits = x.transpose(1, 2) @ keys / self.options["temperature"]
        near = torch.cdist(uv_other, cells) <= self.options["reach"] * step
        cost = logits.logsumexp(-1) - logits.masked_fill(~near, -1e9).logsumexp(-1)
        return mean_where(cost, matched & near.any(-1))
