"""`pixbench train`: the method on pairs of views, with Lightning Fabric from one CPU to many nodes."""

import logging
import math
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from lightning_fabric import Fabric
from lightning_fabric.loggers.tensorboard import TensorBoardLogger
from torch import Tensor, nn
from torch.utils.data import DataLoader

from ..errors import UserError
from ..image.photometric import photometric
from ..io.memory import keep_freed_memory
from ..io.seeding import seeded
from ..io.threads import allowed_cores
from ..models.checkpoint import Checkpoint
from .collapse import EVERY, WINDOW, collapsed
from .config import TrainConfig
from .data.checks import check_pairs
from .data.pairs import PairDataset, PointDataset, Sample, TrainingPairs
from .data.prefetch import Pace, fetched_ahead
from .data.sampler import StepSampler
from .initial_weights import check_network
from .lengthening import EARLIER, earlier_steps
from .objectives.base import OBJECTIVES, Objective
from .precision import AUTO, emulation, fabric_options, run_precision
from .run_folder import CHECKPOINT, LOGS, STATE, check_processes, check_shared, held, recorded_run, run_record, save_run, write_run
from .state import State, initial_state, load_state
from .step import DivergedError, described, train_step
from .validation import matching_accuracy

SAVES = 10
"""Number of times in a run that the state is saved and the validation loss is computed."""

VALIDATION_BATCHES = 8
SAME_DATA = "the validation set is the training set: it tells nothing about other images, and 'best' is chosen by it"
LOG = logging.getLogger(__name__)


def train(
    data: Path | TrainingPairs,
    out: Path,
    config: TrainConfig,
    *,
    validation: Path | TrainingPairs | None = None,
    init: Checkpoint | None = None,
    devices: int = 1,
    nodes: int = 1,
    accelerator: str = "auto",
    precision: str = AUTO,
    workers: int = 0,
    threads: int | None = None,
    check: bool = True,
    progress: Callable[[int, float], None] = lambda done, loss: None,
    on_save: Callable[[int, nn.Module], None] = lambda step, network: None,
) -> Path:
    """Train on pairs of views; returns the folder of the last checkpoint. The same call resumes a run that was stopped.

    With more steps it makes a finished run longer: the added steps have a cycle of the learning rate of their own, as in SGDR
    (Loshchilov & Hutter, 2017). `init` gives the first weights; optimizer and learning rate begin anew.
    With `validation` the matching accuracy (delta_avg) and the loss on its pairs are taken whenever the state is saved; the checkpoint
    with the highest accuracy is kept too, in `best`. `precision` is one of Lightning's, or `auto`: bf16-mixed where the hardware
    multiplies bfloat16, else 32-true. A run that is resumed keeps its precision and, unless `threads` says otherwise, its number of
    threads: with both, on the same CPU, its weights equal those of an uninterrupted run. `workers` are processes that read data; 0 reads in
    a thread. `check` compares the hash of each shard with the manifest's, once. `progress` is called with the number of steps done since
    the last call, and the last loss, in the first process only. `on_save` is called there with the step and the network, which it may
    use for inference, before the state is saved: after a kill it may be called with the same step again.
    `config.batch` counts pairs a process: several processes compute what one would with all their pairs, but for dropout.
    Raises UserError if `out` holds another run, if a loss or a weight becomes NaN or infinite, or if the folder cannot be written.
    """
    source, held_out = _opened(data, check), _opened(validation, check) if validation is not None else None
    dataset = _points(source, config)
    run, objective = run_record(source, held_out, config, init), _objective(config)
    check_pairs(source, held_out, config.batch, devices * nodes, objective.compares_images)
    if init is not None:
        check_network(init, config)
    recorded = recorded_run(out, run, precision)
    earlier = earlier_steps(recorded, config, out, out / STATE)
    recorded.pop(EARLIER, None)
    chosen, differs = run_precision(precision, recorded.get("precision"), accelerator)
    fabric = _fabric(out, accelerator, devices, nodes, chosen)
    check_processes(out, recorded, fabric.world_size)
    same = held_out is not None and held_out.description == source.description
    warnings = (SAME_DATA if same else None, emulation(fabric.strategy.precision), differs)
    keep_freed_memory()
    with _threads(fabric, threads, recorded.get("threads"), devices) as count, held(out, fabric):
        recorded_run(out, run, precision)  # in case another process has started one in between
        record = {**run, "precision": chosen, "threads": count, "processes": fabric.world_size, **({EARLIER: earlier} if earlier else {})}
        write_run(out, {**recorded, **record})
        fabric.launch()
        for warning in filter(None, warnings if fabric.is_global_zero else ()):
            LOG.warning(warning)
        training = _Run(fabric, config, out, record, initial_state(fabric, config, objective, init), dataset, held_out)
        if fabric.is_global_zero:
            training.progress, training.on_save = progress, on_save
        training.run_remaining(workers)
    for opened in (source, held_out):
        if opened is not None:
            opened.close()
    return out / CHECKPOINT


@dataclass
class _Run:
    """A run on this machine: state, data and output folder."""

    fabric: Fabric
    config: TrainConfig
    out: Path
    record: dict[str, Any]
    state: State
    dataset: PointDataset
    held_out: TrainingPairs | None
    progress: Callable[[int, float], None] = lambda done, loss: None
    on_save: Callable[[int, nn.Module], None] = lambda step, network: None
    pace: Pace = field(default_factory=Pace)
    collapsed: bool = False

    def run_remaining(self, workers: int) -> None:
        """Run all remaining steps, from the saved state if there is one."""
        config, state = self.config, self.state
        if (self.out / STATE).exists():
            load_state(self.out / STATE, state, self.fabric, config, self.record.get(EARLIER, ()))
            self.progress(state.step, state.losses[-1])
        check_shared(self.fabric, self.out, state.step)
        loader = _loader(self.fabric, self.dataset, config, steps=config.steps, first=state.step, workers=workers)
        augment = photometric(config.jitter, config.jitter_kind)
        # Worker processes prefetch by themselves.
        with closing((batch for batch in loader) if workers else fetched_ahead(loader)) as batches:
            self.pace.restart()
            for batch in self.pace.timed(batches):
                train_step(self.fabric, state, cast(Sample, batch), config, augment)
                self.progress(1, state.losses[-1])
                self._watch()
                if state.step == config.steps or state.step % max(config.steps // SAVES, 1) == 0:
                    self._save()

    def _watch(self) -> None:
        """Warn once that descriptors have collapsed."""
        mean = collapsed(self.state.separations)
        if mean is None or self.collapsed:
            return
        self.collapsed = True
        if self.fabric.is_global_zero:
            LOG.warning(
                "step %d: descriptors may have collapsed: in the last %d steps a true match was nearer than another point of the picture "
                "in %.0f %% of cases (chance: 50 %%); try another --objective, or a lower --learning-rate (now %g)",
                self.state.step,
                EVERY * WINDOW,
                100 * mean,
                self.config.learning_rate,
            )

    def _save(self) -> None:
        """Validate and write the state. Raises DivergedError, before anything is written, if weights or validation loss are not finite."""
        state, config = self.state, self.config
        # The loss of this step was computed before its update, so that it does not tell of weights that the update spoilt.
        if not all(bool(weight.isfinite().all()) for weight in state.network.parameters()):
            raise DivergedError("weights are not finite", state.step, config.learning_rate)
        pace = self.pace.report(2 * config.batch * self.fabric.world_size)
        # A run that started with a version that did not measure CPU seconds has none: a partial sum would be wrong.
        if len(state.cpu_seconds) == len(state.seconds):
            state.cpu_seconds[state.step] = max(state.cpu_seconds.values(), default=0.0) + self.pace.cpu_seconds
        state.seconds[state.step] = max(state.seconds.values(), default=0.0) + self.pace.seconds
        if self.held_out is not None:
            loss = state.validation[state.step] = validation_loss(self.fabric, state, self.held_out, config)
            if not math.isfinite(loss):
                raise DivergedError(f"validation loss is {loss}", state.step, config.learning_rate)
            state.network.eval()
            state.accuracy[state.step] = matching_accuracy(
                state.network, self.held_out, p=state.norm(config), seed=config.seed, device=self.fabric.device
            )
            state.network.train()
        self.on_save(state.step, cast(nn.Module, getattr(state.network, "module", state.network)))
        state.network.train()
        save_run(self.fabric, self.out, state, config, self.record)
        self._log(pace)
        self.pace.restart()

    def _log(self, pace: dict[str, float]) -> None:
        """Log to TensorBoard: the mean loss since the last call, the validation loss, the learning rate, the pace."""
        state = self.state
        since = max((step for step in state.seconds if step < state.step), default=0)
        recent = state.losses[since:] or state.losses[-1:]
        values = {"loss": sum(recent) / len(recent), "learning_rate": state.schedule.get_last_lr()[0], **pace}
        if state.step in state.validation:
            values["validation_loss"] = state.validation[state.step]
            values["validation_delta_avg"] = state.accuracy[state.step]
        if state.separations:
            values["separation"] = state.separations[-1]
        self.fabric.log_dict(values, step=state.step)


def _opened(data: Path | TrainingPairs, check: bool) -> TrainingPairs:
    return PairDataset(data, check=check) if isinstance(data, Path) else data


def _points(source: TrainingPairs, config: TrainConfig) -> PointDataset:
    return PointDataset(source, points=config.points, keep=config.keep, seed=config.seed, crop=config.crop, zoom=config.zoom)


def _fabric(out: Path, accelerator: str, devices: int, nodes: int, precision: str) -> Fabric:
    numerics = fabric_options(precision, accelerator)
    wanted = devices * nodes
    started = int(os.environ["WORLD_SIZE"]) if torch.distributed.is_torchelastic_launched() else wanted
    if started != wanted:
        raise UserError(
            f"torchrun started {started} processes, --devices {devices} on --nodes {nodes} are {wanted}: "
            "--devices is the number of processes per node"
        )
    if accelerator == AUTO and not torch.cuda.is_available():
        accelerator = "cpu"  # never MPS, which lacks float64 and on which nothing was tested
    try:
        logger = TensorBoardLogger(out, LOGS, "")
        fabric = Fabric(accelerator=accelerator, devices=devices, num_nodes=nodes, loggers=logger, **numerics)
    except Exception as error:
        raise UserError(
            f"cannot train on this machine with accelerator {accelerator}, devices {devices}, precision {precision}: {error}"
        ) from None
    if nodes > 1 and not {"RANK", "NODE_RANK", "GROUP_RANK", "SLURM_PROCID"} & set(os.environ):
        raise UserError(f"--nodes {nodes}: nothing tells this process which node it is; start it on each node with torchrun or srun")
    return fabric


@contextmanager
def _threads(fabric: Fabric, wanted: int | None, recorded: int | None, devices: int) -> Iterator[int]:
    """Compute with as many threads as wanted, else as the run was started with, else with this process's share; yields how many."""
    before = torch.get_num_threads()
    count = wanted or min(recorded or max(before // devices, 1), len(allowed_cores()))
    if fabric.device.type != "cpu":
        # On a GPU the number of CPU threads does not affect the weights.
        count = wanted or before
    elif recorded not in (None, count) and fabric.is_global_zero:
        LOG.warning(
            "%d threads, where the run was started with %d: the last bits of the weights may differ from an unbroken run's", count, recorded
        )
    torch.set_num_threads(count)
    try:
        yield count
    finally:
        torch.set_num_threads(before)


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
    """The objective. It is built before anything is written, because its name or options may be invalid."""
    with seeded(config.seed):
        return OBJECTIVES.get(config.objective)(config)


@torch.no_grad()
def validation_loss(fabric: Fabric, state: State, source: TrainingPairs, config: TrainConfig) -> float:
    """The mean loss over a fixed set of batches, without augmentation and dropout."""
    small = config.model_copy(update={"batch": max(min(config.batch, len(set(source.groups)) // fabric.world_size), 1)})
    dataset = _points(source, config)
    networks = [each for each in (state.network, state.target) if each is not None]
    for each in networks:
        each.eval()
    with seeded(config.seed):
        batches = _loader(fabric, dataset, small, steps=VALIDATION_BATCHES)
        losses = [state.compute_loss(described(fabric, state, batch, nn.Identity())) for batch in batches]
    for each in networks:
        each.train()
    return float(cast(Tensor, fabric.all_reduce(torch.stack(losses).mean(), reduce_op="mean")))
