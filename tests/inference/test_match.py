"""Matches between images under a known homography."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from pictures import perspective, textured, view
from PIL import Image
from torch import Tensor
from typer.testing import CliRunner

from pixbench.cli import app
from pixbench.errors import UserError
from pixbench.evaluation.model import DescriptorModel, MatcherModel, Model
from pixbench.image.homography import apply_homography, shift
from pixbench.image.picture import as_picture, read_picture
from pixbench.inference.match import match
from pixbench.inference.matches import ImageMatches, write_csv
from pixbench.inference.model import check_size
from pixbench.inference.refine import refined
from pixbench.models.loading import load_model

WIDTH, HEIGHT = 200, 150


@pytest.fixture(scope="module")
def pair() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two images, and the homography from the first to the second."""
    picture, H = textured(WIDTH, HEIGHT), perspective(WIDTH, HEIGHT)
    return picture, view(picture, H, WIDTH, HEIGHT), H


def _errors(found: ImageMatches, H: np.ndarray) -> np.ndarray:
    return np.linalg.norm(apply_homography(H, found.uv_a) - found.uv_b, axis=1)


def test_matches_follow_the_homography_and_recover_it(pair: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    a, b, H = pair
    found = match(a, b, "baseline:dense-sift", geometry="homography")
    assert len(found) > 200
    assert np.median(_errors(found, H)) < 1
    assert found.matrix is not None
    assert found.inliers is not None
    assert found.inliers.mean() > 0.9
    corners = np.array([[0.0, 0.0], [WIDTH, 0.0], [WIDTH, HEIGHT], [0.0, HEIGHT]])
    assert np.abs(apply_homography(found.matrix, corners) - apply_homography(H, corners)).max() < 1
    assert (found.cycle_px <= 1.5).all()
    strict = match(a, b, "baseline:dense-sift", cycle_px=0, ratio=0.8)
    assert len(strict) < len(found)
    assert (strict.cycle_px == 0).all()
    assert (strict.ratio <= 0.8).all()


def test_positions_are_in_pixels_of_the_original_images(pair: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    a, b, H = pair
    # The second image is three times as large: its homography is scaled, and both are downscaled to 100 px.
    large = np.asarray(Image.fromarray(b).resize((3 * WIDTH, 3 * HEIGHT), Image.Resampling.BICUBIC))
    found = match(a, large, "baseline:dense-sift", max_size=100, step=4)
    assert len(found) > 100
    assert np.median(_errors(found, np.diag([3.0, 3.0, 1.0]) @ H)) < 6  # a pixel of the downscaled image is 6 px of b
    assert found.uv_b.max() > WIDTH


def test_refinement_that_would_do_nothing_is_refused(pair: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    a, b, _ = pair
    with pytest.raises(UserError, match=r"refine 100: matches are found in pictures of up to 100 px \(max_size\); expected a larger size"):
        match(a, b, "baseline:dense-sift", max_size=100, refine=100)
    points = MatcherModel(lambda one, other: (torch.ones(2, 2), torch.ones(2, 2)), "points", {})
    with pytest.raises(UserError, match="refine 200: model points has no descriptors to search again with"):
        match(a, b, points, max_size=100, refine=200)


@pytest.mark.parametrize(("option", "value"), [("step", 4), ("cycle_px", 0.5), ("ratio", 0.8)])
def test_search_options_of_a_matcher_of_points_are_refused(option: str, value: float) -> None:
    points = MatcherModel(lambda one, other: (torch.ones(2, 2), torch.ones(2, 2)), "points")
    picture = np.zeros((64, 64), np.uint8)
    with pytest.raises(UserError, match=f"^{option} {value}: model points chooses its own points; leave it out$"):
        match(picture, picture, points, **{option: value})  # type: ignore[arg-type]


def test_refinement_reduces_the_error(pair: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    a, b, H = pair
    coarse = match(a, b, "baseline:dense-sift", max_size=100, step=4)
    fine = match(a, b, "baseline:dense-sift", max_size=100, step=4, refine=WIDTH)
    assert len(fine) == len(coarse)
    assert np.median(_errors(fine, H)) < 0.8 * np.median(_errors(coarse, H))


class _Positions(DescriptorModel):
    """Describes an image by its first two channels, in which the tests encode each pixel's column and row."""

    name, p = "places", 2.0

    def describe(self, images: Tensor) -> Tensor:
        return images[:, :2] * 255


def test_tiling_does_not_change_matches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pixbench.inference.refine.TILE", 16)
    monkeypatch.setattr("pixbench.inference.refine.MARGIN", 3)
    row, column = np.mgrid[:60, :90].astype(np.uint8)
    rgb = np.stack([column, row, row], axis=-1)
    rng = np.random.default_rng(0)
    truth = rng.integers(0, [90, 60], (200, 2)) + 0.5
    guess = np.clip(truth + rng.integers(-2, 3, (200, 2)), 0.5, [89.5, 59.5])
    model = _Positions()
    # Refinement describes one scale: another one would blur the positions.
    model.scales = (0.25, 1.0)
    uv_a, uv_b, distance = refined(model, rgb, rgb, truth, guess, 2)
    assert np.array_equal(uv_a, truth)
    assert np.array_equal(uv_b, truth)
    assert not distance.any()
    assert model.scales == (0.25, 1.0)


def test_essential_and_fundamental_matrices_are_recovered() -> None:
    """A matcher that returns the true projections of points in two views, and some wrong ones, which must be outliers."""
    rng = np.random.default_rng(1)
    points = rng.uniform([-1, -1, 3], [1, 1, 6], (120, 3))
    turned = np.array([[np.cos(0.2), 0, np.sin(0.2)], [0, 1, 0], [-np.sin(0.2), 0, np.cos(0.2)]])
    focal, middle = 300.0, np.array([200.0, 150.0])
    uv_a = focal * points[:, :2] / points[:, 2:] + middle
    moved = points @ turned.T + [0.5, 0.1, 0.0]
    uv_b = focal * moved[:, :2] / moved[:, 2:] + middle
    uv_b[100:] += rng.uniform(30, 60, (20, 2))
    model = MatcherModel(lambda a, b: (torch.from_numpy(uv_a), torch.from_numpy(uv_b)), "knows")
    picture = np.zeros((300, 400, 3), np.uint8)
    essential = match(picture, picture, model, geometry="essential", focal_px=focal, threshold_px=1)
    fundamental = match(picture, picture, model, geometry="fundamental", threshold_px=1)
    for found in (essential, fundamental):
        assert found.inliers is not None
        assert found.inliers[:100].sum() >= 99
        assert found.inliers[100:].sum() <= 4
    t = np.array([0.5, 0.1, 0.0])
    truth = np.cross(np.eye(3), t) @ turned  # [t]x R
    assert essential.matrix is not None
    a, b = (each / np.linalg.norm(each) for each in (essential.matrix, truth))
    assert min(np.abs(a - b).max(), np.abs(a + b).max()) < 1e-3
    assert (essential.focal_px, essential.focal_source) == ((300.0, 300.0), "given")
    assumed = match(picture, picture, model, geometry="essential")
    assert assumed.focal_px == (480.0, 480.0)
    assert "assumed" in assumed.focal_source


def test_too_few_matches_give_no_matrix() -> None:
    model = MatcherModel(lambda a, b: (torch.tensor([[9.0, 9.0]]), torch.tensor([[9.0, 9.0]])), "one")
    found = match(np.zeros((64, 64), np.uint8), np.zeros((64, 64), np.uint8), model, geometry="homography")
    assert len(found) == 1
    assert found.matrix is None
    assert found.inliers is not None
    assert not found.inliers.any()


def test_csv_of_matches(tmp_path: Path) -> None:
    uv = np.array([[1.5, 2.5], [3.25, 4.0]])
    found = ImageMatches(uv, uv + 1, np.array([0.5, np.nan]), np.array([0.25, np.nan]), np.zeros(2), np.array([True, False]), np.eye(3))
    write_csv(found, tmp_path / "m.csv")
    with (tmp_path / "m.csv").open() as file:
        rows = list(csv.DictReader(file))
    first = {"u_a": "1.5", "v_a": "2.5", "u_b": "2.5", "v_b": "3.5", "distance": "0.5", "ratio": "0.25", "cycle_error": "0", "inlier": "1"}
    assert rows[0] == first
    assert (rows[1]["distance"], rows[1]["inlier"], rows[1]["u_b"]) == ("", "0", "4.25")


def test_match_command_writes_figure_csv_and_summary(
    pair: tuple[np.ndarray, np.ndarray, np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, picture in zip("ab", pair, strict=False):
        Image.fromarray(picture).save(f"{name}.png")
    command = "match a.png b.png --model baseline:rgb-patch --geometry homography --out m.png --csv m.csv"
    done = CliRunner().invoke(app, command.split())
    assert done.exit_code == 0, done.output
    summary = re.match(r"(\d+) matches, (\d+) agree with the homography\n", done.output)
    assert summary
    with open("m.csv") as file:
        rows = list(csv.DictReader(file))
    assert (len(rows), sum(row["inlier"] == "1" for row in rows)) == (int(summary[1]), int(summary[2]))
    uv_a, uv_b = (np.array([[float(row[f"{axis}_{image}"]) for axis in "uv"] for row in rows]) for image in "ab")
    assert np.median(np.linalg.norm(apply_homography(pair[2], uv_a) - uv_b, axis=1)) < 1
    H = np.array([[float(value) for value in line.split()] for line in done.output.splitlines()[1:4]])
    corner = np.array([[float(WIDTH), HEIGHT]])
    assert np.abs(apply_homography(H, corner) - apply_homography(pair[2], corner)).max() < 1
    with Image.open("m.png") as drawn:
        assert drawn.width > drawn.height
        assert (np.abs(np.asarray(drawn.convert("RGB")).astype(int) - [26, 152, 80]).max(axis=2) < 30).sum() > 500  # green lines


def test_invalid_inputs_are_rejected() -> None:
    picture = np.zeros((64, 64, 3), np.uint8)
    oracle: Model = load_model("baseline:oracle")
    with pytest.raises(UserError, match="model oracle answers on data sets alone"):
        match(picture, picture, oracle)
    with pytest.raises(UserError, match=r"^a picture of 64 x 20 px: expected 32 px or more at the shorter side$"):
        match(picture, picture[:20], "baseline:hog")
    with pytest.raises(UserError, match="unknown geometry 'affine': known are"):
        match(picture, picture, "baseline:hog", geometry="affine")
    for options, words in (
        ({"step": 0}, "step 0: expected at least 1"),
        ({"ratio": 2.0}, "ratio 2.0: expected 0 to 1"),
        ({"geometry": "essential", "focal_px": -3}, "focal_px -3: expected at least 1"),
    ):
        with pytest.raises(UserError, match=words):
            match(picture, picture, "baseline:hog", **options)  # type: ignore[arg-type]


def test_pictures_that_are_too_small_are_named(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((1, 1), np.uint8)).save(tmp_path / "dot.png")
    Image.fromarray(np.zeros((40, 3840), np.uint8)).save(tmp_path / "strip.png")
    with pytest.raises(UserError, match=r"dot\.png: a picture of 1 x 1 px: expected 32 px or more at the shorter side$"):
        match(tmp_path / "dot.png", tmp_path / "strip.png")
    words = r"strip\.png: a picture of 3840 x 40 px, 5 px at the shorter side when shrunk to 480: .*; raise --max-size to 3072$"
    with pytest.raises(UserError, match=words):
        match(tmp_path / "strip.png", tmp_path / "dot.png")
    check_size(read_picture(tmp_path / "strip.png"), 3072)
    # A picture that is smaller than --max-size is not shrunk.
    check_size(as_picture(np.zeros((32, 33), np.uint8)), 480)


@pytest.mark.usefixtures("unchecked_types")
@pytest.mark.parametrize(("option", "name"), [("step", "step"), ("max_size", "max size"), ("refine", "refine")])
def test_fractions_of_pixels_are_rejected(option: str, name: str) -> None:
    picture = np.zeros((64, 64, 3), np.uint8)
    with pytest.raises(UserError, match=f"^{name} 480.5: expected a whole number$"):
        match(picture, picture, "baseline:hog", **{option: 480.5})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("describe", "words"),
    [
        (lambda images: images * np.nan, "ValueError: descriptors hold NaN or infinity"),
        (lambda images: images[0], r"ValueError: broken gave \(3, 64, 64\) for 1 images: expected a tensor"),
        (lambda images: images[:, :0], r"ValueError: broken gave \(1, 0, 64, 64\) for 1 images"),
        (torch.fft.fft2, "ValueError: broken gave complex numbers: expected real descriptors"),
        (lambda images: images / images.nothing, "AttributeError: 'Tensor' object has no attribute 'nothing'"),
    ],
)
def test_error_of_a_model_is_one_line(describe: Callable[[Tensor], Tensor], words: str) -> None:
    """The error itself stays its cause, for whoever wrote the model."""
    picture = textured(64, 64)
    with pytest.raises(UserError, match=f"^model broken failed with {words}") as raised:
        match(picture, picture, type("Broken", (DescriptorModel,), {"name": "broken", "p": 2.0, "describe": lambda self, x: describe(x)})())
    assert not isinstance(raised.value.__cause__, UserError | None)
    with pytest.raises(UserError, match=r"^model points failed with ZeroDivisionError: division by zero$"):
        match(picture, picture, MatcherModel(lambda image_a, image_b: 1 / 0, "points"))


def test_user_model_finds_a_shift() -> None:
    row, column = np.mgrid[:48, :64].astype(np.uint8)
    big = np.stack([3 * column, 5 * row, row], axis=-1)
    moved = view(big, shift(np.array([-4.0, -2.0])), 64, 48)
    found = match(big, moved, _Positions(), step=4)
    assert len(found) > 50
    inside = (found.uv_b > 0.5).all(axis=1) & (found.uv_b < [60, 46]).all(axis=1)
    assert np.allclose((found.uv_b - found.uv_a)[inside], [-4, -2])
