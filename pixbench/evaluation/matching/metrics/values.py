"""Values of metrics for one pair: pure functions that return NaN where they are not defined."""

import math

import numpy as np

from .pair_result import PairResult
from .pose import ESTIMATORS, THRESHOLD_PX, corner_error_px, opencv_homography, pose_error_deg

THRESHOLDS_PX = (1, 2, 4, 8, 16)


def share(hits: np.ndarray) -> float:
    """Mean of truth values; NaN for none."""
    return float(np.mean(hits)) if len(hits) else math.nan


def pck(result: PairResult, px: float) -> float:
    """Share of visible queries with an endpoint error of at most `px` pixels (PCK; Yang and Ramanan, 2013)."""
    return share(result.error_px <= px)


def delta_avg(result: PairResult, size: int | None = None) -> float:
    """Mean over 1, 2, 4, 8, 16 px of the share of visible queries with a smaller endpoint error (TAP-Vid; Doersch et al., 2022). With
    `size`, errors are first scaled as if the longer side of the target image were `size` px.
    """
    return mean_share(result.error_px if size is None else result.error_px * (size / result.side_b_px))


def mean_share(error_px: np.ndarray) -> float:
    """Mean over `THRESHOLDS_PX` of the share of errors in pixels below each, the bound not included (TAP-Vid; Doersch et al., 2022); NaN
    for no errors.
    """
    return float(np.mean([share(error_px < px) for px in THRESHOLDS_PX])) if len(error_px) else math.nan


def delta_avg_of_level(result: PairResult, level: str) -> float:
    """`delta_avg` of a pair of this level; NaN for pairs of other levels."""
    return delta_avg(result) if result.level == level else math.nan


def matches(result: PairResult) -> float:
    """Number of matches; NaN without queries or if it is not known which answers are mutual."""
    known = result.mutual_known and (len(result.visible) or len(result.match_error_px))
    return float(len(result.match_error_px)) if known else math.nan


def mma(result: PairResult, px: float) -> float:
    """Mean matching accuracy (D2-Net; Dusmanu et al., 2019): share of matches with an error of at most `px` pixels. 0 without matches, NaN
    without queries or if it is not known which answers are mutual.
    """
    count = matches(result)
    return share(result.match_error_px <= px) if count else count


def mma_of_level(result: PairResult, px: float, level: str) -> float:
    """`mma` of a matcher of points on a pair of this level; NaN for other models and pairs."""
    return mma(result, px) if result.covered is not None and result.level == level else math.nan


def coverage(result: PairResult) -> float:
    """Share of visible queries with a match of the matcher's own nearby, right or wrong; NaN for models that answer every query."""
    return math.nan if result.covered is None else share(result.covered)


def occlusion_ap(result: PairResult) -> float:
    """Average precision (AP) of the cycle error as a detector of occlusion, over chance: (AP - share of occluded) / (1 - share of
    occluded). NaN unless there are both visible and occluded queries.
    """
    from sklearn.metrics import average_precision_score

    known = ~np.isnan(result.cycle_error_px)
    occluded, error = ~result.visible[known], result.cycle_error_px[known]
    if not occluded.any() or occluded.all():
        return math.nan
    chance = occluded.mean()
    found = average_precision_score(occluded, np.minimum(error, np.finfo(np.float32).max))
    return float((found - chance) / (1 - chance))


def pose_error(result: PairResult, estimator: str, threshold_px: float = THRESHOLD_PX) -> float:
    """Pose error in degrees (Sun et al., 2021; see `pose_error_deg`) by a robust estimator with a threshold in pixels; NaN for a pair whose
    cameras are unknown or at one place, and if it is not known which answers are mutual.
    """
    a, b = result.camera_a, result.camera_b
    if a is None or b is None or result.homography is not None or not result.mutual_known:
        return math.nan
    return pose_error_deg(ESTIMATORS[estimator](result.uv_a, result.uv_b, a, b, threshold_px=threshold_px), a, b)


def homography_error(result: PairResult) -> float:
    """Corner error in pixels (DeTone et al., 2018; see `corner_error_px`); NaN for a pair that no homography joins,
    and if it is not known which answers are mutual.
    """
    if result.homography is None or not result.mutual_known:
        return math.nan
    return corner_error_px(opencv_homography(result.uv_a, result.uv_b), result.homography, result.width, result.height)
