"""Scores of flat pairs against hand-computed values: totals, groups, and rejected predictions."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from flat_pairs import FlatPairs, answered, flat_pair

from pixbench.errors import UserError
from pixbench.evaluation.matching.levels.strata import Queries, Strata
from pixbench.evaluation.matching.pairs import ScoredPair
from pixbench.evaluation.matching.predictions import PairPredictions
from pixbench.evaluation.matching.scoring import Scores, score
from pixbench.evaluation.task import METRICS
from pixbench.geometry.correspondence import Status

PCK = [METRICS.get("pck@1")]
QUERIES = [(column, row) for row in (1, 3, 5) for column in (1, 3, 5, 7)]
"""Every second pixel of 8 x 6."""


def _near(*good: bool) -> PairPredictions:
    """Predictions for all queries, .5 px off where they are good and 3 px off elsewhere."""
    return answered(QUERIES, [(0.5 if one else 3.0, 0) for one in good or (True,) * 12])


def _scored(*pairs: ScoredPair, answers: Any = None, **given: Any) -> Scores:
    source = FlatPairs(*pairs)
    return score(source.predicted(*(answers or [_near()] * len(pairs))), source, metrics=PCK, **given)


def test_means_are_over_pairs_and_pooled_over_points() -> None:
    hidden = np.full((6, 8), Status.OCCLUDED)
    hidden[1] = Status.VISIBLE
    done: list[int] = []
    found = _scored(
        flat_pair(), flat_pair(hidden, scene=1), answers=[_near(*[False] * 12), _near(*[True] * 3, *[False] * 9)], progress=done.append
    )
    assert [(row.scene, row.a, row.b, row.points, row.values["pck@1"]) for row in found.rows] == [(0, 0, 1, 12, 0.0), (1, 0, 1, 4, 0.75)]
    assert found.metrics["pck@1"] == pytest.approx(0.75 / 2)
    assert found.pooled["pck@1"] == pytest.approx(3 / 16)
    assert done == [1, 1]


def test_bins_are_half_open_except_the_last() -> None:
    angles = [0.0, 14.9, 15.0, 30.0, 180.0, float("nan")]
    shares = [0.0, 0.19, 0.2, 0.8, 1.0, 0.6]
    pairs = [flat_pair(scene=k, angle_deg=angle, overlap=share) for k, (angle, share) in enumerate(zip(angles, shares, strict=True))]
    groups = _scored(*pairs, answers=[_near(), _near(*[False] * 12), *[_near()] * 4]).groups
    assert {name: (group.pairs, group.points, group.metrics["pck@1"]) for name, group in groups.items()} == {
        "angle: 0 to 15 deg": (2, 24, 0.5),
        "angle: 15 to 30 deg": (1, 12, 1.0),
        "angle: 30 to 45 deg": (1, 12, 1.0),
        "angle: 90 to 180 deg": (1, 12, 1.0),
        "visible share: 0 to 0.2": (2, 24, 0.5),
        "visible share: 0.2 to 0.4": (1, 12, 1.0),
        "visible share: 0.6 to 0.8": (1, 12, 1.0),
        "visible share: 0.8 to 1": (2, 24, 1.0),
    }


def _pixel_groups(found: Scores) -> dict[str, tuple[int, int, float]]:
    """Pairs, points and PCK of each group of pixels."""
    return {
        name: (group.pairs, group.points, group.metrics["pck@1"])
        for name, group in found.groups.items()
        if not name.startswith(("angle", "visible"))
    }


def test_groups_of_pixels() -> None:
    left = np.zeros((6, 8), bool)
    left[:, :4] = True
    upper = np.zeros((6, 8), bool)
    upper[:2] = True
    # Objects on the left, of which the upper row was seen in training; predictions are correct on the left.
    answers = _near(*[True, True, False, False] * 3)
    known = flat_pair(on_object=left, seen_object=upper, seen_room=True)
    assert _pixel_groups(_scored(known, answers=[answers])) == {
        "pixels: object": (1, 6, 1.0),
        "pixels: room": (1, 6, 0.0),
        "objects: seen in training": (1, 2, 1.0),
        "objects: unseen": (1, 4, 1.0),
        "rooms: seen in training": (1, 12, 0.5),
    }
    assert set(_pixel_groups(_scored(flat_pair(seen_room=False)))) == {"rooms: unseen"}
    # A pair without a query on an object is not in that group.
    both = _scored(known, flat_pair(scene=1, on_object=np.zeros((6, 8), bool)), answers=[answers] * 2)
    assert both.groups["pixels: object"].pairs == 1
    assert both.groups["pixels: room"].metrics["pck@1"] == pytest.approx((0 + 0.5) / 2)


def _asked(scale: Any, texture: Any = 3.0) -> ScoredPair:
    pixel = np.array(QUERIES)
    strata = Strata(np.broadcast_to(scale, 12), np.full(12, 1.5), np.broadcast_to(texture, 12), np.zeros(12, bool))
    return flat_pair(asked=Queries(pixel, strata), level="easy")


def test_strata_are_half_open() -> None:
    found = _scored(_asked([0.5] * 4 + [0.79] * 4 + [0.8] * 4, [2.0] * 6 + [1.99] * 6))
    assert _pixel_groups(found) == {
        "level: easy": (1, 12, 1.0),
        "scale: 0.5 to 0.8": (1, 8, 1.0),
        "scale: 0.8 to 1.25": (1, 4, 1.0),
        "anisotropy: 1.3 to 2": (1, 12, 1.0),
        "texture: 0 to 2": (1, 6, 1.0),
        "texture: 2 to 4": (1, 6, 1.0),
    }
    # All are within 1% of a texture bound: on another copy each may be in another texture group, but in no other scale group.
    assert (found.rows[0].changed, found.rows[0].unsure) == (0, 12)
    assert (found.groups["scale: 0.5 to 0.8"].changed, found.groups["level: easy"].changed) == (1.0, 0.0)


def test_errors_can_be_shifted() -> None:
    assert _scored(flat_pair(), shift_px=0.5).metrics["pck@1"] == 1.0
    assert _scored(flat_pair(), shift_px=0.51).metrics["pck@1"] == 0.0


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        (answered(QUERIES[1:], (0, 0)), "are of other query pixels than the suite's"),
        (answered([*QUERIES, (7, 5)], (0, 0)), "answer a query twice, or not in reading order"),
        (answered(QUERIES[::-1], (0, 0)), "answer a query twice, or not in reading order"),
        (answered([(1, 0), *QUERIES], (0, 0)), "are of other query pixels than the suite's"),
    ],
)
def test_predictions_at_other_pixels_are_rejected(answers: PairPredictions, message: str) -> None:
    with pytest.raises(UserError, match=message):
        _scored(flat_pair(), answers=[answers])


def test_predictions_of_another_data_set_are_rejected() -> None:
    source = FlatPairs(flat_pair(), flat_pair(scene=1))
    predictions = source.predicted(_near(), _near())
    with pytest.raises(UserError, match="were made on another data set"):
        score(replace(predictions, content_sha256="other"), source)
    with pytest.raises(UserError, match="are of other pairs than the data set's"):
        score(replace(predictions, pairs=predictions.pairs[::-1]), source)
    # Another copy of the data set is accepted if it has the same pairs.
    score(replace(predictions, content_sha256="other"), source, metrics=PCK, elsewhere=True)


def test_queries_of_another_copy_may_differ_by_one_per_thousand() -> None:
    """Pairs of 32 x 32 queries: of two pairs two queries may differ, of one pair one."""
    queries = [(column, row) for row in range(1, 64, 2) for column in range(1, 64, 2)]
    pairs = [flat_pair(width=64, height=64, scene=scene) for scene in range(2)]
    # One query of the data set has no prediction, and one prediction is not at a query.
    other = answered([*queries[:-1], (63, 62 + 1)], (0, 0))
    fewer, more = answered(queries[:-1], (0, 0)), answered([(0, 0), *queries], (0, 0))
    source = FlatPairs(*pairs)
    predictions = replace(source.predicted(fewer, more), content_sha256="other")
    found = score(predictions, source, metrics=PCK, elsewhere=True)
    assert [(row.points, row.changed) for row in found.rows] == [(1023, 1), (1024, 1)]
    assert found.groups["angle: 15 to 30 deg"].changed == pytest.approx((1 / 1023 + 1 / 1024) / 2)
    assert score(replace(predictions, answers=[other, more]), source, metrics=PCK, elsewhere=True).rows[0].changed == 0
    with pytest.raises(UserError, match="3 of 2048 query pixels differ from the suite's"):
        score(replace(predictions, answers=[answered(queries[:-2], (0, 0)), more]), source, metrics=PCK, elsewhere=True)
    # On the same copy no query may differ.
    with pytest.raises(UserError, match="other query pixels"):
        score(source.predicted(fewer, more), source, metrics=PCK, elsewhere=True)
