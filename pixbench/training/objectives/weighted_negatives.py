"""The method's costs with negatives weighted by how close they are: stable, without a momentum network."""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ...losses import half_distance
from .base import DescriptorBatch, Objective, mean_where, options_of, sample_descriptors

if TYPE_CHECKING:
    from ..config import TrainConfig

Matrix = Float[Tensor, "batch points others"]
Row = Float[Tensor, "batch points"]


class WeightedContrast(Objective):
    """The method's costs, with every other sampled point of the pair as a negative, weighted by its closeness.

    A match costs d + d^2, a negative (1/2 - d)^2, with d the half distance in the run's norm p (arXiv 2512.04970). Negative j of a point
    has the weight w_j = exp(-s d_j / m), with s = `sharpness` and m the batch's mean distance of negatives, so that s has no unit; the
    weights of a point's negatives and of its match sum to 1. The cost of a match is scaled by 1 - w, where w is its own weight: a point
    that is far from all others in descriptor costs nothing. No gradient flows through the weights. Points nearer than `near_px` to the
    match do not count. Both views are searched. `keep` is the share of the matches' cost in the sum; the run's `between_weight` is not
    used.

    With random negatives (the method as published) most are far away already; with only the hardest (`paper-hard`), points that look alike
    dominate, and descriptors collapse. Relative weights lie between the two.
    """

    defaults: Mapping[str, float] = MappingProxyType({"sharpness": 10.0, "near_px": 4.0})

    def __init__(self, config: "TrainConfig"):
        super().__init__()
        self.config = config
        self.options = options_of(config, self.defaults)

    def forward(self, batch: DescriptorBatch) -> Float[Tensor, ""]:
        """See Objective. 0 for a batch without a match."""
        x, y = sample_descriptors(batch.a, batch.uv_a), sample_descriptors(batch.b, batch.uv_b)
        d = half_distance(x - y, self.config.p)
        far = all_half_distances(x, y, self.config.p)
        in_b, in_a = self._cost(d, far, batch.uv_b, batch.matched), self._cost(d, far.transpose(1, 2), batch.uv_a, batch.matched)
        return (in_b + in_a) / 2

    def _cost(self, d: Row, far: Matrix, uv: Float[Tensor, "batch points 2"], matched: Bool[Tensor, "batch points"]) -> Float[Tensor, ""]:
        """Cost of points against the sampled points of the other view, whose positions there are `uv`, in pixels."""
        negative = (torch.cdist(uv, uv) > self.options["near_px"]) & matched[:, None] & matched[..., None]
        weight, missed = relative_weights(d.detach(), far.detach(), negative, self.options["sharpness"])
        push = (weight * (0.5 - far).square()).sum(dim=2)
        return mean_where(self.config.keep * missed * (d + d.square()) + (1 - self.config.keep) * push, matched)


def relative_weights(d: Row, far: Matrix, negative: Bool[Tensor, "batch points others"], sharpness: float) -> tuple[Matrix, Row]:
    """Softmax of -sharpness * distance / mean distance over a point's match (`d`) and its negatives.

    Returns the negatives' weights and their sum, 1 minus the weight of the match. The mean is taken over all negatives of the batch.
    """
    mean = (far * negative).sum() / negative.sum().clamp(min=1)
    scale = sharpness / mean.clamp(min=1e-12)
    logits = torch.cat([d[..., None], far], dim=2) * -scale
    weight = logits.masked_fill(~torch.nn.functional.pad(negative, (1, 0), value=True), -torch.inf).softmax(dim=2)
    return weight[..., 1:], weight[..., 1:].sum(dim=2)


def all_half_distances(x: Float[Tensor, "batch channels points"], y: Float[Tensor, "batch channels others"], p: float) -> Matrix:
    """d of each point of x to each of y."""
    rows, others = x.transpose(1, 2), y.transpose(1, 2)
    if p == 2:
        return 0.5 * torch.cdist(rows, others).square() / x.shape[1]
    far = torch.cdist(rows, others, p=p)
    return 0.5 * (far if p == math.inf else far / x.shape[1])
