"""Runs that were made longer: earlier lengths, and the learning-rate cycle of the steps added."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ..errors import UserError
from ..io.untrusted import check_tensors, parsing
from .config import TrainConfig

EARLIER = "earlier_steps"
"""In run.json: at which steps the run had ended before it was made longer."""


def earlier_steps(recorded: Mapping[str, Any], config: TrainConfig, out: Path, state: Path) -> list[int]:
    """At which steps the run in `out`, whose saved state is the file `state`, had ended before; empty for one that was never made longer.

    Raises UserError if it is to be made longer but has not come to its end, or has more steps than are asked for.
    """
    if not recorded:
        return []
    before, earlier = int(recorded["config"]["steps"]), list(recorded.get(EARLIER, []))
    if before == config.steps:
        # Without its state, which is removed where it is damaged, the run starts again and has one cycle.
        return earlier if state.is_file() else []
    if before > config.steps:
        raise UserError(f"--steps {config.steps}: the run in {out} is one of {before} steps; ask for more, or choose another --out")
    done = _steps_done(state)
    if done < before:
        raise UserError(
            f"--steps {config.steps}: the run in {out} stands at step {done} of {before}; finish it with --steps {before} first"
        )
    return [*earlier, before]


def _steps_done(state: Path) -> int:
    """The step of the saved state. The checkpoint's may be later: it is written first."""
    if not state.is_file():
        return 0
    with parsing(state, "remove it to train again from the start"):
        check_tensors(state)
        return int(torch.load(state, weights_only=True, map_location="cpu", mmap=True)["step"])


def learning_rate_cycle(config: TrainConfig, first: int) -> dict[str, Any]:
    """Arguments of OneCycleLR for the steps from `first` to the last: warm-up, then down to almost 0 along a cosine."""
    steps, share = config.steps - first + 1, config.warmup
    if steps * share == 1:
        # OneCycleLR divides by the length of the warm-up less one step; a little more than one step is as good.
        share *= 1 + 1e-9
    return {
        "max_lr": config.learning_rate,
        "total_steps": steps,
        "pct_start": share,
        "cycle_momentum": False,
    }
