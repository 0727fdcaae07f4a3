"""Levels of difficulty: which pairs of a data set are drawn for a test set, as many of each level."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ....dataset.reader import Dataset, PairKey
from ....errors import UserError
from .strata import Queries, Strata

LEVELS = ("easy", "medium", "hard")
"""The levels that metrics know, the easiest first."""


@dataclass(frozen=True)
class Level:
    """Ordered pairs of one difficulty.

    `angle_deg` is the half-open range of the baseline angle: between the lines of sight of both views to what both see. `visible_share` is
    the least share of the source view's pixels that the target sees. `scale` (in either direction) and `anisotropy` are the largest medians
    over the pair's queries.
    """

    name: str
    angle_deg: tuple[float, float]
    visible_share: float
    scale: float
    anisotropy: float

    @property
    def words(self) -> str:
        """The bounds as text, for captions."""
        low, high = self.angle_deg
        angle = f"over {low:g}°" if high >= 180 else f"{low:g}° to {high:g}°"
        return f"{self.name}: {angle}, {self.visible_share:.0%} visible, scale within {self.scale:g}, anisotropy within {self.anisotropy:g}"

    def holds(self, angle_deg: float, visible_share: float) -> bool:
        """Whether angle and visible share are within the bounds; a pair without overlap has no angle and belongs to no level."""
        return self.angle_deg[0] <= angle_deg < self.angle_deg[1] and visible_share >= self.visible_share

    def fits(self, strata: Strata) -> bool:
        """Whether the median scale and anisotropy of a pair's queries are within the bounds."""
        change = float(np.median(np.maximum(strata.scale, 1 / strata.scale)))
        return change <= self.scale and float(np.median(strata.anisotropy)) <= self.anisotropy


Drawn = Mapping[PairKey, tuple[str, Queries]]
"""Pairs with the name of their level and their queries."""


def draw_pairs(dataset: Dataset, levels: Sequence[Level], pairs: int, seed: int, measure: Callable[[PairKey], Queries]) -> Drawn:
    """`pairs` ordered pairs of each level, spread over the scenes as evenly as they allow, in the data set's order.

    Scenes take turns, each contributing a random remaining pair. Raises UserError if there are too few.
    """
    drawn: dict[PairKey, tuple[str, Queries]] = {}
    for number, level in enumerate(levels):
        found = _of_level(_shuffled(dataset, level, np.random.default_rng([seed, number])), level, pairs, measure)
        if len(found) < pairs:
            raise UserError(f"level '{level.name}' has {len(found)} pairs, {pairs} are wanted: generate more scenes or views")
        drawn |= {key: (level.name, queries) for key, queries in found.items()}
    return dict(sorted(drawn.items(), key=lambda item: (item[0].scene, item[0].row)))


def _of_level(scenes: Sequence[list[PairKey]], level: Level, pairs: int, measure: Callable[[PairKey], Queries]) -> dict[PairKey, Queries]:
    """At most `pairs` pairs that fit, one from each scene in turn."""
    found: dict[PairKey, Queries] = {}
    while any(scenes) and len(found) < pairs:
        for keys in scenes:
            while keys and len(found) < pairs:
                key = keys.pop()
                queries = measure(key)
                if level.fits(queries.strata):
                    found[key] = queries
                    break
    return found


def _shuffled(dataset: Dataset, level: Level, rng: np.random.Generator) -> list[list[PairKey]]:
    """The level's pairs of each scene in random order, and the scenes too."""
    scenes = []
    for scene in dataset.scenes():
        measured = zip(*(scene.read(name).tolist() for name in ("pairs", "pair_angle_deg", "pair_overlap")), strict=True)
        held = [(row, views) for row, (views, angle, share) in enumerate(measured) if level.holds(angle, share)]
        keys = [PairKey(scene.index, row, *views) for row, views in held]
        scenes.append([keys[place] for place in rng.permutation(len(keys))])
    return [scenes[place] for place in rng.permutation(len(scenes))]
