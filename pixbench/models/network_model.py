"""Descriptors from any torch module."""

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..evaluation.matching.nearest import Norm
from ..evaluation.model import DescriptorModel
from ..evaluation.network_input import NetworkInput
from .declared import cell_grid, declared


class NetworkModel(DescriptorModel):
    """Any torch module from images in [0, 1] to descriptors, with the settings that it declares (`declared`).

    Its norm is the user's, else its attribute `p`, else cosine; the record states it.
    """

    def __init__(self, network: Any, name: str, p: Norm | None, info: dict[str, Any], settings: Mapping[str, Any] | None = None):
        self.network = network
        self.name = name
        known = declared(network) if settings is None else settings
        self.p = p if p is not None else known.get("p", "cosine")
        self._info = info if p is not None or "p" in known else {**info, "p_from": "default"}
        self.input, self.grid = NetworkInput(known.get("input_size"), known.get("input_multiple", 1)), cell_grid(known)

    @property
    def info(self) -> dict[str, Any]:
        """Kind and source."""
        return self._info

    def describe(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch channels rows columns"]:
        """See DescriptorModel."""
        out: Tensor = self.network(images)
        return out


class OneByOne(nn.Module):
    """A network that takes one image at a time, such as one exported with a fixed batch size."""

    def __init__(self, network: Any):
        super().__init__()
        self.network = network

    def forward(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch channels rows columns"]:
        """Descriptors of the images, one after another."""
        return torch.cat([self.network(images[k : k + 1]) for k in range(len(images))])
