"""Dense Object Nets (Florence, Manuelli, Tedrake, 2018): matches are pulled together, non-matches pushed apart up to a margin."""

import torch
from jaxtyping import Float
from torch import Tensor

from pixbench.errors import UserError
from pixbench.training.config import TrainConfig
from pixbench.training.objectives.base import DescriptorBatch, Objective, at_points, mean_where, options_of, sample_descriptors


class DenseObjectNets(Objective):
    """Dense Object Nets: squared distance of matches; hinge on non-matches, averaged over those inside the margin.

    Mean of |x - y|^2 over matches plus mean of max(0, margin - |x - y|)^2 over the non-matches that violate it. The non-matches of a match
    are `non_matches` random positions (at most as many as the run's points), the same for all matches of an image, without those within
    `near_px` of the true match.
    """

    norm = 2.0

    def __init__(self, config: TrainConfig):
        super().__init__()
        self.options = options_of(config, {"margin": 0.5, "non_matches": 150, "near_px": 4})
        wanted = config.options.get("non_matches", 0)
        if wanted > config.points:
            raise UserError(f"options.non_matches is {wanted:g}: expected at most {config.points}, the number of points")

    def forward(self, batch: DescriptorBatch) -> Float[Tensor, ""]:
        """See Objective."""
        margin, count, near = (self.options[name] for name in ("margin", "non_matches", "near_px"))
        x, y = at_points(batch)
        places = batch.uv_random[:, : int(count)]
        others = sample_descriptors(batch.b, places).transpose(1, 2)
        hinge = (margin - torch.cdist(x, others)).clamp(min=0)
        far = torch.cdist(batch.uv_b, places) > near
        violating = far & (hinge > 0) & batch.matched[..., None]
        return mean_where((x - y).square().sum(-1), batch.matched) + mean_where(hinge.square(), violating)
