"""Dense SIFT (Lowe 2004; Liu et al. 2011) by kornia, at every pixel and one scale, with the square root of RootSIFT."""

import warnings
from typing import Any

from jaxtyping import Float
from torch import Tensor

from pixbench.evaluation.model import DescriptorModel
from pixbench.evaluation.network_input import CellGrid


class DenseSift(DescriptorModel):
    """Dense RootSIFT at every pixel (kornia), one scale, upright, in l2: 4 x 4 bins of 4 px."""

    name = "dense-sift"
    p = 2.0
    grid = CellGrid(1.0, 0.0)

    def __init__(self) -> None:
        with warnings.catch_warnings():
            # kornia warns about its own optional parts when it is imported.
            warnings.simplefilter("ignore")
            from kornia.feature import DenseSIFTDescriptor
        self._sift = DenseSIFTDescriptor(rootsift=True, padding=7, stride=1).eval()

    @property
    def info(self) -> dict[str, Any]:
        """See Model."""
        return {"kind": "baseline", "channels": 128}

    def describe(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch channels rows columns"]:
        """(B, 128, H + 1, W + 1) from the grey image, centred on the corners of its pixels: sixteen pixels have no middle one."""
        described: Tensor = self._sift(images.mean(dim=1, keepdim=True))
        # kornia pads by 7 px where 4 bins reach 8 px: the first descriptor lies one pixel outside the image.
        return described[..., 1 : images.shape[2] + 2, 1 : images.shape[3] + 2]
