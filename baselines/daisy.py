"""DAISY (Tola et al., 2010), by scikit-image, at every pixel."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pixbench.errors import UserError
from pixbench.evaluation.model import DescriptorModel

RADIUS, RINGS, HISTOGRAMS, ORIENTATIONS = 8, 2, 6, 8


class Daisy(DescriptorModel):
    """DAISY at every pixel (scikit-image), radius 8 px, in l2.

    Raises UserError if scikit-image is not installed.
    """

    name = "daisy"
    p = 2.0

    def __init__(self) -> None:
        try:
            from skimage.feature import daisy
        except ImportError:
            raise UserError("baseline daisy needs scikit-image: install pixbench[classic]") from None
        self._daisy: Any = daisy

    @property
    def info(self) -> dict[str, Any]:
        """See Model."""
        return {"kind": "baseline", "channels": (RINGS * HISTOGRAMS + 1) * ORIENTATIONS, "radius_px": RADIUS}

    def describe(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch channels rows columns"]:
        """(B, 104, H, W) from the grey image, whose borders are mirrored."""
        grey = images.mean(dim=1).double().numpy()
        described = [
            self._daisy(
                np.pad(image, RADIUS, mode="reflect"), step=1, radius=RADIUS, rings=RINGS, histograms=HISTOGRAMS, orientations=ORIENTATIONS
            )
            for image in grey
        ]
        return torch.from_numpy(np.stack(described).transpose(0, 3, 1, 2)).float()
