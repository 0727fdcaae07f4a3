"""VICRegL (Bardes, Ponce, LeCun, 2022): variance, invariance and covariance of whole images and of matched points."""

import torch
from jaxtyping import Float
from torch import Tensor

from pixbench.training.config import TrainConfig
from pixbench.training.objectives.base import DescriptorBatch, Objective, at_points, options_of


class VICRegL(Objective):
    """VICRegL: global_weight times VICReg of mean descriptors, the rest of matched points. Without an expander.

    VICReg is 25 times the mean squared difference, 25 times the mean shortfall of each channel's standard deviation to 1, and once
    the squared covariances off the diagonal over D; the last two for each view.
    """

    norm = 2.0

    def __init__(self, config: TrainConfig):
        super().__init__()
        self.options = options_of(config, {"global_weight": 0.75, "invariance": 25, "variance": 25, "covariance": 1})

    def forward(self, batch: DescriptorBatch) -> Float[Tensor, ""]:
        """See Objective."""
        whole = self.vicreg(batch.a.mean(dim=(2, 3)), batch.b.mean(dim=(2, 3)))
        x, y = at_points(batch)
        share = self.options["global_weight"]
        return share * whole + (1 - share) * self.vicreg(x[batch.matched], y[batch.matched])

    def vicreg(self, x: Float[Tensor, "samples channels"], y: Float[Tensor, "samples channels"]) -> Float[Tensor, ""]:
        """VICReg loss (Bardes et al., 2022) of two sets of samples, whose rows correspond; 0 for fewer than two rows."""
        if len(x) < 2:
            return (x.sum() + y.sum()) * 0
        loss = self.options["invariance"] * (x - y).square().mean()
        for samples in (x, y):
            spread = (samples.var(dim=0) + 1e-4).sqrt()
            loss = loss + self.options["variance"] * (1 - spread).clamp(min=0).mean()
            covariance = torch.cov(samples.T).reshape(samples.shape[1], samples.shape[1])
            off_diagonal = covariance - torch.diag(torch.diag(covariance))
            loss = loss + self.options["covariance"] * off_diagonal.square().sum() / samples.shape[1]
        return loss
