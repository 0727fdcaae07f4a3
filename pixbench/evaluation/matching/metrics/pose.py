"""Relative pose and homography from matches, by robust estimators of OpenCV and PoseLib, and their errors."""

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Float

from ....geometry.cameras import Camera, inverse_rigid
from ....geometry.robust import CONFIDENCE, HOMOGRAPHY_PX, MAX_ITERATIONS, Points, fit_essential, fit_homography, on_unit_plane
from ....image.homography import apply_homography

Pose = tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]]
"""Rotation and unit translation that carry points of camera a's frame into camera b's."""

THRESHOLD_PX = 1.0
LEAST_MATCHES = 5


def opencv_pose(uv_a: Points, uv_b: Points, a: Camera, b: Camera, *, threshold_px: float = THRESHOLD_PX) -> Pose | None:
    """Pose from OpenCV's essential matrix with MAGSAC++ scoring (Barath et al., 2020); the threshold, in pixels, is divided by the mean
    focal length. None if the estimation fails.
    """
    import cv2

    fitted = fit_essential(uv_a, uv_b, a.K, b.K, threshold_px=threshold_px)
    if fitted is None:
        return None
    E, inliers = fitted
    rays_a, rays_b = on_unit_plane(uv_a, a.K), on_unit_plane(uv_b, b.K)
    try:
        found, R, t, _ = cv2.recoverPose(E, rays_a, rays_b, np.eye(3), mask=inliers.astype(np.uint8)[:, None])
    except cv2.error:
        return None
    return (R, t[:, 0]) if found > 0 else None


def poselib_pose(uv_a: Points, uv_b: Points, a: Camera, b: Camera, *, threshold_px: float = THRESHOLD_PX) -> Pose | None:
    """Pose by PoseLib's LO-RANSAC (Chum et al., 2003) with non-linear refinement; the threshold is in pixels. None if the estimation
    fails.
    """
    import poselib

    if len(uv_a) < LEAST_MATCHES:
        return None
    options = {"max_epipolar_error": threshold_px, "max_iterations": MAX_ITERATIONS, "success_prob": CONFIDENCE}
    pose, details = poselib.estimate_relative_pose(
        np.ascontiguousarray(uv_a), np.ascontiguousarray(uv_b), _pinhole(a), _pinhole(b), options
    )
    length = float(np.linalg.norm(pose.t))
    return (np.asarray(pose.R), np.asarray(pose.t) / length) if details.get("num_inliers", 0) >= LEAST_MATCHES and length > 0 else None


ESTIMATORS: Mapping[str, Callable[..., Pose | None]] = {"magsac": opencv_pose, "poselib": poselib_pose}


def _pinhole(camera: Camera) -> dict[str, object]:
    K = camera.K
    return {"model": "PINHOLE", "width": camera.width, "height": camera.height, "params": [K[0, 0], K[1, 1], K[0, 2], K[1, 2]]}


def pose_error_deg(pose: Pose | None, a: Camera, b: Camera) -> float:
    """The larger of the angles of rotation and of translation direction, in degrees; inf for no pose.

    The direction's sign is not counted, as in LoFTR's evaluation (Sun et al., 2021): an essential matrix has none.
    """
    if pose is None:
        return float("inf")
    R, t = pose
    truth = inverse_rigid(b.T_world_cam) @ a.T_world_cam
    turned = np.degrees(np.arccos(np.clip((np.trace(R.T @ truth[:3, :3]) - 1) / 2, -1, 1)))
    along = truth[:3, 3] / max(float(np.linalg.norm(truth[:3, 3])), 1e-12)
    moved = np.degrees(np.arccos(np.clip(abs(float(t @ along)), 0, 1)))
    return float(max(turned, moved))


def opencv_homography(uv_a: Points, uv_b: Points, *, threshold_px: float = HOMOGRAPHY_PX) -> Float[np.ndarray, "3 3"] | None:
    """OpenCV's homography with MAGSAC++ scoring (Barath et al., 2020); the threshold is in pixels. None if the estimation fails."""
    fitted = fit_homography(uv_a, uv_b, threshold_px=threshold_px)
    return None if fitted is None else fitted[0]


def corner_error_px(H: Float[np.ndarray, "3 3"] | None, truth: Float[np.ndarray, "3 3"], width: int, height: int) -> float:
    """Mean distance in pixels between image a's four corners under H and their true positions in image b (DeTone et al., 2018); inf for no
    H.
    """
    if H is None:
        return float("inf")
    corners = np.array([[0.0, 0.0], [width, 0.0], [width, height], [0.0, height]])
    distance = np.linalg.norm(apply_homography(H, corners) - apply_homography(truth, corners), axis=1)
    return float(np.nan_to_num(distance, nan=np.inf).mean())


def area_under_recall(errors: Float[np.ndarray, " pairs"], threshold: float) -> float:
    """Area under the curve of recall over error up to a threshold, divided by the threshold: a share in [0, 1]; NaN for no errors.

    Errors and threshold have one unit. Recall rises by 1/n at each error, with straight lines between, as in SuperGlue (Sarlin et al.,
    2020) and LoFTR (Sun et al., 2021).
    """
    if not len(errors):
        return float("nan")
    ordered = np.sort(errors)
    ordered = np.concatenate([[0.0], ordered[ordered < threshold]])
    recall = np.arange(len(ordered)) / len(errors)
    return float(np.trapezoid(np.append(recall, recall[-1]), np.append(ordered, threshold)) / threshold)
