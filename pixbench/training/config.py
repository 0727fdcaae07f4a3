"""The configuration of a training run; saved beside everything the run writes."""

import copy
import math
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ..errors import unknown_name
from ..image.photometric import Kind
from ..losses import NORMS
from ..models.checkpoint import Norm
from ..models.unet import UNetConfig


class TrainConfig(BaseModel):
    """Options of `pixbench train`.

    `objective` is the loss (see `pixbench list`), `options` its own settings. Those of `paper`: `p` is the norm,
    `between_weight` the share c of the between-image term, `between_pairs` the random partners of each image in it (none: all),
    `keep` the share of points compared with their true match. `points` are the sampled pixels per image, `jitter` is the
    strength of the photometric augmentation (0: none), `jitter_kind` that of rendered or of warped views (3d, 2d), `network` a
    name or settings. `crop` trains on matched crops of that many pixels, each with a random scale in `zoom` (2: twice as large);
    none: on whole views.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    objective: str = "paper"
    options: dict[str, float] = Field(default_factory=dict)
    p: Norm = math.inf
    between_weight: float = Field(0.5, ge=0, le=1)
    between_pairs: int | None = Field(None, ge=1)
    keep: float = Field(0.25, gt=0, le=1)
    points: int = Field(1024, ge=1)
    batch: int = Field(6, ge=1)
    steps: int = Field(2000, ge=1)
    learning_rate: float = Field(2e-3, gt=0, allow_inf_nan=False)
    weight_decay: float = Field(1e-6, ge=0, allow_inf_nan=False)
    warmup: float = Field(0.05, gt=0, lt=1)
    clip_value: float = Field(3.0, gt=0)
    jitter: float = Field(1.0, ge=0, le=2)
    jitter_kind: Kind = "3d"
    crop: int | None = Field(None, ge=16)
    zoom: tuple[float, float] = (1.0, 1.0)
    seed: int = Field(0, ge=0, lt=2**32)  # multiplied by a million for the seed of each step, which torch wants below 2**64
    network: UNetConfig = UNetConfig()

    @field_validator("p")
    @classmethod
    def _known_norm(cls, p: float) -> float:
        if p not in NORMS:
            raise ValueError(f"p is {p}: expected 1, 2 or inf")
        return p

    @field_validator("zoom")
    @classmethod
    def _ordered(cls, zoom: tuple[float, float]) -> tuple[float, float]:
        if not 0 < zoom[0] <= zoom[1] < math.inf:
            raise ValueError(f"zoom is {zoom[0]:g}, {zoom[1]:g}: expected the smallest and the largest scale, both above 0")
        return zoom

    def title(self) -> str:
        """Short title for figures."""
        if self.objective != "paper":
            return self.objective
        return f"p = {self.p:g}, between_weight = {self.between_weight:g}"


# Crops of 144 px show between 152 and 192 px of a view of 192 px.
ROOMS: Mapping[str, Any] = {
    "network": {"widths": (24, 48, 72, 72), "blocks": (1, 1, 1, 1), "channels": 32},
    "points": 1024,
    "batch": 16,
    "steps": 2428,
    "crop": 144,
    "zoom": (0.75, 0.95),
}

PRESETS: Mapping[str, dict[str, Any]] = {
    # The settings of the method's code for 256 x 256 pixels. Its learning rate there is not known: that of the first experiment.
    "experiment2": {
        "network": "paper-3d",
        "p": math.inf,
        "between_weight": 0.5,
        "batch": 32,
        "steps": 100_000,
        "points": 256 * 256 // 8,
        "learning_rate": 1e-3,
    },
    # What made `pretrained:rooms` and `pretrained:rooms-infonce`; their data is in the recipes beside the weights.
    "rooms": {"objective": "stable-weighted", "p": 2, "keep": 0.35, **ROOMS},
    "rooms-infonce": {"objective": "point-infonce", **ROOMS},
}


def preset_values(name: str) -> dict[str, Any]:
    """The settings of a preset. Raises UserError, with a suggestion, for an unknown name."""
    if name not in PRESETS:
        raise unknown_name("preset of training", name, PRESETS)
    return copy.deepcopy(PRESETS[name])
