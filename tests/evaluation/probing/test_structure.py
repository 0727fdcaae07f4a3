"""Segments and edges of descriptors, on images with known structure."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from pixbench.evaluation.probing.structure import (
    best_channel_iou,
    binary_codes,
    binary_share,
    code_rand_index,
    depth_edges,
    descriptor_steps,
    edge_precision,
    normal_edges,
)


def _halves() -> np.ndarray:
    """Instance 1 on the left half, 2 on the right half's upper part, no surface below it."""
    instance = np.ones((12, 16), int)
    instance[:6, 8:], instance[6:, 8:] = 2, 0
    return instance


def test_codes_are_invariant_to_offset_scale_and_outliers() -> None:
    descriptors = np.where(_halves() == 1, 0.4, -0.6)[None] * np.array([1.0, 100.0])[:, None, None] + np.array([0.0, 7.0])[:, None, None]
    descriptors[0, 0, 0] = 1e6
    codes = binary_codes(descriptors)
    assert (codes[1] == (_halves() == 1)).all()
    assert (codes[0].ravel()[1:] == codes[1].ravel()[1:]).all()


def test_best_channel_may_be_inverted() -> None:
    instance = _halves()
    exact = np.stack([instance != 1, instance == 2])
    assert best_channel_iou(exact, instance) == 1
    # One channel: against 1 its opposite is exact, against 2 it covers 96 pixels, 48 of them right.
    assert best_channel_iou(exact[:1], instance) == pytest.approx((1 + 48 / 96) / 2)
    assert math.isnan(best_channel_iou(exact, np.zeros_like(instance)))


def test_the_rand_index_is_one_for_the_same_partition_and_zero_for_one_code() -> None:
    instance = _halves()
    assert code_rand_index(np.stack([instance == 1, instance == 2]), instance) == 1
    assert code_rand_index(np.ones((3, 12, 16), bool), instance) == 0
    # More than eight channels: codes that differ in the ninth only are different.
    many = np.zeros((9, 12, 16), bool)
    many[8] = instance == 1
    assert 0.2 < code_rand_index(many, instance) < 1


def test_steps_match_hand_computed_values() -> None:
    descriptors = np.zeros((2, 2, 3))
    descriptors[:, 0, 1] = 3.0, 4.0
    assert descriptor_steps(descriptors, 2)[0].tolist() == [5, 5, 0]
    assert descriptor_steps(descriptors, 1)[0].tolist() == [7, 7, 0]
    assert descriptor_steps(descriptors, math.inf).tolist() == [[4, 4, 0], [0, 0, 0]]


def test_edges_match_hand_computed_values() -> None:
    depth = np.array([[1.0, 1.04, 1.2, np.nan, np.nan]])
    assert depth_edges(depth).tolist() == [[False, True, True, False, False]]
    normal = np.zeros((3, 1, 3))
    for row, degrees in enumerate((0, 20, 60)):
        normal[row, 0] = np.cos(np.radians(degrees)), np.sin(np.radians(degrees)), 0
    assert normal_edges(normal).ravel().tolist() == [False, True, False]


def test_steps_at_the_edges_have_precision_one() -> None:
    instance = _halves()
    depth = np.where(instance == 1, 1.0, np.where(instance == 2, 2.0, 4.0))
    edges = depth_edges(depth)
    descriptors = np.stack([instance == 1, instance == 2]).astype(float)
    assert edge_precision(descriptor_steps(descriptors, math.inf), edges) == 1
    assert edge_precision(np.zeros((12, 16)), edges) == pytest.approx(edges.mean())
    assert math.isnan(edge_precision(np.zeros((12, 16)), np.zeros((12, 16), bool)))


def test_threshold_is_midway_between_the_percentiles() -> None:
    # From 0 to 100 the 5th and the 95th percentile are 5 and 95; then with a tail, which moves neither by much.
    ramp = np.arange(101.0).reshape(1, 1, -1)
    assert binary_codes(ramp)[0, 0].tolist() == [value > 50 for value in range(101)]
    assert (binary_codes(ramp + 1000) == binary_codes(ramp)).all()
    tail = ramp.copy()
    tail[..., -3:] = 1e9
    assert (binary_codes(tail) == binary_codes(ramp)).all()


def test_small_instances_are_ignored() -> None:
    """Instance 2 fills half of a channel of ones; instance 1, of 25 pixels or fewer, has its own channel."""
    instance = np.zeros((10, 20), int)
    instance[5:], instance[0] = 2, 1
    instance[1, :5] = 1
    both = best_channel_iou(np.stack([np.ones((10, 20), bool), instance == 1]), instance)
    # Instance 2 is best matched by the inverse of instance 1.
    assert both == pytest.approx((1 + 100 / 175) / 2)
    instance[0, 0] = 0
    assert best_channel_iou(np.stack([np.ones((10, 20), bool), instance == 1]), instance) == pytest.approx(100 / 176)


@pytest.mark.parametrize(
    ("first", "second", "edge"),
    [(1.0, 1.051, True), (1.0, 1.049, False), (2.0, 2.09, False), (2.0, 2.102, True), (0.5, 0.526, True), (0.5, 0.524, False)],
)
def test_depth_edge_threshold_is_five_percent_of_the_nearer_depth(first: float, second: float, edge: bool) -> None:
    for depth in (np.array([[first, second]]), np.array([[second, first]]), np.array([[first], [second]])):
        assert depth_edges(depth).ravel().tolist() == [edge, False]


@pytest.mark.parametrize(("degrees", "edge"), [(29.9, False), (30.1, True), (120, True)])
def test_normal_edge_threshold_is_thirty_degrees(degrees: float, edge: bool) -> None:
    normal = np.array([[[0.0, 0, 1], [0, np.sin(np.radians(degrees)), np.cos(np.radians(degrees))]]])
    assert normal_edges(normal).tolist() == [[edge, False]]


def test_share_of_binary_values() -> None:
    rng = np.random.default_rng(0)
    two, flat = np.where(_halves() == 1, 3.0, -1.0), np.full((12, 16), 5.0)
    assert binary_share(np.stack([two, flat])) == 1
    assert math.isnan(binary_share(flat[None]))
    # A uniform distribution: of [0, 1] the range is [.05, .95], and each outer quarter, with the values beyond it, is .275.
    assert binary_share(rng.random((4, 200, 200))) == pytest.approx(0.55, abs=0.01)
    # A normal one: the quarters end at 1.645 / 2 standard deviations.
    assert binary_share(rng.normal(size=(4, 200, 200))) == pytest.approx(2 * norm.sf(norm.ppf(0.95) / 2), abs=0.01)
    # Twenty values of one channel: the 5th percentile is .95, the 95th 18.05, the quarters end at 5.225 and 13.775.
    assert binary_share(np.arange(20.0).reshape(1, 4, 5)) == 12 / 20
