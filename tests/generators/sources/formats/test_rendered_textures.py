"""Textures of every image format and pixel mode, rendered on a square in OBJ and glTF."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from quads import QUARTERS, RED, GltfQuad, assert_quad, encoded, load, quarters, with_material

PICTURE = Image.fromarray(quarters())
GREYS = np.asarray(PICTURE.convert("L"))
GREY = [[int(GREYS[row, column])] * 3 for row in (8, 24) for column in (8, 24)]
DEEP = GREYS.astype(np.uint16) * 257
WHITE = (255, 255, 255)


def _png_16_bit() -> bytes:
    """A 16-bit RGB PNG, which Pillow cannot write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + row.tobytes() for row in quarters().astype(">u2") * 257)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 32, 32, 16, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def _exif_orientation() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def _clear(alpha: int = 0) -> np.ndarray:
    """The texture with an upper half of that alpha, transparent by default."""
    return np.dstack([quarters(), np.where(np.arange(32) < 16, alpha, 255)[:, None].repeat(32, 1)]).astype(np.uint8)


IMAGES: dict[str, tuple[str, bytes, object, int]] = {
    "TGA": ("t.tga", encoded(kind="TGA"), QUARTERS, 1),
    "BMP": ("t.bmp", encoded(kind="BMP"), QUARTERS, 1),
    "BMP of 32 bits": ("t.bmp", encoded(PICTURE.convert("RGBA"), "BMP"), QUARTERS, 1),
    "TIFF": ("t.tif", encoded(kind="TIFF", compression="tiff_lzw"), QUARTERS, 1),
    "GIF": ("t.gif", encoded(kind="GIF"), QUARTERS, 2),
    "WebP": ("t.webp", encoded(kind="WEBP", lossless=True), QUARTERS, 1),
    "PPM": ("t.ppm", encoded(kind="PPM"), QUARTERS, 1),
    "PPM as text": ("t.ppm", b"P3 32 32 255\n" + " ".join(map(str, quarters().ravel())).encode(), QUARTERS, 1),
    "PPM of 16 bits": ("t.ppm", b"P6 32 32 65535\n" + (quarters().astype(">u2") * 257).tobytes(), QUARTERS, 1),
    "PGM of 16 bits": ("t.pgm", b"P5 32 32 65535\n" + DEEP.astype(">u2").tobytes(), GREY, 1),
    "PNG of 16 bits": ("t.png", _png_16_bit(), QUARTERS, 1),
    "grey PNG of 16 bits": ("t.png", encoded(DEEP), GREY, 1),
    "grey TIFF of 16 bits": ("t.tif", encoded(DEEP, "TIFF"), GREY, 1),
    "palette": ("t.png", encoded(PICTURE.quantize(16)), QUARTERS, 2),
    "grey with alpha": ("t.png", encoded(PICTURE.convert("LA")), GREY, 1),
    "black and white": ("t.png", encoded(Image.fromarray(GREYS > 80)), np.where(np.array(GREY) > 80, 255, 0), 1),
    "CMYK JPEG": ("t.jpg", encoded(PICTURE.convert("CMYK"), "JPEG", quality=98), QUARTERS, 8),
    "CMYK TIFF": ("t.tif", encoded(PICTURE.convert("CMYK"), "TIFF"), QUARTERS, 2),
    "grey JPEG": ("t.jpg", encoded(PICTURE.convert("L"), "JPEG", quality=98), GREY, 4),
}


@pytest.mark.parametrize("kind", IMAGES)
def test_every_format_renders_its_colours(kind, tmp_path):
    name, data, colors, within = IMAGES[kind]
    asset = load(tmp_path, with_material(f"map_Kd {name}\n", **{name: data}))
    assert asset.defects == {"polygons (triangulated)": 1}
    assert_quad(asset, colors, within=within)


@pytest.mark.parametrize("kind", ["PNG of 16 bits", "CMYK JPEG", "palette"])
def test_gltf_renders_the_same_colours(kind, tmp_path):
    _, data, colors, within = IMAGES[kind]
    assert_quad(load(tmp_path, GltfQuad(data).files()), colors, within=within)


CLEAR = {
    "alpha": encoded(_clear()),
    "a transparent colour of a palette": encoded(PICTURE.quantize(16), transparency=bytes([0]) * 16),
    "a transparent colour": encoded(transparency=RED),
}


@pytest.mark.parametrize("kind", CLEAR)
def test_unrequested_alpha_is_ignored_and_counted(kind, tmp_path):
    asset = load(tmp_path, with_material("map_Kd s.png\n", **{"s.png": CLEAR[kind]}))
    assert asset.defects["alpha channel that no material asks for (left out)"] == 1
    assert_quad(asset, within=2)
    plain = load(tmp_path / "gltf", GltfQuad(CLEAR[kind]).files())
    assert not plain.defects  # glTF says that opaque materials have no alpha
    assert_quad(plain, within=2)


def test_requested_alpha_is_blended_over_white(tmp_path):
    half_white = [WHITE, WHITE, *QUARTERS[2:]]
    assert_quad(load(tmp_path / "a", with_material("map_Kd s.png\nmap_d s.png\n", **{"s.png": encoded(_clear())})), half_white)
    mask = GltfQuad(encoded(_clear())).material({**GltfQuad.textured(), "alphaMode": "MASK"})
    assert_quad(load(tmp_path / "b", mask.files()), half_white)
    fifth = [[round(0.2 * value + 0.8 * 255) for value in color] for color in QUARTERS[:2]]
    partly = with_material("map_Kd s.png\nmap_d s.png\n", **{"s.png": encoded(_clear(51))})
    assert_quad(load(tmp_path / "c", partly), [*fifth, *QUARTERS[2:]])


def test_exif_orientation_of_textures_is_ignored_and_counted(tmp_path):
    files = with_material("map_Kd s.jpg\n", **{"s.jpg": encoded(kind="JPEG", quality=98, exif=_exif_orientation())})
    asset = load(tmp_path, files)
    assert asset.defects["camera orientation of a texture (left out)"] == 1
    assert_quad(asset, within=8)
