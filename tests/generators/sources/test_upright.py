import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pixbench.generators.sources.scenenn.upright import AXES, Faces, upright


def _plane(height: float, area: float, normal=(0, 0, 1.0), count: int = 50) -> Faces:
    """Faces on a horizontal plane, or on a vertical one at that distance from the centre, spread over 2 m of height."""
    spread = np.random.default_rng(0).uniform(-1, 1, (count, 3))
    normal = np.asarray(normal, float)
    centre = spread * (1 - np.abs(normal)) + height * normal + [0, 0, 1] * (1 - np.abs(normal))
    return Faces(centre, np.tile(normal, (count, 1)), np.full(count, area / count))


def _joined(*parts: Faces) -> Faces:
    return Faces(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("centre", "normal", "area")))


WALLS = (_plane(2, 4, (1, 0, 0)), _plane(-2, 4, (1, 0, 0)), _plane(2, 4, (0, 1, 0)))


def _height_of_origin(T: np.ndarray) -> float:
    return float(T[2, 3])


def test_labelled_floor_is_at_zero_despite_larger_planes_above():
    faces = _joined(_plane(0.3, 1), _plane(0.8, 6), *WALLS)
    floor = np.arange(len(faces.area)) < 50
    assert _height_of_origin(upright(faces, floor=floor)) == pytest.approx(-0.3, abs=1e-6)


def test_large_bed_or_table_is_not_taken_as_floor():
    faces = _joined(_plane(0.3, 2), _plane(1.3, 6), *WALLS)
    assert _height_of_origin(upright(faces, up="z")) == pytest.approx(-0.3, abs=1e-6)


@pytest.mark.parametrize("upside_down", [False, True])
def test_ceiling_larger_than_the_floor_is_not_taken_as_floor(upside_down):
    faces = _joined(_plane(0, 9), _plane(2.5, 10), _plane(0.5, 3), _plane(0.8, 1), *WALLS)
    if upside_down:
        faces = Faces(faces.centre * [1, -1, -1], faces.normal * [1, -1, -1], faces.area)
    T = upright(faces)
    assert (faces.centre @ T[:3, :3].T + T[:3, 3])[:, 2].min() == pytest.approx(0, abs=1e-6)
    assert np.allclose(T[2, :3], [0, 0, -1 if upside_down else 1], atol=1e-6)


@pytest.mark.parametrize("up", AXES)
@pytest.mark.parametrize("degrees", [0, 10, 40])
def test_upright_returns_a_rigid_motion(up, degrees):
    turn = Rotation.from_euler("z", degrees, degrees=True).as_matrix()
    to_file = Rotation.align_vectors([AXES[up]], [[0, 0, 1]])[0].as_matrix() @ turn
    faces = _joined(_plane(0, 9), *WALLS)
    T = upright(Faces(faces.centre @ to_file.T, faces.normal @ to_file.T, faces.area), up=up)
    assert np.allclose(T[:3, :3] @ T[:3, :3].T, np.eye(3))
    assert np.linalg.det(T[:3, :3]) == pytest.approx(1)
    walls = np.abs((faces.normal @ to_file.T @ T[:3, :3].T)[50:])
    assert np.allclose(np.sort(walls, axis=1), [0, 0, 1], atol=1e-6)
