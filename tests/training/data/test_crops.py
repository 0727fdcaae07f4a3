import numpy as np
import pytest
import torch

from pixbench.geometry.pixels import pixel_centres
from pixbench.training.data.crops import Crop, matched_crops
from pixbench.training.data.pairs import PointDataset, Views
from pixbench.training.validation import matching_accuracy


class Shifted:
    """A TrainingPairs of one pair of views: a linear ramp, and the same ramp shifted by (3, 2) pixels."""

    groups = (0,)
    description: dict[str, str] = {}  # noqa: RUF012

    def views(self, index: int, *, rng: np.random.Generator) -> Views:
        centres = pixel_centres(64, 48)
        ramp = lambda uv: torch.from_numpy(np.stack([uv[..., 0] / 80, uv[..., 1] / 80, uv.sum(axis=-1) / 160])).float()  # noqa: E731
        uv_b = centres + np.array([3.0, 2.0])
        return Views(ramp(centres), ramp(2 * centres - uv_b), uv_b, (uv_b < [64, 48]).all(axis=-1))

    def close(self) -> None:
        pass


def test_crop_transforms_positions() -> None:
    crop = Crop(10, 20, (32, 32), (64, 64))
    assert np.array_equal(crop.to_crop(np.array([[10.0, 20.0], [42.0, 52.0], [10.5, 21.0]])), [[0, 0], [64, 64], [1, 2]])
    assert list(crop.covers(np.array([[10.0, 20.0], [42.0, 40.0], [9.9, 30.0], [np.nan, 30.0]]))) == [True, False, False, False]


@pytest.mark.parametrize("size", [16, 32, 40])
def test_crop_of_a_ramp_matches_its_positions(size: int) -> None:
    """Except near the border, where the filter repeats the last pixel."""
    image = Shifted().views(0, rng=np.random.default_rng(0)).image_a
    crop = Crop(8, 4, (32, 32), (size, size))
    inside = pixel_centres(size, size) / size * 32 + [8, 4]
    expected = torch.from_numpy(inside[..., 0] / 80).float()
    assert torch.allclose(crop.image(image)[0][3:-3, 3:-3], expected[3:-3, 3:-3], atol=1e-5)


def test_points_in_crops_are_exact_matches() -> None:
    """Colours of a ramp encode the position: they are equal in both crops at every matched point."""
    dataset = PointDataset(Shifted(), points=200, keep=0.5, seed=3, crop=32, zoom=(0.8, 2.0))
    for draw in range(5):
        sample = dataset[draw]
        assert sample["image_a"].shape == (3, 32, 32)
        assert bool(sample["matched"].all())
        colours = []
        for view in "ab":
            grid = sample[f"uv_{view}"] / 16 - 1
            inner = ((sample[f"uv_{view}"] > 3) & (sample[f"uv_{view}"] < 29)).all(dim=1)
            seen = torch.nn.functional.grid_sample(sample[f"image_{view}"][None], grid[None, :, None], align_corners=False)[0, :, :, 0]
            colours.append((seen, inner))
        both = colours[0][1] & colours[1][1]
        assert both.any()
        assert torch.allclose(colours[0][0][:, both], colours[1][0][:, both], atol=1e-3)


def test_crops_are_inside_their_views_and_share_a_match() -> None:
    views = Shifted().views(0, rng=np.random.default_rng(0))
    shared = 0
    for seed in range(50):
        crops = matched_crops(views.uv_b, views.matched, size=32, zoom=(0.5, 2.0), rng=np.random.default_rng(seed))
        for crop in crops:
            assert 0 <= crop.column <= 64 - crop.part_wh[0]
            assert 0 <= crop.row <= 48 - crop.part_wh[1]
            assert 16 <= crop.part_wh[0] <= 48
        shared += bool((views.matched & crops[0].covers(pixel_centres(64, 48)) & crops[1].covers(views.uv_b)).any())
    assert shared == 50


def test_matching_accuracy_of_positions_and_of_constant_descriptors() -> None:
    """The ramp's colour is its position in the scene: as descriptors, colours match to the pixel."""
    source, device = Shifted(), torch.device("cpu")
    assert matching_accuracy(torch.nn.Identity(), source, p=2.0, seed=0, device=device) == 1.0
    constant = torch.nn.Threshold(2.0, 0.0)  # no colour is above 2
    assert matching_accuracy(constant, source, p=2.0, seed=0, device=device) < 0.2


def test_largest_zoom_shows_one_pixel() -> None:
    """16 pixels at a scale of 1000 are less than one of the view's: the crop is that of the match, everywhere in its colour."""
    sample = PointDataset(Shifted(), points=8, keep=1.0, seed=0, crop=16, zoom=(1000.0, 1000.0))[0]
    image = sample["image_a"]
    assert image.shape == (3, 16, 16)
    assert torch.equal(image, image[:, :1, :1].expand_as(image))
    # The red of the ramp is the column's centre / 80.
    column = float(image[0, 0, 0]) * 80 - 0.5
    assert column == pytest.approx(round(column), abs=1e-4)
    assert 0 <= round(column) < 64
