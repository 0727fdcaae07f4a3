"""Scores from predictions: over all pairs, by what the two views share, and by what the queries lie on."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Bool

from ...errors import UserError
from ..metric import Metric
from .levels.level import LEVELS
from .levels.strata import BINS
from .metrics import matching_metrics, per_pair, pooled, summarise
from .metrics.pair_result import pair_result
from .pairs import EvaluationPairs, ScoredPair
from .predictions import Predictions

ANGLE_EDGES_DEG = (0, 15, 30, 45, 60, 90, 180)
"""Bins of the baseline angle: between the two views' lines of sight to what both see."""

SHARE_EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Bins of the share of the source view's pixels that the target sees."""

QUERIES_TOLERANCE = 1e-3
"""Share of query pixels that may differ between two processors' copies of one set."""

Mask = Callable[[ScoredPair], Bool[np.ndarray, "height width"] | None]


def _everywhere(pair: ScoredPair, value: bool | None) -> Bool[np.ndarray, "height width"] | None:
    return None if value is None else np.full(pair.truth.status.shape, value)


def _inverse(mask: Bool[np.ndarray, "height width"] | None) -> Bool[np.ndarray, "height width"] | None:
    return None if mask is None else ~mask


def _of_objects(pair: ScoredPair, seen: bool) -> Bool[np.ndarray, "height width"] | None:
    if pair.seen_object is None or pair.on_object is None:
        return None
    return pair.on_object & (pair.seen_object == seen)


def _of_level(pair: ScoredPair, level: str) -> Bool[np.ndarray, "height width"] | None:
    return np.full(pair.truth.status.shape, True) if pair.level == level else None


def _of_stratum(pair: ScoredPair, name: str, low: float, high: float) -> Bool[np.ndarray, "height width"] | None:
    if pair.asked is None:
        return None
    value = getattr(pair.asked.strata, name)
    height, width = pair.truth.status.shape
    return pair.asked.place((value >= low) & (value < high), width, height)


MASKS: Mapping[str, Mask] = {
    "pixels: object": lambda pair: pair.on_object,
    "pixels: room": lambda pair: _inverse(pair.on_object),
    "objects: seen in training": lambda pair: _of_objects(pair, True),
    "objects: unseen": lambda pair: _of_objects(pair, False),
    "rooms: seen in training": lambda pair: _everywhere(pair, pair.seen_room),
    "rooms: unseen": lambda pair: _everywhere(pair, None if pair.seen_room is None else not pair.seen_room),
    **{f"level: {level}": partial(_of_level, level=level) for level in LEVELS},
    **{
        f"{name}: {low:g} to {high:g}": partial(_of_stratum, name=name, low=low, high=high)
        for name, edges in BINS.items()
        for low, high in itertools.pairwise(edges)
    },
}
"""Groups of source pixels; None where a source does not provide them."""

STRATIFIED = frozenset(name for name in MASKS if name.split(":")[0] in BINS)
"""Groups that are defined by bounds of scale, anisotropy and texture."""

BY_TRAINING = frozenset(name for name in MASKS if name.startswith(("objects: ", "rooms: ")))
"""Groups that depend on the training set."""


@dataclass(frozen=True)
class Group:
    """Scores of a part of the pairs, or of a kind of pixels: pairs and visible queries in it, and each metric's mean over its pairs.

    `changed` is the mean share of a pair's queries that may be in the group in only one of two copies of the set.
    """

    pairs: int
    points: int
    metrics: Mapping[str, float]
    changed: float = 0.0


@dataclass(frozen=True)
class PairRow:
    """One pair's line in the table of pairs.

    `changed` counts queries that exist in only one of two copies of the set, `unsure` also those next to a bound of a stratum.
    """

    scene: int
    a: int
    b: int
    angle_deg: float
    overlap: float
    points: int
    reason: str
    values: Mapping[str, float]
    changed: float = 0
    unsure: float = 0


@dataclass(frozen=True)
class Scores:
    """All scores of a predictions file."""

    rows: Sequence[PairRow]
    metrics: Mapping[str, float]
    pooled: Mapping[str, float]
    groups: Mapping[str, Group]


def score(
    predictions: Predictions,
    source: EvaluationPairs,
    progress: Callable[[int], None] = lambda done: None,
    *,
    mutual_px: float = 0.0,
    metrics: Sequence[Metric] | None = None,
    elsewhere: bool = False,
    shift_px: float = 0.0,
) -> Scores:
    """Score predictions on the pairs that they were made for. Raises UserError if they were made for others.

    Matches are mutual within `mutual_px`; `metrics` default to all metrics of matching. `elsewhere` accepts predictions that were made on
    another processor's copy of the set, where the last bits of floats differ: queries whose status differs between the copies, at most one
    in a thousand, are left out. `shift_px` is added to every error.
    """
    same = predictions.content_sha256 == source.identity.content_sha256
    if not elsewhere and not same:
        raise UserError("the predictions were made on another data set: run 'pixbench evaluate' again")
    keys = [key for group in source.groups() for key in group]
    if [(key.scene, key.a, key.b) for key in keys] != [tuple(map(int, row)) for row in predictions.pairs]:
        raise UserError("the predictions are of other pairs than the data set's: run 'pixbench evaluate' again")
    metrics = matching_metrics() if metrics is None else metrics
    predictions = predictions.with_misses()
    rows, results = [], []
    masked: dict[str, list[tuple[int, Mapping[str, float], float]]] = {}
    by_pixel = [metric for metric in metrics if metric.by_pixel]
    count, lost = 0, 0
    for key, predicted in zip(keys, predictions.answers, strict=True):
        pair = source.pair(key)
        queries = source.queries(pair)
        if not predicted.in_order:
            raise UserError("the predictions answer a query twice, or not in reading order: run 'pixbench evaluate' again")
        answers = predicted if np.array_equal(predicted.pixel, queries) else predicted.among(queries)
        changed = len(queries) + len(predicted.pixel) - 2 * len(answers.pixel)
        unsure = changed + (0 if pair.asked is None else int(pair.asked.strata.near_bounds().sum()))
        count, lost = count + len(queries), lost + changed
        if lost and (not elsewhere or same):
            raise UserError("the predictions are of other query pixels than the suite's: run 'pixbench evaluate' again")
        whole = pair_result(pair, answers, mutual_px=mutual_px, shift_px=shift_px)
        results.append(whole)
        values = per_pair(whole, metrics)
        of_pair = (key.scene, key.a, key.b, pair.angle_deg, pair.overlap, len(whole.error_px), answers.reason)
        rows.append(PairRow(*of_pair, values, changed, unsure))
        for name, mask in MASKS.items():
            keep = mask(pair)
            part = None if keep is None else pair_result(pair, answers, keep, mutual_px=mutual_px, shift_px=shift_px)
            if part is not None and (len(part.visible) or len(part.match_error_px)):
                may = unsure if name in STRATIFIED else changed
                masked.setdefault(name, []).append((len(part.error_px), per_pair(part, by_pixel), may / max(len(part.error_px), may, 1)))
        progress(1)
    if lost > QUERIES_TOLERANCE * count:
        raise UserError(
            f"{lost} of {count} query pixels differ from the suite's, at most one in a thousand may: the predictions are of another set"
        )
    groups = {
        **_bins("angle", ANGLE_EDGES_DEG, "deg", rows, lambda row: row.angle_deg, metrics),
        **_bins("visible share", SHARE_EDGES, "", rows, lambda row: row.overlap, metrics),
        **{
            name: Group(
                len(found),
                sum(points for points, _, _ in found),
                summarise([values for _, values, _ in found], metrics),
                sum(share for _, _, share in found) / len(found),
            )
            for name, found in masked.items()
        },
    }
    return Scores(rows, summarise([row.values for row in rows], metrics), pooled(results, metrics), groups)


def _bins(
    what: str, edges: Sequence[float], unit: str, rows: Sequence[PairRow], of: Callable[[PairRow], float], metrics: Sequence[Metric]
) -> dict[str, Group]:
    """Half-open bins, the last one closed; pairs whose value is unknown (NaN) are in none."""
    groups = {}
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        last = high == edges[-1]
        here = [row for row in rows if not math.isnan(of(row)) and low <= of(row) and (of(row) < high or (last and of(row) <= high))]
        if here:
            name = f"{what}: {low:g} to {high:g} {unit}".strip()
            share = sum(row.changed / max(row.points, row.changed, 1) for row in here) / len(here)
            groups[name] = Group(len(here), sum(row.points for row in here), summarise([row.values for row in here], metrics), share)
    return groups
