"""The state of a run: everything that it needs to resume exactly."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.precision import Precision
from torch import nn
from torch.optim.lr_scheduler import OneCycleLR

from ..errors import UserError
from ..evaluation.matching.nearest import Norm
from ..io.untrusted import check_tensors, reason
from ..models.checkpoint import Checkpoint, seeded_network
from .config import TrainConfig
from .lengthening import learning_rate_cycle
from .objectives.base import Objective


@dataclass
class State:
    """All that a run needs to resume exactly.

    `compute_loss` is `objective`, wrapped if it has parameters, so that processes exchange their gradients.
    `validation`, `accuracy`, `seconds` and `cpu_seconds` (of training, until then: by the clock, and of all cores) have a value for each
    step at which they were taken; `separations` has one for every tenth step (see `collapse`).
    """

    network: nn.Module
    objective: Objective
    compute_loss: nn.Module
    target: nn.Module | None
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    precision: Precision
    step: int = 0
    losses: list[float] = field(default_factory=list)
    validation: dict[int, float] = field(default_factory=dict)
    accuracy: dict[int, float] = field(default_factory=dict)
    seconds: dict[int, float] = field(default_factory=dict)
    cpu_seconds: dict[int, float] = field(default_factory=dict)
    separations: list[float] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """State dictionaries, for torch.save."""
        return {
            "network": self.network.state_dict(),
            "objective": self.objective.state_dict(),
            "target": self.target.state_dict() if self.target else None,
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "precision": self.precision.state_dict(),
            "step": self.step,
            "losses": self.losses,
            "validation": self.validation,
            "accuracy": self.accuracy,
            "seconds": self.seconds,
            "cpu_seconds": self.cpu_seconds,
            "separations": self.separations,
        }

    def load(self, saved: dict[str, Any]) -> None:
        """Load a saved state."""
        for name in ("network", "objective", "target", "optimizer", "schedule"):
            if saved[name] is not None:
                getattr(self, name).load_state_dict(saved[name])
        # Of 16-mixed, the scale of its gradients. Runs of earlier versions did not save it.
        if saved.get("precision"):
            self.precision.load_state_dict(saved["precision"])
        self.step, self.losses = saved["step"], saved["losses"]
        self.validation, self.accuracy = saved["validation"], saved["accuracy"]
        # Runs of earlier versions measured none of these.
        self.seconds, self.cpu_seconds = saved.get("seconds", {}), saved.get("cpu_seconds", {})
        self.separations = saved.get("separations", [])

    def norm(self, config: TrainConfig) -> Norm:
        """The norm in which the trained descriptors are compared."""
        return config.p if self.objective.norm is None else self.objective.norm


def initial_state(fabric: Fabric, config: TrainConfig, objective: Objective, init: Checkpoint | None = None) -> State:
    """Step 0: a network with the weights of `init`, or with some drawn from the seed; a fresh optimizer."""
    network = seeded_network(config.network, config.seed)
    if init is not None:
        network.load_state_dict(init.network.state_dict())
    own = [parameter for parameter in objective.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(
        [*network.parameters(), *own],
        lr=config.learning_rate,
        betas=(0.9, 0.99),
        weight_decay=config.weight_decay,
        # On a GPU it cannot be combined with float16, whose gradients are scaled.
        fused=fabric.device.type == "cpu" or None,
    )
    schedule = OneCycleLR(optimizer, **learning_rate_cycle(config, 0))
    target = copy.deepcopy(network).requires_grad_(False) if objective.momentum is not None else None
    wrapped, wrapped_optimizer = fabric.setup(network, optimizer)
    precision, strategy = fabric.strategy.precision, fabric.strategy
    for module in (objective, target):
        if module is not None:
            fabric.to_device(precision.convert_module(module))
    # Unlike `fabric.setup_module`, this does not round descriptors to the precision in which the network computes.
    compute_loss: nn.Module = strategy.setup_module(objective) if own else objective
    return State(wrapped, objective, compute_loss, target, wrapped_optimizer, schedule, precision)


def load_state(path: Path, state: State, fabric: Fabric, config: TrainConfig, earlier: Sequence[int] = ()) -> None:
    """Load the state in a file. Raises UserError if it is damaged.

    Steps that were added at the end of a run (the last of `earlier`) have a cycle of the learning rate of their own.
    """
    try:
        check_tensors(path)
        # Loading moves everything to its device but AdamW's counts of steps: on a GPU, reading these would make each step wait.
        state.load(torch.load(path, weights_only=True, map_location="cpu"))
    except Exception as error:
        raise UserError(f"{path} is damaged ({reason(error)}): remove it to train again from the start") from None
    if earlier and state.step == earlier[-1]:
        state.schedule = OneCycleLR(state.schedule.optimizer, **learning_rate_cycle(config, state.step))
