"""BYOL (Grill et al., 2020) on pixels: a predictor of the momentum network's output, and no negatives."""

import math
from collections.abc import Mapping
from types import MappingProxyType

from pixbench.training.config import TrainConfig

from .pixel_simsiam import PixelSimSiam


class PixelBYOL(PixelSimSiam):
    """Pixel BYOL: as pixel SimSiam, but what is predicted comes from a momentum network, whose momentum rises to 1."""

    norm = "cosine"

    defaults: Mapping[str, float] = MappingProxyType({"hidden": 0, "momentum": 0.996})

    def __init__(self, config: TrainConfig):
        super().__init__(config)
        self.momentum = self.options["momentum"]

    def momentum_at(self, progress: float) -> float:
        """See Objective: along half a cosine."""
        return 1 - (1 - self.options["momentum"]) * (math.cos(math.pi * progress) + 1) / 2
