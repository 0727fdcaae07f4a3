"""Checkpoints: weights as safetensors, and one JSON file with network, norm and training configuration."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from ..errors import UserError
from ..io.documents import read_json
from ..io.files import file_sha256, written_whole
from ..io.seeding import seeded
from ..io.untrusted import check_regular, parsing
from ..losses import NORMS
from .files import CONFIG, WEIGHTS
from .unet import UNet, UNetConfig

FORMAT = "pixbench-checkpoint"
FORMAT_VERSION = 1


def _parse_norm(value: Any) -> float:
    try:
        return float(value)
    except TypeError:
        raise ValueError(f"expected 1, 2 or inf, got {value!r}") from None


# JSON has no infinity: it is written as the string "inf".
Norm = Annotated[
    float,
    BeforeValidator(_parse_norm),
    PlainSerializer(lambda p: "inf" if p == math.inf else int(p), return_type=int | str, when_used="json"),
]


class CheckpointConfig(BaseModel):
    """The configuration of a checkpoint: network, norm of its descriptors, and its training (free form, for the record)."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    format: str = FORMAT
    format_version: int = FORMAT_VERSION
    network: UNetConfig
    p: Norm | Literal["cosine"]
    step: int
    training: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A loaded checkpoint, in evaluation mode."""

    network: UNet
    config: CheckpointConfig
    sha256: str
    folder: Path


def save_checkpoint(folder: Path, network: UNet, config: CheckpointConfig) -> None:
    """Write both files under temporary names, then put them in place, the JSON last: a folder with the JSON is whole, and of one step."""
    folder.mkdir(parents=True, exist_ok=True)
    with written_whole(folder / CONFIG) as described:
        described.write_text(json.dumps(config.model_dump(mode="json"), indent=1) + "\n", encoding="utf-8")
        with written_whole(folder / WEIGHTS) as weights:
            save_file({name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}, weights)
            (folder / CONFIG).unlink(missing_ok=True)


def find_checkpoint(path: Path) -> Path:
    """The checkpoint folder that a path means: a run's folder, the checkpoint's own, or one of its two files. Raises UserError if the
    path is none of these.
    """
    candidates = [path / "checkpoint", path, path.parent]
    for candidate in candidates if path.exists() else []:
        if (candidate / CONFIG).is_file() and (candidate / WEIGHTS).is_file():
            return candidate
    what = "does not exist" if not path.exists() else f"holds no {CONFIG} with {WEIGHTS}"
    raise UserError(f"{path} is not a checkpoint (it {what}): give a folder that 'pixbench train --out' wrote, or 'pretrained:NAME'")


def load_checkpoint(path: Path) -> Checkpoint:
    """Load a checkpoint for use on the CPU. Raises UserError if it is not one, is damaged, or is of a newer format."""
    folder = find_checkpoint(path)
    with parsing(folder, "it is not a whole checkpoint; train it again or fetch it anew"):
        raw = read_json(folder / CONFIG, "train it again or fetch it anew")
        if not isinstance(raw, dict) or raw.get("format") != FORMAT:
            raise UserError(f"{folder / CONFIG} is not a PixBench checkpoint: expected format '{FORMAT}'")
        if raw.get("format_version") != FORMAT_VERSION:
            raise UserError(
                f"{folder / CONFIG} has format version {raw.get('format_version')}, this PixBench reads version "
                f"{FORMAT_VERSION}: install the PixBench that wrote it, or a newer one"
            )
        config = CheckpointConfig.model_validate(raw)
        if config.p != "cosine" and config.p not in NORMS:
            raise ValueError(f"p is {config.p}, expected 1, 2, inf or cosine")
        check_regular(folder / WEIGHTS)
        _check_sizes(config.network, folder / WEIGHTS)
        network = UNet(config.network)
        network.load_state_dict(load_file(folder / WEIGHTS))
    return Checkpoint(network.eval(), config, file_sha256(folder / WEIGHTS), folder)


def _check_sizes(config: UNetConfig, path: Path) -> None:
    """Raises ValueError, before memory is allocated, unless a file holds the tensors of the network."""
    with torch.device("meta"):
        wanted = {name: list(tensor.shape) for name, tensor in UNet(config).state_dict().items()}
    with safe_open(path, framework="pt") as file:
        found = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118  (no mapping)
    wrong = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    if wrong:
        raise ValueError(f"tensor {wrong[0]} is {found.get(wrong[0])}, the network has {wanted.get(wrong[0])}")


def seeded_network(config: UNetConfig, seed: int) -> UNet:
    """A network with weights drawn from `seed`; the global generator is left as it was."""
    with seeded(seed):
        return UNet(config)
