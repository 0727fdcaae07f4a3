"""How a pretrained network wants its pictures: the mean and deviation that lie beside its weights, otherwise ImageNet's."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
from jaxtyping import Float
from pydantic import BaseModel, Field
from torch import Tensor

from pixbench.io.documents import read_json, validated

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
PREPROCESSOR = "preprocessor_config.json"
MEND = "restore it as transformers wrote it, or remove it, and ImageNet's mean and deviation are used"

Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(allow_inf_nan=False, gt=0)]


class _Preprocessor(BaseModel):
    """The fields of a `preprocessor_config.json` that concern values; those of sizes are not followed."""

    do_normalize: bool | None = None
    do_rescale: bool | None = None
    rescale_factor: Positive | None = None
    image_mean: tuple[Finite, Finite, Finite] | None = None
    image_std: tuple[Positive, Positive, Positive] | None = None


@dataclass(frozen=True)
class Normalization:
    """`scale`, mean and deviation of the values of a network's input; `from_file` tells whether a file said so."""

    mean: tuple[float, float, float] = MEAN
    std: tuple[float, float, float] = STD
    scale: float = 1.0
    from_file: bool = False

    @property
    def info(self) -> dict[str, Any]:
        """As stored in records; empty without a file."""
        if not self.from_file:
            return {}
        return {"normalization": {"mean": list(self.mean), "std": list(self.std), "scale": self.scale}}

    def applied(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch 3 height width"]:
        """The input of the network for images in [0, 1]."""
        mean, std = (torch.tensor(values, device=images.device).view(1, 3, 1, 1) for values in (self.mean, self.std))
        return ((images if self.scale == 1 else images * self.scale) - mean) / std


def read_normalization(path: Path | None) -> Normalization:
    """What a `preprocessor_config.json` says; ImageNet's mean and deviation where it says nothing, or for None.

    Raises UserError for a file that is not one.
    """
    if path is None:
        return Normalization()
    found = validated(path, read_json(path, MEND), _Preprocessor, MEND)
    # The factor applies to values from 0 to 255; by default it is 1/255.
    factor = 1.0 if found.do_rescale is False else found.rescale_factor
    scale = 1.0 if factor is None else 255 * factor
    if found.do_normalize is False:
        return Normalization((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), scale, from_file=True)
    return Normalization(found.image_mean or MEAN, found.image_std or STD, scale, from_file=True)
