"""The limits of the self-test, each at its bound and just above, and hand-computed merging of results."""

from dataclasses import replace
from typing import Any

import pytest

from pixbench.geometry.selftest_result import SelfTest, merge

GOOD = SelfTest(
    pairs=2,
    pixels=9000,
    visible=4000,
    map_pixels=4000,
    map_max_px=1e-3,
    map_median_px=1e-5,
    cycle_pixels=4000,
    occluded=1000,
    photometric_correlation=0.9,
    photometric_shifted=0.5,
    flat_points=4000,
)


@pytest.mark.parametrize(
    ("allowed", "too_much", "message"),
    [
        ({"map_max_px": 5e-3}, {"map_max_px": 5.1e-3}, "map from depth is off by 0.0051 px, at most 0.005 px is allowed"),
        ({}, {"map_max_px": float("nan")}, "map from depth is off by nan px"),
        ({"map_median_px": 1e-4}, {"map_median_px": 1.1e-4}, "median map error is 0.00011 px"),
        # One cycle in a thousand may miss, if it is grazing.
        (
            {"cycle_over": 3, "cycle_over_grazing": 3},
            {"cycle_over": 5, "cycle_over_grazing": 5},
            "5 of 4000 cycles a -> b -> a miss by over 0.01 px",
        ),
        (
            {"cycle_over": 2, "cycle_over_grazing": 2},
            {"cycle_over": 2, "cycle_over_grazing": 1},
            "1 cycles miss by over 0.01 px and are not",
        ),
        ({"depth_disagree": 40}, {"depth_disagree": 41}, "a depth test calls 41 of 4000 visible pixels hidden"),
        ({"doubtful": 50}, {"doubtful": 51}, "51 of 1000 pixels called occluded are seen by the target"),
        # With few occluded pixels, the limit is that of 200.
        ({"occluded": 20, "doubtful": 10}, {"occluded": 20, "doubtful": 11}, "11 of 20 pixels called occluded"),
        ({"flat_differ": 4}, {"flat_differ": 5}, "5 of 4000 matches differ in colour under flat light"),
        ({"flat_points": 10, "flat_differ": 1}, {"flat_points": 10, "flat_differ": 2}, "2 of 10 matches differ in colour"),
        ({"photometric_shifted": 0.8999}, {"photometric_shifted": 0.9}, "pictures fit the map less well (0.900) than a map moved by 2 px"),
        ({"visible": 1}, {"visible": 0}, "no pixel of any view is visible in another"),
    ],
)
def test_each_limit_passes_at_its_bound_and_fails_above(allowed: dict[str, Any], too_much: dict[str, Any], message: str) -> None:
    assert replace(GOOD, **allowed).failures() == []
    (found,) = replace(GOOD, **too_much).failures()
    assert found.startswith(message)


def test_merge_combines_several_scenes() -> None:
    other = SelfTest(
        pairs=6, pixels=1, visible=2, map_max_px=5e-4, map_median_px=2e-5, cycle_max_px=0.25, doubtful=3, photometric_correlation=0.5
    )
    found = merge([GOOD, other])
    assert (found.pairs, found.pixels, found.visible, found.doubtful, found.flat_points) == (8, 9001, 4002, 3, 4000)
    assert (found.map_max_px, found.map_median_px, found.cycle_max_px) == (1e-3, 2e-5, 0.25)
    # Correlations are means over pairs.
    assert found.photometric_correlation == pytest.approx((2 * 0.9 + 6 * 0.5) / 8)
    assert found.photometric_shifted == pytest.approx(2 * 0.5 / 8)
    assert merge([]) == SelfTest()
    assert merge([GOOD]) == GOOD


def test_values_are_rounded_to_four_significant_digits() -> None:
    found = replace(GOOD, visible=123456, map_max_px=1.23456e-3, photometric_correlation=0.987654).as_dict()
    assert (found["visible"], found["map_max_px"], found["photometric_correlation"]) == (123456, 1.235e-3, 0.9877)
