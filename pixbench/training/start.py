"""Start of a run: from random weights, from those of another run, or from its own earlier steps."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..models.checkpoint import Checkpoint, load_checkpoint
from ..models.files import CONFIG
from ..models.pretrained import pretrained_folder
from .config import TrainConfig

EARLIER = "earlier_steps"
"""In run.json: at which steps the run had ended before it was made longer."""


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


def earlier_steps(recorded: Mapping[str, Any], config: TrainConfig, out: Path) -> list[int]:
    """At which steps the run in `out` had ended before; empty for one that was never made longer.

    Raises UserError if it is to be made longer but has not come to its end, or has more steps than are asked for.
    """
    if not recorded:
        return []
    before, earlier = int(recorded["config"]["steps"]), list(recorded.get(EARLIER, []))
    if before == config.steps:
        return earlier
    if before > config.steps:
        raise UserError(f"--steps {config.steps}: the run in {out} is one of {before} steps; ask for more, or choose another --out")
    done = _steps_done(out)
    if done < before:
        raise UserError(
            f"--steps {config.steps}: the run in {out} stands at step {done} of {before}; finish it with --steps {before} first"
        )
    return [*earlier, before]


def _steps_done(out: Path) -> int:
    path = out / "checkpoint" / CONFIG
    return int(json.loads(path.read_text())["step"]) if path.is_file() else 0


def learning_rate_cycle(config: TrainConfig, first: int) -> dict[str, Any]:
    """Arguments of OneCycleLR for the steps from `first` to the last: warm-up, then down to almost 0 along a cosine."""
    return {
        "max_lr": config.learning_rate,
        "total_steps": config.steps - first + 1,
        "pct_start": config.warmup,
        "cycle_momentum": False,
    }
