"""The homography between cameras at one place."""

import numpy as np
import pytest

from pixbench.evaluation.matching.pairs import plane_homography
from pixbench.geometry.cameras import Camera

K = np.array([[100.0, 0, 50], [0, 100, 50], [0, 0, 1]])


def _camera(place: list[float], turned: bool = False) -> Camera:
    """A camera that looks along z; turned by a right angle about it, its x axis is the world's y axis."""
    pose = np.eye(4)
    if turned:
        pose[:2, :2] = [[0, -1], [1, 0]]
    pose[:3, 3] = place
    return Camera(K, pose, 100, 100)


@pytest.mark.parametrize("origin", [0.0, 5e5])
def test_only_cameras_at_one_place_are_joined_by_a_homography(origin: float) -> None:
    """In a room, and in coordinates of a map: metres from an origin hundreds of kilometres away."""
    place = [origin, 0.0, 2.0]
    H = plane_homography(_camera(place), _camera(place, turned=True))
    assert H is not None
    # World x, right of the centre in a, is -y in the turned camera: above the centre.
    centre, right = (H @ [u, 50, 1] for u in (50, 80))
    np.testing.assert_allclose(centre[:2] / centre[2], [50, 50], atol=1e-6)
    np.testing.assert_allclose(right[:2] / right[2], [50, 20], atol=1e-6)
    assert plane_homography(_camera(place), _camera([origin + 1.0, 0.0, 2.0])) is None
