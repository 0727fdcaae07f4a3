"""Descriptors of an image: their positions, and the files they are saved to."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image
from torch import Tensor
from torch.nn import functional
from typer.testing import CliRunner

from pixbench.cli import app
from pixbench.errors import UserError
from pixbench.evaluation.model import DescriptorModel
from pixbench.inference.describe import describe, pca_colours, save_description
from pixbench.visualization.channels import scaled_channels, widest_channels


class _Averages(DescriptorModel):
    """The mean colour of each 4 x 4 pixels."""

    name, p = "averages", 2.0

    def describe(self, images: Tensor) -> Tensor:
        return functional.avg_pool2d(images, 4)


POSITIONS = np.stack([*np.mgrid[:80, :120], np.zeros((80, 120))], axis=-1).astype(np.uint8)
"""An image whose first channel is the row, and whose second channel is the column."""


def test_stride_and_scale_map_cells_to_image_pixels() -> None:
    found = describe(POSITIONS, _Averages(), max_size=60)
    assert found.descriptors.shape == (3, 10, 15)
    assert (found.stride, found.scale, found.size_wh, found.p) == ((4.0, 4.0), (2.0, 2.0), (120, 80), "2")
    # Colours are positions: the mean over a cell is its centre, in image pixels minus one half.
    rows, columns = found.descriptors[0] * 255, found.descriptors[1] * 255
    assert np.abs((np.arange(10) + 0.5)[:, None] * 8 - 0.5 - rows).max() < 0.51
    assert np.abs((np.arange(15) + 0.5) * 8 - 0.5 - columns).max() < 0.51


def test_saved_files_hold_the_descriptors(tmp_path: Path) -> None:
    found = describe(POSITIONS, _Averages(), max_size=60)
    save_description(found, tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as file:
        assert np.array_equal(file["descriptors"], found.descriptors)
        assert file["stride"].tolist() == [4, 4]
        assert str(file["p"]) == "2"
    save_description(found, tmp_path / "a.h5", half=True)
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["descriptors"].dtype == np.float16
        assert np.abs(file["descriptors"][()] - found.descriptors).max() < 1e-3
        assert file["descriptors"].attrs["scale"].tolist() == [2, 2]
        assert file["descriptors"].attrs["model"] == "averages"
    save_description(found, tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert image.size == (15, 10)
        assert np.array_equal(np.asarray(image), pca_colours(found.descriptors))
    with pytest.raises(UserError, match=r"expected a name that ends in \.npz"):
        save_description(found, tmp_path / "a.txt")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.h5", "a.npz", "a.png"]


def test_pca_colours_match_scikit_learn() -> None:
    """Up to the sign."""
    from sklearn.decomposition import PCA

    descriptors = np.random.default_rng(0).normal(size=(6, 20, 30)).astype(np.float32) * np.array([9, 5, 3, 1, 1, 1])[:, None, None]
    wanted = PCA(3, svd_solver="full").fit_transform(descriptors.reshape(6, -1).T.astype(float))
    colours = pca_colours(descriptors).reshape(-1, 3).astype(float)
    for channel in range(3):
        assert abs(np.corrcoef(wanted[:, channel], colours[:, channel])[0, 1]) > 0.99
    assert pca_colours(descriptors[:1]).shape == (20, 30, 3)


def test_descriptors_too_large_for_half_precision_are_rejected(tmp_path: Path) -> None:
    class Large(_Averages):
        def describe(self, images: Tensor) -> Tensor:
            return super().describe(images) * 1e6

    with pytest.raises(UserError, match="leave --half out"):
        save_description(describe(POSITIONS, Large()), tmp_path / "a.npz", half=True)
    assert not list(tmp_path.iterdir())


def test_errors_and_numbers_without_a_colour_are_one_line(tmp_path: Path) -> None:
    class Unknown(_Averages):
        def describe(self, images: Tensor) -> Tensor:
            return super().describe(images) * float("nan")

    found = describe(POSITIONS, Unknown())
    with pytest.raises(UserError, match=r"a\.png: descriptors of averages hold NaN or infinity, which have no colour"):
        save_description(found, tmp_path / "a.png")
    save_description(found, tmp_path / "a.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]

    class Flat(_Averages):
        def describe(self, images: Tensor) -> Tensor:
            return images.flatten(1)

    with pytest.raises(UserError, match=r"model averages failed with ValueError: averages gave \(1, 28800\) for 1 images"):
        describe(POSITIONS, Flat())


def test_models_without_descriptors_are_rejected() -> None:
    with pytest.raises(UserError, match="oracle has no descriptors"):
        describe(POSITIONS, "baseline:oracle")


def test_describe_command_writes_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(POSITIONS).save("a.png")
    done = CliRunner().invoke(app, "describe a.png --model baseline:rgb-patch --max-size 60 --half --out a.npz".split())
    assert done.exit_code == 0, done.output
    assert done.output == "a.npz: 243 channels in 40 x 60 cells of 2 px, compared in 2\n"
    with np.load("a.npz") as file:
        assert file["descriptors"].shape == (243, 40, 60)
        assert file["descriptors"].dtype == np.float16


def test_channels_with_the_largest_spread_are_drawn(tmp_path: Path) -> None:
    descriptors = np.stack([np.zeros((4, 5)), 9 * np.arange(20.0).reshape(4, 5), np.arange(20.0).reshape(4, 5) + 100])
    assert widest_channels(descriptors, 2).tolist() == [1, 2]
    scaled = scaled_channels(descriptors)
    # Both ramps look the same, whatever their offset and scale; the middle of 0 to 19 is 9.5.
    assert np.allclose(scaled[1], scaled[2])
    assert (scaled[1].min(), scaled[1].max(), scaled[1].ravel()[9:11].sum()) == (-1, 1, pytest.approx(0, abs=1e-9))
    Image.fromarray(POSITIONS).save(tmp_path / "a.png")
    options = "--channels 2 --max-size 60 --model baseline:rgb-pixel --model baseline:random-unet".split()
    result = CliRunner().invoke(app, ["describe", str(tmp_path / "a.png"), "--out", str(tmp_path / "c.png"), *options])
    assert result.exit_code == 0, result.output
    assert "rgb-pixel: 3 channels in 40 x 60 cells of 2 px" in result.output
    assert "random-unet" in result.output
    drawn = np.asarray(Image.open(tmp_path / "c.png").convert("RGB")).astype(int)
    ramps = drawn[:, drawn.shape[1] // 3 :]
    assert (ramps[..., 0] - ramps[..., 2] > 60).mean() > 0.05  # red
    assert (ramps[..., 2] - ramps[..., 0] > 60).mean() > 0.05  # blue


def test_several_models_can_only_be_drawn(tmp_path: Path) -> None:
    Image.fromarray(POSITIONS).save(tmp_path / "a.png")
    for arguments, message in (
        (["--out", "d.npz", "--model", "baseline:rgb-pixel", "--model", "baseline:hog"], "several are drawn"),
        (["--out", "d.npz", "--channels", "3"], "pictures are written as"),
    ):
        found = CliRunner().invoke(app, ["describe", str(tmp_path / "a.png"), *arguments])
        assert isinstance(found.exception, UserError)
        assert message in str(found.exception)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
