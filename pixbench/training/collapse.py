"""Detects collapse: descriptors that no longer separate a match from other points of the same image."""

import math
from collections.abc import Sequence

import torch

from ..evaluation.matching.nearest import Norm, distances
from .objectives.base import DescriptorBatch, at_points

EVERY = 10
"""Steps between two measurements."""

WINDOW = 10
"""Measurements that are averaged: those of 100 steps."""

FIRST = 20
"""Measurements before the first judgement: those of 200 steps."""

LEAST = 0.65
"""Separation below which descriptors are reported as collapsed: that of an untrained U-Net. Chance is 0.5.

Lowest mean over 100 steps, after step 200, of 4 crops of 64 px: 0.79 or more for `paper` with p = 1 and infinity, `paper-hard`,
`stable-weighted` and `point-infonce`; 0.69 for `paper` with p = 2, which recovers. A run of `paper-hard` that collapsed had 0.62.
"""


@torch.no_grad()
def separation(batch: DescriptorBatch, p: Norm) -> float:
    """Share of matches that are nearer in descriptor than another point of the same view; 0.5 is chance, a tie counts half.

    Both are places in view b: a point's true match, and that of the next of the sampled points. Distances are taken in the norm `p`. NaN
    for a batch without a match.
    """
    x, y = at_points(batch)
    matched = batch.matched & batch.matched.roll(1, dims=1)
    if not matched.any():
        return math.nan
    d = distances(x[matched], torch.stack([y, y.roll(1, dims=1)], dim=2)[matched], p=p)
    match, other = d.unbind(dim=1)
    return float(((match < other).float() + 0.5 * (match == other).float()).mean())


def collapsed(separations: Sequence[float]) -> float | None:
    """The mean of the last measurements where it is below `LEAST`, else None; None, too, where there are not yet `FIRST`."""
    finite = [value for value in separations if math.isfinite(value)]
    recent = finite[-WINDOW:]
    mean = sum(recent) / max(len(recent), 1)
    return mean if len(finite) >= FIRST and mean < LEAST else None


def collapsed_at(separations: Sequence[float]) -> int | None:
    """The first step at which `collapsed` tells of a collapse, given the measurements of a whole run; None if it never does."""
    ends = range(FIRST, len(separations) + 1)
    return next((EVERY * (end - 1) + 1 for end in ends if collapsed(separations[:end]) is not None), None)
