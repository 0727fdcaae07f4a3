"""Two-view geometry: homography, or epipolar geometry with or without known intrinsics."""

from typing import Literal, get_args

import numpy as np
from jaxtyping import Float

from ..errors import unknown_name
from ..geometry.robust import Fit, Matrix, Points, fit_essential, fit_fundamental, fit_homography

Geometry = Literal["none", "homography", "essential", "fundamental"]
GEOMETRIES: tuple[str, ...] = get_args(Geometry)


def check_geometry(name: str) -> Geometry:
    """The geometry of that name. Raises UserError for an unknown one."""
    if name not in GEOMETRIES:
        raise unknown_name("geometry", name, GEOMETRIES)
    found: Geometry = name  # type: ignore[assignment]
    return found


def fit(
    geometry: Geometry,
    uv_a: Points,
    uv_b: Points,
    threshold_px: float,
    sizes_wh: tuple[tuple[int, int], tuple[int, int]],
    focal_px: tuple[float, float],
) -> Fit | None:
    """The matrix and its inliers; None where there are too few matches, or none agree. The essential matrix alone needs `focal_px`."""
    if geometry == "homography":
        return fit_homography(uv_a, uv_b, threshold_px=threshold_px)
    if geometry == "fundamental":
        return fit_fundamental(uv_a, uv_b, threshold_px=threshold_px)
    K_a, K_b = (intrinsics(size, focal) for size, focal in zip(sizes_wh, focal_px, strict=True))
    return fit_essential(uv_a, uv_b, K_a, K_b, threshold_px=threshold_px)


def intrinsics(size_wh: tuple[int, int], focal_px: float) -> Matrix:
    """K of a camera with square pixels and its principal point at the image centre."""
    K: Float[np.ndarray, "3 3"] = np.diag([focal_px, focal_px, 1.0])
    K[:2, 2] = np.array(size_wh) / 2
    return K
