"""`pixbench train`: the method on pairs of views, with Lightning Fabric from one CPU to many nodes."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from jaxtyping import Float
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader

from ..checkpoint import CheckpointConfig, save_checkpoint, seeded_network
from ..errors import UserError
from ..files import write_whole
from ..losses import contrastive_loss
from ..network import parameter_count
from ..seeding import seeded
from .config import TrainConfig
from .curve import draw_loss_curve
from .pairs import PointDataset, Sample
from .photometric import photometric
from .sampler import StepSampler

RUN = "run.json"
STATE = "state.pt"
CHECKPOINT = "checkpoint"
SAVES = 10
"""How often in a run its state is saved."""


@dataclass
class State:
    """All that a run needs to go on as if it had not stopped."""

    network: nn.Module
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    step: int = 0
    losses: list[float] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """State dictionaries, for torch.save."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "step": self.step,
            "losses": self.losses,
        }

    def load(self, saved: dict[str, Any]) -> None:
        """Take over a saved state."""
        for name in ("network", "optimizer", "schedule"):
            getattr(self, name).load_state_dict(saved[name])
        self.step, self.losses = saved["step"], saved["losses"]


def sample_descriptors(
    descriptors: Float[Tensor, "batch channels height width"], uv: Float[Tensor, "batch points 2"]
) -> Float[Tensor, "batch channels points"]:
    """Descriptors at sub-pixel positions uv (pixels, centres at .5), bilinear."""
    height, width = descriptors.shape[-2:]
    grid = uv * uv.new_tensor([2.0 / width, 2.0 / height]) - 1.0
    return functional.grid_sample(descriptors, grid[:, :, None], align_corners=False, padding_mode="border")[..., 0]


def batch_loss(describe: Callable[[Tensor], Tensor], batch: Sample, config: TrainConfig, augment: nn.Module) -> Float[Tensor, ""]:
    """The loss of one batch of sampled points: true matches at their sub-pixel places, negatives at random ones."""
    images = augment(torch.cat([batch["image_a"], batch["image_b"]])).clamp(0, 1)
    features_a, features_b = describe(images).float().chunk(2)
    f1 = sample_descriptors(features_a, batch["uv_a"])
    f2 = sample_descriptors(features_b, torch.cat([batch["uv_b"], batch["uv_random"]], dim=1))
    positive, points = batch["positive"], batch["uv_a"].shape[1]
    own = torch.arange(points, device=positive.device).expand_as(positive)
    index = torch.where(positive, own, own + points)
    return contrastive_loss(f1, f2, index, positive, torch.ones_like(positive), p=config.p, between_weight=config.between_weight)


def train(
    data: Path,
    out: Path,
    config: TrainConfig,
    *,
    devices: int = 1,
    nodes: int = 1,
    accelerator: str = "auto",
    precision: Any = "32-true",
    workers: int = 0,
    progress: Callable[[int, float], None] = lambda done, loss: None,
) -> Path:
    """Train on a data set's pairs; returns the checkpoint's folder. The same call goes on with a run that was stopped.

    `progress` is called with the number of steps done since the last call, and the last loss.
    Raises UserError where `out` holds another run, and when the loss stops being a number.
    """
    dataset = PointDataset(data, points=config.points, keep=config.keep, seed=config.seed)
    scenes = len(dataset.dataset)
    if config.between_weight > 0 and config.batch > scenes:
        raise UserError(
            f"--batch {config.batch} with {scenes} scenes: views of one scene would be compared as different images; use at most {scenes}"
        )
    record = _record(dataset, config)
    try:
        fabric = Fabric(accelerator=accelerator, devices=devices, num_nodes=nodes, precision=precision)
    except Exception as error:
        raise UserError(
            f"cannot train on this machine with accelerator {accelerator}, devices {devices}, precision {precision}: {error}"
        ) from None
    _open_run(out, record)
    fabric.launch()
    state = _initial_state(fabric, config)
    if (out / STATE).exists():
        _load_state(out / STATE, state, fabric)
        progress(state.step, state.losses[-1])
    sampler = StepSampler(
        [key.scene for key in dataset.keys],
        batch=config.batch,
        steps=config.steps,
        seed=config.seed,
        first=state.step,
        rank=fabric.global_rank,
        world=fabric.world_size,
    )
    loader = fabric.setup_dataloaders(
        DataLoader(dataset, batch_sampler=sampler, num_workers=workers, persistent_workers=workers > 0),
        use_distributed_sampler=False,
    )
    augment = photometric(config.jitter)
    for batch in loader:
        _step(fabric, state, cast(Sample, batch), config, augment)
        progress(1, state.losses[-1])
        if state.step == config.steps or state.step % max(config.steps // SAVES, 1) == 0:
            _save(fabric, out, state, config, record)
    dataset.dataset.close()
    return out / CHECKPOINT


def _initial_state(fabric: Fabric, config: TrainConfig) -> State:
    network = seeded_network(config.network, config.seed)
    optimizer = torch.optim.AdamW(network.parameters(), lr=config.learning_rate, betas=(0.9, 0.99), weight_decay=config.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=config.learning_rate,
        total_steps=config.steps + 1,
        pct_start=config.warmup,
        cycle_momentum=False,
    )
    wrapped, wrapped_optimizer = fabric.setup(network, optimizer)
    return State(wrapped, wrapped_optimizer, schedule)


def _load_state(path: Path, state: State, fabric: Fabric) -> None:
    try:
        state.load(torch.load(path, weights_only=True, map_location=fabric.device))
    except Exception as error:
        raise UserError(f"{path} is damaged ({str(error).splitlines()[0]}): remove it to train again from the start") from None


def _step(fabric: Fabric, state: State, batch: Sample, config: TrainConfig, augment: nn.Module) -> None:
    seed = (config.seed * 1_000_003 + state.step) * fabric.world_size + fabric.global_rank
    # One seed a step and process, for augmentation and dropout: a resumed run draws what an unbroken one would.
    with seeded(seed):
        loss = batch_loss(state.network, batch, config, augment)
    fabric.backward(loss)
    fabric.clip_gradients(state.network, state.optimizer, clip_val=config.clip_value)
    state.optimizer.step()
    state.optimizer.zero_grad()
    state.schedule.step()
    state.step += 1
    state.losses.append(float(cast(Tensor, fabric.all_reduce(loss.detach(), reduce_op="mean"))))
    if not math.isfinite(state.losses[-1]):
        raise UserError(
            f"loss is {state.losses[-1]} at step {state.step}: lower --learning-rate (now {config.learning_rate}); "
            "the last saved checkpoint is kept"
        )


def _record(dataset: PointDataset, config: TrainConfig) -> dict[str, Any]:
    """What decides a run: its configuration and the data it saw. The machine it ran on is not part of it."""
    manifest = dataset.dataset.manifest
    return {
        "format": "pixbench-run",
        "format_version": 1,
        "config": config.model_dump(mode="json"),
        "data": {
            "recipe_sha256": manifest.recipe_sha256,
            "content_sha256": manifest.content_sha256(),
            "split": manifest.split,
        },
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
        training = {"config": record["config"], "data": record["data"], "parameters": parameter_count(network)}
        save_checkpoint(
            out / CHECKPOINT,
            network,
            CheckpointConfig(network=config.network, p=config.p, step=state.step, training=training),
        )
        # The state comes last: a run that dies before it does the last stretch again.
        temporary = out / f".{STATE}.tmp"
        torch.save(state.as_dict(), temporary)
        temporary.replace(out / STATE)
        draw_loss_curve(state.losses, out / "loss.png", title=f"p = {config.p:g}, between_weight = {config.between_weight:g}")
    fabric.barrier()
