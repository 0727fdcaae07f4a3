"""Decodes the images of materials to textures."""

import io
from collections import Counter
from contextlib import suppress
from typing import Literal

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from pixbench.image.picture import BYTES_PER_PIXEL, rgb_of
from pixbench.io.untrusted import check_pixels

TEXTURE_LIMIT = 1024
"""Textures are downsized to this many pixels along the longer side."""

CORRUPT = "corrupt texture (material colour used)"
LAID_OVER_WHITE = "transparent textures (laid over white)"
ALPHA_LEFT_OUT = "alpha channel that no material asks for (left out)"
ORIENTATION_LEFT_OUT = "camera orientation of a texture (left out)"
PNG_BYTES = "PNG bytes in a file of another name"
KTX2, ORIENTATION = b"\xabKTX 20\xbb", 0x0112

Alpha = Literal["over white", "left out", "unused"]
"""Treatment of an alpha channel: the image is laid over white; the channel is left out and counted; or it is ignored, as the format
says.
"""


def decoded(
    data: bytes | None, name: str, defects: Counter[str], *, alpha: Alpha = "left out"
) -> UInt8[np.ndarray, "rows columns 3"] | None:
    """An image as a texture; None, and counted, if it cannot be decoded.

    Alpha channels are left out where no material asks for them, because they are inverted in many files. Textures are not turned as
    cameras say (EXIF): their coordinates belong to the pixels as stored.
    """
    if data is None:
        return None
    try:
        with _opened(data) as image:
            check_pixels(*image.size, BYTES_PER_PIXEL.get(image.mode, 8))
            if image.format == "PNG" and "." in name and ".png" not in name.lower():
                defects[PNG_BYTES] = 1
            with suppress(Exception):  # the pixels may be intact although the EXIF data are damaged
                defects[ORIENTATION_LEFT_OUT] |= image.getexif().get(ORIENTATION, 1) != 1
            sixteen_bits = image.format in ("PNG", "PPM")
            pixels = Image.fromarray(rgb_of(_shown(image, alpha, defects), sixteen_bits=sixteen_bits))
        if max(pixels.size) > TEXTURE_LIMIT:
            pixels.thumbnail((TEXTURE_LIMIT, TEXTURE_LIMIT), Image.Resampling.BOX)
        return np.asarray(pixels, np.uint8)
    except Exception:  # decoders raise many types
        defects[CORRUPT] += 1
        return None


def _opened(data: bytes) -> Image.Image:
    if not data.startswith(KTX2):
        return Image.open(io.BytesIO(data))
    import opengl_basisu

    pixels = opengl_basisu.open(data).transcode(opengl_basisu.Target.RGBA8)
    return Image.fromarray(np.asarray(pixels.data).reshape(pixels.height, pixels.width, 4))


def _shown(image: Image.Image, alpha: Alpha, defects: Counter[str]) -> Image.Image:
    """The image, without its transparency if that is not shown."""
    if not image.has_transparency_data or np.asarray(image.convert("RGBA"))[..., 3].min() == 255:
        return image
    if alpha == "over white":
        defects[LAID_OVER_WHITE] = 1
        return image
    if alpha == "left out":
        defects[ALPHA_LEFT_OUT] = 1
    opaque = image.convert("RGBA").convert("RGB")
    opaque.info.pop("transparency", None)
    return opaque
