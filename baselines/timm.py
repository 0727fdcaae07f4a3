"""Dense features of any backbone of timm, with the weights of the library's own cache or of a file."""

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
from pixbench.io.untrusted import parsing

from .weights import layer_of, read_tensors, state_sha256

NESTED = ("state_dict_ema", "model_ema", "state_dict", "model")
"""Where checkpoints hold the weights, in the order in which timm looks for them."""

WRAPPERS = ("module.", "_orig_mod.")
"""Prefixes of names in networks that were trained in parallel or compiled."""


class Timm(DescriptorModel):
    """Intermediate features of a timm backbone (timm:NAME or timm:NAME=FILE, maybe :LAYER), by cosine.

    LAYER counts the feature maps that `forward_intermediates` offers: the blocks of a transformer, the stages of a network of
    convolutions. Default: the last, with the backbone's last norm.
    """

    p: Norm = "cosine"

    def __init__(self, text: str) -> None:
        source, layer = layer_of(text)
        architecture, _, file = source.partition("=")
        self.network, self._layer = _created(architecture, file).eval(), layer
        self.name = f"timm-{architecture}" + (f"-layer{layer}" if layer is not None else "")
        config = self.network.pretrained_cfg
        self._mean, self._std = config["mean"], config["std"]
        patches = getattr(self.network, "patch_embed", None)
        patch = getattr(patches, "patch_size", None)
        # Whole patches cover the image; networks of convolutions halve it five times.
        self.input = NetworkInput(multiple=int(patch[0]) if isinstance(patch, tuple) else 32)
        self._info = {"kind": "pretrained", "timm": architecture, "architecture": type(self.network).__name__, "layer": layer}
        self._sha256 = state_sha256(self.network)

    @property
    def info(self) -> dict[str, Any]:
        """See Model."""
        return {**self._info, "weights_sha256": self._sha256}

    def describe(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch channels rows columns"]:
        """(B, D, h, w) of the layer. Raises UserError for a layer that the backbone does not have."""
        mean, std = (torch.tensor(values, device=images.device).view(1, 3, 1, 1) for values in (self._mean, self._std))
        maps = self.network.forward_intermediates((images - mean) / std, norm=self._layer is None, intermediates_only=True)
        layer = -1 if self._layer is None else self._layer
        if not -len(maps) <= layer < len(maps):
            raise UserError(f"--model {self.name}: layer {layer} of {len(maps)}: expected one from {-len(maps)} to {len(maps) - 1}")
        found: Tensor = maps[layer]
        return found


def _created(architecture: str, file: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import timm
    except (ImportError, RuntimeError) as error:  # a torchvision that does not fit torch is a RuntimeError
        raise UserError(f"--model timm:{architecture} needs timm ({error}): pip install timm") from None
    if not timm.is_model(architecture):
        near = timm.list_models(f"{architecture.split('.')[0].split('_')[0]}*")[:3]
        raise UserError(
            f"--model timm:{architecture}: timm has no such model" + (f"; some of its names: {', '.join(near)}" if near else "")
        )
    if file and not Path(file).is_file():
        raise UserError(f"--model timm:{architecture}={file}: no such file: expected weights as safetensors or of torch.save")
    options: dict[str, Any] = {"pretrained": True}
    if file:
        # Older versions of timm unpickle a file that they are given, so it gets the tensors.
        options["pretrained_cfg_overlay"] = {"state_dict": _state(architecture, file)}
    try:
        network = _any_size(timm, architecture, options)
        network.pretrained_cfg.pop("state_dict", None)  # timm keeps a second copy of the weights there
        return network
    except Exception as error:  # errors of timm, of files, and of an unreachable hub
        reason = " ".join(str(error).split())[:160]
        raise UserError(
            f"--model timm:{architecture} cannot be loaded ({reason}): expected weights in the cache of Hugging Face "
            f"('hf download timm/{architecture}' puts them there), or timm:{architecture}=FILE"
        ) from None


def _state(architecture: str, file: str) -> dict[str, Any]:
    """The weights in a file, under the names that timm's own reader gives them. Raises UserError for a file that is not plain data."""
    with parsing(f"--model timm:{architecture}={file}", "expected weights as safetensors or of torch.save"):
        state = read_tensors(Path(file))
        if isinstance(state, dict):
            state = next((state[key] for key in NESTED if state.get(key) is not None), state)
        # timm would look for other weights in place of none.
        if not isinstance(state, dict) or not state or not all(isinstance(name, str) for name in state):
            raise ValueError("it holds no tensors with names")
        for prefix in WRAPPERS:
            state = {name.removeprefix(prefix): value for name, value in state.items()}
    return state


def _any_size(timm: Any, architecture: str, options: dict[str, Any]) -> Any:
    """Create the model with `dynamic_img_size` where timm supports it: transformers need it for images of any size, convolutions do not."""
    try:
        return timm.create_model(architecture, dynamic_img_size=True, **options)
    except TypeError:
        return timm.create_model(architecture, **options)
