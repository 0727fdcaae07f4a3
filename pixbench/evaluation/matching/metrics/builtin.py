"""The built-in metrics of matching, each with an id, a version, a definition in words, and a hash of both with its parameters."""

import math
from functools import partial

import numpy as np

from ....geometry.robust import CONFIDENCE, HOMOGRAPHY_PX, MAX_ITERATIONS
from ...metric import Metric
from ..levels.level import LEVELS
from ..levels.strata import MATCHABLE_ANISOTROPY, MATCHABLE_SCALE, MATCHABLE_TEXTURE, TEXTURE_PX
from .pose import ESTIMATORS, THRESHOLD_PX, area_under_recall
from .values import (
    THRESHOLDS_PX,
    coverage,
    delta_avg,
    delta_avg_of_level,
    homography_error,
    matches,
    mean_share,
    mma,
    mma_of_level,
    occlusion_ap,
    pck,
    pose_error,
)

MMA_PX = tuple(range(1, 11))
POSE_DEG = (5, 10, 20)
CORNER_PX = (3, 5, 10)
LEVEL_MMA_PX = 3
TAPVID_SIZE = 256
MATCHED = "nearest neighbours among the queries that are mutual within the protocol's tolerance, or of a matcher's own matches"

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
        lambda o: math.nan if o.matchable is None else mean_share(o.error_px[o.matchable]),
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
        lambda o: math.nan if o.edge_error_px is None else mean_share(np.concatenate([o.error_px, o.edge_error_px])),
        parameters={"px": THRESHOLDS_PX},
    ),
    *(
        Metric(
            f"delta_avg@{level}",
            1,
            f"delta_avg over the pairs of the suite's level '{level}'",
            partial(delta_avg_of_level, level=level),
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
    *(
        Metric(
            f"mma@{LEVEL_MMA_PX}@{level}",
            1,
            f"mma@{LEVEL_MMA_PX} of a matcher that chooses its points, over the pairs of the suite's level '{level}'",
            partial(mma_of_level, px=LEVEL_MMA_PX, level=level),
            parameters={"px": LEVEL_MMA_PX},
            by_pixel=False,
        )
        for level in LEVELS
    ),
    Metric(
        "coverage",
        1,
        "of a matcher that chooses its points: share of visible queries with one of its own matches within its reach (4 px, if the record "
        "says nothing else), right or wrong",
        coverage,
    ),
    Metric(
        "matches",
        2,
        f"number of {MATCHED}",
        matches,
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
            parameters={"px": px, "threshold_px": HOMOGRAPHY_PX, "max_iterations": MAX_ITERATIONS, "confidence": CONFIDENCE},
            per_pair="corner_error_px",
            summary=partial(area_under_recall, threshold=px),
            by_pixel=False,
        )
        for px in CORNER_PX
    ),
)
"""The metrics of this package; other packages add theirs by entry points."""
