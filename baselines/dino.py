"""DINOv2 (Oquab et al., 2023) and DINOv3 (Siméoni et al., 2025): patch tokens of a vision transformer, by transformers."""

import warnings
from pathlib import Path
from typing import Any, ClassVar

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from pixbench.errors import UserError
from pixbench.evaluation.matching.nearest import Norm
from pixbench.evaluation.model import DescriptorModel
from pixbench.evaluation.network_input import NetworkInput
from pixbench.io.files import file_sha256

from .normalization import PREPROCESSOR, read_normalization


class _Dino(DescriptorModel):
    """Patch tokens of the last layer, by cosine. `weights` is a folder as `save_pretrained` writes it."""

    p: Norm = "cosine"
    architecture: ClassVar[str]
    input = NetworkInput(448)  # a patch then covers less of a small image

    def __init__(self, weights: Path | None = None) -> None:
        if weights is None or not (weights / "config.json").is_file():
            raise UserError(
                f"baseline {self.name} needs its weights: give a folder that transformers' save_pretrained wrote, "
                f"as baseline:{self.name}:PATH"
            )
        try:
            import transformers
        except ImportError:
            raise UserError(f"baseline {self.name} needs transformers: install pixbench[dino]") from None
        kind = getattr(transformers, self.architecture, None)
        if kind is None:
            raise UserError(f"baseline {self.name}: this version of transformers has no {self.architecture}; install a newer one")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self.network = kind.from_pretrained(weights, local_files_only=True, use_safetensors=True, trust_remote_code=False).eval()
        except Exception as error:
            reason = " ".join(str(error).split())[:160]
            raise UserError(f"baseline {self.name}: {weights} does not hold a {self.architecture} ({reason})") from None
        self._sha256 = {path.name: file_sha256(path) for path in sorted(weights.glob("*.safetensors"))}
        self._patch = int(self.network.config.patch_size)
        beside = weights / PREPROCESSOR
        self._normalization = read_normalization(beside if beside.is_file() else None)

    @property
    def info(self) -> dict[str, Any]:
        """See Model."""
        return {
            "kind": "pretrained",
            "channels": self.network.config.hidden_size,
            "layers": self.network.config.num_hidden_layers,
            "patch": self._patch,
            **self._normalization.info,
            "weights_sha256": self._sha256,
        }

    def describe(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch channels rows columns"]:
        """(B, D, h, w), a cell a patch; images are scaled so that whole patches cover them."""
        rows, columns = (max(1, round(side / self._patch)) for side in images.shape[2:])
        size = (rows * self._patch, columns * self._patch)
        resized = images
        if size != tuple(images.shape[2:]):
            resized = functional.interpolate(images, size=size, mode="bicubic", align_corners=False, antialias=True)
        tokens: Tensor = self.network(pixel_values=self._normalization.applied(resized.clamp(0, 1))).last_hidden_state
        # The class token and registers come first.
        return tokens[:, -rows * columns :].transpose(1, 2).reshape(len(images), -1, rows, columns)


class DinoV2(_Dino):
    """DINOv2's patch tokens (pretrained, weights by path), by cosine."""

    name = "dinov2"
    architecture = "Dinov2Model"


class DinoV3(_Dino):
    """DINOv3's patch tokens (pretrained, weights by path), by cosine."""

    name = "dinov3"
    architecture = "DINOv3ViTModel"
