"""A run's folder: run.json says what the run is; beside it are its checkpoints, its state, its loss curve and its logs."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from lightning_fabric import Fabric
from safetensors import SafetensorError
from torch import Tensor

from ..errors import UserError
from ..io.documents import read_json
from ..io.files import write_whole, written_whole
from ..io.lock import holds_nothing, locked
from ..models.checkpoint import Checkpoint, CheckpointConfig, save_checkpoint
from ..models.unet import parameter_count
from .config import TrainConfig
from .data.pairs import TrainingPairs
from .lengthening import EARLIER
from .loss_curve import draw_loss_curve
from .precision import AUTO, FLOAT32
from .state import State

RUN = "run.json"
STATE = "state.pt"
CHECKPOINT = "checkpoint"
BEST = "best"
LOGS = "logs"
FORMAT_VERSION = 3
"""Version 2 named neither precision nor threads."""

NUMERICS = ("precision", "threads", "processes")
"""Settings that affect the last bits of the weights; recorded, so that a resumed run equals an uninterrupted one."""

SHORT = 40
"""Characters of a value in a message."""

CURVE = "curve"
"""Measurements at each save: stored in run.json, but not part of the run's identity."""


def run_record(
    source: TrainingPairs, validation: TrainingPairs | None, config: TrainConfig, init: Checkpoint | None = None
) -> dict[str, Any]:
    """The identity of a run: configuration, data, and initial weights. `train` adds precision and threads."""
    return {
        "format": "pixbench-run",
        "format_version": FORMAT_VERSION,
        "config": config.model_dump(mode="json"),
        "data": dict(source.description),
        "validation": dict(validation.description) if validation is not None else None,
        **({} if init is None else {"init": {"checkpoint_sha256": init.sha256, "step": init.config.step}}),
    }


def recorded_run(out: Path, record: dict[str, Any], precision: str) -> dict[str, Any]:
    """What run.json in `out` says, empty for a new run. Raises UserError if `out` holds another run than `record`, or something else.

    The number of steps may differ: `lengthening.earlier_steps` checks whether the run can be made longer.
    Runs of version 2 are read too. They did not store their precision: it is taken to be the requested one, or float32 by default.
    """
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file: --out must name a folder")
    path = out / RUN
    if not path.exists():
        if not holds_nothing(out, LOGS, "train.log") and not path.exists():  # the first process may have written it in between
            raise UserError(f"{out} is not empty and is not a run: choose a new or empty folder for --out")
        if not path.exists():
            return {}
    recorded = read_json(path, f"remove {out} and train again")
    if isinstance(recorded, dict) and recorded.get("format_version") == 2:
        recorded = {**recorded, "format_version": FORMAT_VERSION, "precision": FLOAT32 if precision == AUTO else precision, "threads": None}
    if not isinstance(recorded, dict) or not _is_whole(recorded):
        raise UserError(f"{path} is not what a run writes: remove {out} and train again")
    if differences := list(_differences(_without_length(recorded), _without_length(record))):
        raise UserError(f"{out} holds another run, with {'; '.join(differences)}: choose another --out, or the options of that run")
    return recorded


def check_processes(out: Path, recorded: dict[str, Any], processes: int) -> None:
    """Raises UserError if a run was started with another number of processes. Those of earlier versions did not store it."""
    started = recorded.get("processes")
    if started not in (None, processes):
        raise UserError(
            f"{out} was started with {started} processes, this is {processes}: --batch counts pairs per process, so that a step would have "
            "another number of pairs; use as many --devices and --nodes as before"
        )


def check_shared(fabric: Fabric, out: Path, step: int) -> None:
    """Raises UserError, in all processes, unless all of them have loaded the same step."""
    steps = cast(Tensor, fabric.all_gather(torch.tensor(step))).flatten().tolist()
    if len(set(steps)) > 1:
        raise UserError(f"{out}: processes found states of different steps, {steps}; --out must lie on a file system that all nodes share")


@contextmanager
def held(out: Path, fabric: Fabric) -> Iterator[None]:
    """Lock a run's folder; of the processes that train it together, only the first does. Raises UserError if another run has the lock."""
    if fabric.global_rank > 0:
        yield
        return
    with locked(out):
        yield


def _is_whole(record: dict[str, Any]) -> bool:
    """Whether the fields that are not compared with the command have valid types."""
    earlier, threads, precision = record.get(EARLIER, []), record.get("threads"), record.get("precision")
    steps = isinstance(earlier, list) and all(type(step) is int for step in earlier)
    return isinstance(record.get("config"), dict) and steps and (threads is None or type(threads) is int) and isinstance(precision, str)


def _without_length(record: dict[str, Any]) -> dict[str, Any]:
    """The part of a run's identity that does not depend on its length."""
    config = {name: value for name, value in dict(record.get("config") or {}).items() if name != "steps"}
    return {**{name: record[name] for name in record if name not in (*NUMERICS, CURVE, EARLIER)}, "config": config}


def _differences(recorded: object, requested: object, name: str = "") -> Iterator[str]:
    """Differences between two values of run.json by name, with the stored and the requested value."""
    if isinstance(recorded, dict) and isinstance(requested, dict):
        for key in [*recorded, *(key for key in requested if key not in recorded)]:
            # The names of the configuration are those of the options.
            below = key if name in ("", "config") else f"{name}.{key}"
            yield from _differences(recorded.get(key), requested.get(key), below)
    elif recorded != requested:
        yield f"{name} {_short(recorded)} instead of {_short(requested)}"


def _short(value: object) -> str:
    """The value as JSON, shortened for a message."""
    text = json.dumps(value)
    return text if len(text) <= SHORT else f"{text[:SHORT]}…"


def write_run(out: Path, record: dict[str, Any]) -> None:
    """Write run.json, unless it has these contents already."""
    path, text = out / RUN, json.dumps(record, indent=1) + "\n"
    out.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_whole(path, text)


def learning_curve(state: State) -> list[dict[str, float]]:
    """For each step at which the run was saved: the mean loss since the one before, the seconds of training (by the clock, and of
    all cores), and what was validated.
    """
    rows, before = [], 0
    for step, seconds in state.seconds.items():
        row = {"step": step, "train_seconds": round(seconds, 1), "loss": sum(state.losses[before:step]) / max(step - before, 1)}
        if step in state.cpu_seconds:
            row["cpu_seconds"] = round(state.cpu_seconds[step], 1)
        if step in state.accuracy:
            row.update(validation_loss=state.validation[step], validation_delta_avg=state.accuracy[step])
        rows.append(row)
        before = step
    return rows


def read_curve(out: Path) -> list[dict[str, float]]:
    """The learning curve of a run, as `learning_curve` gives it; empty before the first save."""
    curve: list[dict[str, float]] = json.loads((out / RUN).read_text(encoding="utf-8")).get(CURVE, [])
    return curve


def save_run(fabric: Fabric, out: Path, state: State, config: TrainConfig, record: dict[str, Any]) -> None:
    """Write checkpoints, state and loss curve. Raises UserError, in all processes, if the disk is full; the previous files are kept."""
    problem = ""
    if fabric.is_global_zero:
        network: Any = getattr(state.network, "module", state.network)
        training = {
            **record,
            "parameters": parameter_count(network),
            "validation_loss": state.validation.get(state.step),
            "validation_delta_avg": state.accuracy.get(state.step),
        }
        described = CheckpointConfig(network=config.network, p=state.norm(config), step=state.step, training=training)
        try:
            save_checkpoint(out / CHECKPOINT, network, described)
            if state.accuracy and max(state.accuracy, key=state.accuracy.__getitem__) == state.step:
                save_checkpoint(out / BEST, network, described)
            write_run(out, {**record, CURVE: learning_curve(state)})
            # The state comes last: a run that is killed before repeats the steps since the previous save.
            with written_whole(out / STATE) as temporary:
                torch.save(state.as_dict(), temporary)
            draw_loss_curve(state.losses, state.validation, state.accuracy, out / "loss.png", title=config.title())
        except (OSError, RuntimeError, SafetensorError) as error:
            # torch and safetensors report a full disk with errors of their own types.
            problem = f" ({' '.join(str(error).split())[:200]})"
    # Otherwise the other processes would wait for the first one for ever.
    if float(cast(Tensor, fabric.all_reduce(torch.tensor(float(bool(problem))), reduce_op="sum"))):
        raise UserError(f"{out} cannot be written{problem}: free space and run the same command again; the last state is kept")
