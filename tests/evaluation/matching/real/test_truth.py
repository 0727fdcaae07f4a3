import numpy as np
import pytest

from pixbench.evaluation.matching.real.truth import depth_truth, disparity_truth, flow_truth, homography_truth
from pixbench.geometry.cameras import Camera
from pixbench.geometry.correspondence import Status
from pixbench.geometry.pixels import pixel_centres


def test_disparity_truth_matches_hand_computed_values() -> None:
    # A wall at 2 px, a post at 5 px on columns 6 and 7, one unknown pixel.
    disparity = np.full((2, 12), 2.0)
    disparity[:, 6:8] = 5.0
    disparity[1, 10] = np.nan
    truth = disparity_truth(disparity)(pixel_centres(12, 2))
    assert truth.uv_b[0, 9].tolist() == [7.5, 0.5]
    assert truth.uv_b[0, 6].tolist() == [1.5, 0.5]
    # The post lands on columns 1 and 2, where the wall's columns 3 and 4 would; columns 0 and 1 leave the image.
    expected = [Status.OUT_OF_FRAME] * 2 + [Status.VISIBLE, Status.OCCLUDED, Status.OCCLUDED] + [Status.VISIBLE] * 7
    assert truth.status[0].tolist() == expected
    assert truth.status[1, 10] == Status.NO_SURFACE
    assert np.isnan(truth.uv_b[1, 10]).all()


def test_homography_truth_matches_hand_computed_values() -> None:
    truth = homography_truth(np.array([[1, 0, 3], [0, 1, -1], [0, 0, 1.0]]), 8, 4)(pixel_centres(8, 4))
    assert truth.uv_b[2, 1].tolist() == [4.5, 1.5]
    assert (truth.status[0] == Status.OUT_OF_FRAME).all()
    assert truth.status[1].tolist() == [Status.VISIBLE] * 5 + [Status.OUT_OF_FRAME] * 3


def test_disparity_from_right_to_left_moves_points_right() -> None:
    disparity = np.full((2, 12), 2.0)
    disparity[:, 2:4] = 5.0
    truth = disparity_truth(disparity, direction=-1)(pixel_centres(12, 2))
    assert truth.uv_b[0, 2].tolist() == [7.5, 0.5]
    # The post lands on columns 7 and 8, where the wall's columns 5 and 6 would; columns 10 and 11 leave the image.
    expected = [Status.VISIBLE] * 5 + [Status.OCCLUDED] * 2 + [Status.VISIBLE] * 3 + [Status.OUT_OF_FRAME] * 2
    assert truth.status[0].tolist() == expected


@pytest.mark.parametrize(("post", "status"), [(3.0, Status.VISIBLE), (3.01, Status.OCCLUDED)])
def test_occluders_are_more_than_a_pixel_of_disparity_nearer(post: float, status: Status) -> None:
    disparity = np.full((1, 12), 2.0)
    disparity[0, 8] = post
    assert disparity_truth(disparity)(pixel_centres(12, 1)).status[0, 7] == status


def test_visibility_mask_overrides_disparity() -> None:
    disparity = np.full((1, 6), 1.0)
    disparity[0, 4] = 3.0
    seen = np.array([[True, True, False, True, True, False]])
    found = disparity_truth(disparity, seen)(pixel_centres(6, 1)).status[0].tolist()
    # The mask decides: column 4 would occlude column 2 anyway, but nothing would occlude column 5.
    assert found == [Status.OUT_OF_FRAME, Status.VISIBLE, Status.OCCLUDED, Status.VISIBLE, Status.VISIBLE, Status.OCCLUDED]


def test_flow_truth_matches_hand_computed_values() -> None:
    flow = np.zeros((3, 4, 2))
    flow[0, 0], flow[0, 1], flow[0, 2], flow[0, 3] = (np.nan, 1), (1, np.nan), (-2.5, 0), (2.4, 2.4)
    flow[2, 0] = -0.51, 0
    seen = np.ones((3, 4), bool)
    seen[1, 1] = False
    truth = flow_truth(flow, (6, 5), seen)(pixel_centres(4, 3))
    # The other image has 6 x 5 pixels; flow with only one known component is unknown.
    assert truth.status[0].tolist() == [Status.NO_SURFACE, Status.NO_SURFACE, Status.VISIBLE, Status.VISIBLE]
    assert truth.status[1].tolist() == [Status.VISIBLE, Status.OCCLUDED, Status.VISIBLE, Status.VISIBLE]
    assert truth.status[2, 0] == Status.OUT_OF_FRAME
    assert truth.uv_b[0, 2].tolist() == [0.0, 0.5]
    np.testing.assert_allclose(truth.uv_b[0, 3], [5.9, 2.9], rtol=1e-6)
    assert np.isnan(truth.uv_b[0, :2]).all()
    # Between pixel centres, the flow is that of the pixel that covers the position.
    assert flow_truth(flow, (6, 5))(np.array([[[2.9, 0.1]]])).uv_b[0, 0] == pytest.approx([0.4, 0.1])


def _camera(x: float = 0.0, z: float = 0.0, focal: float = 8.0) -> Camera:
    """Looks along z; its image has 8 x 6 pixels."""
    pose = np.eye(4)
    pose[[0, 2], 3] = x, z
    return Camera(np.array([[focal, 0, 4], [0, focal, 3], [0, 0, 1]]), pose, 8, 6)


@pytest.mark.parametrize(
    ("there", "status"),
    [
        (8.0, Status.VISIBLE),
        # Within 5 % of the depth in b's map.
        (8.4, Status.VISIBLE),
        (8.5, Status.AMBIGUOUS),
        (7.63, Status.VISIBLE),
        (7.6, Status.OCCLUDED),
        (0.0, Status.AMBIGUOUS),
        (np.inf, Status.AMBIGUOUS),
    ],
)
def test_depth_truth_matches_hand_computed_values(there: float, status: Status) -> None:
    """At 8 m, moving the camera 1 m to the right moves points one pixel to the left."""
    truth = depth_truth(np.full((6, 8), 8.0), np.full((6, 8), there), _camera(), _camera(x=1)).at(pixel_centres(8, 6))
    np.testing.assert_allclose(truth.uv_b, pixel_centres(8, 6) - [1, 0], atol=1e-6)
    assert (truth.status[:, 0] == Status.OUT_OF_FRAME).all()
    assert (truth.status[:, 1:] == status).all()


@pytest.mark.parametrize("depth", [0.0, -1.0, np.nan, np.inf])
def test_invalid_depth_is_no_surface(depth: float) -> None:
    truth = depth_truth(np.full((6, 8), depth), np.full((6, 8), 8.0), _camera(), _camera(x=1)).at(pixel_centres(8, 6))
    assert (truth.status == Status.NO_SURFACE).all()


@pytest.mark.parametrize(("z", "status"), [(9.0, Status.BEHIND_CAMERA), (8.0, Status.BEHIND_CAMERA), (7.5, Status.OUT_OF_FRAME)])
def test_status_of_points_behind_the_other_camera(z: float, status: Status) -> None:
    found = depth_truth(np.full((6, 8), 8.0), np.full((6, 8), 8.0), _camera(), _camera(z=z)).at(pixel_centres(8, 6))
    assert (found.status == status).all()


def test_depth_map_may_differ_in_size_from_its_image() -> None:
    half = np.full((3, 4), 8.0)
    half[0, 1] = 0.0
    truth = depth_truth(half, np.full((12, 16), 8.0), _camera(), _camera(x=1)).at(pixel_centres(8, 6))
    unknown = np.zeros((6, 8), bool)
    unknown[:2, 2:4] = True
    assert np.array_equal(truth.status == Status.NO_SURFACE, unknown)


def test_cameras_at_the_same_position_are_related_by_a_homography() -> None:
    ground = depth_truth(np.full((6, 8), 8.0), np.full((6, 8), 8.0), _camera(), _camera(focal=6.0))
    truth = ground.at(pixel_centres(8, 6))
    assert ground.homography is not None
    moved = np.concatenate([pixel_centres(8, 6), np.ones((6, 8, 1))], axis=-1) @ ground.homography.T
    np.testing.assert_allclose(moved[..., :2] / moved[..., 2:], truth.uv_b, atol=1e-5)
    assert depth_truth(np.ones((6, 8)), np.ones((6, 8)), _camera(), _camera(x=1)).homography is None
