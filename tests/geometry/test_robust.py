"""Robust estimation of essential, fundamental and homography matrices, with known cameras and outliers."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

from pixbench.geometry.cameras import Camera, inverse_rigid, look_at
from pixbench.geometry.robust import Fit, fit_essential, fit_fundamental, fit_homography, on_unit_plane

A = Camera(np.array([[300.0, 0, 160], [0, 330, 120], [0, 0, 1]]), look_at(np.array([3.0, -1, 1]), np.array([0.0, 0, 1])), 320, 240)
B = Camera(np.array([[200.0, 0, 90], [0, 210, 70], [0, 0, 1]]), look_at(np.array([2.0, 2, 1.5]), np.array([0.0, 0, 1])), 200, 150)
OUTLIERS = 30


def _matches(flat: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Matches (uv_a, uv_b) of 100 points in a room, or on a wall if `flat`; the first OUTLIERS of them are random."""
    rng = np.random.default_rng(0)
    points = rng.uniform([-0.8, -0.8, 0.4], [0.8, 0.8, 1.7], (100, 3))
    points[:, 0] *= not flat
    uv_a, uv_b = A.project(points)[0], B.project(points)[0]
    uv_b[:OUTLIERS] = rng.uniform(0, [200, 150], (OUTLIERS, 2))
    return uv_a, uv_b


def _homogeneous(uv: np.ndarray) -> np.ndarray:
    return np.concatenate([uv, np.ones((len(uv), 1))], axis=1)


def _truth() -> tuple[np.ndarray, np.ndarray]:
    """The essential and the fundamental matrix from a to b, both of length 1."""
    motion = inverse_rigid(B.T_world_cam) @ A.T_world_cam
    x, y, z = motion[:3, 3]
    E = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]]) @ motion[:3, :3]
    F = np.linalg.inv(B.K).T @ E @ np.linalg.inv(A.K)
    return E / np.linalg.norm(E), F / np.linalg.norm(F)


def _same_up_to_scale(found: np.ndarray, truth: np.ndarray) -> bool:
    unit = found / np.linalg.norm(found)
    return min(np.abs(unit - truth).max(), np.abs(unit + truth).max()) < 1e-3


def test_estimated_matrices_map_a_to_b() -> None:
    uv_a, uv_b = _matches()
    E, F = _truth()
    for fit, truth in ((fit_essential(uv_a, uv_b, A.K, B.K), E), (fit_fundamental(uv_a, uv_b), F)):
        assert fit is not None
        matrix, inliers = fit
        assert _same_up_to_scale(matrix, truth)
        assert inliers[OUTLIERS:].all()
        assert inliers[:OUTLIERS].mean() < 0.2
    backwards = fit_fundamental(uv_b, uv_a)
    assert backwards is not None
    assert _same_up_to_scale(backwards[0], F.T)
    flat_a, flat_b = _matches(flat=True)
    fit = fit_homography(flat_a, flat_b)
    assert fit is not None
    moved = _homogeneous(flat_a) @ fit[0].T
    np.testing.assert_allclose((moved[:, :2] / moved[:, 2:])[OUTLIERS:], flat_b[OUTLIERS:], atol=1e-3)


@pytest.mark.parametrize(("threshold_px", "kept"), [(0.5, False), (4.0, True)])
def test_thresholds_are_in_pixels(threshold_px: float, kept: bool) -> None:
    """One match lies 2 px off its epipolar line, and 2 px off its position under the homography of the wall."""
    _, F = _truth()
    uv_a, uv_b = _matches()
    line = F @ _homogeneous(uv_a[-1:])[0]
    uv_b[-1] += 2 * line[:2] / np.linalg.norm(line[:2])
    flat_a, flat_b = _matches(flat=True)
    flat_b[-1] += 2, 0
    fits: list[Fit | None] = [
        fit_essential(uv_a, uv_b, A.K, B.K, threshold_px=threshold_px),
        fit_fundamental(uv_a, uv_b, threshold_px=threshold_px),
        fit_homography(flat_a, flat_b, threshold_px=threshold_px),
    ]
    for fit in fits:
        assert fit is not None
        assert fit[1][-1] == kept


def test_essential_threshold_is_scaled_by_the_mean_focal_length(monkeypatch: pytest.MonkeyPatch) -> None:
    thresholds: list[float] = []

    def estimated(*_: Any, threshold: float, **__: Any) -> tuple[None, None]:
        thresholds.append(threshold)
        return None, None

    monkeypatch.setattr(cv2, "findEssentialMat", estimated)
    assert fit_essential(*_matches(), A.K, B.K, threshold_px=2.0) is None
    assert thresholds == [pytest.approx(2 / ((300 + 330 + 200 + 210) / 4))]


@pytest.mark.parametrize(
    ("estimate", "least"),
    [(fit_homography, 4), (fit_fundamental, 8), (lambda uv_a, uv_b: fit_essential(uv_a, uv_b, A.K, B.K), 5)],
)
def test_too_few_matches_return_none(estimate: Callable[..., Any], least: int) -> None:
    uv_a, uv_b = (uv[OUTLIERS:] for uv in _matches(flat=estimate is fit_homography))
    for count in (0, least - 1):
        assert estimate(uv_a[:count], uv_b[:count]) is None
    assert estimate(uv_a[:least], uv_b[:least]) is not None
    matrix, inliers = estimate(uv_a[: least + 4], uv_b[: least + 4])
    assert (matrix.shape, inliers.all()) == ((3, 3), True)
    # Coincident points are degenerate: the result is None, not an error of OpenCV.
    assert estimate(uv_a[:1].repeat(20, axis=0), uv_b[:1].repeat(20, axis=0)) is None


def test_on_unit_plane_matches_hand_computed_points() -> None:
    uv = np.array([[160.0, 120.0], [460.0, 450.0], [10.0, 45.0]])
    np.testing.assert_allclose(on_unit_plane(uv, A.K), [[0, 0], [1, 1], [-0.5, -75 / 330]], atol=1e-12)
