"""Learning curves: matching accuracy of objectives on held-out rooms against steps and core-hours, with untrained descriptors for
reference.
"""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from matplotlib.figure import Figure

from ..evaluation.model import DescriptorModel
from ..generation.components import DEFAULTS
from ..models.loading import load_model
from ..models.unet import UNetConfig
from ..training.config import TrainConfig
from ..training.data.pairs import PairDataset
from ..training.precision import FLOAT32
from ..training.run_folder import read_curve
from ..training.train import train
from ..training.validation import matching_accuracy
from ..visualization.figures import save_figure, series_color
from . import Advance, Record, of_steps, preset_named, silent
from .records import best_first, budget_row, by_settings, cell_record, check_variants
from .rooms import Rooms, matching

VARIANTS: Mapping[str, dict[str, Any]] = {
    "paper-1": {"p": 1},
    "paper-2": {"p": 2},
    "paper-inf": {},
    "paper-hard": {"objective": "paper-hard"},
    "stable-weighted": {"objective": "stable-weighted", "keep": 0.35},
    "stable-weighted-2": {"objective": "stable-weighted", "keep": 0.35, "p": 2},
    "point-infonce": {"objective": "point-infonce"},
    "dense-object-nets": {"objective": "dense-object-nets"},
    "ucn": {"objective": "ucn"},
    "pixcontrast": {"objective": "pixcontrast"},
    "vicregl-local": {"objective": "vicregl-local"},
}
"""Settings of each variant that differ from the defaults of `pixbench train`; `channels` is D of the network."""

EXTRA: Mapping[str, dict[str, Any]] = {
    "stable-weighted-slow": {**VARIANTS["stable-weighted"], "learning_rate": 1e-3},
    **{f"{name}-64-channels": {**VARIANTS[name], "channels": 64} for name in ("paper-1", "paper-2", "paper-inf", "point-infonce")},
}
"""Run only if `--variant` names them: half the learning rate, for the stability of training, and D = 64, for what channels show."""

ALL = {**VARIANTS, **EXTRA}
LONG_RUNS = ("stable-weighted-2", "point-infonce", "paper-hard", "stable-weighted")
"""Variants of the longer runs: the best four of preset `cpu` after 3,000 steps."""


@dataclass(frozen=True)
class Budget:
    """Runs of this many steps: of which variants, with how many seeds."""

    steps: int
    seeds: int
    variants: tuple[str, ...] = tuple(VARIANTS)


@dataclass(frozen=True)
class BudgetsPreset:
    """The size of the study."""

    rooms: Rooms
    network: dict[str, Any]
    batch: int
    points: int
    budgets: tuple[Budget, ...]


PRESETS = {
    "cpu": BudgetsPreset(
        rooms=Rooms({"train": 400, "val": 16, "test": 20}, views=4, size=64),
        network={"widths": (8, 16, 32, 32), "blocks": (1, 1, 1, 1), "channels": 32},
        batch=4,
        points=256,
        budgets=(Budget(3_000, seeds=2), Budget(10_000, seeds=1, variants=LONG_RUNS)),
    ),
    "long": BudgetsPreset(
        rooms=Rooms({"train": 400, "val": 16, "test": 16}, views=4, size=128),
        network={"widths": (16, 32, 64, 64), "blocks": (1, 1, 1, 1), "channels": 32},
        batch=6,
        points=1024,
        budgets=(Budget(3_000, seeds=2), Budget(10_000, seeds=1, variants=LONG_RUNS)),
    ),
}


@dataclass(frozen=True)
class BudgetsCell:
    """One run; 0 steps for a reference."""

    preset: str
    variant: str
    steps: int
    seed: int

    @property
    def name(self) -> str:
        """A file's name."""
        return f"{self.variant}_steps-{self.steps}_seed-{self.seed}"


def cells(preset: str, *, seeds: int | None = None, variants: Sequence[str] = ()) -> list[BudgetsCell]:
    """References, then the grid of a preset, budget by budget and seed by seed. Raises UserError for an unknown variant."""
    grid = preset_named("budgets", PRESETS, preset)
    check_variants(variants, ALL)
    references = [BudgetsCell(preset, name, 0, 0) for name in DEFAULTS.get("reference-baselines")]
    return references + [
        BudgetsCell(preset, variant, budget.steps, seed)
        for budget in grid.budgets
        for seed in range(seeds or budget.seeds)
        for variant in variants or budget.variants
    ]


def prepare(preset: str, folder: Path, workers: int) -> None:
    """Make the rooms. Raises UserError if a reference cannot be loaded, before any work is done."""
    for name in DEFAULTS.get("reference-baselines"):
        load_model(f"baseline:{name}")
    preset_named("budgets", PRESETS, preset).rooms.make(folder, workers)


def run(cell: BudgetsCell, folder: Path, advance: Advance = silent) -> Record:
    """Train one variant on one core, or load a reference. Scores it on held-out rooms and, for its learning curve, on validation rooms."""
    measured = _trained(cell, folder, advance) if cell.steps else _reference(cell, folder)
    return cell_record("budgets", cell, measured)


def _trained(cell: BudgetsCell, folder: Path, advance: Advance) -> Record:
    preset, config = preset_named("budgets", PRESETS, cell.preset), train_config(cell)
    place, rooms, progress = folder / "runs" / cell.name, preset.rooms, of_steps(advance, cell.steps)
    data, validation = rooms.path(folder, "train"), rooms.path(folder, "val")
    train(data, place, config, validation=validation, precision=FLOAT32, threads=1, progress=progress)
    return {
        "config": config.model_dump(mode="json"),
        "curve": read_curve(place),
        "metrics": matching(load_model(str(place)), rooms.path(folder, "test"), place / "evaluation"),
    }


def train_config(cell: BudgetsCell) -> TrainConfig:
    """Settings of the training of a cell."""
    preset, chosen = preset_named("budgets", PRESETS, cell.preset), dict(ALL[cell.variant])
    network = UNetConfig(**{**preset.network, "channels": chosen.pop("channels", preset.network["channels"])})
    return TrainConfig(steps=cell.steps, batch=preset.batch, points=preset.points, seed=cell.seed, network=network, **chosen)


def _reference(cell: BudgetsCell, folder: Path) -> Record:
    rooms = preset_named("budgets", PRESETS, cell.preset).rooms
    model = cast(DescriptorModel, load_model(f"baseline:{cell.variant}"))
    started = time.perf_counter()
    validation = PairDataset(rooms.path(folder, "val"))
    accuracy = matching_accuracy(model.dense, validation, p=model.p, seed=0, device=torch.device("cpu"))
    validation.close()
    metrics = matching(model, rooms.path(folder, "test"), folder / "runs" / cell.name)
    return {
        "curve": [{"step": 0, "cpu_seconds": 0.0, "validation_delta_avg": accuracy}],
        "metrics": metrics,
        "seconds": round(time.perf_counter() - started, 1),
    }


def summary(cells: Sequence[Record]) -> list[Record]:
    """One row per variant and budget, best first within a budget; references first."""
    rows = []
    for _, mine in by_settings(cells, "steps", "variant"):
        rows.append(
            {
                **budget_row(mine),
                "validation_delta_avg": [cell["curve"][-1]["validation_delta_avg"] for cell in mine],
                "core_hours": float(np.mean(seconds)) / 3600 if (seconds := _cpu_seconds(mine)) else None,
            }
        )
    return best_first(rows)


def _cpu_seconds(cells: Sequence[Record]) -> list[float]:
    """CPU seconds of the cells that measured them. Cells of earlier versions have wall-clock time only, no cost on shared cores."""
    return [cell["curve"][-1]["cpu_seconds"] for cell in cells if cell["steps"] and "cpu_seconds" in cell["curve"][-1]]


def table(rows: Sequence[Record]) -> str:
    """The rows as Markdown."""
    lines = [
        f"Preset {rows[0]['preset']}. δ_avg on test rooms, mean over seeds; 0 steps: not trained here.\n",
        "| steps | objective | δ_avg | each seed | δ_avg on validation rooms | core-hours |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        each = " ".join(f"{value:.3f}" for value in row["delta_avg"])
        lines.append(
            f"| {row['steps']} | {row['variant']} | {np.mean(row['delta_avg']):.3f} | {each} "
            f"| {np.mean(row['validation_delta_avg']):.3f} | {'–' if row['core_hours'] is None else format(row['core_hours'], '.2f')} |"
        )
    return "\n".join(lines)


def draw(cells: Sequence[Record], path: Path) -> None:
    """δ_avg on validation rooms against steps and against core-hours, a line per run; references are horizontal."""
    figure = Figure(figsize=(10.4, 5.2), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    trained = sorted({cell["variant"] for cell in cells if cell["steps"]}, key=list(ALL).index)
    styles = {name: {"color": series_color(i), "linestyle": "-" if i < 10 else "--"} for i, name in enumerate(trained)}
    references = [cell["curve"][0]["validation_delta_avg"] for cell in cells if not cell["steps"]]
    for cell in cells:
        heights = [row["validation_delta_avg"] for row in cell["curve"]]
        if not cell["steps"]:
            for axes in (left, right):
                axes.axhline(heights[0], color="#777777", linewidth=0.9, linestyle=":")
            left.annotate(
                cell["variant"],
                (0.99, heights[0]),
                xycoords=("axes fraction", "data"),
                ha="right",
                # Below the line if another one, with its name, is close above.
                va="top" if any(0 < other - heights[0] < 0.02 for other in references) else "bottom",
                fontsize=7,
                color="#555555",
            )
            continue
        style = {**styles[cell["variant"]], "linewidth": 1.3, "alpha": 0.9}
        left.plot([row["step"] for row in cell["curve"]], heights, **style)
        # NaN: see _cpu_seconds.
        right.plot([row.get("cpu_seconds", math.nan) / 3600 for row in cell["curve"]], heights, **style)
    for variant in trained:
        left.plot([], [], **styles[variant], label=variant)
    left.set(xlabel="steps", ylabel="δ_avg on validation rooms", ylim=(0, None))
    right.set(xlabel="core-hours")
    for axes in (left, right):
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    figure.legend(*left.get_legend_handles_labels(), loc="outside right center", frameon=False, fontsize=8)
    save_figure(figure, path)
