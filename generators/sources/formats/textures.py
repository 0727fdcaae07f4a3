"""Decodes the images of materials to textures."""

import io
from collections import Counter

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from pixbench.image.picture import rgb_of

TEXTURE_LIMIT = 1024
"""Textures are downsized to this many pixels along the longer side."""

CORRUPT = "corrupt texture (material colour used)"
LAID_OVER_WHITE = "transparent textures (laid over white)"
PNG_BYTES = "PNG bytes in a file of another name"


def decoded(data: bytes | None, name: str, defects: Counter[str], *, opaque: bool = True) -> UInt8[np.ndarray, "rows columns 3"] | None:
    """An image as a texture; None, and counted, if it cannot be decoded.

    The alpha channel of an `opaque` material is ignored, for it is inverted in many files; otherwise white shows through.
    """
    if data is None:
        return None
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.format == "PNG" and "." in name and not name.lower().rstrip("\"' ").endswith(".png"):
                defects[PNG_BYTES] = 1
            sixteen_bits = image.format in ("PNG", "PPM")
            shown: Image.Image = image
            if image.has_transparency_data and np.asarray(image.convert("RGBA"))[..., 3].min() < 255:
                if opaque:
                    shown = image.convert("RGB")
                else:
                    defects[LAID_OVER_WHITE] = 1
            pixels = Image.fromarray(rgb_of(shown, sixteen_bits=sixteen_bits))
        if max(pixels.size) > TEXTURE_LIMIT:
            pixels.thumbnail((TEXTURE_LIMIT, TEXTURE_LIMIT), Image.Resampling.BOX)
        return np.asarray(pixels, np.uint8)
    except Exception:  # decoders raise many types
        defects[CORRUPT] += 1
        return None
