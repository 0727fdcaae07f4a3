"""What can be scored: anything that says where query pixels of one image lie in another."""

import math
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from ..checkpoint import load_checkpoint
from ..errors import UserError
from ..geometry import pixel_centres, pixel_index
from ..registry import BASELINES
from ..shards.reader import Pair
from .matching import nearest


def image_batch(rgb: UInt8[np.ndarray, "height width 3"]) -> Float[Tensor, "1 3 height width"]:
    """An image from disk as a batch of one, float32 in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(rgb.transpose(2, 0, 1)[None])).float() / 255


class Model(ABC):
    """Scored by `match`. `name` is the table's row, `info` goes into the record."""

    name: str

    @property
    def info(self) -> dict[str, Any]:
        """What a reader of the table must know of this model, as plain JSON values."""
        return {}

    @abstractmethod
    def match(self, pair: Pair, query_uv: Float[np.ndarray, "queries 2"]) -> Float[np.ndarray, "queries 2"]:
        """Predicted uv in image b of query positions uv in image a, both in pixels."""


class DescriptorModel(Model):
    """Matches each query to the pixel of b with the nearest descriptor in the norm `p` (1, 2 or inf)."""

    p: float

    @abstractmethod
    def describe(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch channels height width"]:
        """A descriptor for every pixel of images in [0, 1]."""

    def match(self, pair: Pair, query_uv: Float[np.ndarray, "queries 2"]) -> Float[np.ndarray, "queries 2"]:
        """The centre of the nearest pixel; among equals the first in reading order."""
        with torch.inference_mode():
            source = self.describe(image_batch(pair.rgb_a))[0]
            target = self.describe(image_batch(pair.rgb_b))[0]
            height, width = target.shape[1:]
            column, row = torch.from_numpy(pixel_index(query_uv)).unbind(1)
            found = nearest(source[:, row, column].T, target.flatten(1).T, p=self.p)
        centres: np.ndarray = pixel_centres(width, height).reshape(-1, 2)[found.numpy()]
        return centres


class CheckpointModel(DescriptorModel):
    """A network that `pixbench train` wrote, matched in the norm it was trained with."""

    def __init__(self, path: Path):
        self._checkpoint = load_checkpoint(path)
        self._network: nn.Module = self._checkpoint.network
        self.p = self._checkpoint.config.p
        run = self._checkpoint.folder.resolve()
        self.name = run.parent.name if run.name == "checkpoint" else run.name

    @property
    def info(self) -> dict[str, Any]:
        """Hash, training and size of the checkpoint."""
        config = self._checkpoint.config
        return {
            "kind": "checkpoint",
            "p": norm_name(self.p),
            "channels": config.network.channels,
            "checkpoint_sha256": self._checkpoint.sha256,
            "step": config.step,
            "training": config.training,
        }

    def describe(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch channels height width"]:
        """See DescriptorModel."""
        out: Tensor = self._network(images)
        return out


def norm_name(p: float) -> str:
    """The norm as records and tables write it."""
    return "inf" if p == math.inf else f"{p:g}"


def load_model(spec: str) -> Model:
    """The model that `--model` means: `baseline:NAME`, or a run's folder or checkpoint."""
    kind, _, name = spec.partition(":")
    if kind == "baseline" and name:
        model: Model = BASELINES.get(name)()
        return model
    if not Path(spec).exists() and spec in BASELINES.names():
        raise UserError(f"--model {spec}: no such path; did you mean 'baseline:{spec}'?")
    return CheckpointModel(Path(spec))
