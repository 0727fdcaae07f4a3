"""Metrics of matching, each with an id, a version, a definition in words, and a hash of both with its parameters.

A metric is a pure function of the result of one pair. Over pairs it is averaged, or, for areas under recall, computed from all pairs'
errors; `pooled` takes all queries and matches of all pairs at once. A pair on which it has no value (NaN) is left out of the mean.
"""

import math
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from ...geometry.robust import CONFIDENCE, MAX_ITERATIONS
from ..metric import Metric
from ..task import metrics_of
from .levels.level import LEVELS
from .levels.strata import MATCHABLE_ANISOTROPY, MATCHABLE_SCALE, MATCHABLE_TEXTURE, TEXTURE_PX
from .pair_result import PairResult, joined
from .pose import (
    ESTIMATORS,
    THRESHOLD_PX,
    area_under_recall,
    corner_error_px,
    opencv_homography,
    pose_error_deg,
)

THRESHOLDS_PX = (1, 2, 4, 8, 16)
MMA_PX = tuple(range(1, 11))
POSE_DEG = (5, 10, 20)
CORNER_PX = (3, 5, 10)
TAPVID_SIZE = 256
MATCHED = "nearest neighbours among the queries that are mutual within the protocol's tolerance, or of a matcher's own matches"


def share(hits: np.ndarray) -> float:
    """Mean of truth values; NaN for none."""
    return float(np.mean(hits)) if len(hits) else math.nan


def pck(result: PairResult, px: float) -> float:
    """Share of visible queries within `px`, the bound included."""
    return share(result.error_px <= px)


def delta_avg(result: PairResult, size: int | None = None) -> float:
    """TAP-Vid's mean over thresholds, the bound not included; errors scaled to a longer side of `size` px where it is given."""
    return _delta(result.error_px if size is None else result.error_px * (size / max(result.width, result.height)))


def _delta(error_px: np.ndarray) -> float:
    return float(np.mean([share(error_px < px) for px in THRESHOLDS_PX])) if len(error_px) else math.nan


def _of_level(result: PairResult, level: str) -> float:
    return delta_avg(result) if result.level == level else math.nan


def mma(result: PairResult, px: float) -> float:
    """Share of matches within `px`; 0 for none, NaN where nothing was asked."""
    if not len(result.visible) and not len(result.match_error_px):
        return math.nan
    return share(result.match_error_px <= px) if len(result.match_error_px) else 0.0


def occlusion_ap(result: PairResult) -> float:
    """Average precision of the cycle error as a detector of occlusion, over chance."""
    from sklearn.metrics import average_precision_score

    known = ~np.isnan(result.cycle_error_px)
    occluded, error = ~result.visible[known], result.cycle_error_px[known]
    if not occluded.any() or occluded.all():
        return math.nan
    chance = occluded.mean()
    found = average_precision_score(occluded, np.minimum(error, np.finfo(np.float32).max))
    return float((found - chance) / (1 - chance))


def pose_error(result: PairResult, estimator: str, threshold_px: float = THRESHOLD_PX) -> float:
    """Pose error in degrees; NaN for a pair whose cameras are unknown or at one place."""
    a, b = result.camera_a, result.camera_b
    if a is None or b is None or result.homography is not None:
        return math.nan
    return pose_error_deg(ESTIMATORS[estimator](result.uv_a, result.uv_b, a, b, threshold_px=threshold_px), a, b)


def homography_error(result: PairResult) -> float:
    """Corner error in px; NaN for a pair that no homography joins."""
    if result.homography is None:
        return math.nan
    return corner_error_px(opencv_homography(result.uv_a, result.uv_b), result.homography, result.width, result.height)


MATCHING_METRICS: tuple[Metric, ...] = (
    *(
        Metric(
            f"pck@{px}",
            1,
            f"share of visible queries with endpoint error <= {px} px of the evaluated image",
            partial(pck, px=px),
            parameters={"px": px},
        )
        for px in THRESHOLDS_PX
    ),
    Metric(
        "delta_avg",
        1,
        "mean over 1, 2, 4, 8, 16 px of the share with endpoint error < threshold (TAP-Vid, unscaled)",
        delta_avg,
        parameters={"px": THRESHOLDS_PX},
    ),
    Metric(
        "delta_avg_256",
        1,
        "as delta_avg, errors first scaled as if the longer side of the image were 256 px (TAP-Vid)",
        partial(delta_avg, size=TAPVID_SIZE),
        parameters={"px": THRESHOLDS_PX, "size": TAPVID_SIZE},
    ),
    Metric(
        "delta_avg_matchable",
        1,
        "as delta_avg, over visible queries that local appearance can tell: with texture around them, little change of scale and little "
        "anisotropy",
        lambda o: math.nan if o.matchable is None else _delta(o.error_px[o.matchable]),
        parameters={
            "px": THRESHOLDS_PX,
            "texture": MATCHABLE_TEXTURE,
            "texture_px": TEXTURE_PX,
            "scale": MATCHABLE_SCALE,
            "anisotropy": MATCHABLE_ANISOTROPY,
        },
    ),
    Metric(
        "delta_avg_edges",
        1,
        "as delta_avg, over visible queries and those whose pixel is ambiguous (on a depth edge, thin or grazing, in either view) while "
        "the target shows its centre's true match",
        lambda o: math.nan if o.edge_error_px is None else _delta(np.concatenate([o.error_px, o.edge_error_px])),
        parameters={"px": THRESHOLDS_PX},
    ),
    *(
        Metric(
            f"delta_avg@{level}",
            1,
            f"delta_avg over the pairs of the suite's level '{level}'",
            partial(_of_level, level=level),
            parameters={"px": THRESHOLDS_PX},
            by_pixel=False,
        )
        for level in LEVELS
    ),
    Metric(
        "epe_mean",
        1,
        "mean endpoint error of visible queries; infinite where a query has no answer",
        lambda o: float(np.mean(o.error_px)) if len(o.error_px) else math.nan,
        higher_is_better=False,
        unit="px",
        digits=2,
    ),
    Metric(
        "epe_median",
        1,
        "median endpoint error of visible queries",
        lambda o: float(np.median(o.error_px)) if len(o.error_px) else math.nan,
        higher_is_better=False,
        unit="px",
        digits=2,
    ),
    *(
        Metric(
            f"mma@{px}",
            2,
            f"share of {MATCHED}, with reprojection error <= {px} px; a match of a point that the target does not see is wrong; no matches "
            "score 0 (D2-Net)",
            partial(mma, px=px),
            parameters={"px": px},
        )
        for px in MMA_PX
    ),
    Metric(
        "matches",
        2,
        f"number of {MATCHED}",
        lambda o: float(len(o.match_error_px)) if len(o.visible) or len(o.match_error_px) else math.nan,
        digits=0,
    ),
    Metric(
        "closer",
        2,
        "mean over visible queries of the share of the other target pixels whose descriptor is closer to the query's than that at the true "
        "match, those as close counting half (Dense Object Nets counts none of them); a query without an answer counts 1; 0 is best, 0.5 "
        "is chance",
        lambda o: float(np.nanmean(o.closer)) if np.isfinite(o.closer).any() else math.nan,
        higher_is_better=False,
    ),
    Metric(
        "occlusion_ap",
        2,
        "average precision over chance, (AP - share of occluded) / (1 - share of occluded), of the cycle error, in whole pixels, as a "
        "detector of occluded among visible and occluded queries; 0 is chance, 1 is best",
        occlusion_ap,
    ),
    *(
        Metric(
            f"pose_auc@{deg}/{estimator}",
            2,
            f"area under recall of pose error up to {deg} degrees over pairs of cameras apart, estimated by {estimator} from {MATCHED}; "
            "pose error is the larger of the angles of rotation and of translation direction, its sign not counted; a failed pose is "
            "infinite (LoFTR)",
            partial(pose_error, estimator=estimator),
            parameters={
                "degrees": deg,
                "estimator": estimator,
                "threshold_px": THRESHOLD_PX,
                "max_iterations": MAX_ITERATIONS,
                "confidence": CONFIDENCE,
            },
            per_pair=f"pose_error_deg/{estimator}",
            summary=partial(area_under_recall, threshold=deg),
            by_pixel=False,
        )
        for estimator in ESTIMATORS
        for deg in POSE_DEG
    ),
    *(
        Metric(
            f"homography_auc@{px}",
            2,
            f"area under recall of the mean corner error up to {px} px over pairs that a homography joins, estimated by OpenCV's MAGSAC "
            f"from {MATCHED}; a failed estimate is infinite (SuperGlue)",
            homography_error,
            parameters={"px": px, "threshold_px": 3.0, "max_iterations": MAX_ITERATIONS, "confidence": CONFIDENCE},
            per_pair="corner_error_px",
            summary=partial(area_under_recall, threshold=px),
            by_pixel=False,
        )
        for px in CORNER_PX
    ),
)
"""Those of this package."""


def matching_metrics() -> list[Metric]:
    """All metrics of matching, those of other packages too, sorted by id."""
    return metrics_of("matching")


def per_pair(result: PairResult, metrics: Sequence[Metric]) -> dict[str, float]:
    """The values of one pair by column; what metrics share is computed once."""
    values: dict[str, float] = {}
    for metric in metrics:
        if metric.column not in values:
            values[metric.column] = metric(result)
    return values


def summarise(pairs: Sequence[Mapping[str, float]], metrics: Sequence[Metric]) -> dict[str, float]:
    """Each metric over pairs, from what `per_pair` gave; metrics that no pair has a column of are left out."""
    columns = set().union(*pairs)
    return {
        metric.id: metric.over(np.array([pair.get(metric.column, math.nan) for pair in pairs]))
        for metric in metrics
        if metric.column in columns
    }


def pooled(results: Sequence[PairResult], metrics: Sequence[Metric]) -> dict[str, float]:
    """Each metric that is defined by pixels, of all pairs as if they were one; NaN for the others and for no pairs."""
    whole = joined(results) if results else None
    return {metric.id: metric(whole) if whole is not None and metric.by_pixel else math.nan for metric in metrics}
