"""Stability of training: whether descriptors collapse, by objective, precision, learning rate and seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from ..errors import unknown_name
from ..models.unet import UNetConfig
from ..training.collapse import collapsed_at
from ..training.config import TrainConfig
from ..training.precision import BFLOAT16, FLOAT32
from ..training.run_folder import STATE, read_curve
from ..training.step import DivergedError
from ..training.train import train
from ..visualization.figures import save_figure
from . import Advance, Record, budgets, of_steps, preset_named, silent
from .budgets import BudgetsPreset
from .records import by_settings, cell_record, check_variants, exact, training_facts

VARIANTS: Mapping[str, dict[str, Any]] = {
    "stable-weighted": budgets.VARIANTS["stable-weighted"],
    "stable-weighted-2": budgets.VARIANTS["stable-weighted-2"],
    "paper-hard": budgets.VARIANTS["paper-hard"],
    "paper-inf": budgets.VARIANTS["paper-inf"],
}
"""Settings of each variant that differ from the defaults of `pixbench train`."""

PRESETS: Mapping[str, BudgetsPreset] = {name: budgets.PRESETS[name] for name in ("cpu", "long")}
"""Rooms, network, batch and points are those of `budgets`."""

STEPS = 4000
SEEDS = 3
PRECISIONS = (BFLOAT16, FLOAT32)
LEARNING_RATES = (2e-3, 1e-3)


@dataclass(frozen=True)
class StabilityCell:
    """One run."""

    preset: str
    variant: str
    precision: str
    learning_rate: float
    seed: int

    @property
    def name(self) -> str:
        """A file's name."""
        return f"{self.variant}_{self.precision}_rate-{exact(self.learning_rate)}_seed-{self.seed}"


def cells(preset: str, *, seeds: int | None = None, variants: Sequence[str] = (), precisions: Sequence[str] = ()) -> list[StabilityCell]:
    """The grid, seed by seed. Raises UserError for an unknown variant or precision."""
    preset_named("stability", PRESETS, preset)
    check_variants(variants, VARIANTS)
    for precision in precisions:
        if precision not in PRECISIONS:
            raise unknown_name("precision", precision, PRECISIONS)
    return [
        StabilityCell(preset, variant, precision, rate, seed)
        for seed in range(seeds or SEEDS)
        for variant in variants or VARIANTS
        for precision in precisions or PRECISIONS
        for rate in LEARNING_RATES
    ]


def prepare(preset: str, folder: Path, workers: int) -> None:
    """Make the rooms."""
    preset_named("stability", PRESETS, preset).rooms.make(folder, workers)


def run(cell: StabilityCell, folder: Path, advance: Advance = silent) -> Record:
    """Train one run with one thread. A loss that becomes NaN or infinite ends it, and is recorded."""
    preset = preset_named("stability", PRESETS, cell.preset)
    config = TrainConfig(
        steps=STEPS,
        batch=preset.batch,
        points=preset.points,
        seed=cell.seed,
        network=UNetConfig(**preset.network),
        **{**VARIANTS[cell.variant], "learning_rate": cell.learning_rate},
    )
    place, rooms, diverged = folder / "runs" / cell.name, preset.rooms, None
    try:
        train(
            rooms.path(folder, "train"),
            place,
            config,
            validation=rooms.path(folder, "val"),
            precision=cell.precision,
            threads=1,
            progress=of_steps(advance, STEPS),
        )
    except DivergedError as error:
        diverged = error.step
    saved = place / STATE
    separations = torch.load(saved, weights_only=True)["separations"] if saved.is_file() else []
    measured = {
        "config": config.model_dump(mode="json"),
        "curve": read_curve(place),
        "separations": [round(value, 4) for value in separations],
        "collapsed_at": collapsed_at(separations),
        "diverged_at": diverged,
        **training_facts(place),
    }
    return cell_record("stability", cell, measured)


def summary(cells: Sequence[Record]) -> list[Record]:
    """One row per variant, precision and learning rate, with a value for each seed."""
    rows = []
    for (variant, precision, rate), mine in by_settings(
        cells, "variant", "precision", "learning_rate", order={"variant": list(VARIANTS).index}
    ):
        rows.append(
            {
                "variant": variant,
                "precision": precision,
                "learning_rate": rate,
                "preset": mine[0]["preset"],
                "steps": mine[0]["config"]["steps"],
                "collapsed_at": [cell["collapsed_at"] for cell in mine],
                "diverged_at": [cell["diverged_at"] for cell in mine],
                "validation_delta_avg": [cell["curve"][-1]["validation_delta_avg"] if cell["curve"] else None for cell in mine],
            }
        )
    return rows


def table(rows: Sequence[Record]) -> str:
    """The rows as Markdown."""
    lines = [
        f"Preset {rows[0]['preset']}, {rows[0]['steps']:,} steps. Each seed: the step at which a collapse was reported, and δ_avg on "
        "validation rooms at the end.\n",
        "| objective | precision | learning rate | collapsed | δ_avg |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        ends = " ".join(_end(*pair) for pair in zip(row["collapsed_at"], row["diverged_at"], strict=True))
        scores = " ".join("–" if value is None else f"{value:.3f}" for value in row["validation_delta_avg"])
        lines.append(f"| {row['variant']} | {row['precision']} | {row['learning_rate']:g} | {ends} | {scores} |")
    return "\n".join(lines)


def _end(collapsed: int | None, diverged: int | None) -> str:
    if diverged is not None:
        return f"diverged at {diverged}"
    return "no" if collapsed is None else f"at {collapsed}"


def draw(cells: Sequence[Record], path: Path) -> None:
    """Separation of matches from other points against steps, a panel per variant, a line per run, averaged over 100 steps."""
    variants = [name for name in VARIANTS if any(cell["variant"] == name for cell in cells)]
    figure = Figure(figsize=(3.2 * len(variants) + 1.6, 3.2), layout="constrained")
    panels = figure.subplots(1, len(variants), sharey=True, squeeze=False)[0]
    for axes, variant in zip(panels, variants, strict=True):
        for cell in (cell for cell in cells if cell["variant"] == variant):
            values = np.array(cell["separations"])
            means = [part.mean() for part in np.array_split(values, max(len(values) // 10, 1))] if len(values) else []
            line = "-" if cell["precision"] == BFLOAT16 else "--"
            color = f"C{LEARNING_RATES.index(cell['learning_rate'])}"
            axes.plot(100 * (1 + np.arange(len(means))), means, line, color=color, linewidth=1.1, alpha=0.85)
        axes.set(title=variant, xlabel="steps", ylim=(0.45, 1.01))
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("separation (chance: 0.5)")
    for place, rate in enumerate(LEARNING_RATES):
        panels[0].plot([], [], color=f"C{place}", label=f"learning rate {rate:g}")
    for line, precision in (("-", BFLOAT16), ("--", FLOAT32)):
        panels[0].plot([], [], line, color="#555555", label=precision)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right center", frameon=False, fontsize=8)
    save_figure(figure, path)
