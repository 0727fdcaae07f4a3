"""What the self-test of a scene's ground truth found, and the limits within which it passes."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

MAP_LIMIT_PX = 5e-3
MAP_MEDIAN_LIMIT_PX = 1e-4
CYCLE_LIMIT_PX = 1e-2
CYCLE_SHARE = 0.999
DEPTH_DISAGREEMENT_LIMIT = 0.01
DOUBTFUL_LIMIT = 0.05
SHIFT_PX = 2.0
FLAT_SHARE = 0.999
FEW_POINTS = 1000
"""With fewer visible points, as scenes of tiny pictures have, correlations may differ by chance."""


@dataclass
class SelfTest:
    """Measures over all ordered pairs of a scene (or of many: `merge`).

    pixels: all source pixels of all pairs. visible, occluded: those of them that were followed, at generation about SAMPLE of a pair;
    `pixbench info` counts all pixels by status.
    map_*: distance between the map from stored depth and the exact one, in pixels, where it lands in the target.
    cycle_*: a -> b -> a, in pixels, over `cycle_pixels` visible pixels, of which `cycle_over` lie above the limit and
    `cycle_over_grazing` of those are near grazing (seen in a or b at less than three times the grazing cosine).
    depth_disagree: visible pixels that a depth test against b's stored planes, with 1 % tolerance, calls hidden.
    doubtful: those of the occluded that b's own pixel shows on the same triangle at the same depth.
    photometric_correlation: correlation of luminance between matched visible pixels; photometric_shifted: the highest
    of those with the map moved by 2 px in each of four directions. Both are means over pairs: the true map must win, or with few
    points not lose by more than chance.
    flat_points, flat_differ: matches looked up under flat light in both views, and those whose 8-bit colours differ by more
    than rounding; only at generation, where surfaces are known.
    """

    pairs: int = 0
    pixels: int = 0
    visible: int = 0
    map_pixels: int = 0
    map_max_px: float = 0.0
    map_median_px: float = 0.0
    cycle_pixels: int = 0
    cycle_max_px: float = 0.0
    cycle_over: int = 0
    cycle_over_grazing: int = 0
    depth_disagree: int = 0
    occluded: int = 0
    doubtful: int = 0
    photometric_correlation: float = 0.0
    photometric_shifted: float = 0.0
    flat_points: int = 0
    flat_differ: int = 0

    def failures(self) -> list[str]:
        """One sentence for each measure that is out of bounds; empty if the ground truth passes."""
        found = []
        # Written as "not within", so that NaN fails too.
        if not self.map_max_px <= MAP_LIMIT_PX:
            found.append(f"map from depth is off by {self.map_max_px:.2g} px, at most {MAP_LIMIT_PX} px is allowed")
        if not self.map_median_px <= MAP_MEDIAN_LIMIT_PX:
            found.append(f"median map error is {self.map_median_px:.2g} px, at most {MAP_MEDIAN_LIMIT_PX} px is allowed")
        if self.cycle_over > (1 - CYCLE_SHARE) * self.cycle_pixels:
            found.append(f"{self.cycle_over} of {self.cycle_pixels} cycles a -> b -> a miss by over {CYCLE_LIMIT_PX} px")
        if self.cycle_over_grazing < self.cycle_over:
            found.append(f"{self.cycle_over - self.cycle_over_grazing} cycles miss by over {CYCLE_LIMIT_PX} px and are not grazing")
        if self.depth_disagree > DEPTH_DISAGREEMENT_LIMIT * max(self.visible, 1):
            found.append(f"a depth test calls {self.depth_disagree} of {self.visible} visible pixels hidden")
        if self.doubtful > DOUBTFUL_LIMIT * max(self.occluded, 200):
            found.append(f"{self.doubtful} of {self.occluded} pixels called occluded are seen by the target on the same triangle")
        if self.flat_differ > (1 - FLAT_SHARE) * max(self.flat_points, 1000):
            found.append(f"{self.flat_differ} of {self.flat_points} matches differ in colour under flat light")
        if self.visible == 0:
            found.append("no pixel of any view is visible in another")
        elif not self._pictures_fit():
            found.append(
                f"pictures fit the map less well ({self.photometric_correlation:.3f}) than a map moved by {SHIFT_PX:g} px "
                f"({self.photometric_shifted:.3f})"
            )
        return found

    def _pictures_fit(self) -> bool:
        """Whether the map fits the pictures better than a moved one; with few points, not worse than chance explains, and better than none.

        Chance: three standard errors of Pearson's correlation r of n points, each (1 - r^2) / sqrt(n).
        """
        found, moved = self.photometric_correlation, self.photometric_shifted
        chance = 3 * (1 - found**2) / math.sqrt(max(self.visible, 1))
        return found > moved or (self.visible < FEW_POINTS and found > chance and moved - found <= chance)

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON. Measures are rounded to four digits: the last ones differ between processors."""
        return {name: float(f"{value:.3e}") if isinstance(value, float) else value for name, value in asdict(self).items()}


def merge(tests: Sequence[SelfTest]) -> SelfTest:
    """The self-test of several pairs or scenes: counts added, maxima of errors and medians, means of correlations over pairs."""
    total = SelfTest()
    if not tests:
        return total
    for name in (
        "pairs",
        "pixels",
        "visible",
        "map_pixels",
        "cycle_pixels",
        "cycle_over",
        "cycle_over_grazing",
        "depth_disagree",
        "occluded",
        "doubtful",
        "flat_points",
        "flat_differ",
    ):
        setattr(total, name, sum(getattr(test, name) for test in tests))
    for name in ("map_max_px", "map_median_px", "cycle_max_px"):
        setattr(total, name, max(getattr(test, name) for test in tests))
    for name in ("photometric_correlation", "photometric_shifted"):
        setattr(total, name, sum(getattr(test, name) * test.pairs for test in tests) / total.pairs)
    return total
