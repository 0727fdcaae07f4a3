import os
import pickle
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image
from real_pairs import SHIFT, delta_avg, grid, picture, scored

from pixbench.errors import UserError
from pixbench.evaluation.matching.real.open import open_pairs
from pixbench.evaluation.record import Record

WIDTH, HEIGHT = 64, 48
K = np.array([[60.0, 0.0, 31.0], [0.0, 62.0, 23.0], [0.0, 0.0, 1.0]])


def _pose(x: float, turn: float) -> np.ndarray:
    """From camera to world: translated along x, and rotated about y."""
    pose = np.eye(4)
    pose[[0, 0, 2, 2], [0, 2, 0, 2]] = np.cos(turn), np.sin(turn), -np.sin(turn), np.cos(turn)
    pose[0, 3] = x
    return pose


POSES = [_pose(0.0, 0.0), _pose(0.3, -0.1), _pose(-0.2, 0.08)]


def _depth(k: int) -> np.ndarray:
    """z-depth in millimetres: a slope, and an unknown part. The left part of view 1 is nearer."""
    depth = np.full((HEIGHT, WIDTH), 2000, np.uint16) + np.arange(WIDTH, dtype=np.uint16) * (2 if k == 0 else 0)
    depth[:4] = 0
    if k == 1:
        depth[:, :24] = 1200
    return depth


def _errors(a: int, b: int, half: float) -> np.ndarray:
    """Errors of a constant shift at queries that are visible, with pixel centres at whole (half = 0) or half pixels."""
    column, row = grid(WIDTH, HEIGHT)
    z = _depth(a)[row, column] / 1000
    rays = np.linalg.inv(K) @ np.stack([column + half, row + half, np.ones(len(row))])
    world = POSES[a][:3, :3] @ (rays * z) + POSES[a][:3, 3:]
    seen = K @ (POSES[b][:3, :3].T @ (world - POSES[b][:3, 3:]))
    x, y = seen[:2] / seen[2] - half
    inside = (z > 0) & (x >= -0.5) & (x < WIDTH - 0.5) & (y >= -0.5) & (y < HEIGHT - 0.5)
    at = np.clip(np.rint([y, x]).astype(int), 0, [[HEIGHT - 1], [WIDTH - 1]])
    there = _depth(b)[*at] / 1000
    visible = inside & (abs(there - seen[2]) <= 0.05 * there)
    assert 10 < visible.sum() < inside.sum()
    return np.hypot(x - column - SHIFT[0], y - row - SHIFT[1])[visible]


def _check(record: Record, half: float) -> None:
    errors = [_errors(0, 1, half), _errors(2, 1, half)]
    assert record.data.points == sum(map(len, errors))
    assert record.metrics["delta_avg"].value == pytest.approx(np.mean([delta_avg(error) for error in errors]), abs=1e-6)
    assert record.metrics["epe_mean"].value == pytest.approx(np.mean([error.mean() for error in errors]), abs=1e-4)
    assert record.metrics["pose_auc@20/poselib"].value is not None


@pytest.fixture
def scannet(tmp_path: Path) -> Path:
    root = tmp_path / "scannet_test_1500"
    scene = root / "scene0707_00"
    for folder in ("color", "depth", "pose"):
        (scene / folder).mkdir(parents=True)
    for k, stem in enumerate((15, 30, 405)):
        # Colour images are twice as large as depth maps.
        picture(scene / "color" / f"{stem}.jpg", 2 * WIDTH, 2 * HEIGHT, seed=k)
        Image.fromarray(_depth(k)).save(scene / "depth" / f"{stem}.png")
        np.savetxt(scene / "pose" / f"{stem}.txt", POSES[k])
    np.savez(root / "test.npz", name=np.array([[707, 0, 15, 30], [707, 0, 405, 30]]))
    np.savez(root / "intrinsics.npz", scene0707_00=K)
    return root


def test_scannet(scannet: Path, tmp_path: Path) -> None:
    record = scored(scannet, tmp_path / "out")
    assert (record.data.scenes, record.data.pairs) == (1, 2)
    assert record.data.layout is not None
    assert record.data.layout.name == "scannet-1500"
    _check(record, 0.0)


def _pair_images(folder: Path, row: int) -> list[np.ndarray]:
    """The images of a pair, as models get them."""
    source = open_pairs(folder, "mine", long_side=0)
    pair = source.pair([key for group in source.groups() for key in group][row])
    return [pair.rgb_a, pair.rgb_b]


@pytest.mark.parametrize(("row", "stems"), [(0, (15, 30)), (1, (405, 30))])
def test_scannet_images_match_the_list(scannet: Path, row: int, stems: tuple[int, int]) -> None:
    for stem, shown in zip(stems, _pair_images(scannet, row), strict=True):
        with Image.open(scannet / "scene0707_00" / "color" / f"{stem}.jpg") as image:
            assert np.array_equal(shown, np.asarray(image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)))


@pytest.mark.parametrize(("row", "numbers"), [(0, (0, 1)), (1, (2, 1))])
def test_megadepth_images_match_the_list(megadepth: Path, row: int, numbers: tuple[int, int]) -> None:
    for number, shown in zip(numbers, _pair_images(megadepth, row), strict=True):
        with Image.open(megadepth / f"Undistorted_SfM/0015/images/{number}.jpg") as image:
            assert np.array_equal(shown, np.asarray(image))


def test_megadepth_with_a_missing_image_is_rejected(megadepth: Path) -> None:
    (megadepth / "Undistorted_SfM/0015/images/2.jpg").unlink()
    with pytest.raises(UserError, match=r"2\.jpg is missing, though 0015_0\.1_0\.3\.npz names it"):
        open_pairs(megadepth, "mine")


def test_scannet_with_missing_files_is_rejected(scannet: Path) -> None:
    pose = scannet / "scene0707_00" / "pose" / "405.txt"
    np.savetxt(pose, np.loadtxt(pose).T)
    source = open_pairs(scannet, "scannet")
    with pytest.raises(UserError, match=r"pose/405\.txt cannot be read \(it is not a rotation and a translation"):
        _ = [source.pair(key) for group in source.groups() for key in group]
    pose.unlink()
    with pytest.raises(UserError, match=r"pose/405\.txt is missing, though test\.npz names it"):
        open_pairs(scannet, "scannet")
    (scannet / "intrinsics.npz").unlink()
    with pytest.raises(UserError, match=r"lacks intrinsics\.npz, which belongs to test\.npz"):
        open_pairs(scannet, "scannet")


def _objects(*items: object) -> np.ndarray:
    array = np.empty(len(items), object)
    array[:] = items
    return array


@pytest.fixture
def megadepth(tmp_path: Path) -> Path:
    root = tmp_path / "megadepth_test_1500"
    images, depths = [], []
    for k in range(3):
        images.append(f"Undistorted_SfM/0015/images/{k}.jpg")
        depths.append(f"phoenix/S6/zl548/MegaDepth_v1/0015/dense0/depths/{k}.h5")
        picture(root / images[-1], WIDTH, HEIGHT, seed=k)
        (root / depths[-1]).parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(root / depths[-1], "w") as file:
            file["depth"] = _depth(k).astype(np.float32) / 1000
    (root / "scene_info").mkdir()
    # As in the published files: object arrays, and entries without an image.
    np.savez(
        root / "scene_info" / "0015_0.1_0.3.npz",
        image_paths=_objects(images[0], None, *images[1:]),
        depth_paths=_objects(depths[0], None, *depths[1:]),
        intrinsics=_objects(K, None, K, K),
        poses=_objects(np.linalg.inv(POSES[0]), None, *map(np.linalg.inv, POSES[1:])),
        pair_infos=_objects(((0, 2), 0.2, np.zeros((1, 4))), ((3, 2), 0.25, np.zeros((1, 4)))),
    )
    return root


def test_megadepth(megadepth: Path, tmp_path: Path) -> None:
    record = scored(megadepth, tmp_path / "out")
    assert (record.data.scenes, record.data.pairs) == (1, 2)
    assert record.data.layout is not None
    assert record.data.layout.name == "megadepth-1500"
    _check(record, 0.5)


class MaliciousPickle:
    """Runs a command when it is unpickled by Python itself."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("ran",)


def test_pickled_code_in_an_npz_is_not_run(megadepth: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (file,) = megadepth.rglob("*.npz")
    with np.load(file, allow_pickle=True) as arrays:
        kept = dict(arrays)
    np.savez(file, **{**kept, "pair_infos": _objects(MaliciousPickle())})
    with pytest.raises(UserError, match=r"0015_0\.1_0\.3\.npz cannot be read \(it holds posix\.mkdir, which is no array\)"):
        open_pairs(megadepth, "megadepth")
    assert not (tmp_path / "ran").exists()
    pickle.loads(pickle.dumps(MaliciousPickle()))
    assert (tmp_path / "ran").exists()
