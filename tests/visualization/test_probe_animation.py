"""The animation shows the stored correspondences of the probed pixel in every frame."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pixbench.dataset.reader import Dataset
from pixbench.errors import UserError
from pixbench.geometry.correspondence import Status
from pixbench.geometry.pixels import pixel_index
from pixbench.visualization.probe_animation import CAPTION, COLOURS, GAP, SOURCE, Mark, probe_path, starting_frame, write_animation


def _frames(path: Path) -> list[np.ndarray]:
    frames = []
    with Image.open(path) as image:
        for number in range(image.n_frames):
            image.seek(number)
            frames.append(np.asarray(image.convert("RGB")).astype(int))
    return frames


def _near(frame: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Rows and columns of pixels of a colour."""
    return np.argwhere(np.abs(frame - colour).sum(axis=-1) < 30)


def test_marks_match_the_stored_correspondences(tiny: Path, tmp_path: Path) -> None:
    scene = Dataset(tiny).scene(0)
    write_animation(scene, tmp_path / "pixel.gif", source=1, views=2, frames=24)
    frames, path = _frames(tmp_path / "pixel.gif"), pixel_index(probe_path(48, 48, 24))
    row = next(k for k, pair in enumerate(scene.read("pairs")) if tuple(pair) == (1, 0))
    uv, status = scene.uv(1, 0), scene.read("status", row)
    codes = [Status(int(status[line, column])) for column, line in path]
    # The first frame shows a hidden place, if there is one.
    path = np.roll(path, -(codes.index(Status.OCCLUDED) if Status.OCCLUDED in codes else codes.index(Status.VISIBLE)), axis=0)
    assert {frame.shape for frame in frames} == {(48 + CAPTION, 2 * 48 + GAP, 3)}
    assert len(frames) == 24
    seen = set()
    for frame, (column, line) in zip(frames, path, strict=True):
        # A ring of 10 px that is cut by the border is not centred on its pixel.
        if 12 < column < 36 and 12 < line < 36:
            assert _near(frame[:48, :48], SOURCE).mean(axis=0) == pytest.approx([line, column], abs=3)
        code = Status(int(status[line, column]))
        seen.add(code)
        if code == Status.VISIBLE and (uv[line, column] > 12).all() and (uv[line, column] < 36).all():
            ring = _near(frame[:48, 48 + GAP :], COLOURS[code])
            assert ring.mean(axis=0) == pytest.approx(uv[line, column][::-1] - 0.5, abs=3)
    assert Status.VISIBLE in seen


def test_animation_starts_with_a_cross_beside_most_rings() -> None:
    ring, cross, nothing = Mark("seen", place=(1.0, 2.0)), Mark("hidden", place=(1.0, 2.0), cross=True), Mark("out of frame")
    assert starting_frame([[ring, ring, ring], [ring, cross, nothing], [ring, cross, ring], [ring, ring, cross]]) == 2
    assert starting_frame([[ring, nothing], [ring, ring], [ring, ring]]) == 1


def test_probe_path_is_closed_and_inside_the_image() -> None:
    path = probe_path(60, 40, 100)
    assert (path > 0).all()
    assert (path < [60, 40]).all()
    steps = np.linalg.norm(np.diff(np.concatenate([path, path[:1]]), axis=0), axis=1)
    assert steps.max() < 3


def test_unknown_formats_and_views_are_rejected(tiny: Path, tmp_path: Path) -> None:
    scene = Dataset(tiny).scene(0)
    with pytest.raises(UserError, match=r"written as \.gif or \.webp, not as '\.mp4'"):
        write_animation(scene, tmp_path / "pixel.mp4")
    with pytest.raises(UserError, match="view 7: the scene has views 0 to 2"):
        write_animation(scene, tmp_path / "pixel.gif", source=7)
    assert not list(tmp_path.iterdir())
