import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from real_pairs import SHIFT, delta_avg, grid, picture, scored

from pixbench.errors import UserError
from pixbench.evaluation.matching.real.open import open_pairs
from pixbench.geometry.correspondence import Status

WIDTH, HEIGHT = 64, 48
H = [[1.0, 0.1, 2.0], [0.0, 1.1, -3.0], [0.0, 1e-3, 1.0]]
K = [[60.0, 0.0, 31.0], [0.0, 62.0, 23.0], [0.0, 0.0, 1.0]]
T_B_A = [[1.0, 0.0, 0.0, -0.25], [0.0, 1.0, 0.0, 0.05], [0.0, 0.0, 1.0, 0.1], [0.0, 0.0, 0.0, 1.0]]


DEPTH = {"depth_a": "a.png", "depth_b": "b.png", "K_a": K, "K_b": K, "T_b_a": T_B_A}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for seed, name in enumerate(("a.png", "b.png")):
        picture(tmp_path / "pairs" / name, WIDTH, HEIGHT, seed)
    return tmp_path / "pairs"


def _list(folder: Path, *pairs: dict[str, Any], **keys: Any) -> None:
    listed = [{"image_a": "a.png", "image_b": "b.png", **pair} for pair in pairs]
    (folder / "pairs.json").write_text(json.dumps({"pairs": listed, **keys}))


def _errors(H: Any, half: float) -> np.ndarray:
    """Errors of a constant shift under H between centres at whole pixels (half = 0), or half pixels."""
    column, row = grid(WIDTH, HEIGHT)
    moved = np.array(H) @ np.stack([column + half, row + half, np.ones(len(row))])
    x, y = moved[:2] / moved[2] - half
    inside = (x >= -0.5) & (x < WIDTH - 0.5) & (y >= -0.5) & (y < HEIGHT - 0.5)
    return np.hypot(x - column - SHIFT[0], y - row - SHIFT[1])[inside]


@pytest.mark.parametrize(("centres", "half"), [("whole", 0.0), ("half", 0.5)])
def test_homographies(folder: Path, tmp_path: Path, centres: str, half: float) -> None:
    _list(folder, {"homography": H}, pixel_centres=centres)
    record = scored(folder, tmp_path / "out")
    assert record.metrics["delta_avg"].value == pytest.approx(delta_avg(_errors(H, half)), abs=1e-6)
    assert record.metrics["epe_mean"].value == pytest.approx(_errors(H, half).mean(), abs=1e-4)


def test_csv_of_homographies_matches_json(folder: Path, tmp_path: Path) -> None:
    cells = [f"h{row}{column}" for row in "123" for column in "123"]
    with (folder / "pairs.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["scene", "image_a", "image_b", *cells])
        writer.writerow(["yard", "a.png", "b.png", *np.ravel(H)])
        writer.writerow(["yard", "b.png", "a.png", *np.ravel(np.linalg.inv(H))])
    record = scored(folder, tmp_path / "out")
    assert (record.data.scenes, record.data.pairs) == (1, 2)
    expected = np.mean([delta_avg(_errors(matrix, 0)) for matrix in (H, np.linalg.inv(H))])
    assert record.metrics["delta_avg"].value == pytest.approx(expected, abs=1e-6)


def _depths() -> tuple[np.ndarray, np.ndarray]:
    """A wall 2 m in front of camera a, and a hole in a's depth; b sees the wall, and a post in front of it."""
    depth_a = np.full((HEIGHT, WIDTH), 2000, np.uint16)
    depth_a[:8] = 0
    depth_b = np.full((HEIGHT, WIDTH), 2100, np.uint16)
    depth_b[:, 20:30] = 1000
    depth_b[:, 40:44] = 3000
    return depth_a, depth_b


def _list_depth(folder: Path) -> None:
    for name, depth in zip(("a", "b"), _depths(), strict=True):
        Image.fromarray(depth).save(folder / f"depth_{name}.png")
    depth = {"depth_a": "depth_a.png", "depth_b": "depth_b.png", "K_a": K, "K_b": K, "T_b_a": T_B_A, "scale": 0.001}
    _list(folder, {"depth": depth})


def test_depth_and_cameras(folder: Path, tmp_path: Path) -> None:
    _list_depth(folder)
    record = scored(folder, tmp_path / "out")
    depth_a, depth_b = _depths()
    column, row = grid(WIDTH, HEIGHT)
    z = depth_a[row, column] / 1000
    point = np.stack([(column - 31) / 60 * z - 0.25, (row - 23) / 62 * z + 0.05, z + 0.1])
    x, y = 60 * point[0] / point[2] + 31, 62 * point[1] / point[2] + 23
    inside = (z > 0) & (x >= -0.5) & (x < WIDTH - 0.5) & (y >= -0.5) & (y < HEIGHT - 0.5)
    at = np.clip(np.rint([y, x]).astype(int), 0, [[HEIGHT - 1], [WIDTH - 1]])
    visible = inside & (abs(depth_b[*at] / 1000 - point[2]) <= 0.05 * depth_b[*at] / 1000)
    errors = np.hypot(x - column - SHIFT[0], y - row - SHIFT[1])[visible]
    assert 20 < len(errors) < inside.sum()
    assert record.data.points == len(errors)
    assert record.metrics["delta_avg"].value == pytest.approx(delta_avg(errors), abs=1e-6)
    assert record.data.layout is not None
    assert "5%" in record.data.layout.ground_truth


def test_depth_determines_the_status_of_points(folder: Path) -> None:
    _list_depth(folder)
    source = open_pairs(folder, "mine", long_side=0)
    pair = source.pair(source.groups()[0][0])
    status, landed = pair.truth.status[30], pair.truth.uv_b[30, :, 0]
    assert (pair.truth.status[:8] == Status.NO_SURFACE).all()
    assert (status[(landed >= 20) & (landed < 30)] == Status.OCCLUDED).all()
    assert (status[(landed >= 40) & (landed < 44)] == Status.AMBIGUOUS).all()
    assert (status[landed < 0] == Status.OUT_OF_FRAME).all()
    assert pair.camera_b is not None
    np.testing.assert_allclose(pair.camera_b.centre, [0.25, -0.05, -0.1], atol=1e-12)
    # 0.27 m of baseline, mostly across the ray, at 2 m.
    assert 6.5 < pair.angle_deg < 8


def test_flow_and_disparity_with_masks(folder: Path, tmp_path: Path) -> None:
    flow = np.random.default_rng(0).uniform(-6, 6, (HEIGHT, WIDTH, 2)).astype(np.float32)
    flow[10, 10] = np.nan
    np.save(folder / "flow.npy", flow)
    np.save(folder / "disparity.npy", -flow[..., 0])
    mask = np.ones((HEIGHT, WIDTH), np.uint8)
    mask[:, 32:] = 0
    Image.fromarray(mask).save(folder / "seen.png")
    _list(folder, {"flow": "flow.npy", "seen": "seen.png"}, {"disparity": "disparity.npy", "seen": "seen.png"})
    record = scored(folder, tmp_path / "out")
    column, row = grid(WIDTH, HEIGHT)
    expected = []
    for moved in (flow, flow * [1, 0]):
        x, y = column + moved[row, column, 0], row + moved[row, column, 1]
        inside = (x >= -0.5) & (x < WIDTH - 0.5) & (y >= -0.5) & (y < HEIGHT - 0.5) & (column < 32)
        expected.append(delta_avg(np.hypot(*(moved[row, column] - SHIFT)[inside].T)))
    assert record.metrics["delta_avg"].value == pytest.approx(np.mean(expected), abs=1e-6)


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ({}, "has none: expected one of homography, depth, flow and disparity"),
        ({"homography": H, "flow": "a.png"}, "has homography and flow: expected one"),
        ({"homography": H, "seen": "a.png"}, "'seen' goes with flow or disparity"),
        ({"homography": H, "image_b": "c.png"}, "names .*c.png, which does not exist"),
        ({"homography": H[:2]}, "field 'pairs.0.homography"),
        ({"homografy": H}, "unknown field of pairs.0 'homografy': did you mean 'homography'"),
        ({"depth": {**DEPTH, "K": K}}, "unknown field of pairs.0.depth 'K': .*known are K_a, K_b, T_b_a, depth_a, depth_b, scale"),
        ({"homography": [[0, 0, 0]] * 3}, "field 'pairs.0.homography': Value error, it is singular"),
        ({"homography": [[1, 2, 3], [2, 4, 6], [0, 0, 1]]}, "homography': Value error, it is singular"),
        ({"homography": H, "disparity_scale": 2.0}, "'disparity_scale' goes with disparity, not with homography"),
        ({"disparity": "a.png", "disparity_scale": 0.0}, "field 'pairs.0.disparity_scale': Input should be greater than 0"),
        ({"depth": {**DEPTH, "T_b_a": np.transpose(T_B_A).tolist()}}, "depth.T_b_a': Value error, it is not a rotation and a translation"),
        ({"depth": {**DEPTH, "T_b_a": np.diag([-1.0, 1, 1, 1]).tolist()}}, "depth.T_b_a': Value error, it is not a rotation"),
        ({"depth": {**DEPTH, "T_b_a": np.diag([2.0, 2, 2, 1]).tolist()}}, "depth.T_b_a': Value error, it is not a rotation"),
        ({"depth": {**DEPTH, "T_b_a": np.zeros((4, 4)).tolist()}}, "depth.T_b_a': Value error, it is not a rotation"),
        ({"depth": {**DEPTH, "K_a": np.transpose(K).tolist()}}, "depth.K_a': Value error, it is not the matrix of intrinsics"),
    ],
)
def test_invalid_pair_lists_are_rejected(folder: Path, pair: dict[str, Any], message: str) -> None:
    _list(folder, pair)
    with pytest.raises(UserError, match=message):
        open_pairs(folder, "mine")


def test_flow_of_wrong_size_is_rejected(folder: Path) -> None:
    np.save(folder / "flow.npy", np.zeros((5, 6, 2)))
    _list(folder, {"flow": "flow.npy"})
    source = open_pairs(folder, "mine")
    with pytest.raises(UserError, match=r"flow\.npy is 6 x 5, its picture 64 x 48"):
        source.pair(source.groups()[0][0])


def test_disparity_needs_pictures_of_one_size(folder: Path) -> None:
    picture(folder / "b.png", WIDTH // 2, HEIGHT)
    np.save(folder / "disparity.npy", np.ones((HEIGHT, WIDTH)))
    _list(folder, {"disparity": "disparity.npy"})
    source = open_pairs(folder, "mine", long_side=0)
    with pytest.raises(UserError, match=r"disparity\.npy: its pictures are 64 x 48 and 32 x 48: a disparity needs two of one size"):
        source.pair(source.groups()[0][0])


def test_pairs_without_a_visible_query_are_reported(folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    _list(folder, {"homography": [[1, 0, 1000], [0, 1, 0], [0, 0, 1]]})
    assert scored(folder, tmp_path / "out").data.points == 0
    assert "no query has a match that is visible in the other picture" in caplog.text


def test_unknown_fields_of_a_list_and_bare_lists_are_rejected(folder: Path) -> None:
    _list(folder, {"homography": H}, pixel_center="half")
    with pytest.raises(UserError, match=r"pairs\.json: unknown field of the list 'pixel_center': did you mean 'pixel_centres'\?"):
        open_pairs(folder, "mine")
    (folder / "pairs.json").write_text("[]")
    with pytest.raises(UserError, match=r"pairs\.json holds a value of type list: expected an object with 'pairs', the list"):
        open_pairs(folder, "mine")


@pytest.mark.parametrize("count", [9, 12])
def test_csv_lines_of_another_length_are_rejected(folder: Path, count: int) -> None:
    header = ["image_a", "image_b", *(f"h{row}{column}" for row in "123" for column in "123")]
    lines = [header, ["a.png", "b.png", *"100010001"], ["a.png", "b.png", *"1000100010"][:count]]
    (folder / "pairs.csv").write_text("\n".join(map(",".join, lines)))
    with pytest.raises(UserError, match=rf"pairs\.csv: line 3 has {count} cells, the header 11$"):
        open_pairs(folder, "mine")


def test_csv_with_a_missing_column_is_rejected(folder: Path) -> None:
    (folder / "pairs.csv").write_text("image_a,image_b,h11\na.png,b.png,1\n")
    with pytest.raises(UserError, match="lacks the column h12"):
        open_pairs(folder, "mine")


def test_csv_with_an_unknown_column_is_rejected(folder: Path) -> None:
    cells = [f"h{row}{column}" for row in "123" for column in "123"]
    (folder / "pairs.csv").write_text(",".join(["image_a", "image_b", *cells, "scenes"]) + "\n")
    with pytest.raises(UserError, match="has the column scenes: expected image_a, image_b, h11 to h33, and maybe scene"):
        open_pairs(folder, "mine")


def test_empty_list_and_two_lists_are_rejected(folder: Path) -> None:
    _list(folder)
    with pytest.raises(UserError, match=r"pairs\.json lists no pair"):
        open_pairs(folder, "mine")
    (folder / "pairs.csv").write_text("")
    with pytest.raises(UserError, match=r"has both pairs\.json and pairs\.csv: leave one of them"):
        open_pairs(folder, "mine")


def test_images_match_the_list(folder: Path) -> None:
    picture(folder / "c.png", WIDTH, HEIGHT, 7)
    _list(folder, {"homography": H, "scene": "x"}, {"image_a": "c.png", "image_b": "a.png", "homography": H, "scene": "x"})
    source = open_pairs(folder, "mine", long_side=0)
    for key, names in zip(source.groups()[0], (("a", "b"), ("c", "a")), strict=True):
        pair = source.pair(key)
        for shown, name in zip((pair.rgb_a, pair.rgb_b), names, strict=True):
            assert np.array_equal(shown, np.asarray(Image.open(folder / f"{name}.png")))


@pytest.mark.parametrize("kind", ["disparity", "seen"])
def test_disparities_and_masks_of_wrong_size_are_rejected(folder: Path, kind: str) -> None:
    np.save(folder / "disparity.npy", np.ones((HEIGHT, WIDTH - (kind == "disparity"))))
    np.save(folder / "seen.npy", np.ones((HEIGHT - 1, WIDTH)))
    _list(folder, {"disparity": "disparity.npy", **({"seen": "seen.npy"} if kind == "seen" else {})})
    source = open_pairs(folder, "mine", long_side=0)
    with pytest.raises(UserError, match=rf"{kind}\.npy is \d+ x \d+, its picture 64 x 48: expected one size"):
        source.pair(source.groups()[0][0])
