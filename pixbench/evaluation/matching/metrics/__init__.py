"""Metrics of matching: what each computes from the result of a pair, the built-in list, and their values over pairs."""

from .builtin import MATCHING_METRICS, TAPVID_SIZE
from .summary import matching_metrics, per_pair, pooled, summarise
from .values import THRESHOLDS_PX, delta_avg, homography_error, mma, occlusion_ap, pck, pose_error, share

__all__ = [
    "MATCHING_METRICS",
    "TAPVID_SIZE",
    "THRESHOLDS_PX",
    "delta_avg",
    "homography_error",
    "matching_metrics",
    "mma",
    "occlusion_ap",
    "pck",
    "per_pair",
    "pooled",
    "pose_error",
    "share",
    "summarise",
]
