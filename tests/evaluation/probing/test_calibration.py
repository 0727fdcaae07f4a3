import numpy as np
import pytest

from pixbench.evaluation.probing.calibration import binned_gap


@pytest.mark.parametrize(
    ("confidence", "right", "gap"),
    [
        # Two cases in one bin balance each other, two cases in different bins do not.
        ([0.55, 0.6], [True, False], (1.15 - 1) / 2),
        ([0.55, 0.9], [True, False], (0.45 + 0.9) / 2),
        # A bound belongs to the bin below it, and 0 to the first.
        ([0.5, 0.45], [True, False], 0.05 / 2),
        ([0.5, 0.55], [True, False], (0.5 + 0.55) / 2),
        ([0.0, 0.05], [True, False], 0.95 / 2),
        ([1.0, 0.95], [True, True], 0.05 / 2),
        # The first two bins are separate, and so are the last two.
        ([0.05, 0.15], [False, True], (0.05 + 0.85) / 2),
        ([0.85, 0.95], [True, False], (0.15 + 0.95) / 2),
        # Confident and wrong, and unconfident and right, both add to the gap.
        ([1.0], [False], 1.0),
        ([0.25], [True], 0.75),
    ],
)
def test_calibration_gap_of_ten_bins(confidence: list[float], right: list[bool], gap: float) -> None:
    assert binned_gap(np.array(confidence), np.array(right), bins=10) == pytest.approx(gap)


def test_bins_are_weighted_by_their_number_of_cases() -> None:
    # Of ten cases nine lie in a bin that is .1 off, and one in a bin that is .6 off.
    confidence = np.array([0.9] * 9 + [0.4])
    assert binned_gap(confidence, np.array([True] * 10), bins=5) == pytest.approx(0.9 * 0.1 + 0.1 * 0.6)
