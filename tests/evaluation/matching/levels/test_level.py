from collections.abc import Sequence

import numpy as np
import pytest

from pixbench.dataset.reader import PairKey
from pixbench.evaluation.matching.levels.level import Level, _of_level
from pixbench.evaluation.matching.levels.strata import Queries, Strata

LEVEL = Level("medium", (15, 30), 0.25, 2.0, 3.0)


@pytest.mark.parametrize(
    ("angle_deg", "share", "holds"),
    [(15, 0.25, True), (29.9, 1.0, True), (30, 0.5, False), (14.9, 0.5, False), (20, 0.24, False), (float("nan"), 0.5, False)],
)
def test_angle_range_is_half_open_and_minimum_overlap_is_inclusive(angle_deg: float, share: float, holds: bool) -> None:
    assert LEVEL.holds(angle_deg, share) is holds


def _strata(scale: Sequence[float], anisotropy: Sequence[float]) -> Strata:
    return Strata(np.array(scale), np.array(anisotropy), np.ones(len(scale)), np.zeros(len(scale), bool))


@pytest.mark.parametrize(
    ("scale", "anisotropy", "fits"),
    [
        ([1.0], [1.0], True),
        # Bounds are inclusive, for larger and for smaller scales.
        ([2.0], [3.0], True),
        ([0.5], [3.0], True),
        ([2.1], [1.0], False),
        ([0.47], [1.0], False),
        ([1.0], [3.1], False),
        # Medians decide: a mean would be out of bounds in the first case, and within bounds in the second.
        ([1.0, 1.0, 40.0], [1.0, 90.0, 1.0], True),
        ([1.0, 2.2, 2.3], [1.0, 1.0, 1.0], False),
        # Scales below and above 1 do not cancel.
        ([0.4, 2.5], [1.0, 1.0], False),
    ],
)
def test_level_bounds_the_median_scale_and_anisotropy(scale: list[float], anisotropy: list[float], fits: bool) -> None:
    assert LEVEL.fits(_strata(scale, anisotropy)) is fits


def test_bounds_are_formatted_as_text() -> None:
    assert LEVEL.words == "medium: 15° to 30°, 25% visible, scale within 2, anisotropy within 3"
    assert Level("hard", (60, 180), 0.1, 4.0, 8.0).words == "hard: over 60°, 10% visible, scale within 4, anisotropy within 8"


def _drawn(fitting: set[int], pairs: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Scene and row of the pairs drawn, and of those measured, from three scenes with rows 0 to 2, 0, and 0 to 1."""
    asked: list[tuple[int, int]] = []

    def measure(key: PairKey) -> Queries:
        asked.append((key.scene, key.row))
        scale = 1.0 if 10 * key.scene + key.row in fitting else 9.0
        return Queries(np.zeros((1, 2), int), _strata([scale], [1.0]))

    scenes = [[PairKey(scene, row, 0, 1) for row in range(count)] for scene, count in enumerate((3, 1, 2))]
    return [(key.scene, key.row) for key in _of_level(scenes, LEVEL, pairs, measure)], asked


def test_scenes_are_drawn_round_robin() -> None:
    everything = {0, 1, 2, 10, 20, 21}
    assert _drawn(everything, 4) == ([(0, 2), (1, 0), (2, 1), (0, 1)],) * 2
    # No more pairs are measured than are needed.
    assert _drawn(everything, 1) == ([(0, 2)],) * 2
    assert _drawn(everything, 9)[0] == [(0, 2), (1, 0), (2, 1), (0, 1), (2, 0), (0, 0)]


def test_pairs_of_a_scene_are_tried_until_one_fits() -> None:
    found, asked = _drawn({0, 21, 20}, 3)
    assert found == [(0, 0), (2, 1), (2, 0)]
    assert asked == [(0, 2), (0, 1), (0, 0), (1, 0), (2, 1), (2, 0)]
    assert _drawn(set(), 3)[0] == []
