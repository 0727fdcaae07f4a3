"""The stable contrastive losses for single pixels (arXiv 2512.04970): p = 1, 2, inf; within and between images.

d is half the p-distance of two descriptors: half the mean absolute difference over channels (p = 1), half the mean squared
difference (p = 2), half the largest absolute difference (p = inf). A true match costs d + d^2, anything else (d - 1/2)^2.
"""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from .between_image import all_pairs, drawn_pairs, mean_over_pairs

NORMS = (1.0, 2.0, math.inf)


def half_distance(difference: Float[Tensor, "*batch channels points"], p: float) -> Float[Tensor, "*batch points"]:
    """Half distance d of descriptor differences, without unit; the channels are the axis before the last (arXiv 2512.04970). Raises
    ValueError unless p is 1, 2 or inf.
    """
    if p == 1:
        return 0.5 * difference.abs().mean(dim=-2)
    if p == 2:
        return 0.5 * difference.square().mean(dim=-2)
    if p == math.inf:
        # max, not amax: its gradient goes to one channel, while amax splits it among equal ones.
        return 0.5 * difference.abs().max(dim=-2).values
    raise ValueError(f"p is {p}: expected 1, 2 or inf")


def masked_mean(cost: Float[Tensor, "batch points"], mask: Bool[Tensor, "batch points"]) -> Float[Tensor, " batch"]:
    """Mean over the points of each row where `mask` is true; 0 for a row without any."""
    weight = mask.to(cost.dtype)
    return (cost * weight).sum(dim=-1) / weight.sum(dim=-1).clamp(min=1)


def within_loss(
    f1: Float[Tensor, "batch channels points"],
    f2: Float[Tensor, "batch channels targets"],
    index: Int[Tensor, "batch points"],
    positive: Bool[Tensor, "batch points"],
    mask: Bool[Tensor, "batch points"],
    *,
    p: float,
) -> Float[Tensor, ""]:
    """Within-image loss (arXiv 2512.04970): point n of view 1 is compared with point index[n] of view 2 of the same image, and costs d +
    d^2 if `positive`, else (d - 1/2)^2.

    `mask` is true where both views are valid at the pair. Mean over those points, then over the batch. Raises ValueError unless p is 1, 2
    or inf.
    """
    partners = _gather(f2, index)
    d = half_distance(f1 - partners, p)
    cost = torch.where(positive, d + d.square(), (d - 0.5).square())
    return masked_mean(cost, mask).mean()


def between_loss(
    f1: Float[Tensor, "batch channels points"],
    f2: Float[Tensor, "batch channels targets"],
    index: Int[Tensor, "batch points"],
    mask: Bool[Tensor, "batch points"],
    *,
    p: float,
    pairs: int | None = None,
) -> Float[Tensor, ""]:
    """Between-image loss (arXiv 2512.04970): point n of image b1 against point index[b2, n] of view 2 of image b2, for all b1 < b2. None of
    them match, so each costs (d - 1/2)^2.

    Mean over the points whose `mask` is true in both images, then over the B(B - 1)/2 pairs; 0 for a batch of one. With `pairs` = K
    it is an unbiased estimate from K random partners of each image, drawn from torch's global random numbers.
    Raises ValueError unless p is 1, 2 or inf, and pairs at least 1.
    """
    if p not in NORMS:
        raise ValueError(f"p is {p}: expected 1, 2 or inf")
    if pairs is not None and pairs < 1:
        raise ValueError(f"pairs is {pairs}: expected at least 1 partner, or None for all")
    batch = len(f1)
    few = pairs is not None and pairs < batch - 1
    chosen = drawn_pairs(batch, pairs, f1.device) if few and pairs else all_pairs(batch, f1.device)
    return mean_over_pairs(f1, _gather(f2, index), mask, chosen, p=p)


def contrastive_loss(
    f1: Float[Tensor, "batch channels points"],
    f2: Float[Tensor, "batch channels targets"],
    index: Int[Tensor, "batch points"],
    positive: Bool[Tensor, "batch points"],
    mask: Bool[Tensor, "batch points"],
    *,
    p: float,
    between_weight: float,
    between_pairs: int | None = None,
) -> Float[Tensor, ""]:
    """The method's loss (arXiv 2512.04970): L = (1 - c) L_within + c L_between, with c = `between_weight` in [0, 1] (the paper writes
    lambda = 1 - c).

    `between_pairs` is the number of random partners of each image, None for all (see between_loss). Raises ValueError as `within_loss` and
    `between_loss` do.

    For example:

        f1, f2 = torch.rand(2, 6, 32, 512)  # descriptors of 512 true matches in each of 6 pairs of views
        index = torch.randperm(512).expand(6, -1)  # the point of view 2 that each point of view 1 is compared with
        positive = index == torch.arange(512)
        loss = pixbench.losses.contrastive_loss(f1, f2, index, positive, torch.ones_like(positive), p=2, between_weight=0.5)
    """
    within = within_loss(f1, f2, index, positive, mask, p=p) if between_weight < 1 else f1.new_zeros(())
    between = between_loss(f1, f2, index, mask, p=p, pairs=between_pairs) if between_weight > 0 else f1.new_zeros(())
    return (1 - between_weight) * within + between_weight * between


def _gather(
    features: Float[Tensor, "batch channels targets"], index: Int[Tensor, "batch points"]
) -> Float[Tensor, "batch channels points"]:
    return features.gather(2, index[:, None, :].expand(-1, features.shape[1], -1))
