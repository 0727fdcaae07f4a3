"""Pictures that users bring: read from PNG, JPEG, WebP or TIFF, or taken from memory, and shrunk."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps, UnidentifiedImageError

from ..errors import UserError
from ..io.untrusted import check_pixels, check_regular, parsing

Pixels = UInt8[np.ndarray, "height width 3"]

EXPECTED = "expected a whole PNG, JPEG, WebP or TIFF"
BYTES_PER_PIXEL = {"I": 32, "F": 32, "RGBA": 16, "LA": 16, "PA": 16}
"""Bytes per pixel needed to convert a picture of a mode to RGB."""

_EXIF, _FOCAL_35MM = 0x8769, 0xA405
_DIAGONAL_35MM = float(np.hypot(36.0, 24.0))


@dataclass(frozen=True, eq=False)
class Picture:
    """Pixels (H, W, 3) in RGB, upright, and the focal length in pixels where the file states it (EXIF, equivalent at 35 mm).

    `path` is the file, if it was read from one.
    """

    rgb: Pixels
    focal_px: float | None = None
    path: Path | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.rgb.shape[1], self.rgb.shape[0]


def as_picture(image: "str | Path | np.ndarray | Image.Image | Picture") -> Picture:
    """A picture from a file's path, an array uint8 (H, W), (H, W, 3) or (H, W, 4), or one of Pillow's. Raises UserError for anything
    else.
    """
    if isinstance(image, Picture):
        return image
    if isinstance(image, str | Path):
        return read_picture(Path(image))
    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8 or image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (3, 4)):
            raise UserError(f"an image of {image.dtype} {image.shape}: expected uint8 of (H, W), (H, W, 3) or (H, W, 4)")
        image = Image.fromarray(image)
    if not isinstance(image, Image.Image):
        raise UserError(f"an image of type {type(image).__name__}: expected a path, a NumPy array of uint8, or one of Pillow's images")
    return Picture(rgb_of(image))


def read_picture(path: Path) -> Picture:
    """Read a picture. Its EXIF orientation is applied; what is transparent becomes white; of several frames the first is taken.

    Raises UserError if there is no file, or none that is a picture.
    """
    if not path.is_file():
        raise UserError(f"{path} {'is a folder' if path.is_dir() else 'does not exist'}: expected a picture (PNG, JPEG, WebP or TIFF)")
    with opened_image(path) as image, parsing(path, EXPECTED):
        focal_35mm = image.getexif().get_ifd(_EXIF).get(_FOCAL_35MM)
        # Pillow scales what PNG and Netpbm files hold to 16 bits, but may call it 32.
        rgb = rgb_of(ImageOps.exif_transpose(image), sixteen_bits=image.format in ("PNG", "PPM"))
        diagonal = float(np.hypot(*rgb.shape[:2]))
        return Picture(rgb, float(focal_35mm) / _DIAGONAL_35MM * diagonal if focal_35mm else None, path)


@contextmanager
def opened_image(path: Path) -> Iterator[Image.Image]:
    """An image of Pillow's, whose pixels are not read yet. Raises UserError if it is none, or too large to be held."""
    check_regular(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # large pictures are expected here
        with parsing(path, EXPECTED):
            try:
                image = Image.open(path)
            except UnidentifiedImageError:
                raise UserError(f"{path} is not a picture that can be read: {EXPECTED}") from None
            check_pixels(*image.size, BYTES_PER_PIXEL.get(image.mode, 8))
        with image:
            yield image


def size_wh(rgb: Pixels) -> tuple[int, int]:
    """Width and height of an image, in pixels."""
    return rgb.shape[1], rgb.shape[0]


def shrunk(rgb: Pixels, long_side: int) -> UInt8[np.ndarray, "rows columns 3"]:
    """The whole image with its longer side at most `long_side` px, each pixel the mean of its area; a smaller one as it is."""
    import cv2

    height, width = rgb.shape[:2]
    factor = long_side / max(width, height)
    if factor >= 1:
        return rgb
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))


def rgb_of(image: Image.Image, *, sixteen_bits: bool = False) -> Pixels:
    """The pixels of an image of any mode as RGB; what is transparent is laid over white.

    Sixteen bits become eight. With `sixteen_bits`, images of 32-bit integers hold sixteen; otherwise they are stretched.
    """
    if image.mode.startswith("I;16") or (image.mode == "I" and sixteen_bits):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    elif image.mode in ("I", "F"):
        # These modes have no fixed range: the darkest value becomes black, the brightest white.
        values = np.nan_to_num(np.asarray(image, np.float64))
        values = (values - values.min()) / max(float(np.ptp(values)), 1e-12)
        image = Image.fromarray((255 * values).round().astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.array(image.convert("RGB"))
