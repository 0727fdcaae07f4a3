"""Raw RGB patches, compared as they are: the 9 x 9 neighbourhood of each pixel, or the pixel alone."""

from typing import Any

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from pixbench.evaluation.model import DescriptorModel


class RgbPatch(DescriptorModel):
    """Raw 9 x 9 RGB patches in l2: what a picture gives without learning."""

    name = "rgb-patch"
    p = 2.0
    size = 9

    @property
    def info(self) -> dict[str, Any]:
        """See Model."""
        return {"kind": "baseline", "channels": 3 * self.size**2}

    def describe(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch channels height width"]:
        """(B, 3 * size**2, H, W): 243 channels of 9 x 9 pixels, 3 of one; borders are mirrored."""
        half = self.size // 2
        patches = functional.unfold(functional.pad(images, [half] * 4, mode="reflect"), self.size)
        return patches.reshape(len(images), -1, *images.shape[2:])


class RgbPixel(RgbPatch):
    """The pixel's own colour: what channels show without any context."""

    name = "rgb-pixel"
    size = 1
