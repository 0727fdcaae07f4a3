"""The method's family of losses with hard negatives: without momentum network or temperature, like the method."""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ...evaluation.matching.nearest import Separation, nearest_k
from ...geometry.pixels import snap_to_centre
from ...losses import between_loss, half_distance
from .base import DescriptorBatch, Objective, mean_where, options_of, sample_descriptors

if TYPE_CHECKING:
    from ..config import TrainConfig

DEFAULTS = {
    "hardest": 16.0,
    "sharpness": 0.0,
    "semi": 0.0,
    "one_sided": 1.0,
    "near_px": 4.0,
    "both_ways": 1.0,
    "snap": 0.0,
    "between": 0.0,
}

Points = Float[Tensor, "batch channels points"]


class HardContrast(Objective):
    """The method's costs on every match, and on the nearest negatives among the pair's other points, farther than `near_px` pixels.

    A match costs d + d^2 with weight `keep`; its `hardest` negatives cost (1/2 - d)^2 with weight 1 - `keep`, if `one_sided` only where d <
    1/2. d is the half distance in the norm p, of unnormalised descriptors (arXiv 2512.04970). With `sharpness` s a negative has the weight
    exp(-s (d - d0)), where d0 is the distance of the same point's nearest negative. With `semi` only those count that are not nearer than
    the match, as in FaceNet (Schroff et al., 2015); `hardest` 0 takes one random position instead, as the method does. `both_ways` searches
    both views; `snap` rounds matches to whole pixels, as an ablation. `between` is the share of the method's between-image term; the run's
    `between_weight` is not used.
    """

    defaults: Mapping[str, float] = DEFAULTS

    def __init__(self, config: "TrainConfig"):
        super().__init__()
        self.config = config
        self.options = options_of(config, self.defaults)

    @property
    def compares_images(self) -> bool:
        """See Objective."""
        return self.options["between"] > 0

    def forward(self, batch: DescriptorBatch) -> Float[Tensor, ""]:
        """See Objective."""
        uv_b = snap_to_centre(batch.uv_b) if self.options["snap"] else batch.uv_b
        x, y = sample_descriptors(batch.a, batch.uv_a), sample_descriptors(batch.b, uv_b)
        d = half_distance(x - y, self.config.p)
        pull = mean_where(d + d.square(), batch.matched)
        if self.options["hardest"]:
            ways = [(x, y, batch.uv_b), (y, x, batch.uv_a)][: 2 if self.options["both_ways"] else 1]
            push = torch.stack([self._push(*way, batch.matched) for way in ways]).mean()
        else:
            push = mean_where(self._cost(half_distance(x - sample_descriptors(batch.b, batch.uv_random), self.config.p)), batch.matched)
        within = self.config.keep * pull + (1 - self.config.keep) * push
        c = self.options["between"]
        if not c:
            return within
        same_point = torch.arange(x.shape[2], device=x.device).expand_as(batch.matched)
        between = between_loss(x, y, same_point, torch.ones_like(batch.matched), p=self.config.p, pairs=self.config.between_pairs)
        return (1 - c) * within + c * between

    def _cost(self, d: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        short = 0.5 - d
        return (short.clamp(min=0) if self.options["one_sided"] else short).square()

    def _push(
        self,
        x: Points,
        y: Points,
        uv: Float[Tensor, "batch points 2"],
        matched: Bool[Tensor, "batch points"],
    ) -> Float[Tensor, ""]:
        """Mean cost of the hard negatives: for each point of x, the nearest points of y that do not match it; `uv` are the positions of y's
        points, in pixels.
        """
        count = min(int(self.options["hardest"]), y.shape[2])
        with torch.no_grad():
            rows, others = x.transpose(1, 2), y.transpose(1, 2)
            found = nearest_k(
                rows,
                others,
                count,
                p=self.config.p,
                allowed=matched,
                apart=Separation(uv, uv, self.options["near_px"]),
                beyond=others if self.options["semi"] else None,
            )
            nearest, index = _half(found.distance, self.config.p, x.shape[1]), found.index.clamp(min=0)
            valid = nearest.isfinite() & matched[..., None]
            weight = torch.exp(-self.options["sharpness"] * (nearest - nearest[..., :1])).masked_fill(~valid, 0.0)
        d = half_distance(x[:, None] - _picked(y, index), self.config.p)
        # From (batch, count, points) to (batch, points, count), the order of the weights.
        cost = self._cost(d.transpose(1, 2)) * weight
        return cost.sum() / weight.sum().clamp(min=1e-12)


class PaperHard(HardContrast):
    """The method's own costs (arXiv 2512.04970), with the hardest negatives in place of random ones (see the study `negatives`).

    HardContrast with two-sided negatives.
    """

    defaults: Mapping[str, float] = MappingProxyType({**DEFAULTS, "one_sided": 0.0})


def _half(distance: Float[Tensor, "*shape"], p: float, channels: int) -> Float[Tensor, "*shape"]:
    """d of a distance in the norm p, see losses."""
    if p == math.inf:
        return 0.5 * distance
    return 0.5 * (distance.square() if p == 2 else distance) / channels


def _picked(y: Points, index: Int[Tensor, "batch points count"]) -> Float[Tensor, "batch count channels points"]:
    batch, points, count = index.shape
    flat = index.transpose(1, 2).reshape(batch, 1, count * points).expand(-1, y.shape[1], -1)
    return y.gather(2, flat).reshape(batch, y.shape[1], count, points).transpose(1, 2)
