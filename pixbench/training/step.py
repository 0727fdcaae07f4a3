"""One step of training: loss, gradient and update for a batch.

Several processes compute what one would with all their pairs: each describes its own, and the loss is of all descriptors, gathered.
"""

import math
from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields
from typing import Any, cast

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from ..errors import UserError
from ..image.photometric import augmented_share
from ..io.seeding import seeded
from .collapse import EVERY, separation
from .config import TrainConfig
from .data.pairs import Sample
from .objectives.base import DescriptorBatch
from .state import State


class DivergedError(UserError):
    """A loss or a weight became NaN or infinite at `step`; `what` says which."""

    def __init__(self, what: str, step: int, learning_rate: float):
        super().__init__(f"{what} at step {step}: lower --learning-rate (now {learning_rate}); the last saved checkpoint is kept")
        self.step = step


def described(fabric: Fabric, state: State, batch: Sample, augment: nn.Module) -> DescriptorBatch:
    """The descriptors of all processes' batches, in the precision of the weights; `augment` is applied to the images first."""
    weights = next(state.network.parameters()).dtype
    images = _augmented(fabric, batch, augment).clamp(0, 1).to(weights)
    with _own_dropout(fabric):
        a, b = state.network(images).to(weights).chunk(2)
        target_a, target_b = a.detach(), b.detach()
        if state.target is not None:
            # Unlike the network it is not wrapped, so that it does not know the run's precision.
            with torch.no_grad(), fabric.autocast():
                target_a, target_b = state.target(images).to(weights).chunk(2)
    uv = {name: batch[name].to(weights) for name in ("uv_a", "uv_b", "uv_random")}
    points = {name: batch[name] for name in ("positive", "matched")}
    return _gathered(fabric, DescriptorBatch(a, b, target_a, target_b, **uv, **points))


def _augmented(fabric: Fabric, batch: Sample, augment: nn.Module) -> Tensor:
    """Images a and b of this process's pairs, augmented as in the whole batch."""
    images = torch.cat([batch["image_a"], batch["image_b"]])
    if fabric.world_size == 1:
        augmented: Tensor = augment(images)
        return augmented
    pairs = len(batch["image_a"])
    first = fabric.global_rank * pairs + torch.arange(pairs)
    whole = pairs * fabric.world_size
    return augmented_share(augment, images, torch.cat([first, first + whole]), 2 * whole)


def _own_dropout(fabric: Fabric) -> AbstractContextManager[None]:
    """Context with a dropout of its own in each process; afterwards all processes have the same random state again."""
    if fabric.world_size == 1:
        return nullcontext()
    return seeded(torch.initial_seed() * fabric.world_size + fabric.global_rank)


def _gathered(fabric: Fabric, own: DescriptorBatch) -> DescriptorBatch:
    """The batches of all processes as one. Gradients flow back to the process whose descriptors they are of."""
    if fabric.world_size == 1:
        return own
    values: dict[str, Tensor] = {field.name: getattr(own, field.name) for field in fields(own)}
    # A tensor (processes, pairs, ...); the gradients of `world_size` equal losses are added, and averaged again over processes.
    every: dict[str, Any] = {name: fabric.all_gather(value, sync_grads=value.requires_grad) for name, value in values.items()}
    return DescriptorBatch(**{name: value.flatten(0, 1) for name, value in every.items()})


def train_step(fabric: Fabric, state: State, batch: Sample, config: TrainConfig, augment: nn.Module) -> None:
    """Loss, gradient and update. Raises DivergedError if the loss is NaN or infinite."""
    # One seed a step, for augmentation and dropout: a resumed run draws what an uninterrupted one would.
    with seeded(config.seed * 1_000_003 + state.step):
        seen = described(fabric, state, batch, augment)
        loss: Tensor = state.compute_loss(seen)
    if loss.ndim:
        raise UserError(f"objective {config.objective} returned a tensor of shape {tuple(loss.shape)}: expected a scalar")
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
        raise DivergedError(f"loss is {state.losses[-1]}", state.step, config.learning_rate)


@torch.no_grad()
def _follow(state: State, config: TrainConfig) -> None:
    """Move the momentum network's weights towards the network's."""
    if state.target is None:
        return
    taken = 1 - state.objective.momentum_at(state.step / config.steps)
    for old, new in zip(state.target.parameters(), state.network.parameters(), strict=True):
        old.lerp_(new, taken)
