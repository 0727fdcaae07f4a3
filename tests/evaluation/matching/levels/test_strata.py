import numpy as np
import pytest

from pixbench.evaluation.matching.levels.strata import Queries, Strata, Surface, shown, stretch, surface_at, texture_strength
from pixbench.geometry.cameras import Camera, look_at
from pixbench.geometry.pixels import index_to_uv

K = np.array([[300.0, 0, 160], [0, 300.0, 120], [0, 0, 1]])


def _camera(eye: tuple[float, float, float], focal: float = 1.0, roll_rad: float = 0.0) -> Camera:
    return Camera(np.diag([focal, focal, 1.0]) @ K, look_at(np.array(eye, float), np.zeros(3), roll_rad=roll_rad), 320, 240)


def _at_the_origin(a: Camera, b: Camera, normal: tuple[float, float, float]) -> tuple[float, float]:
    """Scale and anisotropy at the world's origin on a plane with this normal."""
    surface = Surface(np.zeros((1, 3)), np.array([normal]) / np.linalg.norm(normal))
    scale, anisotropy = stretch(surface, a.project(surface.point)[0], a, b)
    return float(scale[0]), float(anisotropy[0])


def test_stretch_matches_hand_computed_values() -> None:
    # At half the distance everything is twice as large, whatever the camera's roll.
    assert _at_the_origin(_camera((4, 0, 0)), _camera((2, 0, 0), roll_rad=0.7), (1, 0, 0)) == (pytest.approx(2), pytest.approx(1))
    # A wall seen frontally and then from 60 degrees to the side is half as wide.
    aside = _camera((4 * 0.5, 4 * np.sqrt(0.75), 0))
    assert _at_the_origin(_camera((4, 0, 0)), aside, (1, 0, 0)) == (pytest.approx(np.sqrt(0.5)), pytest.approx(2))
    assert _at_the_origin(aside, _camera((4, 0, 0)), (1, 0, 0)) == (pytest.approx(np.sqrt(2)), pytest.approx(2))


def test_stretch_matches_the_numerical_jacobian() -> None:
    rng = np.random.default_rng(0)
    a, b = _camera((3, -1, 1.2), roll_rad=0.1), _camera((2.2, 1.5, 1.6), focal=1.3, roll_rad=-0.2)
    normal = np.array([0.9, 0.1, 0.5]) / np.linalg.norm([0.9, 0.1, 0.5])
    uv = rng.uniform([100, 80], [220, 160], (5, 2))

    def moved(uv: np.ndarray) -> np.ndarray:
        ray = a.rays(uv)
        return np.asarray(b.project(a.centre + ray * (-(a.centre @ normal) / (ray @ normal))[:, None])[0])

    def point(uv: np.ndarray) -> np.ndarray:
        ray = a.rays(uv)
        return np.asarray(a.centre + ray * (-(a.centre @ normal) / (ray @ normal))[:, None])

    step = 1e-4
    numeric = np.stack([(moved(uv + step * axis) - moved(uv - step * axis)) / (2 * step) for axis in np.eye(2)], axis=1)
    expected = np.linalg.svd(numeric, compute_uv=False)
    scale, anisotropy = stretch(Surface(point(uv), np.tile(normal, (5, 1))), uv, a, b)
    np.testing.assert_allclose(scale, np.sqrt(expected.prod(axis=1)), rtol=1e-6)
    np.testing.assert_allclose(anisotropy, expected[:, 0] / expected[:, 1], rtol=1e-6)


def test_texture_strength_is_the_local_standard_deviation() -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    found = texture_strength(rgb)
    assert found[10, 12] == pytest.approx(rgb[6:15, 8:17].mean(axis=2).std())
    assert texture_strength(np.full((20, 30, 3), 77, np.uint8)).max() == pytest.approx(0, abs=1e-5)


def test_points_are_shown_only_at_the_depth_of_the_surface() -> None:
    # A wall 4 m away, and in the left half of the image another one 2 m nearer.
    camera = _camera((4, 0, 0))
    depth = np.full((240, 320), 4.0)
    depth[:, :160] = 2.0
    normal = np.tile([1.0, 0, 0], (240, 320, 1))
    pixel = np.array([[40, 100], [300, 100]])
    surface = surface_at(camera, depth, normal, pixel)
    assert shown(surface.point, camera, depth, normal).tolist() == [True, True]
    behind = camera.unproject(index_to_uv(pixel), np.array([4.0, 4.1]))
    assert shown(behind, camera, depth, normal).tolist() == [False, False]
    assert shown(camera.unproject(index_to_uv(pixel), np.array([2.01, 4.02])), camera, depth, normal).tolist() == [True, True]


def test_matchable_requires_all_bounds() -> None:
    strata = Strata(np.array([1.0, 0.4, 2.1, 1, 1]), np.array([1.0, 1, 1, 2.1, 1]), np.array([9.0, 9, 9, 9, 3.9]), np.zeros(5, bool))
    assert strata.matchable.tolist() == [True, False, False, False, False]
    image = Queries(np.array([[0, 0], [1, 0], [2, 0], [0, 1], [1, 1]]), strata).place(strata.scale, 3, 2)
    assert np.array_equal(image, [[1.0, 0.4, 2.1], [1, 1, np.nan]], equal_nan=True)


@pytest.mark.parametrize(
    ("scale", "anisotropy", "texture", "near"),
    [
        (1.0, 1.1, 3.0, False),
        # Relative tolerances: 1e-4 for geometry, 1e-2 for texture.
        (0.8 * (1 + 0.9e-4), 1.1, 3.0, True),
        (0.8 * (1 - 0.9e-4), 1.1, 3.0, True),
        (0.8 * (1 + 1.1e-4), 1.1, 3.0, False),
        (1.0, 4.0 * (1 - 0.9e-4), 3.0, True),
        (1.0, 4.0 * (1 - 1.1e-4), 3.0, False),
        (1.0, 1.1, 16 * 1.009, True),
        (1.0, 1.1, 16 * 1.011, False),
        # The end of a range is no bound between two: 0, and 1 of anisotropy only as far as it can be crossed.
        (1e-9, 1.1, 1e-9, False),
        (1.0, 1.0, 3.0, True),
    ],
)
def test_near_bounds_uses_tolerances(scale: float, anisotropy: float, texture: float, near: bool) -> None:
    strata = Strata(*(np.array([value, middle]) for value, middle in ((scale, 1.0), (anisotropy, 1.1), (texture, 3.0))), np.zeros(2, bool))
    assert strata.near_bounds().tolist() == [near, False]


def test_matchable_bounds_are_inclusive() -> None:
    strata = Strata(np.array([2.0, 0.5, 1, 1]), np.array([1.0, 1, 2, 1]), np.array([9.0, 9, 9, 4]), np.zeros(4, bool))
    assert strata.matchable.all()


def test_query_masks_are_false_at_other_pixels() -> None:
    strata = Strata(*(np.ones(2) for _ in range(3)), np.array([True, False]))
    placed = Queries(np.array([[2, 0], [0, 1]]), strata).place(strata.on_edge, 3, 2)
    assert placed.dtype == bool
    assert placed.tolist() == [[False, False, True], [False, False, False]]


def test_points_on_a_slanted_plane_are_shown() -> None:
    """The depth of a slanted plane changes within a pixel; a point on it is shown at any position in the pixel."""
    camera, normal = _camera((4, 0, 0)), np.array([0.2, 0.1, 1.0]) / np.linalg.norm([0.2, 0.1, 1.0])
    offset = -0.8

    def depth(uv: np.ndarray) -> np.ndarray:
        return np.asarray((offset - camera.centre @ normal) / (camera.rays(uv) @ normal))

    row, column = np.mgrid[:240, :320]
    seen = depth(index_to_uv(np.stack([column, row], axis=-1)))
    normals = np.tile(-normal if camera.rays(np.array([[160.0, 200]]))[0] @ normal > 0 else normal, (240, 320, 1))
    uv = np.array([[160.05, 200.95], [40.9, 150.1], [300.1, 230.9]])
    for share, shows in ((1.0, True), (1.008, True), (0.992, True), (1.02, False), (0.98, False)):
        points = camera.unproject(uv, depth(uv) * share)
        assert shown(points, camera, seen, normals).tolist() == [shows] * 3
