"""`pixbench train`: the method on pairs of views, with Lightning Fabric from one CPU to many nodes."""

import copy
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from jaxtyping import Float
from lightning_fabric import Fabric
from lightning_fabric.loggers.tensorboard import TensorBoardLogger
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.utils.data import DataLoader

from ..errors import UserError
from ..evaluation.matching.nearest import Norm
from ..image.photometric import photometric
from ..io.files import write_whole, written_whole
from ..io.seeding import seeded
from ..models.checkpoint import CheckpointConfig, save_checkpoint, seeded_network
from ..models.unet import parameter_count
from .config import TrainConfig
from .loss_curve import draw_loss_curve
from .objectives.base import OBJECTIVES, Described, Objective
from .pairs import PairSource, PointDataset, Sample, ShardPairs
from .sampler import StepSampler
from .validation import matching_accuracy

RUN = "run.json"
STATE = "state.pt"
CHECKPOINT = "checkpoint"
BEST = "best"
LOGS = "logs"
SAVES = 10
"""How often in a run its state is saved, and its validation loss taken."""

VALIDATION_BATCHES = 8


@dataclass
class State:
    """All that a run needs to resume exactly. `validation` and `accuracy` have a value for each step at which they were taken."""

    network: nn.Module
    objective: nn.Module
    target: nn.Module | None
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    step: int = 0
    losses: list[float] = field(default_factory=list)
    validation: dict[int, float] = field(default_factory=dict)
    accuracy: dict[int, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """State dictionaries, for torch.save."""
        return {
            "network": self.network.state_dict(),
            "objective": self.objective.state_dict(),
            "target": self.target.state_dict() if self.target else None,
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "step": self.step,
            "losses": self.losses,
            "validation": self.validation,
            "accuracy": self.accuracy,
        }

    def load(self, saved: dict[str, Any]) -> None:
        """Take over a saved state."""
        for name in ("network", "objective", "target", "optimizer", "schedule"):
            if saved[name] is not None:
                getattr(self, name).load_state_dict(saved[name])
        self.step, self.losses = saved["step"], saved["losses"]
        self.validation, self.accuracy = saved["validation"], saved["accuracy"]


def train(
    data: Path | PairSource,
    out: Path,
    config: TrainConfig,
    *,
    validation: Path | PairSource | None = None,
    devices: int = 1,
    nodes: int = 1,
    accelerator: str = "auto",
    precision: Any = "32-true",
    workers: int = 0,
    progress: Callable[[int, float], None] = lambda done, loss: None,
) -> Path:
    """Train on pairs of views; returns the folder of the last checkpoint. The same call goes on with a run that was stopped.

    With `validation` the matching accuracy (delta_avg) and the loss on its pairs are taken whenever the state is saved; the checkpoint
    with the highest accuracy is kept too, in `best`. `progress` is called with the number of steps done since the last call, and the
    last loss.
    Raises UserError where `out` holds another run, when the loss stops being a number, and where nothing can be written.
    """
    source, held_out = _opened(data), _opened(validation) if validation is not None else None
    dataset = _points(source, config)
    groups = len(set(source.groups))
    if config.between_weight > 0 and config.batch > groups:
        raise UserError(
            f"--batch {config.batch} with {groups} scenes: views of one scene would be compared as different images; use at most {groups}"
        )
    record, objective = _record(source, held_out, config), _objective(config)
    try:
        fabric = Fabric(
            accelerator=accelerator, devices=devices, num_nodes=nodes, precision=precision, loggers=TensorBoardLogger(out, LOGS, "")
        )
    except Exception as error:
        raise UserError(
            f"cannot train on this machine with accelerator {accelerator}, devices {devices}, precision {precision}: {error}"
        ) from None
    _open_run(out, record)
    fabric.launch()
    state = _initial_state(fabric, config, objective)
    if (out / STATE).exists():
        _load_state(out / STATE, state, fabric)
        progress(state.step, state.losses[-1])
    loader = _loader(fabric, dataset, config, steps=config.steps, first=state.step, workers=workers)
    augment = photometric(config.jitter, config.jitter_kind)
    for batch in loader:
        _step(fabric, state, cast(Sample, batch), config, augment)
        progress(1, state.losses[-1])
        if state.step == config.steps or state.step % max(config.steps // SAVES, 1) == 0:
            if held_out is not None:
                state.validation[state.step] = _validate(fabric, state, held_out, config)
                state.accuracy[state.step] = matching_accuracy(
                    state.network, held_out, p=_norm(state, config), seed=config.seed, device=fabric.device
                )
            _save(fabric, out, state, config, record)
            _log(fabric, state)
    for opened in (source, held_out):
        if opened is not None:
            opened.close()
    return out / CHECKPOINT


def _opened(data: Path | PairSource) -> PairSource:
    return ShardPairs(data) if isinstance(data, Path) else data


def _points(source: PairSource, config: TrainConfig) -> PointDataset:
    return PointDataset(source, points=config.points, keep=config.keep, seed=config.seed, crop=config.crop, zoom=config.zoom)


def _loader(fabric: Fabric, dataset: PointDataset, config: TrainConfig, *, steps: int, first: int = 0, workers: int = 0) -> Any:
    sampler = StepSampler(
        list(dataset.source.groups),
        batch=config.batch,
        steps=steps,
        seed=config.seed,
        first=first,
        rank=fabric.global_rank,
        world=fabric.world_size,
    )
    return fabric.setup_dataloaders(
        DataLoader(dataset, batch_sampler=sampler, num_workers=workers, persistent_workers=workers > 0),
        use_distributed_sampler=False,
    )


def _objective(config: TrainConfig) -> Objective:
    """Made before anything is written: its name or its options may be wrong."""
    with seeded(config.seed):
        return OBJECTIVES.get(config.objective)(config)


def _initial_state(fabric: Fabric, config: TrainConfig, objective: Objective) -> State:
    network = seeded_network(config.network, config.seed)
    own = [parameter for parameter in objective.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(
        [*network.parameters(), *own], lr=config.learning_rate, betas=(0.9, 0.99), weight_decay=config.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=config.learning_rate,
        total_steps=config.steps + 1,
        pct_start=config.warmup,
        cycle_momentum=False,
    )
    target = copy.deepcopy(network).requires_grad_(False) if objective.momentum is not None else None
    # The step is what is wrapped: gradients of objective and network are exchanged alike.
    wrapped, wrapped_optimizer = fabric.setup(network, optimizer)
    trained: nn.Module = fabric.setup_module(objective) if own else fabric.to_device(objective)
    return State(wrapped, trained, fabric.to_device(target) if target else None, wrapped_optimizer, schedule)


def _load_state(path: Path, state: State, fabric: Fabric) -> None:
    try:
        state.load(torch.load(path, weights_only=True, map_location=fabric.device))
    except Exception as error:
        raise UserError(f"{path} is damaged ({str(error).splitlines()[0]}): remove it to train again from the start") from None


def _loss(state: State, batch: Sample, augment: nn.Module) -> Float[Tensor, ""]:
    images = augment(torch.cat([batch["image_a"], batch["image_b"]])).clamp(0, 1)
    a, b = state.network(images).float().chunk(2)
    target_a, target_b = a.detach(), b.detach()
    if state.target is not None:
        with torch.no_grad():
            target_a, target_b = state.target(images).float().chunk(2)
    points = {name: batch[name] for name in ("uv_a", "uv_b", "uv_random", "positive", "matched")}
    loss: Tensor = state.objective(Described(a, b, target_a, target_b, **points))
    return loss


def _step(fabric: Fabric, state: State, batch: Sample, config: TrainConfig, augment: nn.Module) -> None:
    # One seed a step and process, for augmentation and dropout: a resumed run draws what an unbroken one would.
    with seeded((config.seed * 1_000_003 + state.step) * fabric.world_size + fabric.global_rank):
        loss = _loss(state, batch, augment)
    fabric.backward(loss)
    fabric.clip_gradients(state.network, state.optimizer, clip_val=config.clip_value)
    state.optimizer.step()
    state.optimizer.zero_grad()
    state.schedule.step()
    state.step += 1
    _follow(state, config)
    state.losses.append(float(cast(Tensor, fabric.all_reduce(loss.detach(), reduce_op="mean"))))
    if not math.isfinite(state.losses[-1]):
        raise UserError(
            f"loss is {state.losses[-1]} at step {state.step}: lower --learning-rate (now {config.learning_rate}); "
            "the last saved checkpoint is kept"
        )


@torch.no_grad()
def _follow(state: State, config: TrainConfig) -> None:
    """The momentum network takes over a share of the network's weights."""
    if state.target is None:
        return
    objective = cast(Objective, getattr(state.objective, "module", state.objective))
    taken = 1 - objective.momentum_at(state.step / config.steps)
    for old, new in zip(state.target.parameters(), state.network.parameters(), strict=True):
        old.lerp_(new, taken)


@torch.no_grad()
def _validate(fabric: Fabric, state: State, source: PairSource, config: TrainConfig) -> float:
    """The mean loss over the same few batches each time, without augmentation and dropout."""
    small = config.model_copy(update={"batch": min(config.batch, len(set(source.groups)))})
    dataset = _points(source, config)
    state.network.eval()
    with seeded(config.seed):
        losses = [_loss(state, batch, nn.Identity()) for batch in _loader(fabric, dataset, small, steps=VALIDATION_BATCHES)]
    state.network.train()
    return float(cast(Tensor, fabric.all_reduce(torch.stack(losses).mean(), reduce_op="mean")))


def _log(fabric: Fabric, state: State) -> None:
    """What TensorBoard shows: the mean loss since the last time, the validation loss, the learning rate."""
    since = max((step for step in state.validation if step < state.step), default=0)
    recent = state.losses[since:] or state.losses[-1:]
    values = {"loss": sum(recent) / len(recent), "learning_rate": state.schedule.get_last_lr()[0]}
    if state.step in state.validation:
        values["validation_loss"] = state.validation[state.step]
        values["validation_delta_avg"] = state.accuracy[state.step]
    fabric.log_dict(values, step=state.step)


def _norm(state: State, config: TrainConfig) -> Norm:
    """The norm in which the trained descriptors are compared."""
    objective = cast(Objective, getattr(state.objective, "module", state.objective))
    return config.p if objective.norm is None else objective.norm


def _record(source: PairSource, validation: PairSource | None, config: TrainConfig) -> dict[str, Any]:
    """What decides a run: its configuration and the data it saw. The machine it ran on is not part of it."""
    return {
        "format": "pixbench-run",
        "format_version": 2,
        "config": config.model_dump(mode="json"),
        "data": dict(source.description),
        "validation": dict(validation.description) if validation is not None else None,
    }


def _open_run(out: Path, record: dict[str, Any]) -> None:
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file: --out must name a folder")
    path = out / RUN
    if path.exists():
        try:
            there = json.loads(path.read_text())
        except ValueError:
            raise UserError(f"{path} is damaged: remove {out} and train again") from None
        if there != record:
            raise UserError(f"{out} holds another run (other options or other data): choose another --out")
        return
    if out.exists() and any(out.iterdir()):
        raise UserError(f"{out} is not empty and is not a run: choose a new or empty folder for --out")
    out.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(record, indent=1) + "\n")


def _save(fabric: Fabric, out: Path, state: State, config: TrainConfig, record: dict[str, Any]) -> None:
    if fabric.is_global_zero:
        network: Any = getattr(state.network, "module", state.network)
        training = {
            **record,
            "parameters": parameter_count(network),
            "validation_loss": state.validation.get(state.step),
            "validation_delta_avg": state.accuracy.get(state.step),
        }
        described = CheckpointConfig(network=config.network, p=_norm(state, config), step=state.step, training=training)
        try:
            save_checkpoint(out / CHECKPOINT, network, described)
            if state.accuracy and max(state.accuracy, key=state.accuracy.__getitem__) == state.step:
                save_checkpoint(out / BEST, network, described)
            # The state comes last: a run that dies before it does the last stretch again.
            with written_whole(out / STATE) as temporary:
                torch.save(state.as_dict(), temporary)
            draw_loss_curve(state.losses, state.validation, state.accuracy, out / "loss.png", title=config.title())
        except (OSError, RuntimeError, SafetensorError) as error:
            # torch and safetensors report a full disk in words of their own.
            reason = " ".join(str(error).split())[:200]
            raise UserError(
                f"{out} cannot be written ({reason}): free space and run the same command again; the last state is kept"
            ) from None
    fabric.barrier()
