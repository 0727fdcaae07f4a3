"""The method's own network before training: the score of the architecture alone."""

from typing import Any

from jaxtyping import Float
from torch import Tensor

from pixbench.evaluation.model import DescriptorModel
from pixbench.models.checkpoint import seeded_network
from pixbench.models.unet import UNetConfig


class RandomUNet(DescriptorModel):
    """The untrained U-Net of `pixbench train`, seed 0, in l-inf."""

    name = "random-unet"
    p = float("inf")
    channels = UNetConfig().channels

    def __init__(self) -> None:
        self._network = seeded_network(UNetConfig(channels=self.channels), seed=0).eval()

    @property
    def info(self) -> dict[str, Any]:
        """See Model."""
        return {"kind": "baseline", "channels": self._network.config.channels, "seed": 0}

    def describe(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch channels height width"]:
        """(B, D, H, W)."""
        described: Tensor = self._network(images)
        return described


class RandomUNet64(RandomUNet):
    """The untrained U-Net with 64 channels, for comparison with trained networks of this size."""

    name = "random-unet-64"
    channels = 64
