"""First weights of a run: those of another run or checkpoint, in place of random ones."""

from pathlib import Path
from typing import Any

from ..errors import UserError
from ..models.checkpoint import Checkpoint, load_checkpoint
from ..models.pretrained import pretrained_folder
from .config import TrainConfig


def initial_checkpoint(name: str | Path) -> Checkpoint:
    """The checkpoint that a run is to start from: a run, a checkpoint, or pretrained:NAME. Raises UserError if there is none."""
    kind, _, rest = str(name).partition(":")
    return load_checkpoint(pretrained_folder(rest) if kind == "pretrained" else Path(name))


def inherited_settings(checkpoint: Checkpoint) -> dict[str, Any]:
    """Settings inherited from the initial checkpoint unless given: the network, and the norm p."""
    config = checkpoint.config
    norm = {} if config.p == "cosine" else {"p": config.p}
    return {"network": config.network.model_dump(mode="json"), **norm}


def check_network(checkpoint: Checkpoint, config: TrainConfig) -> None:
    """Raises UserError unless the weights fit the network."""
    if checkpoint.config.network != config.network:
        raise UserError(f"--init {checkpoint.folder}: its network is another one than network={config.network}; leave the network out")
