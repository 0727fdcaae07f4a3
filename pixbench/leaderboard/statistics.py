"""Statistics of scores: intervals over scenes and seeds, paired tests, shared ranks, and bimodality over seeds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

RESAMPLES = 4999
LEVEL = 0.95
SIGNIFICANT = 0.05
"""Significance level of paired tests."""

FEWEST_UNITS = 6
"""With fewer units, no permutation of signs can give a p-value below 0.05."""

MODE_GAP, MODE_SPREADS = 0.25, 3
"""Seeds are bimodal if the widest gap between their values exceeds MODE_GAP, and MODE_SPREADS standard deviations within the modes."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Sums and numbers of a metric's values, for each seed and unit (a scene, or an image); no unit is empty for some seeds only.

    `units` are the numbers of the units, ascending: a row has no unit where it has no value. None: they are counted from 0.
    """

    total: Float[np.ndarray, "seeds units"]
    count: Float[np.ndarray, "seeds units"]
    units: Int[np.ndarray, " units"] | None = None

    @property
    def mean(self) -> float:
        """Mean over all values."""
        return float(self.total.sum() / self.count.sum())

    @property
    def of_units(self) -> Float[np.ndarray, " units"]:
        """The mean of each unit over seeds and values; NaN where it has none."""
        with np.errstate(invalid="ignore"):
            return self.total.sum(axis=0) / self.count.sum(axis=0)

    def shared_with(self, other: "Samples") -> tuple["Samples", "Samples"]:
        """Both, restricted to the units that both have."""
        mine, others = (np.arange(each.total.shape[1]) if each.units is None else each.units for each in (self, other))
        units, place, place_in_other = np.intersect1d(mine, others, assume_unique=True, return_indices=True)
        first = Samples(self.total[:, place], self.count[:, place], units)
        return first, Samples(other.total[:, place_in_other], other.count[:, place_in_other], units)


def interval(samples: Samples) -> tuple[float, float] | None:
    """Bounds of the mean, by a percentile bootstrap (Efron and Tibshirani, 1993; scipy) that resamples units and seeds; None with fewer
    than two units.

    With one seed only units are drawn: the interval then does not cover the variation between trainings.
    """
    from scipy.stats import bootstrap

    seeds, units = samples.total.shape
    if units < 2:
        return None
    drawn = (np.arange(units),) if seeds == 1 else (np.arange(units), np.arange(seeds))

    def mean(unit: np.ndarray, seed: np.ndarray | None = None, axis: int = -1) -> np.ndarray:
        chosen = (np.zeros(1, int) if seed is None else seed)[..., :, None], unit[..., None, :]
        return samples.total[chosen].sum(axis=(-2, -1)) / samples.count[chosen].sum(axis=(-2, -1))

    found = bootstrap(
        drawn,
        mean,
        n_resamples=RESAMPLES,
        batch=500,
        vectorized=True,
        axis=-1,
        confidence_level=LEVEL,
        method="percentile",
        rng=np.random.default_rng(0),
    )
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def paired_p(one: Samples, other: Samples) -> float | None:
    """The two-sided p-value of two rows' difference, by a permutation test that flips its sign unit by unit (Good, 2005; scipy).

    Units that only one row has are left out. The others are weighted by their numbers of values, as in the mean. Values are averaged over
    seeds first, so that the test is over scenes.
    None if the rows share too few units for any difference to be significant.
    """
    from scipy.stats import permutation_test

    one, other = one.shared_with(other)
    a, b = one.of_units, other.of_units
    known = ~np.isnan(a - b)
    if known.sum() < FEWEST_UNITS:
        return None
    weight = one.count.mean(axis=0)[known] + other.count.mean(axis=0)[known]
    a, b = weight * a[known], weight * b[known]
    if np.array_equal(a, b):
        return 1.0
    found = permutation_test(
        (a, b),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=500,
        rng=np.random.default_rng(0),
    )
    return float(found.pvalue)


def shared_ranks(ordered: Sequence[Samples | None]) -> list[int | None]:
    """The rank of each row, best first. Ranks are tied within a group: rows that do not differ significantly from the group's first row.

    A row starts a new group if it differs significantly from the row above or from the first row of the group, so that a chain of small
    differences does not form one group. All ranks are None if a row has no samples, or too few units for any difference to be significant.
    """
    if any(row is None or row.total.shape[1] < FEWEST_UNITS for row in ordered):
        return [None] * len(ordered)
    ranks: list[int] = []
    for place, row in enumerate(ordered):
        first = ranks[-1] - 1 if ranks else 0
        differs = not ranks or any(_differ(ordered[above], row) for above in {place - 1, first})
        ranks.append(place + 1 if differs else first + 1)
    return list(ranks)


def _differ(one: Samples | None, other: Samples | None) -> bool:
    p = None if one is None or other is None else paired_p(one, other)
    return p is None or p < SIGNIFICANT


def bimodal(values: Sequence[float]) -> bool:
    """Whether the values of three seeds or more are bimodal, so that their mean describes none of them."""
    ordered = np.sort(values)
    if len(ordered) < 3:
        return False
    gaps = np.diff(ordered)
    cut = int(gaps.argmax()) + 1
    within = sum(float(((heap - heap.mean()) ** 2).sum()) for heap in (ordered[:cut], ordered[cut:]))
    spread = np.sqrt(within / (len(ordered) - 2))
    return bool(gaps.max() > max(MODE_GAP, MODE_SPREADS * spread))
