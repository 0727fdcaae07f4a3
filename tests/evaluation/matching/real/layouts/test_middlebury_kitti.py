from pathlib import Path

import cv2
import numpy as np
import pytest
from real_pairs import SHIFT, delta_avg, grid, picture, scored

from pixbench.errors import UserError
from pixbench.evaluation.matching.real.open import open_pairs
from pixbench.geometry.correspondence import PairTruth, Status

WIDTH, HEIGHT = 64, 48
COLUMN, ROW = grid(WIDTH, HEIGHT)


@pytest.fixture
def disparity() -> np.ndarray:
    """Multiples of 1/256, and an unknown corner."""
    found = np.random.default_rng(1).integers(256, 2560, (HEIGHT, WIDTH)).astype(np.float32) / 256
    found[:10, :20] = np.inf
    return found


@pytest.fixture
def flow() -> np.ndarray:
    """Multiples of 1/64, and an unknown corner."""
    found = np.random.default_rng(2).integers(-640, 640, (HEIGHT, WIDTH, 2)).astype(np.float32) / 64
    found[:10, :20] = np.nan
    return found


@pytest.fixture
def seen() -> np.ndarray:
    return np.random.default_rng(3).random((HEIGHT, WIDTH)) < 0.7


def _expected(moved: np.ndarray, seen: np.ndarray | bool = True) -> float:
    """delta_avg of a constant shift for pixels that move by `moved`, where that is known, seen, and inside the other image."""
    dx, dy = np.where(np.isfinite(moved), moved, np.nan)[ROW, COLUMN].T
    x, y = COLUMN + dx, ROW + dy
    inside = (x >= -0.5) & (x < WIDTH - 0.5) & (y >= -0.5) & (y < HEIGHT - 0.5)
    visible = inside & np.broadcast_to(seen, (HEIGHT, WIDTH))[ROW, COLUMN]
    return delta_avg(np.hypot(dx - SHIFT[0], dy - SHIFT[1])[visible])


def _to_left(disparity: np.ndarray) -> np.ndarray:
    return np.stack([-disparity, np.zeros_like(disparity)], axis=-1)


def _pfm(path: Path, values: np.ndarray) -> None:
    """Rows from below, little-endian."""
    path.write_bytes(f"Pf\n{WIDTH} {HEIGHT}\n-1.0\n".encode() + values[::-1].astype("<f4").tobytes())


def _flo(path: Path, flow: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    stored = np.nan_to_num(flow, nan=1e10).astype("<f4")
    path.write_bytes(b"PIEH" + np.array([WIDTH, HEIGHT], "<i4").tobytes() + stored.tobytes())


def test_middlebury_stereo(tmp_path: Path, disparity: np.ndarray, seen: np.ndarray) -> None:
    scene = tmp_path / "mb" / "Adirondack"
    for seed, name in enumerate(("im0.png", "im1.png")):
        picture(scene / name, WIDTH, HEIGHT, seed)
    _pfm(scene / "disp0.pfm", disparity)
    _pfm(scene / "disp1.pfm", disparity)
    for name in ("mask0nocc.png", "mask1nocc.png"):
        cv2.imwrite(str(scene / name), np.where(seen, 255, 128).astype(np.uint8))
    record = scored(tmp_path / "mb", tmp_path / "out")
    assert record.data.layout is not None
    assert (record.data.layout.name, record.data.pairs) == ("middlebury", 2)
    expected = np.mean([_expected(_to_left(disparity), seen), _expected(-_to_left(disparity), seen)])
    assert record.metrics["delta_avg"].value == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("apart", [True, False])
def test_middlebury_flow(tmp_path: Path, flow: np.ndarray, apart: bool) -> None:
    root = tmp_path / "mb"
    scene = root / "other-data" / "Venus" if apart else root / "Venus"
    for seed, name in enumerate(("frame10.png", "frame11.png")):
        picture(scene / name, WIDTH, HEIGHT, seed)
    _flo(root / "other-gt-flow" / "Venus" / "flow10.flo" if apart else scene / "flow10.flo", flow)
    record = scored(root, tmp_path / "out")
    assert record.data.pairs == 1
    assert record.metrics["delta_avg"].value == pytest.approx(_expected(flow), abs=1e-6)


def _kitti_disparity(path: Path, disparity: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.where(np.isfinite(disparity), disparity * 256, 0).astype(np.uint16))


def _kitti_flow(path: Path, flow: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    valid = np.isfinite(flow[..., 0])
    u, v = np.moveaxis(np.nan_to_num(flow) * 64 + 2**15, -1, 0)
    cv2.imwrite(str(path), np.stack([valid, v, u], axis=-1).astype(np.uint16))  # OpenCV writes blue, green, red


def _kitti(root: Path, disparity: np.ndarray, flow: np.ndarray, seen: np.ndarray) -> None:
    for seed, name in enumerate(("image_2/000003_10.png", "image_3/000003_10.png", "image_2/000003_11.png")):
        picture(root / name, WIDTH, HEIGHT, seed)
    _kitti_disparity(root / "disp_occ_0" / "000003_10.png", disparity)
    _kitti_disparity(root / "disp_noc_0" / "000003_10.png", np.where(seen, disparity, np.inf))
    _kitti_flow(root / "flow_occ" / "000003_10.png", flow)
    _kitti_flow(root / "flow_noc" / "000003_10.png", np.where(seen[..., None], flow, np.nan))


def test_kitti(tmp_path: Path, disparity: np.ndarray, flow: np.ndarray, seen: np.ndarray) -> None:
    _kitti(tmp_path / "kitti" / "training", disparity, flow, seen)
    record = scored(tmp_path / "kitti", tmp_path / "out")
    assert record.data.layout is not None
    assert (record.data.layout.name, record.data.scenes, record.data.pairs) == ("kitti", 1, 2)
    expected = np.mean([_expected(_to_left(disparity), seen), _expected(flow, seen)])
    assert record.metrics["delta_avg"].value == pytest.approx(expected, abs=1e-6)


def test_kitti_with_a_missing_image_is_rejected(tmp_path: Path, disparity: np.ndarray, flow: np.ndarray, seen: np.ndarray) -> None:
    _kitti(tmp_path, disparity, flow, seen)
    (tmp_path / "image_3" / "000003_10.png").unlink()
    with pytest.raises(UserError, match=r"image_3/000003_10\.png is missing"):
        open_pairs(tmp_path, "kitti")


def test_two_layouts_in_one_folder_are_rejected(tmp_path: Path, disparity: np.ndarray, flow: np.ndarray, seen: np.ndarray) -> None:
    _kitti(tmp_path, disparity, flow, seen)
    picture(tmp_path / "wall" / "1.ppm")
    picture(tmp_path / "wall" / "2.ppm")
    np.savetxt(tmp_path / "wall" / "H_1_2", np.eye(3))
    with pytest.raises(UserError, match="has the files of hpatches and kitti"):
        open_pairs(tmp_path, "both")


def test_damaged_disparity_files_are_rejected(tmp_path: Path, disparity: np.ndarray) -> None:
    for seed, name in enumerate(("im0.png", "im1.png")):
        picture(tmp_path / "chair" / name, WIDTH, HEIGHT, seed)
    (tmp_path / "chair" / "disp0.pfm").write_bytes(b"no picture")
    source = open_pairs(tmp_path, "mb")
    with pytest.raises(UserError, match=r"disp0\.pfm cannot be read \(it is not a complete grey \.pfm file\): expected disparity"):
        source.pair(source.groups()[0][0])


def _images_and_truth(folder: Path, row: int) -> tuple[list[np.ndarray], PairTruth]:
    """The images of a pair, and its ground truth."""
    source = open_pairs(folder, "mine", long_side=0)
    pair = source.pair([key for group in source.groups() for key in group][row])
    return [pair.rgb_a, pair.rgb_b], pair.truth


def _read_images(*paths: Path) -> list[np.ndarray]:
    return [cv2.imread(str(path))[..., ::-1] for path in paths]


@pytest.mark.parametrize(("row", "names"), [(0, ("im0.png", "im1.png")), (1, ("im1.png", "im0.png"))])
def test_middlebury_pairs_are_in_both_directions(tmp_path: Path, disparity: np.ndarray, row: int, names: tuple[str, str]) -> None:
    for seed, name in enumerate(("im0.png", "im1.png")):
        picture(tmp_path / "Piano" / name, WIDTH, HEIGHT, seed)
    for name in ("disp0.pfm", "disp1.pfm"):
        _pfm(tmp_path / "Piano" / name, disparity)
    mask = np.full((HEIGHT, WIDTH), 255, np.uint8)
    mask[20:22], mask[22:24] = 128, 0
    cv2.imwrite(str(tmp_path / "Piano" / "mask0nocc.png"), mask)
    shown, truth = _images_and_truth(tmp_path, row)
    status = truth.status
    assert np.array_equal(shown, _read_images(*(tmp_path / "Piano" / name for name in names)))
    # From the left to the right image points move left, and back right.
    moved = truth.uv_b[30, :, 0] - (np.arange(WIDTH) + 0.5)
    np.testing.assert_allclose(moved, disparity[30] * (-1 if row == 0 else 1), atol=1e-5)
    # Only the first image has a mask: 128 is occluded, 0 unknown.
    if row == 0:
        inside = slice(12, -12)
        assert (status[20:22, inside] == Status.OCCLUDED).all()
        assert (status[22:24, inside] == Status.NO_SURFACE).all()
        assert (status[30, inside] == Status.VISIBLE).all()
    else:
        assert {Status.VISIBLE, Status.OCCLUDED} <= set(status[20:24].ravel().tolist())


def test_images_of_middlebury_flow(tmp_path: Path, flow: np.ndarray) -> None:
    names = ("frame10.png", "frame11.png")
    for seed, name in enumerate(names):
        picture(tmp_path / "Venus" / name, WIDTH, HEIGHT, seed)
    _flo(tmp_path / "Venus" / "flow10.flo", flow)
    assert np.array_equal(_images_and_truth(tmp_path, 0)[0], _read_images(*(tmp_path / "Venus" / name for name in names)))


def test_middlebury_without_disparities_of_the_right_image(tmp_path: Path, disparity: np.ndarray) -> None:
    for scene in ("Piano", "Untold"):
        for seed, name in enumerate(("im0.png", "im1.png")):
            picture(tmp_path / scene / name, WIDTH, HEIGHT, seed)
    _pfm(tmp_path / "Piano" / "disp0.pfm", disparity)
    source = open_pairs(tmp_path, "mine")
    assert [[(key.a, key.b) for key in group] for group in source.groups()] == [[(0, 1)]]


@pytest.mark.parametrize("which", ["disp0.pfm", "mask0nocc.png", "flow10.flo", "disp_occ_0", "flow_occ"])
def test_ground_truth_of_wrong_size_is_rejected(
    which: str, tmp_path: Path, disparity: np.ndarray, flow: np.ndarray, seen: np.ndarray
) -> None:
    if "_occ" in which:
        _kitti(tmp_path, disparity, flow, seen)
        for path in (tmp_path / "image_2").glob("*_10.png"):
            picture(path, WIDTH - 2, HEIGHT)
        if which == "flow_occ":
            (tmp_path / "disp_occ_0" / "000003_10.png").unlink()
    else:
        names = ("frame10.png", "frame11.png") if which.endswith("flo") else ("im0.png", "im1.png")
        for name in names:
            picture(tmp_path / "scene" / name, WIDTH - 2 if which != "mask0nocc.png" else WIDTH, HEIGHT)
        _flo(tmp_path / "scene" / "flow10.flo", flow)
        _pfm(tmp_path / "scene" / "disp0.pfm", disparity)
        cv2.imwrite(str(tmp_path / "scene" / "mask0nocc.png"), np.zeros((HEIGHT, WIDTH - 4), np.uint8))
    with pytest.raises(UserError, match=rf"{which}.* is 6\d x 48, its picture 6\d x 48: expected one size"):
        _images_and_truth(tmp_path, 0)


def test_images_of_kitti(tmp_path: Path, disparity: np.ndarray, flow: np.ndarray, seen: np.ndarray) -> None:
    _kitti(tmp_path, disparity, flow, seen)
    left = tmp_path / "image_2" / "000003_10.png"
    for row, other in enumerate(("image_3/000003_10.png", "image_2/000003_11.png")):
        assert np.array_equal(_images_and_truth(tmp_path, row)[0], _read_images(left, tmp_path / other))


def test_greyscale_kitti_2012_without_flow(tmp_path: Path, disparity: np.ndarray, seen: np.ndarray) -> None:
    """An image without ground truth is skipped."""
    for seed, name in enumerate(("image_0/000001_10.png", "image_1/000001_10.png", "image_0/000000_10.png")):
        picture(tmp_path / name, WIDTH, HEIGHT, seed)
    _kitti_disparity(tmp_path / "disp_occ" / "000001_10.png", disparity)
    _kitti_disparity(tmp_path / "disp_noc" / "000001_10.png", np.where(seen, disparity, np.inf))
    source = open_pairs(tmp_path, "mine")
    assert [len(group) for group in source.groups()] == [1]
    assert np.array_equal(
        _images_and_truth(tmp_path, 0)[0], _read_images(tmp_path / "image_0/000001_10.png", tmp_path / "image_1/000001_10.png")
    )
    for folder in ("disp_occ", "disp_noc"):
        (tmp_path / folder / "000001_10.png").unlink()
        (tmp_path / folder).rmdir()
    with pytest.raises(UserError, match="is in no layout that can be read"):
        open_pairs(tmp_path, "mine")
