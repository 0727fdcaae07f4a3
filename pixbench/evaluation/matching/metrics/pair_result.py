"""Match errors against ground truth: the input of the metrics of one pair."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from ....geometry.cameras import Camera
from ....geometry.correspondence import Status
from ....geometry.pixels import bilinear_cell, in_image, pixel_centre, pixel_index
from ..levels.strata import Queries
from ..pairs import QUERY_STATUSES, ScoredPair
from ..predictions import PairPredictions


@dataclass(frozen=True, eq=False)
class PairResult:
    """Errors of the queries of one pair, or of several pairs joined.

    Visible queries have `error_px`, inf where there was no answer, and `closer`, the share of pixels closer than the true match. All
    queries have `visible` and `cycle_error_px`. Matches (mutual answers, or a matcher's own) have `uv_a`, `uv_b`, `ratio`, and
    `match_error_px`, inf where the target does not see the point. Cameras and homography are None in joined results and where a pair has
    none. In a suite with levels, the pair has a `level`, `matchable` marks visible queries, and `edge_error_px` is the error of ambiguous
    queries whose centre is seen. For a matcher of points, `covered` marks the visible queries near a match of its own. `side_b_px` is the
    longer side of the target image, whose pixels errors are in. Without `mutual_known` the model's answers have no cycle errors, and there
    are no matches.
    """

    error_px: Float[np.ndarray, " visible"]
    closer: Float[np.ndarray, " visible"]
    visible: Bool[np.ndarray, " queries"]
    cycle_error_px: Float[np.ndarray, " queries"]
    uv_a: Float[np.ndarray, "matches 2"]
    uv_b: Float[np.ndarray, "matches 2"]
    ratio: Float[np.ndarray, " matches"]
    match_error_px: Float[np.ndarray, " matches"]
    width: int
    height: int
    side_b_px: Float[np.ndarray, " visible"]
    camera_a: Camera | None = None
    camera_b: Camera | None = None
    homography: Float[np.ndarray, "3 3"] | None = None
    level: str = ""
    matchable: Bool[np.ndarray, " visible"] | None = None
    edge_error_px: Float[np.ndarray, " edges"] | None = None
    covered: Bool[np.ndarray, " visible"] | None = None
    mutual_known: bool = True


def pair_result(
    pair: ScoredPair,
    answers: PairPredictions,
    keep: Bool[np.ndarray, "height width"] | None = None,
    *,
    mutual_px: float = 0.0,
    shift_px: float = 0.0,
) -> PairResult:
    """Compare the answers of a pair with its ground truth; `keep` restricts queries and matches to some source pixels.

    A match is mutual where it is matched back to within `mutual_px` of the pixel it came from. `shift_px` is added to every error.
    """
    height, width = pair.truth.status.shape
    matches, (column, row) = answers.matches, answers.pixel.astype(np.int64).T
    kept = np.ones(len(column), bool) if keep is None else keep[row, column]
    status = pair.truth.status[row, column]
    chosen = kept & np.isin(status, QUERY_STATUSES)
    off = np.nan_to_num(np.linalg.norm(matches.uv - pair.truth.uv_b[row, column], axis=1), nan=math.inf)
    off = np.maximum(off + shift_px, 0.0) if shift_px else off
    edge = kept & (status == Status.AMBIGUOUS)
    column, row, uv = column[chosen], row[chosen], matches.uv[chosen]
    visible = status[chosen] == Status.VISIBLE
    error = np.where(visible, off[chosen], math.inf)
    covered, mutual_known = None, True
    if matches.points_a is not None and matches.points_b is not None:
        covered = ~np.isnan(uv[visible]).any(axis=1)
        uv_a, uv_b, match_error = _own_matches(pair, matches.points_a, matches.points_b, keep)
        match_error = np.maximum(match_error + shift_px, 0.0)
        ratio = np.full(len(uv_a), math.nan)
    else:
        cycle_error, answered = matches.cycle_error_px[chosen], np.isfinite(uv).all(axis=1)
        mutual, mutual_known = cycle_error <= mutual_px, not answered.any() or not np.isnan(cycle_error[answered]).all()
        uv_a, uv_b, match_error = pixel_centre(column, row)[mutual], uv[mutual], error[mutual]
        ratio = matches.ratio[chosen][mutual]
    return PairResult(
        error[visible],
        matches.closer[chosen][visible],
        visible,
        matches.cycle_error_px[chosen],
        uv_a,
        uv_b,
        ratio,
        match_error,
        width,
        height,
        np.full(np.count_nonzero(visible), float(max(pair.rgb_b.shape[:2]))),
        pair.camera_a,
        pair.camera_b,
        pair.homography,
        pair.level,
        None if pair.asked is None else _matchable(pair, pair.asked)[row, column][visible],
        None if pair.asked is None else off[edge],
        covered,
        mutual_known,
    )


def _matchable(pair: ScoredPair, queries: Queries) -> Bool[np.ndarray, "height width"]:
    height, width = pair.truth.status.shape
    return queries.place(queries.strata.matchable, width, height)


def _own_matches(
    pair: ScoredPair, points_a: Float[np.ndarray, "_ 2"], points_b: Float[np.ndarray, "_ 2"], keep: Bool[np.ndarray, "height width"] | None
) -> tuple[Float[np.ndarray, "matches 2"], Float[np.ndarray, "matches 2"], Float[np.ndarray, " matches"]]:
    """A matcher's matches whose truth is known: wrong where the target does not see the point, left out on edges and holes."""
    height, width = pair.truth.status.shape
    inside = in_image(points_a, width, height)
    points_a, points_b = points_a[inside], points_b[inside]
    column, row = pixel_index(points_a).T
    status = pair.truth.status[row, column]
    known = ~np.isin(status, (Status.NO_SURFACE, Status.AMBIGUOUS))
    if keep is not None:
        known &= keep[row, column]
    points_a, points_b, status = points_a[known], points_b[known], status[known]
    error = np.linalg.norm(points_b - truth_at(pair, points_a), axis=1)
    return points_a, points_b, np.where(status == Status.VISIBLE, np.nan_to_num(error, nan=math.inf), math.inf)


def truth_at(pair: ScoredPair, uv: Float[np.ndarray, "points 2"]) -> Float[np.ndarray, "points 2"]:
    """The true match of any position: bilinear between the four pixel centres around it.

    Where not all four have a known match, it is the covering pixel's match, shifted by the position's offset from that pixel's centre.
    """
    height, width = pair.truth.status.shape
    dense = pair.truth.uv_b.astype(float)
    column, row = pixel_index(uv).T
    found: np.ndarray = dense[row, column] + uv - pixel_centre(column, row)
    first, weight = bilinear_cell(uv, width, height)
    total, known = np.zeros_like(found), np.ones(len(uv), bool)
    for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
        x, y = first[:, 0] + dx, first[:, 1] + dy
        known &= np.isin(pair.truth.status[y, x], QUERY_STATUSES)
        share = np.where(dx, weight[:, 0], 1 - weight[:, 0]) * np.where(dy, weight[:, 1], 1 - weight[:, 1])
        total += share[:, None] * dense[y, x]
    known &= ((weight >= 0) & (weight <= 1)).all(axis=1)
    found[known] = total[known]
    return found


def joined(results: Sequence[PairResult]) -> PairResult:
    """Concatenate the queries and matches of several pairs."""
    names = ("error_px", "closer", "visible", "cycle_error_px", "uv_a", "uv_b", "ratio", "match_error_px", "side_b_px")
    parts: dict[str, Any] = {name: np.concatenate([getattr(each, name) for each in results]) for name in names}
    for name in ("matchable", "edge_error_px", "covered"):
        known = [getattr(each, name) for each in results]
        parts[name] = None if any(each is None for each in known) else np.concatenate(known)
    mutual_known = all(each.mutual_known for each in results)
    return PairResult(**parts, width=results[0].width, height=results[0].height, mutual_known=mutual_known)
