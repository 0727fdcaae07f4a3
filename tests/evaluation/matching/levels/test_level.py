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
def test_angles_are_half_open_and_the_least_share_is_allowed(angle_deg: float, share: float, holds: bool) -> None:
    assert LEVEL.holds(angle_deg, share) is holds


def _strata(scale: Sequence[float], anisotropy: Sequence[float]) -> Strata:
    return Strata(np.array(scale), np.array(anisotropy), np.ones(len(scale)), np.zeros(len(scale), bool))


@pytest.mark.parametrize(
    ("scale", "anisotropy", "fits"),
    [
        ([1.0], [1.0], True),
        # The bounds are allowed, for what is larger and for what is smaller alike.
        ([2.0], [3.0], True),
        ([0.5], [3.0], True),
        ([2.1], [1.0], False),
        ([0.47], [1.0], False),
        ([1.0], [3.1], False),
        # Medians count: a mean would be off the bounds in the first, and within them in the second.
        ([1.0, 1.0, 40.0], [1.0, 90.0, 1.0], True),
        ([1.0, 2.2, 2.3], [1.0, 1.0, 1.0], False),
        # Half as large and twice as large do not cancel.
        ([0.4, 2.5], [1.0, 1.0], False),
    ],
)
def test_what_queries_of_a_level_may_change(scale: list[float], anisotropy: list[float], fits: bool) -> None:
    assert LEVEL.fits(_strata(scale, anisotropy)) is fits


def test_bounds_in_words() -> None:
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


def test_scenes_take_turns() -> None:
    everything = {0, 1, 2, 10, 20, 21}
    assert _drawn(everything, 4) == ([(0, 2), (1, 0), (2, 1), (0, 1)],) * 2
    # No more pairs are measured than are needed.
    assert _drawn(everything, 1) == ([(0, 2)],) * 2
    assert _drawn(everything, 9)[0] == [(0, 2), (1, 0), (2, 1), (0, 1), (2, 0), (0, 0)]


def test_a_scene_goes_on_until_a_pair_fits() -> None:
    found, asked = _drawn({0, 21, 20}, 3)
    assert found == [(0, 0), (2, 1), (2, 0)]
    assert asked == [(0, 2), (0, 1), (0, 0), (1, 0), (2, 1), (2, 0)]
    assert _drawn(set(), 3)[0] == []
