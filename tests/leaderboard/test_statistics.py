from typing import Any

import numpy as np
import pytest
from scipy.stats import ttest_rel

from pixbench.leaderboard.statistics import Samples, bimodal, interval, paired_p, shared_ranks


def samples(values: Any, count: float = 1.0) -> Samples:
    total = np.atleast_2d(np.asarray(values, float))
    return Samples(total * count, np.full(total.shape, count))


def test_intervals_match_the_normal_approximation() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(0.5, 0.1, 40)
    low, high = interval(samples(values))  # type: ignore[misc]
    # The normal approximation, which a bootstrap of 40 values approaches.
    half = 1.96 * values.std(ddof=1) / np.sqrt(40)
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.004)
    assert interval(samples(values)) == (low, high)
    assert interval(samples([0.5])) is None
    assert interval(samples([0.5, 0.5, 0.5])) == (0.5, 0.5)


def test_seeds_that_differ_widen_the_interval() -> None:
    scenes = np.linspace(0.4, 0.6, 20)
    one = interval(samples(scenes))
    three = interval(samples([scenes - 0.2, scenes, scenes + 0.2]))
    assert one is not None
    assert three is not None
    assert three[1] - three[0] > 3 * (one[1] - one[0])


def test_scenes_are_weighted_by_their_number_of_pairs() -> None:
    found = Samples(np.array([[9.0, 0.0]]), np.array([[9.0, 1.0]]))
    assert found.mean == 0.9
    assert found.of_units.tolist() == [1.0, 0.0]


def test_paired_test_matches_the_paired_t_test() -> None:
    rng = np.random.default_rng(0)
    scenes = rng.uniform(0, 1, 30)
    other = scenes + rng.normal(0.02, 0.05, 30)
    p = paired_p(samples(other), samples(scenes))
    assert p == pytest.approx(ttest_rel(other, scenes).pvalue, abs=0.02)
    assert paired_p(samples(scenes + 0.05), samples(scenes)) < 0.001  # type: ignore[operator]
    assert paired_p(samples(scenes), samples(scenes)) == 1.0
    # Six scenes: 2 of the 64 sign flips are as extreme as the observation. With five no p value could be below 0.05.
    assert paired_p(samples([0.3, 0.4, 0.5, 0.3, 0.4, 0.5]), samples([0.1] * 6)) == pytest.approx(2 / 64)
    assert paired_p(samples([0.3, 0.4, 0.5, 0.3, 0.4]), samples([0.1] * 5)) is None


def test_paired_test_pairs_scenes_by_their_numbers() -> None:
    """Scene k has k / 10, and .05 more in the first row, which lacks scene 8 and has scene 0 instead. By place it would be behind."""
    one = Samples(np.arange(8)[None] / 10 + 0.05, np.ones((1, 8)), np.arange(8))
    other = Samples(np.arange(1, 9)[None] / 10, np.ones((1, 8)), np.arange(1, 9))
    # Seven scenes are shared, and all seven signs agree: 2 of the 2 ** 7 flips are as extreme.
    assert paired_p(one, other) == pytest.approx(2 / 2**7)
    assert [each.units.tolist() for each in one.shared_with(other)] == [[1, 2, 3, 4, 5, 6, 7]] * 2  # type: ignore[union-attr]
    # One scene fewer is no reason for no test; five shared ones are.
    assert paired_p(Samples(one.total[:, 1:], one.count[:, 1:], np.arange(1, 8)), other) == pytest.approx(2 / 2**7)
    assert paired_p(Samples(one.total[:, 3:], one.count[:, 3:], np.arange(3, 8)), other) is None


def test_paired_test_weights_scenes_like_the_mean() -> None:
    # Better on one scene of 100 pairs, worse on seven of one: ahead in the mean, behind in the mean of scenes.
    count = np.array([[100.0] + [1.0] * 7])
    one, other = Samples(count * [[0.9] + [0.1] * 7], count), Samples(count * [[0.2] + [0.3] * 7], count)
    assert one.mean > other.mean
    assert one.of_units.mean() < other.of_units.mean()
    # The large scene alone decides the statistic, so that every flip is as extreme as the observation.
    assert paired_p(one, other) == 1.0


def test_rows_without_significant_difference_share_a_rank() -> None:
    rng = np.random.default_rng(0)
    base, noise = rng.uniform(0.4, 0.6, 30), rng.normal(0, 0.05, (4, 30))
    noise -= noise.mean(axis=1, keepdims=True)
    # A chain of small steps: each row ties with the one above, but the last does not tie with the first.
    steps = [base + 0.012 * -k + noise[k] for k in range(4)]
    rows = [samples(each) for each in steps]
    assert all((paired_p(a, b) or 0) > 0.05 for a, b in zip(rows, rows[1:], strict=False))
    assert paired_p(rows[0], rows[3]) < 0.05  # type: ignore[operator]
    ranks = shared_ranks(rows)
    assert ranks[:2] == [1, 1]
    assert ranks[3] != 1
    assert shared_ranks([samples(base + 0.2), samples(base), samples(base)]) == [1, 2, 2]
    assert shared_ranks([None, None]) == [None, None]
    assert shared_ranks([samples([0.9] * 3), samples([0.1] * 3)]) == [None, None]
    assert shared_ranks([]) == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.11, 0.12, 0.85], True),
        ([0.11, 0.85, 0.86, 0.10], True),
        ([0.10, 0.20, 0.55, 0.68], True),
        ([0.369, 0.486, 0.504], False),  # one outlier, but not a distant one
        ([0.50, 0.55, 0.61], False),  # no gap is wide
        ([0.1, 0.3, 0.5, 0.7], False),  # spread evenly
        ([0.11, 0.85], False),  # two seeds are too few
    ],
)
def test_bimodal_seeds(values: list[float], expected: bool) -> None:
    assert bimodal(values) is expected
