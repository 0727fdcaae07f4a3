from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from real_pairs import SHIFT, delta_avg, grid, picture, scored
from typer.testing import CliRunner

from pixbench.cli import app
from pixbench.errors import UserError
from pixbench.evaluation.matching.real.open import open_pairs

H_1_2 = np.array([[1.02, 0.05, 1.0], [-0.03, 0.98, 0.5], [1e-4, -2e-4, 1.0]])
H_1_3 = np.array([[0.9, 0.1, 4.0], [-0.1, 0.9, -6.0], [0.0, 0.0, 1.0]])


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two sequences of three images, the last of another size."""
    for number, name in enumerate(("v_wall", "i_door")):
        for k, (width, height) in enumerate([(64, 48), (64, 48), (80, 40)], start=1):
            picture(tmp_path / "hp" / name / f"{k}.ppm", width, height, seed=10 * number + k)
        for k, H in ((2, H_1_2), (3, H_1_3)):
            np.savetxt(tmp_path / "hp" / name / f"H_1_{k}", H)
    return tmp_path / "hp"


def _expected(H: np.ndarray, width: int, height: int) -> np.ndarray:
    """Errors of a constant shift at visible queries, in whole pixel centres."""
    column, row = grid(64, 48)
    moved = H @ np.stack([column, row, np.ones(len(row))])
    x, y = moved[:2] / moved[2]
    inside = (x >= -0.5) & (x < width - 0.5) & (y >= -0.5) & (y < height - 0.5)
    return np.hypot(x - column - SHIFT[0], y - row - SHIFT[1])[inside]


def test_scores_match_hand_computed_values(tree: Path, tmp_path: Path) -> None:
    record = scored(tree, tmp_path / "out")
    errors = [_expected(H_1_2, 64, 48), _expected(H_1_3, 80, 40)]
    assert record.data.pairs == 4
    assert record.data.points == 2 * sum(map(len, errors))
    assert record.metrics["delta_avg"].value == pytest.approx(np.mean([delta_avg(error) for error in errors]), abs=1e-6)
    assert record.metrics["epe_mean"].value == pytest.approx(np.mean([error.mean() for error in errors]), abs=1e-4)
    assert record.data.layout is not None
    assert (record.data.layout.name, record.data.layout.long_side_px) == ("hpatches", 0)


def test_homographies_are_scaled_with_the_images(tree: Path) -> None:
    source = open_pairs(tree / "v_wall", "wall", long_side=32)
    pair = source.pair(source.groups()[0][1])
    assert (pair.rgb_a.shape, pair.rgb_b.shape) == ((24, 32, 3), (16, 32, 3))
    assert pair.homography is not None
    # The pixel (4, 10) of 32 has its centre at (9, 21) of 64, 8.5 and 20.5 in whole centres; picture 3 shrinks by 2.5.
    x, y = H_1_3[:2, :2] @ [8.5, 20.5] + H_1_3[:2, 2]
    np.testing.assert_allclose(pair.truth.uv_b[10, 4], [(x + 0.5) / 2.5, (y + 0.5) / 2.5], atol=1e-4)
    moved = pair.homography @ [4.5, 10.5, 1]
    np.testing.assert_allclose(moved[:2] / moved[2], pair.truth.uv_b[10, 4], atol=1e-4)


def test_first_image_is_paired_with_every_other(tree: Path) -> None:
    source = open_pairs(tree, "hp", long_side=0)
    for number, key in enumerate(source.groups()[1], start=2):
        pair = source.pair(key)
        for shown, k in ((pair.rgb_a, 1), (pair.rgb_b, number)):
            assert np.array_equal(shown, np.asarray(Image.open(tree / "v_wall" / f"{k}.ppm")))


@pytest.mark.parametrize("cell", ["nan", "inf", "-inf"])
def test_non_finite_homographies_are_rejected(cell: str, tree: Path) -> None:
    (tree / "v_wall" / "H_1_2").write_text(f"1 0 0 0 1 0 0 {cell} 1")
    source = open_pairs(tree / "v_wall", "hp")
    with pytest.raises(UserError, match="H_1_2 holds a number that is not finite: expected 3 x 3 finite ones"):
        source.pair(source.groups()[0][0])


def test_evaluate_and_verify_commands(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    arguments = ["evaluate", "--model", "baseline:oracle", "--data", str(tree), "--out", str(tmp_path / "out"), "--query-stride", "6"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert "layout hpatches; ground truth: the authors' homographies" in result.output
    record = tmp_path / "out" / "hp" / "oracle.json"
    verified = CliRunner().invoke(app, ["leaderboard", "verify", str(record), "--data", str(tree)], catch_exceptions=False)
    assert verified.exit_code == 0, verified.output


def test_exif_orientation_is_applied(tree: Path) -> None:
    rgb = np.asarray(Image.open(tree / "v_wall" / "1.ppm"))
    (tree / "v_wall" / "1.ppm").unlink()
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90 degrees clockwise to show
    Image.fromarray(np.rot90(rgb)).save(tree / "v_wall" / "1.png", exif=exif)
    assert np.array_equal(open_pairs(tree, "hp", long_side=0).images(1)[0], rgb)


def test_invalid_folders_are_rejected(tree: Path, tmp_path: Path) -> None:
    (tree / "v_wall" / "3.ppm").unlink()
    with pytest.raises(UserError, match=r"v_wall lacks its picture 3\.ppm .*remove H_1_3"):
        open_pairs(tree, "hp")
    (tree / "i_door" / "H_1_2").write_text("1 0 0 0 1 0")
    source = open_pairs(tree / "i_door", "hp")
    with pytest.raises(UserError, match="H_1_2 does not hold 3 x 3 numbers"):
        source.pair(source.groups()[0][0])
    (tree / "i_door" / "H_1_2").write_text("0 " * 9)
    with pytest.raises(UserError, match=r"H_1_2 cannot be read \(it is singular"):
        source.pair(source.groups()[0][0])
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"empty is in no layout that can be read: .*dataset\.json\); hpatches \(sequences with 1\.ppm"):
        open_pairs(tmp_path / "empty", "empty")
    with pytest.raises(UserError, match="--trained-on: real pairs"):
        open_pairs(tree, "hp", trained_on=frozenset())
