"""Experiments: grids of cells, each a function of its settings and seed, with a table and a figure made from their records."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast, runtime_checkable

from ..errors import unknown_name

EXPERIMENTS: Mapping[str, str] = {
    "experiment1": "do descriptors of ColoredMNIST encode colour, by p and between_weight (the paper's Figure 2)",
    "experiment2": "rooms with objects: matching, and whether channels segment and find edges, by p (the paper's Figures 3 to 5)",
    "networks": "ablation of the network of experiment1: which part of it makes colour vanish from descriptors",
    "supervised": "ERM, IRM and a grey-scale oracle on ColoredMNIST: what colour does to classifiers",
    "budgets": "learning curves of objectives on rooms, against steps and core-hours, beside reference descriptors",
    "stability": "do descriptors collapse, by objective, precision, learning rate and seed",
    "negatives": "variants of the loss with other negatives, and InfoNCE, at equal budgets, on rooms",
}


@runtime_checkable
class Cell(Protocol):
    """One run of a grid. `name` is a file name, unique in the grid."""

    @property
    def name(self) -> str:
        """The file's name."""
        ...

    @property
    def preset(self) -> str:
        """The preset that it belongs to."""
        ...


Record = dict[str, Any]
P = TypeVar("P")
Advance = Callable[[float], None]
"""Called with the share of a cell that was done since the last call."""

TRAINING = 0.9
"""Share of a cell's progress that its training is; the rest is evaluation."""


@runtime_checkable
class Experiment(Protocol):
    """A module of this package."""

    PRESETS: Mapping[str, Any]

    cells: Callable[..., Sequence[Cell]]
    """The grid of a preset, or a part of it: called with the preset and the options of `pixbench sweep` that it has."""

    prepare: Callable[[str, Path, int], None]
    """Generate the data that all cells of a preset need, in a sweep's folder, with a number of worker processes."""

    run: Callable[[Any, Path, Advance], Record]
    """Run one cell in a sweep's folder; returns its record, in plain values, with `format` and `preset`. Reports to its last
    argument."""

    summary: Callable[[Sequence[Record]], list[Record]]
    """The rows of the table, from the records of cells."""

    table: Callable[[Sequence[Record]], str]
    """The rows as Markdown."""

    draw: Callable[[Sequence[Record], Path], None]
    """Draw the figure of these cells into a file."""


def experiment_named(name: str) -> Experiment:
    """The module of an experiment. Raises UserError, with a suggestion, for an unknown name."""
    if name not in EXPERIMENTS:
        raise unknown_name("experiment", name, EXPERIMENTS)
    return cast(Experiment, import_module(f"{__name__}.{name}"))


def preset_named(experiment: str, presets: Mapping[str, P], name: str) -> P:
    """A preset of an experiment. Raises UserError, with a suggestion, for an unknown name."""
    if name not in presets:
        raise unknown_name(f"preset of {experiment}", name, presets)
    return presets[name]


def cell_format(name: str) -> str:
    """The format name of the records of an experiment's cells."""
    return f"pixbench-{name}-cell"


def silent(share: float) -> None:
    """No progress."""
    del share


def of_steps(advance: Advance, steps: int) -> Callable[[int, float], None]:
    """What `train` takes as `progress`, given the number of steps of the run.

    Steps of an earlier run, which a resumed one reports first and at once, are left out, so that they do not shorten the time left.
    """
    begun, total = False, steps

    def progress(done: int, loss: float) -> None:
        nonlocal begun, total
        del loss
        if not begun and done > 1:
            total = steps - done
        elif total > 0:
            advance(TRAINING * done / total)
        begun = True

    return progress
