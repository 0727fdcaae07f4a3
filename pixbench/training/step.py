"""One step of training: loss, gradient and update for a batch."""

import math
from typing import cast

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from ..errors import UserError
from ..io.seeding import seeded
from .collapse import EVERY, separation
from .config import TrainConfig
from .data.pairs import Sample
from .objectives.base import DescriptorBatch, Objective
from .state import State


def described(fabric: Fabric, state: State, batch: Sample, augment: nn.Module) -> DescriptorBatch:
    """The descriptors of a batch in float32, whatever the network's precision; `augment` is applied to the images first."""
    images = augment(torch.cat([batch["image_a"], batch["image_b"]])).clamp(0, 1)
    a, b = state.network(images).float().chunk(2)
    target_a, target_b = a.detach(), b.detach()
    if state.target is not None:
        # Unlike the network it is not wrapped, so that it does not know the run's precision.
        with torch.no_grad(), fabric.autocast():
            target_a, target_b = state.target(images).float().chunk(2)
    points = {name: batch[name] for name in ("uv_a", "uv_b", "uv_random", "positive", "matched")}
    return DescriptorBatch(a, b, target_a, target_b, **points)


def train_step(fabric: Fabric, state: State, batch: Sample, config: TrainConfig, augment: nn.Module) -> None:
    """Loss, gradient and update. Raises UserError if the loss is NaN or infinite."""
    # One seed per step and process, for augmentation and dropout: a resumed run draws what an uninterrupted one would.
    with seeded((config.seed * 1_000_003 + state.step) * fabric.world_size + fabric.global_rank):
        seen = described(fabric, state, batch, augment)
        loss: Tensor = state.objective(seen)
    if state.step % EVERY == 0:
        state.separations.append(separation(seen, state.norm(config)))
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
    """Move the momentum network's weights towards the network's."""
    if state.target is None:
        return
    objective = cast(Objective, getattr(state.objective, "module", state.objective))
    taken = 1 - objective.momentum_at(state.step / config.steps)
    for old, new in zip(state.target.parameters(), state.network.parameters(), strict=True):
        old.lerp_(new, taken)
