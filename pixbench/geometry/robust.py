"""Robust estimation of homography, essential and fundamental matrices from matches with outliers, by OpenCV's MAGSAC++ (Barath et al.,
2020). Thresholds are in pixels.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

Points = Float[np.ndarray, "matches 2"]
Matrix = Float[np.ndarray, "3 3"]
Fit = tuple[Matrix, Bool[np.ndarray, " matches"]]
"""A matrix and its inliers."""

MAX_ITERATIONS = 10_000
CONFIDENCE = 0.9999
HOMOGRAPHY_PX = 3.0
"""Default inlier threshold of a homography."""


def fit_homography(uv_a: Points, uv_b: Points, *, threshold_px: float = HOMOGRAPHY_PX) -> Fit | None:
    """Homography that maps uv of image a to uv of image b, in pixels, and its inliers. None if it fails, as with fewer than four
    matches.
    """
    import cv2

    def estimate() -> tuple[Any, Any]:
        return cv2.findHomography(uv_a, uv_b, cv2.USAC_MAGSAC, threshold_px, maxIters=MAX_ITERATIONS, confidence=CONFIDENCE)

    return _fit(estimate) if len(uv_a) >= 4 else None


def fit_fundamental(uv_a: Points, uv_b: Points, *, threshold_px: float = 1.0) -> Fit | None:
    """Fundamental matrix F with (u_b, v_b, 1) F (u_a, v_a, 1)' = 0, in pixels, and its inliers. None if it fails, as with fewer than eight
    matches.
    """
    import cv2

    def estimate() -> tuple[Any, Any]:
        return cv2.findFundamentalMat(uv_a, uv_b, cv2.USAC_MAGSAC, threshold_px, CONFIDENCE, MAX_ITERATIONS)

    return _fit(estimate) if len(uv_a) >= 8 else None


def fit_essential(uv_a: Points, uv_b: Points, K_a: Matrix, K_b: Matrix, *, threshold_px: float = 1.0) -> Fit | None:
    """Essential matrix E between the rays K^-1 (u, v, 1), and its inliers; the threshold is divided by the mean focal length in pixels.
    None if it fails, as with fewer than five matches.
    """
    import cv2

    focal = float(np.mean([K_a[0, 0], K_a[1, 1], K_b[0, 0], K_b[1, 1]]))
    rays_a, rays_b = on_unit_plane(uv_a, K_a), on_unit_plane(uv_b, K_b)

    def estimate() -> tuple[Any, Any]:
        return cv2.findEssentialMat(
            rays_a, rays_b, np.eye(3), method=cv2.USAC_MAGSAC, prob=CONFIDENCE, threshold=threshold_px / focal, maxIters=MAX_ITERATIONS
        )

    return _fit(estimate) if len(uv_a) >= 5 else None


def on_unit_plane(uv: Points, K: Matrix) -> Points:
    """Points K^-1 (u, v, 1), without the last coordinate, in which the rays of uv (pixels) meet the plane at depth 1."""
    rays = np.concatenate([uv, np.ones((len(uv), 1))], axis=1) @ np.linalg.inv(K).T
    return np.ascontiguousarray(rays[:, :2])


def _fit(estimate: Callable[[], tuple[Any, Any]]) -> Fit | None:
    import cv2

    try:
        matrix, mask = estimate()
    except cv2.error:
        # It raises for degenerate points, for which other estimators return nothing.
        return None
    if matrix is None or mask is None or matrix.ndim != 2 or matrix.shape[1] != 3 or len(matrix) < 3 or not np.isfinite(matrix[:3]).all():
        return None
    return np.asarray(matrix[:3], np.float64), mask.ravel() > 0
