"""Where pretrained weights come from: a path that the user gives, or a pack of the data manifest."""

import argparse
import hashlib
import pickle
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from pixbench.assets.paths import pack_folder
from pixbench.errors import UserError
from pixbench.io.files import file_sha256
from pixbench.io.untrusted import LARGEST_TENSORS, check_regular, check_tensors


def find_weights(name: str, given: Path | None, pack: str, inside: str) -> Path:
    """The given file, or `inside` of a fetched pack. Raises UserError if neither is there."""
    if given is not None:
        if not given.exists():
            raise UserError(f"baseline {name}: {given} does not exist; expected the file of its weights")
        return given
    path = pack_folder(pack) / inside
    if not path.is_file():
        raise UserError(f"baseline {name} needs weights: run 'pixbench assets fetch {pack}', or give a file as baseline:{name}:PATH")
    return path


def load_weights(name: str, network: torch.nn.Module, path: Path, key: str | None = None, *, rename: tuple[str, str] = ("", "")) -> str:
    """Load a file of tensors, or its entry `key`, into a network; returns the file's sha256. Raises UserError if the file
    does not hold them.
    """
    try:
        state = read_tensors(path)
        state = state[key] if key is not None and key in state else state
        state = {(rename[1] + entry[len(rename[0]) :] if entry.startswith(rename[0]) else entry): value for entry, value in state.items()}
        # Not every file contains the buffers that are derived from the configuration.
        parameters = dict(network.named_parameters())
        missing = [entry for entry in network.load_state_dict(state, strict=False).missing_keys if entry in parameters]
        if missing:
            raise ValueError(f"it lacks {missing[0]}")
    except Exception as error:
        reason = " ".join(str(error).split())[:160]
        raise UserError(f"baseline {name}: {path} does not hold its weights ({reason})") from None
    network.eval()
    return file_sha256(path)


def read_tensors(path: Path) -> Any:
    """What a file of safetensors (by its suffix) or of torch.save holds, on the CPU; nothing in it is executed.

    Raises ValueError for objects besides tensors and plain values, and errors of torch and safetensors for damaged files.
    """
    if path.suffix == ".safetensors":
        check_regular(path, LARGEST_TENSORS)
        return load_file(path)
    check_tensors(path)
    # Checkpoints of timm's training contain its options as a Namespace, which is a plain container of values.
    torch.serialization.add_safe_globals([argparse.Namespace])
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:  # torch's own message advises to execute the file
        raise ValueError("it is not of torch.save, or holds other objects than tensors and plain values, which could run code") from None


def state_sha256(network: torch.nn.Module) -> str:
    """Hash of a network's parameters and buffers, wherever they were loaded from."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def layer_of(text: str) -> tuple[str, int | None]:
    """A model's name and the number of its layer, of `NAME:LAYER` or `NAME`."""
    source, colon, layer = text.rpartition(":")
    if not colon or not layer.lstrip("-").isdecimal():
        return text, None
    return source, int(layer)
