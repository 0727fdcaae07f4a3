import math

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pixbench.evaluation.matching.metrics.pair_result import PairResult, joined
from pixbench.evaluation.matching.metrics.pose import ESTIMATORS, area_under_recall, corner_error_px, pose_error_deg
from pixbench.evaluation.matching.metrics.values import delta_avg, pose_error
from pixbench.geometry.cameras import Camera, inverse_rigid

K = np.array([[300.0, 0, 160], [0, 310.0, 120], [0, 0, 1]])


def _camera(rng: np.random.Generator, near: np.ndarray) -> Camera:
    """A camera near a position, rotated by a few degrees."""
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_rotvec(rng.uniform(-0.2, 0.2, 3)).as_matrix()
    pose[:3, 3] = near + rng.uniform(-0.1, 0.1, 3)
    return Camera(K, pose, 320, 240)


def _result(a: Camera | None, b: Camera | None, **given: object) -> PairResult:
    """Exact matches of points in front of both cameras."""
    rng = np.random.default_rng(1)
    points = rng.uniform([-1, -1, 3], [1, 1, 6], (60, 3))
    uv = [np.zeros((60, 2)) if camera is None else camera.project(points)[0] for camera in (a, b)]
    none, many = np.empty(0), np.zeros(60)
    return PairResult(none, none, none.astype(bool), none, *uv, many, many, 320, 240, none, a, b, **given)  # type: ignore[arg-type]


def test_true_pose_has_zero_error_up_to_rounding() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        a, b = _camera(rng, np.zeros(3)), _camera(rng, np.array([1.0, 0, 0]))
        truth = inverse_rigid(b.T_world_cam) @ a.T_world_cam
        assert pose_error_deg((truth[:3, :3], truth[:3, 3] / np.linalg.norm(truth[:3, 3])), a, b) < 1e-5


def test_rotation_error_matches_scipy() -> None:
    rng = np.random.default_rng(2)
    a, b = _camera(rng, np.zeros(3)), _camera(rng, np.array([0, 1.0, 0]))
    truth = inverse_rigid(b.T_world_cam) @ a.T_world_cam
    along = truth[:3, 3] / np.linalg.norm(truth[:3, 3])
    for turn in Rotation.random(5, random_state=3):
        expected = math.degrees((Rotation.from_matrix(truth[:3, :3]).inv() * turn).magnitude())
        assert pose_error_deg((turn.as_matrix(), along), a, b) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("estimator", sorted(ESTIMATORS))
def test_pose_error_is_nan_without_cameras_or_with_a_homography(estimator: str) -> None:
    rng = np.random.default_rng(4)
    a, b = _camera(rng, np.zeros(3)), _camera(rng, np.array([1.0, 0, 0]))
    assert pose_error(_result(a, b), estimator) < 0.01
    # The reverse direction is another pose, and matches in the wrong direction do not give it.
    assert pose_error(_result(b, a), estimator) < 0.01
    for other in (_result(None, b), _result(a, None), _result(a, b, homography=np.eye(3))):
        assert math.isnan(pose_error(other, estimator))


@pytest.mark.parametrize("estimator", sorted(ESTIMATORS))
def test_degenerate_matches_give_no_pose(estimator: str) -> None:
    rng = np.random.default_rng(5)
    a, b = _camera(rng, np.zeros(3)), _camera(rng, np.array([1.0, 0, 0]))
    same = np.full((20, 2), 100.0)
    found = ESTIMATORS[estimator](same, same, a, b)
    assert found is None or np.isfinite([*found[0].ravel(), *found[1]]).all()
    for count in (0, 1, 4):
        assert ESTIMATORS[estimator](same[:count], same[:count], a, b) is None


def test_corner_error_uses_the_image_corners() -> None:
    # Twice as wide and three times as high: the first corner stays, the others move by (w, 0), (w, 2h) and (0, 2h).
    expected = (0 + 40 + math.hypot(40, 60) + 60) / 4
    assert corner_error_px(np.diag([2.0, 3.0, 1.0]), np.eye(3), 40, 30) == pytest.approx(expected)
    assert corner_error_px(np.eye(3), np.diag([2.0, 3.0, 1.0]), 40, 30) == pytest.approx(expected)
    # A corner that goes to infinity is infinitely far.
    vanishing = np.array([[1, 0, 0], [0, 1, 0], [-1 / 40, 0, 1]])
    assert corner_error_px(vanishing, np.eye(3), 40, 30) == math.inf


def test_recall_threshold_is_exclusive() -> None:
    assert area_under_recall(np.array([5.0]), 5) == 0
    assert area_under_recall(np.array([2.5]), 5) == pytest.approx((2.5 / 2 + 2.5) / 5)


def test_errors_are_scaled_by_the_longer_side_of_the_target() -> None:
    error, none, points = np.array([1.9, 3.9]), np.empty(0), np.empty((0, 2))
    large, small = (
        PairResult(error, error, np.ones(2, bool), error, points, points, none, none, 96, 64, np.full(2, float(side)))
        for side in (512, 256)
    )
    # Half as large: .95 and 1.95 px.
    assert delta_avg(large, size=256) == pytest.approx((1 + 2 * 4) / 10)
    assert delta_avg(small, size=256) == pytest.approx((0 + 1 + 2 * 3) / 10)
    # Each query of joined pairs keeps the size of its own target.
    for pairs in ((large, small), (small, large)):
        assert delta_avg(joined(pairs), size=256) == pytest.approx((0.9 + 0.7) / 2)
