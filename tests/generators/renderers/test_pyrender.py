"""OpenGL rendering against the ray caster: geometry, colours and lighting."""

import os
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from extras import needs
from scipy.ndimage import maximum_filter, minimum_filter

from pixbench.errors import UserError
from pixbench.generators.casters.embree import EmbreeCaster
from pixbench.generators.renderers.pyrender import backend as opengl_backend
from pixbench.generators.renderers.pyrender.backend import PLATFORM, offscreen, working_platform
from pixbench.generators.renderers.pyrender.lights import drawn_lights
from pixbench.generators.renderers.pyrender.renderer import DECODED, PyrenderRenderer
from pixbench.generators.renderers.pyrender.scene import OpenGLScene
from pixbench.generators.renderers.raycast import RaycastRenderer
from pixbench.generators.rooms.config import Config3D
from pixbench.generators.rooms.generator import Generator3D
from pixbench.generators.scene import Geometry, Light, Material, Scene, ViewAppearance
from pixbench.geometry.cameras import Camera, look_at
from pixbench.geometry.correspondence import View, trace_view
from pixbench.geometry.pixels import pixel_centres
from pixbench.geometry.rays import RayCaster

RNG = np.random.default_rng(0)
DARK = ViewAppearance(np.zeros((0, 3)), 0.0, np.ones(3))


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    needs(lambda: PyrenderRenderer(preset="fast"))
    needs(offscreen)


@cache
def _composed() -> tuple[Scene, Geometry, RayCaster]:
    return Generator3D(Config3D(views=2, size=64, seed=5)).composer.compose(0)[:3]


def _render_emission(geometry: Geometry, camera: Camera, factor: int = 1) -> np.ndarray:
    """Render emissive surfaces without lights; returns linear radiance."""
    scene = OpenGLScene(geometry, ())
    scene.aim(camera, factor)
    scene.light_up(DARK, 1.0)
    target = offscreen()
    target.viewport_width, target.viewport_height = camera.width * factor, camera.height * factor
    return DECODED[target.render(scene.scene)[0]]


def _quad(corners: list[list[float]], material: Material, *, turned: bool = False) -> Geometry:
    """A rectangle from its four corners in order, uv (0, 0), (1, 0), (1, 1), (0, 1)."""
    points, uv = np.array(corners, np.float32), np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    faces = np.array([[0, 1, 2], [0, 2, 3]])[:, :: -1 if turned else 1]
    normal = np.cross(points[1] - points[0], points[2] - points[0])
    normals = np.broadcast_to(normal / np.linalg.norm(normal), (2, 3, 3))
    table = np.concatenate([part.reshape(2, -1) for part in (points[faces], normals, uv[faces])], axis=1).astype(np.float32)
    ones = np.ones(2, np.int32)
    return Geometry(table, ones, 0 * ones, 0 * ones, (material,))


FACING = [[-1.0, 2.0, 1.0], [1.0, 2.0, 1.0], [1.0, 2.0, -1.0], [-1.0, 2.0, -1.0]]


def _camera(width: int = 48, height: int = 40, eye: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Camera:
    K = np.array([[40.0, 0, width / 2], [0, 40.0, height / 2], [0, 0, 1]])
    return Camera(K, look_at(np.array(eye), np.array([0.0, 2.0, 0.0])), width, height)


def test_surfaces_match_ray_casting_to_an_eighth_of_a_pixel() -> None:
    """With 8 x 8 samples per pixel, OpenGL and rays through the same points may differ only at edges."""
    scene, geometry, caster = _composed()
    plain = tuple(Material(((k % 3) / 2, (k // 3 % 3) / 2, (k // 9 % 3) / 2), emission=1.0) for k in range(1, 27))
    shown = replace(geometry, material=geometry.instance % 26, materials=plain, color=None)
    camera, factor = scene.cameras[0], 8
    # An off-centre principal point and two focal lengths, so that errors of sign or axis are detected.
    K = camera.K + np.array([[0, 0, 3.3], [0, 4.0, -5.7], [0, 0, 0]])
    camera = Camera(K, camera.T_world_cam, 64, 48)
    picture = _render_emission(shown, camera, factor)
    off = {}
    for shift in (0.0, 0.25):
        uv = pixel_centres(64 * factor, 48 * factor) / factor + shift
        directions = camera.rays(uv.reshape(-1, 2))
        triangle, _ = caster.first_hit(np.broadcast_to(camera.centre, directions.shape), directions)
        instance = np.where(triangle >= 0, geometry.instance[triangle] % 26, -1).reshape(uv.shape[:2])
        inner = (maximum_filter(instance, 3) == minimum_filter(instance, 3)) & (instance >= 0)
        wanted = np.array([m.color for m in plain])[instance]
        wanted = np.where(wanted == 0.5, 0.2140, wanted)  # sRGB 0.5 in linear light
        differs = np.abs(picture - wanted).max(axis=2) > 0.02
        off[shift] = (differs & inner).sum()
        assert len(np.unique(instance)) > 4
    assert off[0.0] <= 4  # rays through a crack
    assert off[0.25] > 100


def test_textures_have_the_right_orientation_and_repeat() -> None:
    """Five by three texels: rows of three bytes are not multiples of four bytes then."""
    texels = np.random.default_rng(1).choice(np.array([0, 255], np.uint8), (3, 5, 3))
    quad = _quad(FACING, Material((1, 1, 1), texels, emission=1.0))
    table = quad.table.copy()
    table[:, 18:] *= 2
    camera = _camera(200, 200)
    camera = Camera(np.array([[200.0, 0, 100], [0, 200, 100], [0, 0, 1]]), camera.T_world_cam, 200, 200)
    picture = _render_emission(replace(quad, table=table), camera)
    # The rectangle fills the picture; ten by six texels, each seen at its centre.
    rows, columns = (np.arange(6) * 200 + 100) // 6, np.arange(10) * 20 + 10
    seen = picture[np.ix_(rows, columns)]
    np.testing.assert_allclose(seen, np.tile(texels, (2, 2, 1)) / 255, atol=0.2)


def test_vertex_colours_are_srgb_and_multiply_the_material() -> None:
    quad = _quad(FACING, Material((0.5, 1.0, 1.0), emission=1.0))
    colored = replace(quad, color=np.broadcast_to(np.uint8([255, 128, 64]), (2, 3, 3)))
    # sRGB 0.5, 128/255 and 64/255 in linear light (IEC 61966-2-1).
    np.testing.assert_allclose(_render_emission(colored, _camera())[20, 24], [0.2140, 0.2159, 0.0513], atol=0.005)


def test_scene_without_lights_shows_emission() -> None:
    geometry = _quad(FACING, Material((0.2, 0.4, 0.8), emission=1.0))
    caster = EmbreeCaster(geometry.corners)
    view = trace_view(caster, geometry.corners, geometry.instance, _camera())
    red, green, blue = PyrenderRenderer(preset="fast").scene(geometry, caster, ()).draw(view, DARK, rng=RNG)[20, 24].astype(int)
    assert 20 < red < green < blue < 255


def _render_lit(geometry: Geometry, camera: Camera, light: Light, preset: str = "fast", gain: float = 1.0) -> np.ndarray:
    caster = EmbreeCaster(geometry.corners)
    view = trace_view(caster, geometry.corners, geometry.instance, camera)
    appearance = ViewAppearance(np.full((1, 3), gain), 0.0, np.ones(3))
    return PyrenderRenderer(preset=preset).scene(geometry, caster, (light,)).draw(view, appearance, rng=RNG)


LAMP = Light("area", np.array([0.0, 0.5, 1.5]), np.array([0.2, 0, 0]), np.array([0, -0.2, 0.0]), np.array([5.0, 4.0, 3.0]))


def test_surfaces_are_lit_from_both_sides() -> None:
    front, back = (_render_lit(_quad(FACING, Material(), turned=turned), _camera(), LAMP) for turned in (False, True))
    np.testing.assert_array_equal(front, back)
    assert front[20, 24].min() > 60


def test_lamp_illumination_matches_raycast() -> None:
    """The image of a floor under a lamp, against raycast's: shape and strength of the illumination."""
    floor = [[-4.0, 6.0, -1.0], [4.0, 6.0, -1.0], [4.0, -1.0, -1.0], [-4.0, -1.0, -1.0]]
    geometry, camera = _quad(floor, Material()), _camera(eye=(0.0, 0.0, 1.5))
    lamp = replace(LAMP, position=np.array([0.0, 2.0, 1.2]))
    caster = EmbreeCaster(geometry.corners)
    view, appearance = trace_view(caster, geometry.corners, geometry.instance, camera), ViewAppearance(np.ones((1, 3)), 0.0, np.ones(3))
    scenes = (renderer(preset="fast").scene(geometry, caster, (lamp,)) for renderer in (RaycastRenderer, PyrenderRenderer))
    rays, opengl = (scene.draw(view, appearance, rng=RNG).astype(float) for scene in scenes)
    floor_seen = view.triangle >= 0
    assert np.abs(rays - opengl)[floor_seen].mean() < 6
    assert np.corrcoef(rays[floor_seen].ravel(), opengl[floor_seen].ravel())[0, 1] > 0.99


def test_default_preset_has_lamp_shadows_and_fast_only_sun_shadows() -> None:
    """A small plate between the lamp and the floor."""
    floor = _quad([[-4.0, 6.0, -1.0], [4.0, 6.0, -1.0], [4.0, -1.0, -1.0], [-4.0, -1.0, -1.0]], Material())
    plate = _quad([[-0.3, 2.3, 0.0], [0.3, 2.3, 0.0], [0.3, 1.7, 0.0], [-0.3, 1.7, 0.0]], Material())
    zeros = np.zeros(4, np.int32)
    joined = Geometry(np.concatenate([floor.table, plate.table]), np.array([1, 1, 2, 2], np.int32), zeros, zeros, (Material(),))
    camera = _camera(eye=(0.0, -0.5, -0.4))
    lamp = replace(LAMP, position=np.array([0.0, 2.0, 1.2]))
    u, v = np.floor(camera.project(np.array([[0.0, 2.0, -1.0]]))[0][0]).astype(int)
    fast, fine = (_render_lit(joined, camera, lamp, preset)[v, u].mean() for preset in ("fast", "default"))
    assert fine < 0.75 * fast
    sun = Light("sun", np.array([0.0, 0.0, 1.0]), np.zeros(3), np.zeros(3), np.ones(3))
    assert _render_lit(joined, camera, sun)[v, u].mean() < 0.6 * _render_lit(floor, camera, sun)[v, u].mean()


def test_images_correlate_with_raycast() -> None:
    scene, geometry, caster = _composed()
    for camera, appearance in zip(scene.cameras, scene.appearances, strict=True):
        view: View = trace_view(caster, geometry.corners, geometry.instance, camera)
        for preset in ("fast", "default"):
            a, b = (
                renderer(preset=preset).scene(geometry, caster, scene.lights).draw(view, appearance, rng=RNG).astype(float)
                for renderer in (RaycastRenderer, PyrenderRenderer)
            )
            assert a.shape == b.shape == (64, 64, 3)
            assert np.abs(a.mean(axis=(0, 1)) - b.mean(axis=(0, 1))).max() < 15
            clear = ~view.ambiguous
            assert np.corrcoef(a[clear].ravel(), b[clear].ravel())[0, 1] > 0.9
            assert np.corrcoef(a[clear][::-1].ravel(), b[clear].ravel())[0, 1] < 0.5


def test_image_size_may_change_between_views_and_be_odd() -> None:
    geometry = _quad(FACING, Material())
    first = _render_lit(geometry, _camera(33, 21), LAMP)
    assert _render_lit(geometry, _camera(50, 47), LAMP, "default").shape == (47, 50, 3)
    np.testing.assert_array_equal(_render_lit(geometry, _camera(33, 21), LAMP), first)


def test_exposure_compensates_lamp_gain_but_not_colour() -> None:
    geometry = _quad(FACING, Material((1.0, 1.0, 1.0)))
    dim, bright = _render_lit(geometry, _camera(), LAMP, gain=0.3), _render_lit(geometry, _camera(), LAMP, gain=30.0)
    inside = np.s_[8:32, 12:36]
    assert np.abs(dim[inside].astype(int) - bright[inside]).max() <= 3
    assert (np.diff(bright[20, 24].astype(int)) < -10).all()


def test_four_strongest_lamps_and_all_suns_are_drawn() -> None:
    lamps = tuple(replace(LAMP, radiance=np.full(3, strength)) for strength in (3.0, 1.0, 5.0, 2.0, 4.0))
    sun = Light("sun", np.array([0.0, 0.0, 1.0]), np.zeros(3), np.zeros(3), np.ones(3))
    assert drawn_lights((*lamps, sun)) == [0, 2, 3, 4, 5]


def test_lights_have_a_fixed_order() -> None:
    """pyrender keeps lights in sets, whose order would otherwise depend on memory addresses."""
    lamps = tuple(replace(LAMP, radiance=np.full(3, strength)) for strength in (3.0, 1.0, 2.0, 2.0))
    sun = Light("sun", np.array([0.0, 0.0, 1.0]), np.zeros(3), np.zeros(3), np.ones(3))
    scene = OpenGLScene(_quad(FACING, Material()), (*lamps, sun, sun)).scene
    assert [node.name for node in scene.light_nodes] == ["0", "1", "2", "3", "4", "5"]


SCRIPT = """
import hashlib
from pixbench.generators.rooms.config import Config3D
from pixbench.generators.rooms.generator import Generator3D
rgb = Generator3D(Config3D(views=2, size=32, seed=7, renderer="pyrender")).scene(0).arrays["rgb"]
print(hashlib.sha256(rgb.tobytes()).hexdigest())
"""


@pytest.mark.slow
@pytest.mark.parametrize("platform", ["egl", "osmesa"])
def test_rendering_is_identical_across_processes(platform: str) -> None:
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT],
            env=os.environ | {PLATFORM: platform, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2")
    ]
    (one, error), (other, _) = (run.communicate(timeout=300) for run in runs)
    if "renderer pyrender has no OpenGL" in error and os.environ.get("CI") != "true":
        pytest.skip(error.splitlines()[-1])
    assert len(one) == 65, error
    assert one == other


def test_missing_package_error_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opengl_backend, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r'renderer pyrender needs the package pyrender-maintained: pip install "pixbench\[pyrender\]"'):
        opengl_backend.load_pyrender.__wrapped__()


def test_first_working_platform_is_selected(monkeypatch: pytest.MonkeyPatch) -> None:
    works: set[str] = set()

    def run(command: list[str], env: dict[str, str], **_: object) -> subprocess.CompletedProcess[bytes]:
        return subprocess.CompletedProcess(command, 0 if env[PLATFORM] in works else 1)

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(UserError, match=r"neither EGL nor OSMesa starts: .* libegl1 libgl1 libxrender1 libosmesa6"):
        working_platform()
    works.add("osmesa")
    assert working_platform() == "osmesa"
    works.add("egl")
    assert working_platform() == "egl"


@pytest.mark.slow
def test_failing_platform_error_is_one_line(tmp_path: Path) -> None:
    command = "generate 3d --out data --scenes 1 --views 2 --size 32 --workers 1 --set renderer=pyrender".split()
    run = subprocess.run(
        [sys.executable, "-m", "pixbench", *command], env=os.environ | {PLATFORM: "none"}, cwd=tmp_path, capture_output=True, text=True
    )
    assert run.returncode == 2, run.stderr
    assert run.stderr.strip().splitlines()[-1].count("libosmesa6") == 1
    assert "Traceback" not in run.stderr
