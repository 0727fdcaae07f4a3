"""Runs that were made longer: earlier lengths, and the learning-rate cycle of the steps added."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..models.files import CONFIG
from .config import TrainConfig

EARLIER = "earlier_steps"
"""In run.json: at which steps the run had ended before it was made longer."""


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
    return int(json.loads(path.read_text(encoding="utf-8"))["step"]) if path.is_file() else 0


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
