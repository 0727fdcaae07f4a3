import numpy as np

from pixbench.evaluation.matching.real.truth import disparity_truth, homography_truth
from pixbench.geometry.correspondence import Status
from pixbench.geometry.pixels import pixel_centres


def test_disparities_by_hand() -> None:
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


def test_a_plane_by_hand() -> None:
    truth = homography_truth(np.array([[1, 0, 3], [0, 1, -1], [0, 0, 1.0]]), 8, 4)(pixel_centres(8, 4))
    assert truth.uv_b[2, 1].tolist() == [4.5, 1.5]
    assert (truth.status[0] == Status.OUT_OF_FRAME).all()
    assert truth.status[1].tolist() == [Status.VISIBLE] * 5 + [Status.OUT_OF_FRAME] * 3


def test_from_right_to_left_points_move_right() -> None:
    disparity = np.full((2, 12), 2.0)
    disparity[:, 2:4] = 5.0
    truth = disparity_truth(disparity, direction=-1)(pixel_centres(12, 2))
    assert truth.uv_b[0, 2].tolist() == [7.5, 0.5]
    # The post lands on columns 7 and 8, where the wall's columns 5 and 6 would; columns 10 and 11 leave the image.
    expected = [Status.VISIBLE] * 5 + [Status.OCCLUDED] * 2 + [Status.VISIBLE] * 3 + [Status.OUT_OF_FRAME] * 2
    assert truth.status[0].tolist() == expected
