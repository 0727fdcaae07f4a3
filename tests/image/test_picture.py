"""Image files of every format are read upright and as 8-bit RGB."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pixbench.errors import UserError
from pixbench.image.picture import as_picture, read_picture, shrunk

RGB = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)


@pytest.mark.parametrize("ending", ["png", "webp", "tiff"])
def test_lossless_formats_are_read_exactly(ending: str, tmp_path: Path) -> None:
    options = {"lossless": True} if ending == "webp" else {}
    Image.fromarray(RGB).save(tmp_path / f"a.{ending}", **options)
    assert np.array_equal(read_picture(tmp_path / f"a.{ending}").rgb, RGB)


def test_exif_orientation_and_focal_length_are_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by 90 degrees clockwise
    exif.get_ifd(0x8769)[0xA405] = 28
    smooth = np.repeat(np.repeat(RGB[::8, ::8], 8, axis=0), 8, axis=1)[:40, :60]
    Image.fromarray(smooth).save(tmp_path / "a.jpg", quality=100, subsampling=0, exif=exif)
    found = read_picture(tmp_path / "a.jpg")
    assert found.size == (40, 60)
    assert np.abs(found.rgb.astype(int) - np.rot90(smooth, -1)).max() < 12
    assert found.focal_px == pytest.approx(28 * np.hypot(60, 40) / np.hypot(36, 24))


def test_grey_alpha_palette_and_high_bit_depth_images_are_converted_to_rgb(tmp_path: Path) -> None:
    grey = RGB[..., 0]
    repeated = np.repeat(grey[..., None], 3, axis=2)
    assert np.array_equal(as_picture(grey).rgb, repeated)
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    assert np.array_equal(read_picture(tmp_path / "deep.png").rgb, repeated)
    alpha = np.where(np.arange(60) < 30, 255, 0).astype(np.uint8)[None].repeat(40, axis=0)
    Image.fromarray(np.dstack([RGB, alpha])).save(tmp_path / "alpha.png")
    found = read_picture(tmp_path / "alpha.png").rgb
    assert np.array_equal(found[:, :30], RGB[:, :30])
    assert (found[:, 30:] == 255).all()
    palette = Image.fromarray(RGB).quantize(16)
    palette.save(tmp_path / "p.png")
    assert np.array_equal(read_picture(tmp_path / "p.png").rgb, np.asarray(palette.convert("RGB")))
    floats = Image.fromarray(np.linspace(0, 1, 2400).reshape(40, 60).astype(np.float32))
    floats.save(tmp_path / "f.tiff")
    assert read_picture(tmp_path / "f.tiff").rgb[[0, -1], [0, -1], 0].tolist() == [0, 255]


def test_invalid_images_are_rejected(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("words")
    Image.fromarray(RGB).save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:4000])
    for name, words in (
        ("text.png", "is not a picture"),
        ("cut.png", "cannot be read"),
        ("none.png", "does not exist"),
        ("", "is a folder"),
    ):
        with pytest.raises(UserError, match=words):
            read_picture(tmp_path / name)
    with pytest.raises(UserError, match=r"float64 \(40, 60, 3\): expected uint8"):
        as_picture(RGB / 255)


def test_shrunk_averages_pixel_areas() -> None:
    assert shrunk(RGB, 60) is RGB
    half = RGB.reshape(20, 2, 30, 2, 3).mean(axis=(1, 3))
    assert np.abs(shrunk(RGB, 30) - half).max() <= 0.5
    assert shrunk(RGB, 45).shape == (30, 45, 3)


@pytest.mark.parametrize("ending", ["png", "tiff", "ppm", "pgm"])
def test_16_bit_images_are_scaled_without_stretching(ending: str, tmp_path: Path) -> None:
    import cv2

    shape = (6, 8) if ending == "pgm" else (6, 8, 3)
    # Not the whole range, so that stretching would be detected.
    stored = np.random.default_rng(0).integers(0, 30000, shape).astype(np.uint16)
    cv2.imwrite(str(tmp_path / f"deep.{ending}"), stored if ending == "pgm" else stored[..., ::-1])
    expected = np.broadcast_to(stored[..., None], (6, 8, 3)) if ending == "pgm" else stored
    assert np.abs(read_picture(tmp_path / f"deep.{ending}").rgb - expected / 257.0).max() < 1


@pytest.mark.usefixtures("unchecked_types")
def test_objects_that_are_no_picture_are_rejected() -> None:
    for item in (torch.zeros(3, 40, 60), 7):
        with pytest.raises(UserError, match=f"^an image of type {type(item).__name__}: expected a path, a NumPy array of uint8"):
            as_picture(item)  # type: ignore[arg-type]
