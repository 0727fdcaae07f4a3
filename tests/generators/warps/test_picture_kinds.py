"""Image files of every format and mode in `generate 2d`: colours of warped pixels, folder names, unreadable files."""

import logging
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from quads import encoded

from pixbench.errors import UserError
from pixbench.generators.warps.config import Config2D
from pixbench.generators.warps.generator import WARP, Generator2D
from pixbench.image.homography import WARPS, apply_homography

SIDE, BLOCK = 64, 8
COLORS = np.random.default_rng(0).integers(20, 236, (8, 8, 3)).astype(np.uint8)
RGB = COLORS.repeat(BLOCK, 0).repeat(BLOCK, 1)
PICTURE = Image.fromarray(RGB)
GREY = np.asarray(PICTURE.convert("L"))
GREYS = np.repeat(GREY[..., None], 3, axis=2)


def _generator(folder: Path) -> Generator2D:
    """Generator of the only image in a folder, whatever its split."""
    for split in ("train", "val", "test"):
        try:
            return Generator2D(Config2D(pictures=f"folder:{folder}", split=split, scenes=1, size=SIDE, warps="affine"))
        except UserError:
            continue
    raise AssertionError("no split has the picture")


def _png_16_bit() -> bytes:
    """A 16-bit RGB PNG, which Pillow cannot write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + row.tobytes() for row in RGB.astype(">u2") * 257)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", SIDE, SIDE, 16, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def _exif_orientation(number: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = number
    return exif


HALF = np.where(np.arange(SIDE) < SIDE // 2, 51, 255)[:, None, None]
KINDS: dict[str, tuple[str, bytes, np.ndarray, int]] = {
    "PNG of 16 bits": ("a.png", _png_16_bit(), RGB, 1),
    "grey PNG of 16 bits": ("a.png", encoded(GREY.astype(np.uint16) * 257), GREYS, 1),
    "grey TIFF of 16 bits": ("a.tif", encoded(GREY.astype(np.uint16) * 257, "TIFF"), GREYS, 1),
    "PPM of 16 bits": ("a.ppm", b"P6 64 64 65535\n" + (RGB.astype(">u2") * 257).tobytes(), RGB, 1),
    "BMP": ("a.bmp", encoded(PICTURE, "BMP"), RGB, 1),
    "TIFF": ("a.tiff", encoded(PICTURE, "TIFF"), RGB, 1),
    "palette": ("a.png", encoded(PICTURE.quantize(64)), RGB, 1),
    "CMYK JPEG": ("a.jpg", encoded(PICTURE.convert("CMYK"), "JPEG", quality=100), RGB, 6),
    "alpha, over white": (
        "a.png",
        encoded(np.dstack([RGB, HALF[..., 0].repeat(SIDE, 1)]).astype(np.uint8)),
        np.where(HALF == 51, RGB * 0.2 + 255 * 0.8, RGB),
        1,
    ),
    "turned by a quarter": ("a.jpg", encoded(PICTURE, "JPEG", quality=100, subsampling=0, exif=_exif_orientation(6)), np.rot90(RGB, -1), 6),
    "turned by a half": ("a.tif", encoded(PICTURE, "TIFF", exif=_exif_orientation(3)), np.rot90(RGB, 2), 1),
}


@pytest.mark.parametrize("kind", KINDS)
def test_warped_pixels_have_the_colours_of_the_file(kind: str, tmp_path: Path) -> None:
    name, data, expected, within = KINDS[kind]
    (tmp_path / name).write_bytes(data)
    generator = _generator(tmp_path)
    rgb = generator.scene(0).arrays["rgb"]
    checked = 0
    centres = np.stack(np.meshgrid(*[np.arange(8) * BLOCK + BLOCK / 2] * 2), axis=-1).reshape(-1, 2)
    for view, H in enumerate(WARPS["affine"](generator.config.rng(0, WARP), SIDE, 2)):
        places = np.floor(apply_homography(H, centres)).astype(int)
        inside = ((places >= 0) & (places < SIDE)).all(axis=1)
        found = rgb[view][places[inside, 1], places[inside, 0]].astype(float)
        column, row = centres[inside].astype(int).T
        # A view that shrinks the image mixes neighbouring blocks at a few of the centres.
        close = np.abs(found - expected[row, column]).max(axis=1) <= within + 1
        assert close.mean() > 0.9, (kind, view)
        checked += int(inside.sum())
    assert checked > 64


@pytest.mark.parametrize("name", ["a:b", "what?", "x@2", "m & n"])
def test_folder_names_may_contain_special_characters(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "a.png").write_bytes(encoded(PICTURE))
    made = _generator(tmp_path / name).scene(0)
    assert list(made.recipe["assets"]) == ["pictures/a.png"]


def test_unreadable_images_are_counted_and_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for k in range(20):
        (tmp_path / f"{k}.png").write_bytes(encoded(np.roll(RGB, k, axis=1)))
        (tmp_path / f"locked{k}.png").write_bytes(b"")
    opened = Path.open

    def guarded(path: Path, *mode: Any, **options: Any) -> Any:
        if path.name.startswith("locked"):
            raise PermissionError(13, "Permission denied")
        return opened(path, *mode, **options)

    monkeypatch.setattr(Path, "open", guarded)
    few = Generator2D(Config2D(pictures=f"folder:{tmp_path}", scenes=1, size=SIDE))
    generator = Generator2D(Config2D(pictures=f"folder:{tmp_path}", scenes=len(few._pictures), size=SIDE))
    made = [generator.scene(index) for index in range(len(few._pictures))]
    assert {kind for one in made for kind in one.recipe.get("replaced", {})} == {"picture that cannot be read"}
    assert not any("locked" in name for one in made for name in one.recipe["assets"])


def test_unsupported_image_formats_are_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("a.heic", "b.HEIC", "c.dng", "notes.txt"):
        (tmp_path / name).write_bytes(b"no")
    (tmp_path / "a.png").write_bytes(encoded(PICTURE))
    with caplog.at_level(logging.WARNING, "pixbench"):
        _generator(tmp_path)
    assert "formats that are not read are left out: 1 .dng, 2 .heic" in caplog.text
