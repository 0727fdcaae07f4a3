"""The supervised rows of ColoredMNIST: empirical risk, invariant risk, and a grey-scale oracle (arXiv 1907.02893), at any size.

A perceptron on 14 x 14 pixels, full batches, Adam; the invariant risk adds the squared gradient of each domain's risk by a scale on
the logits. Settings are those of the authors' public run.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional

from ..evaluation.probing.domains import DOMAIN_SETS
from ..generation.components import DEFAULTS
from ..io.seeding import seeded
from ..visualization.figures import save_figure
from . import TRAINING, Advance, Record, preset_named, silent
from .records import cell_record

Method = Literal["erm", "irm", "grey"]
METHODS: tuple[Method, ...] = ("erm", "irm", "grey")

HIDDEN = 390
LEARNING_RATE = 0.0004898536566546834
L2 = 0.00110794568
PENALTY = 91257.18613115903
PENALTY_FROM = 190
STEPS = 501

REFERENCE: Mapping[str, tuple[float, float]] = {"erm": (0.874, 0.171), "irm": (0.708, 0.669), "grey": (0.735, 0.730)}
"""Training and test accuracy that the authors of IRM published, at 50,000 and 10,000 digits."""


@dataclass(frozen=True)
class SupervisedPreset:
    """Where the digits come from, and how many seeds."""

    digits: str
    seeds: int


PRESETS = {"cpu": SupervisedPreset("mnist-5000", 3), "paper": SupervisedPreset("mnist-60000", 10)}


@dataclass(frozen=True)
class SupervisedCell:
    """One run, on the cut `irm`."""

    preset: str
    method: Method
    seed: int

    @property
    def name(self) -> str:
        """A file's name."""
        return f"{self.method}_seed-{self.seed}"


def cells(preset: str, *, seeds: int | None = None) -> list[SupervisedCell]:
    """All methods, seed by seed. Raises UserError, with a suggestion, for an unknown preset."""
    grid = preset_named("supervised", PRESETS, preset)
    return [SupervisedCell(preset, method, seed) for seed in range(seeds or grid.seeds) for method in METHODS]


def prepare(preset: str, folder: Path, workers: int) -> None:
    """Digits are read by each cell: there is nothing to make. Raises UserError if they are not there."""
    del folder, workers
    DOMAIN_SETS.get(DEFAULTS.get("colored-digits"))(preset_named("supervised", PRESETS, preset).digits, cut="irm", seed=0)


def run(cell: SupervisedCell, folder: Path, advance: Advance = silent) -> Record:
    """Train one method."""
    del folder
    started = time.perf_counter()
    digits = preset_named("supervised", PRESETS, cell.preset).digits
    domains = DOMAIN_SETS.get(DEFAULTS.get("colored-digits"))(digits, cut="irm", seed=cell.seed)
    id_, ood = supervised(domains, cell.method, seed=cell.seed, advance=advance)
    measured = {
        "cut": "irm",
        "train": id_,
        "ood": ood,
        "train_digits": sum(len(domain.labels) for domain in domains if not domain.ood),
        "ood_digits": sum(len(domain.labels) for domain in domains if domain.ood),
        "seconds": round(time.perf_counter() - started, 1),
    }
    return cell_record("supervised", cell, measured)


def summary(cells: Sequence[Record]) -> list[Record]:
    """One row per method, with every seed."""
    rows = []
    for method in METHODS:
        mine = sorted((cell for cell in cells if cell["method"] == method), key=lambda cell: cell["seed"])
        if mine:
            values = {name: [cell[name] for cell in mine] for name in ("train", "ood")}
            rows.append({"method": method, "preset": mine[0]["preset"], "train_digits": mine[0]["train_digits"], **values})
    return rows


def table(rows: Sequence[Record]) -> str:
    """The rows as Markdown, beside the reference's."""
    lines = [
        f"Preset {rows[0]['preset']}, cut irm, {rows[0]['train_digits']} digits trained on. Reference: 50,000 digits.\n",
        "| method | train, each seed | OOD, each seed | reference, train | OOD |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        each = {name: " ".join(f"{value:.3f}" for value in row[name]) for name in ("train", "ood")}
        theirs = REFERENCE[row["method"]]
        lines.append(f"| {row['method']} | {each['train']} | {each['ood']} | {theirs[0]:.3f} | {theirs[1]:.3f} |")
    return "\n".join(lines)


def draw(cells: Sequence[Record], path: Path) -> None:
    """Every seed as a dot, the reference as a line."""
    figure = Figure(figsize=(4.6, 3.2), layout="constrained")
    axes = figure.subplots()
    rows = summary(cells)
    for place, row in enumerate(rows):
        for shift, name, color in ((-0.12, "train", "#5b8f5b"), (0.12, "ood", "#7a4fa0")):
            at = place + shift
            label = {"train": "train", "ood": "OOD"}[name] if place == 0 else None
            axes.plot([at] * len(row[name]), row[name], "o", color=color, markersize=4.5, alpha=0.85, label=label)
            reference = REFERENCE[row["method"]][name == "ood"]
            axes.plot([at - 0.1, at + 0.1], [reference] * 2, color=color, linewidth=1, linestyle=":")
    axes.set(xticks=range(len(rows)), xticklabels=[row["method"] for row in rows], ylim=(0, 1.02), ylabel="accuracy (dotted: reference)")
    figure.legend(*axes.get_legend_handles_labels(), frameon=False, loc="outside lower center", ncols=2)
    axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(f"ColoredMNIST, supervised, preset {cells[0]['preset']}", fontsize=10)
    save_figure(figure, path)


def supervised(domains: Sequence[Any], method: Method, *, seed: int, advance: Advance = silent) -> tuple[float, float]:
    """Accuracy on the training domains and on the one held back; `domains` as those of ColoredMNIST."""
    training = [_inputs(domain, grey=method == "grey") for domain in domains if not domain.ood]
    ((test, truth),) = [_inputs(domain, grey=method == "grey") for domain in domains if domain.ood]
    with seeded(seed):
        network = _perceptron(training[0][0].shape[1])
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    for step in range(STEPS):
        risks, penalties = zip(*(_risk(network, *domain) for domain in training), strict=True)
        loss = torch.stack(risks).mean() + L2 * sum(parameter.square().sum() for parameter in network.parameters())
        if method == "irm":
            weight = PENALTY if step >= PENALTY_FROM else 1.0
            loss = loss + weight * torch.stack(penalties).mean()
            # As in the authors' code: the loss is divided by the penalty's weight, so that the size of gradients does not grow with it.
            loss = loss / max(weight, 1.0)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        advance(TRAINING / STEPS)
    with torch.no_grad():
        seen = float(np.mean([_accuracy(network, *domain) for domain in training]))
        return seen, _accuracy(network, test, truth)


def _inputs(domain: Any, *, grey: bool) -> tuple[Float[Tensor, "digits values"], Float[Tensor, " digits"]]:
    """Every second pixel of red and green (392 values); for the oracle their sum (196), which is the digit without its colour."""
    two = torch.from_numpy(domain.images[:, ::2, ::2, :2].copy()).float() / 255
    if grey:
        two = two.sum(dim=-1)
    return two.reshape(len(two), -1), torch.from_numpy(domain.labels.copy()).float()


def _perceptron(inputs: int) -> nn.Sequential:
    network = nn.Sequential(nn.Linear(inputs, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 1))
    for layer in network:
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    return network


def _risk(network: nn.Module, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy, and the squared gradient by a scale of 1 on the logits."""
    scale = torch.ones((), requires_grad=True)
    risk = functional.binary_cross_entropy_with_logits(network(x)[:, 0] * scale, y)
    (slope,) = torch.autograd.grad(risk, scale, create_graph=True)
    return risk, slope.square()


def _accuracy(network: nn.Module, x: Tensor, y: Tensor) -> float:
    return float(((network(x)[:, 0] > 0) == (y > 0.5)).float().mean())
