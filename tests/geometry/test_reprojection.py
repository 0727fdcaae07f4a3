import numpy as np

from pixbench.geometry.cameras import Camera, look_at, reprojected_centres
from pixbench.geometry.pixels import pixel_centres


def test_reprojected_centres_match_unprojection_and_projection() -> None:
    rng = np.random.default_rng(0)
    K = np.array([[50.0, 2.0, 21.0], [0.0, 45.0, 17.0], [0.0, 0.0, 1.0]])
    a = Camera(K, look_at(np.array([0.0, 0.0, 1.5]), np.array([3.0, 1.0, 1.0]), roll_rad=0.1), 40, 30)
    b = Camera(K * [[1.2], [0.9], [1.0]], look_at(np.array([1.0, 2.0, 1.0]), np.array([2.0, -1.0, 1.2])), 64, 48)
    depth_m = rng.uniform(0.5, 6, (30, 40)).astype(np.float32)
    depth_m[3, 5] = np.nan
    expected, depth_b = b.project(a.unproject(pixel_centres(40, 30), depth_m))
    assert (depth_b <= 0).any()
    got = reprojected_centres(depth_m, a, b)
    assert got.dtype == np.float32
    assert (np.isnan(got) == np.isnan(expected)).all()
    assert np.isnan(got[3, 5]).all()
    assert np.isnan(got[depth_b <= 0]).all()
    assert np.allclose(got, expected, rtol=1e-6, atol=0, equal_nan=True)
