"""Dense SIFT (Lowe 2004; Liu et al. 2011) by kornia, at every pixel and one scale, with the square root of RootSIFT."""

import warnings
from typing import Any

from jaxtyping import Float
from torch import Tensor

from pixbench.evaluation.model import DescriptorModel


class DenseSift(DescriptorModel):
    """Dense RootSIFT at every pixel (kornia), one scale, upright, in l2."""

    name = "dense-sift"
    p = 2.0

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

    def describe(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch channels height width"]:
        """(B, 128, H, W) from the grey image."""
        described: Tensor = self._sift(images.mean(dim=1, keepdim=True))
        return described[..., : images.shape[2], : images.shape[3]]
