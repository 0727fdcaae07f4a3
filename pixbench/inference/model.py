"""The model and image size for matching and describing images."""

import math
from numbers import Integral
from pathlib import Path

import numpy as np
from PIL import Image
from torch import nn

from ..errors import UserError
from ..evaluation.model import Model, PointMatcher
from ..evaluation.network_input import parse_scales
from ..image.picture import Picture
from ..models.loading import as_model, with_scales
from ..models.pretrained import default_model

PictureSource = str | Path | np.ndarray | Image.Image | Picture
"""A picture's path, an array uint8 (H, W), (H, W, 3) or (H, W, 4), or one of Pillow's images."""

LEAST_SIZE = 32


ModelSource = Model | nn.Module | PointMatcher | str | Path
"""A model, a torch module from images to descriptors, a function of two images to their matched points, or a name or path as `load_model`
knows it.
"""


def open_model(model: ModelSource | None, device: str = "cpu", trust_code: bool = False, scales: str | None = None) -> Model:
    """The model itself, the model of that name, or the default one, at `scales` such as "0.5,1". Raises UserError as `load_model` does."""
    opened = as_model(default_model() if model is None else model, device=device, trust_code=trust_code)
    return opened if scales is None else with_scales(opened, parse_scales(scales))


def check_whole(name: str, value: object) -> None:
    """Raises UserError for a value that is not a whole number."""
    if not isinstance(value, Integral):
        raise UserError(f"{name} {value}: expected a whole number")


def check_size(picture: Picture, max_size: int) -> None:
    """Raises UserError for a picture whose shorter side is less than 32 px, as it is or shrunk to `max_size`."""
    check_whole("max size", max_size)
    if max_size < LEAST_SIZE:
        raise UserError(f"max size {max_size}: expected at least {LEAST_SIZE} px")
    (width, height), name = picture.size, "" if picture.path is None else f"{picture.path}: "
    short, long = sorted((width, height))
    if short < LEAST_SIZE:
        raise UserError(f"{name}a picture of {width} x {height} px: expected {LEAST_SIZE} px or more at the shorter side")
    if short * max_size < LEAST_SIZE * long:
        raise UserError(
            f"{name}a picture of {width} x {height} px, {short * max_size / long:.0f} px at the shorter side when shrunk to {max_size}: "
            f"expected {LEAST_SIZE} or more; raise --max-size to {math.ceil(LEAST_SIZE * long / short)}"
        )
