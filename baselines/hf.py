"""Dense features of any backbone of transformers (Hugging Face), from a folder or from the library's own cache."""

import inspect
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from pixbench.errors import UserError
from pixbench.evaluation.matching.nearest import Norm
from pixbench.evaluation.model import DescriptorModel
from pixbench.evaluation.network_input import NetworkInput

from .normalization import PREPROCESSOR, read_normalization
from .weights import layer_of, state_sha256

PREFIX = ("cls_token", "class_embedding", "distillation_token", "register_tokens")
"""Names of the parameters that transformers place before the tokens of patches."""


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
        self._prefix = _prefix_tokens(network)
        self._normalization = read_normalization(_preprocessor(source))
        # Position embeddings fit one size of images, unless the model is asked to interpolate them.
        interpolates = "interpolate_pos_encoding" in inspect.signature(network.forward).parameters
        self._options = {"interpolate_pos_encoding": True} if interpolates else {}
        # Whole patches cover the image; hierarchical transformers halve it after each stage but the last, networks of convolutions
        # halve it five times.
        halvings = max(0, len(getattr(config, "depths", None) or ()) - 1)
        self.input = NetworkInput(multiple=self._patch * 2**halvings if self._patch else 32)
        self._info = {"kind": "pretrained", "hf": Path(source).name, "architecture": type(network).__name__, "layer": layer}
        self._sha256 = state_sha256(network)

    @property
    def info(self) -> dict[str, Any]:
        """See Model."""
        return {**self._info, **self._normalization.info, "weights_sha256": self._sha256}

    def describe(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch channels rows columns"]:
        """(B, D, h, w) of the layer: a cell a patch, or the map of a network of convolutions. Raises UserError for a layer that the model
        does not have, and for tokens whose places are not known.
        """
        found = self.network(pixel_values=self._normalization.applied(images), output_hidden_states=True, **self._options)
        states = found.hidden_states
        if self._layer is not None and not -len(states) <= self._layer < len(states):
            raise UserError(
                f"--model {self.name}: layer {self._layer} of {len(states)}: expected one from {-len(states)} to {len(states) - 1}"
            )
        state: Tensor = found.last_hidden_state if self._layer is None else states[self._layer]
        maps = getattr(found, "reshaped_hidden_states", None)
        if maps is not None:
            return _as_model_does(state, states, maps, self._layer)
        return state if state.ndim == 4 else self._as_map(state, images)

    def _as_map(
        self, tokens: Float[Tensor, "batch tokens channels"], images: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch channels rows columns"]:
        if self._patch is None:
            raise UserError(f"--model {self.name}: its states are tokens, and its config states no patch_size to place them")
        rows, columns = (side // self._patch for side in images.shape[2:])
        if tokens.shape[1] != self._prefix + rows * columns:
            raise UserError(
                f"--model {self.name}: {tokens.shape[1]} tokens for {columns} x {rows} patches of {self._patch} px: expected "
                f"{rows * columns}, one a patch, after {self._prefix} others; give a model that has them, or the layer of one (NAME:LAYER)"
            )
        return _grid(tokens[:, self._prefix :], rows, columns)


def _as_model_does(state: Tensor, states: Sequence[Tensor], maps: Sequence[Tensor], layer: int | None) -> Tensor:
    """The layer as a hierarchical model itself arranges it. The last layer's norm, which those maps lack, is kept where its tokens are
    known to be in reading order.
    """
    if layer is not None:
        return maps[layer]
    rows, columns = maps[-1].shape[2:]
    tokens = states[-1]
    ordered = tokens.ndim == state.ndim == 3 and tokens.shape[1] == rows * columns and torch.equal(_grid(tokens, rows, columns), maps[-1])
    return _grid(state, rows, columns) if ordered else maps[-1]


def _grid(tokens: Float[Tensor, "batch tokens channels"], rows: int, columns: int) -> Float[Tensor, "batch channels rows columns"]:
    return tokens.transpose(1, 2).reshape(len(tokens), -1, rows, columns)


def _prefix_tokens(network: torch.nn.Module) -> int:
    """The number of tokens before those of the patches: class token, distillation token and registers."""
    return sum(
        parameter.numel() // parameter.shape[-1] for name, parameter in network.named_parameters() if name.rpartition(".")[2] in PREFIX
    )


def _preprocessor(source: str) -> Path | None:
    """The file about the model's input, in its folder or in the cache of transformers; None if there is none."""
    from transformers.utils.hub import cached_file

    try:
        found = cached_file(source, PREPROCESSOR, local_files_only=True)
    except OSError:
        return None
    return None if found is None else Path(found)


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
