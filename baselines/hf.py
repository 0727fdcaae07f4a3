"""Dense features of any backbone of transformers (Hugging Face), from a folder or from the library's own cache."""

import warnings
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from pixbench.errors import UserError
from pixbench.evaluation.matching.nearest import Norm
from pixbench.evaluation.model import DescriptorModel
from pixbench.evaluation.network_input import NetworkInput

from .weights import layer_of, state_sha256

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class HuggingFace(DescriptorModel):
    """Hidden states of a vision model of transformers (hf:NAME or hf:FOLDER, maybe :LAYER), by cosine."""

    p: Norm = "cosine"

    def __init__(self, text: str) -> None:
        source, layer = layer_of(text)
        network, config = _loaded(source)
        self.network, self._layer = network, layer
        self.name = f"hf-{Path(source).name}" + (f"-layer{layer}" if layer is not None else "")
        patch = getattr(config, "patch_size", None)
        self._patch = patch if isinstance(patch, int) else None
        # Whole patches cover the image; networks of convolutions halve it five times.
        self.input = NetworkInput(multiple=self._patch or 32)
        self._info = {"kind": "pretrained", "hf": Path(source).name, "architecture": type(network).__name__, "layer": layer}
        self._sha256 = state_sha256(network)

    @property
    def info(self) -> dict[str, Any]:
        """See Model."""
        return {**self._info, "weights_sha256": self._sha256}

    def describe(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch channels rows columns"]:
        """(B, D, h, w) of the layer: a cell a patch, or the map of a network of convolutions. Raises UserError for a layer that the model
        does not have.
        """
        mean, std = (torch.tensor(values, device=images.device).view(1, 3, 1, 1) for values in (MEAN, STD))
        found = self.network(pixel_values=(images - mean) / std, output_hidden_states=True)
        states = found.hidden_states
        if self._layer is not None and not -len(states) <= self._layer < len(states):
            raise UserError(
                f"--model {self.name}: layer {self._layer} of {len(states)}: expected one from {-len(states)} to {len(states) - 1}"
            )
        state: Tensor = found.last_hidden_state if self._layer is None else states[self._layer]
        return state if state.ndim == 4 else self._as_map(state, images)

    def _as_map(
        self, tokens: Float[Tensor, "batch tokens channels"], images: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch channels rows columns"]:
        if self._patch is None:
            raise UserError(f"--model {self.name}: its states are tokens, and its config states no patch_size to place them")
        rows, columns = (side // self._patch for side in images.shape[2:])
        # The class token and registers come first.
        return tokens[:, -rows * columns :].transpose(1, 2).reshape(len(images), -1, rows, columns)


def _loaded(source: str) -> tuple[torch.nn.Module, Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from transformers import AutoModel
    except ImportError:
        raise UserError(f"--model hf:{source} needs transformers: pip install 'pixbench[dino]'") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network = AutoModel.from_pretrained(source, local_files_only=True, trust_remote_code=False).eval()
    except Exception as error:  # errors of transformers, of files, and of configurations
        reason = " ".join(str(error).split())[:160]
        raise UserError(
            f"--model hf:{source} cannot be loaded ({reason}): expected a folder that save_pretrained wrote, or a name in the cache of "
            "transformers ('hf download NAME' puts it there)"
        ) from None
    return network, network.config
