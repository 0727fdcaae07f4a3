"""Ablation of negatives: the variants of the method's loss, and InfoNCE for comparison, at equal budgets on generated rooms.

The method as published takes one random position as negative. The variants differ in the number, selection and cost of negatives; none
needs a momentum network or a temperature.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ..models.loading import load_model
from ..models.unet import UNetConfig
from ..training.config import TrainConfig
from ..training.precision import FLOAT32
from ..training.train import train
from ..visualization.figures import save_figure
from . import Advance, Record, of_steps, preset_named, silent
from .records import best_first, budget_row, by_settings, cell_record, check_variants, file_name, training_facts
from .rooms import Rooms, matching

HARD: dict[str, Any] = {"objective": "stable-hard"}

VARIANTS: Mapping[str, dict[str, Any]] = {
    "paper": {},
    "paper, c = 0": {"between_weight": 0.0},
    "point-infonce": {"objective": "point-infonce"},
    "stable-hard": HARD,
    "one random": {**HARD, "options": {"hardest": 0}},
    "hardest 1": {**HARD, "options": {"hardest": 1}},
    "hardest 4": {**HARD, "options": {"hardest": 4}},
    "hardest 64": {**HARD, "options": {"hardest": 64}},
    "weighted, 64 at s = 20": {**HARD, "options": {"hardest": 64, "sharpness": 20}},
    "semi-hard": {**HARD, "options": {"semi": 1}},
    "two-sided": {**HARD, "options": {"one_sided": 0}},
    "near ones too": {**HARD, "options": {"near_px": 1}},
    "one way": {**HARD, "options": {"both_ways": 0}},
    "matches at pixels": {**HARD, "options": {"snap": 1}},
    "keep = 0.1": {**HARD, "keep": 0.1},
    "keep = 0.5": {**HARD, "keep": 0.5},
    "between = 0.5": {**HARD, "options": {"between": 0.5}},
    "p = 1": {**HARD, "p": 1},
    "p = 2": {**HARD, "p": 2},
    "D = 64": {**HARD, "channels": 64},
}
"""Settings of each variant that differ from the defaults of `pixbench train`."""


@dataclass(frozen=True)
class NegativesPreset:
    """The size of the study: budgets in steps, seeds, and variants."""

    rooms: Rooms
    network: dict[str, Any]
    budgets: tuple[int, ...]
    batch: int
    points: int
    seeds: int
    variants: tuple[str, ...]


PRESETS = {
    "cpu": NegativesPreset(
        rooms=Rooms({"train": 100, "test": 20}, views=3, size=64),
        network={"widths": (8, 16, 32, 32), "blocks": (1, 1, 1, 1), "channels": 32},
        budgets=(200, 600),
        batch=4,
        points=256,
        seeds=3,
        variants=("paper", "point-infonce", "stable-hard", "one random", "two-sided", "p = 1", "p = 2"),
    ),
    "gpu": NegativesPreset(
        rooms=Rooms({"train": 2000, "test": 100}, views=4, size=256),
        network={"widths": (16, 16, 32, 32), "blocks": (1, 1, 1, 1), "channels": 32},
        budgets=(5_000, 50_000),
        batch=16,
        points=2048,
        seeds=3,
        variants=tuple(VARIANTS),
    ),
}


@dataclass(frozen=True)
class NegativesCell:
    """One run."""

    preset: str
    variant: str
    steps: int
    seed: int

    @property
    def name(self) -> str:
        """A file's name."""
        return f"{file_name(self.variant)}_steps-{self.steps}_seed-{self.seed}"


def cells(preset: str, *, seeds: int | None = None, variants: Sequence[str] = ()) -> list[NegativesCell]:
    """The grid of a preset, seed by seed. Raises UserError for an unknown variant."""
    grid = preset_named("negatives", PRESETS, preset)
    check_variants(variants, VARIANTS)
    return [
        NegativesCell(preset, variant, steps, seed)
        for seed in range(seeds or grid.seeds)
        for steps in grid.budgets
        for variant in variants or grid.variants
    ]


def prepare(preset: str, folder: Path, workers: int) -> None:
    """Make the rooms."""
    preset_named("negatives", PRESETS, preset).rooms.make(folder, workers)


def run(cell: NegativesCell, folder: Path, advance: Advance = silent) -> Record:
    """Train one variant and score it on unseen rooms."""
    preset = preset_named("negatives", PRESETS, cell.preset)
    rooms = preset.rooms
    chosen = dict(VARIANTS[cell.variant])
    network = {**preset.network, "channels": chosen.pop("channels", preset.network["channels"])}
    config = TrainConfig(
        steps=cell.steps, batch=preset.batch, points=preset.points, seed=cell.seed, network=UNetConfig(**network), **chosen
    )
    place = folder / "runs" / cell.name
    train(rooms.path(folder, "train"), place, config, precision=FLOAT32, progress=of_steps(advance, config.steps))
    measured = {
        "config": config.model_dump(mode="json"),
        "metrics": matching(load_model(str(place)), rooms.path(folder, "test"), place / "evaluation"),
        **training_facts(place),
    }
    return cell_record("negatives", cell, measured)


def summary(cells: Sequence[Record]) -> list[Record]:
    """One row per variant and budget, best first within a budget."""
    rows = []
    for _, mine in by_settings(cells, "steps", "variant"):
        rows.append(
            {
                **budget_row(mine),
                "epe_median": [cell["metrics"]["epe_median"] for cell in mine],
                "train_seconds": float(np.median([cell["train_seconds"] for cell in mine])),
            }
        )
    return best_first(rows)


def table(rows: Sequence[Record]) -> str:
    """The rows as Markdown."""
    lines = [
        f"Preset {rows[0]['preset']}. δ_avg on unseen rooms and objects, mean over seeds ± standard deviation.\n",
        "| steps | variant | δ_avg | each seed | median error, px | seconds |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        values = np.array(row["delta_avg"])
        spread = f" ± {values.std(ddof=1):.3f}" if len(values) > 1 else ""
        each = " ".join(f"{value:.3f}" for value in values)
        lines.append(
            f"| {row['steps']} | {row['variant']} | {values.mean():.3f}{spread} | {each} "
            f"| {np.mean(row['epe_median']):.1f} | {row['train_seconds']:.0f} |"
        )
    return "\n".join(lines)


def draw(cells: Sequence[Record], path: Path) -> None:
    """Every seed as a dot, one row per variant, one panel per budget."""
    rows = summary(cells)
    budgets = sorted({row["steps"] for row in rows})
    # In the order of the largest budget; variants that have not been run at it come last.
    best = dict.fromkeys(row["variant"] for row in sorted(rows, key=lambda row: row["steps"] != budgets[-1]))
    order = {variant: place for place, variant in enumerate(reversed(best))}
    figure = Figure(figsize=(3.6 * len(budgets) + 2.4, 0.27 * len(order) + 1.3), layout="constrained")
    panels = figure.subplots(1, len(budgets), sharey=True, squeeze=False)[0]
    for axes, steps in zip(panels, budgets, strict=True):
        for row in rows:
            if row["steps"] != steps:
                continue
            color = {"point-infonce": "#7a4fa0", "paper": "#1b4f8a", "two-sided": "#c4622d"}.get(row["variant"], "#777777")
            place = order[row["variant"]]
            axes.plot(row["delta_avg"], [place] * len(row["delta_avg"]), "o", color=color, markersize=4, alpha=0.8)
            axes.plot([np.mean(row["delta_avg"])], [place], "|", color=color, markersize=13, markeredgewidth=2)
        axes.set(title=f"{steps} steps", xlabel="δ_avg", yticks=range(len(order)), yticklabels=list(order))
        axes.grid(axis="x", alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlim(0, math.ceil(20 * max(max(row["delta_avg"]) for row in rows) + 0.2) / 20)
    figure.suptitle(f"Variants of the loss, preset {cells[0]['preset']}", fontsize=10)
    save_figure(figure, path)
