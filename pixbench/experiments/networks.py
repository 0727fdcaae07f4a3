"""Ablation of the network of experiment 1: which part of it makes colour vanish from descriptors at p = inf and `between_weight` 0.

All variants are trained as preset `cpu-long` of experiment 1, for fewer steps; colour is measured before training and at each saved step.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ..models.checkpoint import seeded_network
from ..models.unet import NAMED, UNetConfig, parameter_count
from ..visualization.figures import save_figure, series_color
from . import Advance, Record, experiment1, preset_named, silent
from .backbone import train_backbone
from .color_curve import SWAPPED, color_change, swapped_colors
from .experiment1 import Experiment1Preset, check_digits, train_config
from .records import by_settings, cell_record, check_variants, file_name, thinned, training_facts

PAPER, SMALL = NAMED["paper"], NAMED["experiment1-cpu"]

VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "paper": PAPER,
    "no dropout": {**PAPER, "dropout": ()},
    "one block a stage": {**PAPER, "blocks": (1, 1, 1)},
    "half the width": {**PAPER, "widths": (16, 32, 32)},
    "no attention": {**PAPER, "heads": 0},
    "first stage of 8": {**PAPER, "widths": (8, 64, 64)},
    "first stage of 8, 2 groups": {**PAPER, "widths": (8, 64, 64), "head_groups": 2},
    "32 groups": {**PAPER, "head_groups": 32},
    "small": SMALL,
    "small, dropout": {**SMALL, "dropout": PAPER["dropout"]},
    "small, D = 32": {**SMALL, "channels": 32},
    "small, first stage of 32": {**SMALL, "widths": (32, 16, 32)},
}
"""Variants of the paper's network, and of the small one of preset `cpu` (120,136 parameters).

The last group norm of the paper's has 8 groups of 4 channels; a first stage of 8 channels leaves one channel per group. "first stage of
8, 2 groups" keeps 4 per group at that width, and "32 groups" has one per group at the full width: these two tell the effect of width from
that of group size."""

PRESETS: Mapping[str, Experiment1Preset] = {
    "cpu": replace(experiment1.PRESETS["cpu-long"], steps=450, seeds=1, p=(math.inf,), between_weight=(0.0,)),
    "paper": replace(experiment1.PRESETS["paper"], seeds=3, p=(math.inf,), between_weight=(0.0,), curve=True),
}


@dataclass(frozen=True)
class NetworksCell:
    """One run."""

    preset: str
    variant: str
    seed: int

    @property
    def name(self) -> str:
        """A file's name."""
        return f"{file_name(self.variant)}_seed-{self.seed}"


def cells(preset: str, *, seeds: int | None = None, variants: Sequence[str] = ()) -> list[NetworksCell]:
    """All variants, seed by seed. Raises UserError for an unknown variant."""
    grid = preset_named("networks", PRESETS, preset)
    check_variants(variants, VARIANTS)
    return [NetworksCell(preset, variant, seed) for seed in range(seeds or grid.seeds) for variant in variants or VARIANTS]


def prepare(preset: str, folder: Path, workers: int) -> None:
    """Digits are read by each cell. Raises UserError if they are not there."""
    del folder, workers
    check_digits(preset_named("networks", PRESETS, preset))


def run(cell: NetworksCell, folder: Path, advance: Advance = silent) -> Record:
    """Train one variant; resumes in `folder`/runs/NAME."""
    preset = preset_named("networks", PRESETS, cell.preset)
    config = train_config(preset, p=preset.p[0], between_weight=preset.between_weight[0], seed=cell.seed).model_copy(
        update={"network": UNetConfig.model_validate(dict(VARIANTS[cell.variant]))}
    )
    backbone = train_backbone(
        config,
        folder / "runs" / cell.name,
        digits=preset.digits,
        cut=preset.cut,
        stride=preset.head_stride,
        precision=preset.precision,
        curve=True,
        advance=advance,
    )
    untrained = replace(backbone, network=seeded_network(config.network, config.seed))
    digits = backbone.images["id"][0][:SWAPPED]
    measured = {
        "config": config.model_dump(mode="json"),
        "untrained_color_change": color_change(untrained.describe(digits), untrained.describe(swapped_colors(digits))),
        "parameters": parameter_count(backbone.network),
        "curve": backbone.curve,
        "losses": thinned(backbone.losses),
        **training_facts(folder / "runs" / cell.name),
    }
    return cell_record("networks", cell, measured)


def summary(cells: Sequence[Record]) -> list[Record]:
    """One row a variant, in the order of `VARIANTS`: colour before training, at the first saved step after a third of all steps
    (`step_at_a_third`) and at the end, and accuracies at the end.
    """
    rows = []
    for (variant,), mine in by_settings(cells, "variant", order={"variant": list(VARIANTS).index}):
        curves = [cell["curve"] for cell in mine]
        ends = [curve[-1] for curve in curves]
        rows.append(
            {
                "variant": variant,
                "preset": mine[0]["preset"],
                "parameters": mine[0]["parameters"],
                "steps": ends[0]["step"],
                "step_at_a_third": _first_after(curves[0], ends[0]["step"] / 3)["step"],
                "untrained_color_change": [cell["untrained_color_change"] for cell in mine],
                "color_change_at_a_third": [_first_after(curve, ends[0]["step"] / 3)["color_change"] for curve in curves],
                **{name: [end[name] for end in ends] for name in ("color_change", "id", "ood", "probe_id", "probe_ood")},
            }
        )
    return rows


def _first_after(curve: Sequence[Record], step: float) -> Record:
    return next(point for point in curve if point["step"] >= step)


def table(rows: Sequence[Record]) -> str:
    """The rows as Markdown."""
    steps, third = rows[0]["steps"], rows[0]["step_at_a_third"]
    lines = [
        f"Preset {rows[0]['preset']}, p = ∞, between_weight 0, mean over seeds. Colour: change of descriptors when a digit's colour is "
        "exchanged, over their standard deviation.\n",
        f"| network | parameters | colour, untrained | after {third} steps | after {steps} steps | head ID | OOD | probe ID | OOD |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        names = ("untrained_color_change", "color_change_at_a_third", "color_change", "id", "ood", "probe_id", "probe_ood")
        values = " | ".join(f"{np.mean(row[name]):.3f}" for name in names)
        lines.append(f"| {row['variant']} | {row['parameters']:,} | {values} |")
    return "\n".join(lines)


def draw(cells: Sequence[Record], path: Path) -> None:
    """Colour in descriptors against steps, a line a run."""
    figure = Figure(figsize=(7.2, 4.0), layout="constrained")
    axes = figure.subplots()
    for number, ((variant,), mine) in enumerate(by_settings(cells, "variant", order={"variant": list(VARIANTS).index})):
        for seed, cell in enumerate(mine):
            steps, values = ([point[name] for point in cell["curve"]] for name in ("step", "color_change"))
            steps, values = [0, *steps], [cell["untrained_color_change"], *values]
            line = "--" if variant.startswith("small") else "-"
            label = None if seed else variant
            axes.plot(steps, values, line, color=series_color(number), marker="o", markersize=2.5, linewidth=1.4, label=label)
    axes.set(xlabel="steps", ylabel="change with colour / standard deviation", yscale="log")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right center", frameon=False, fontsize=8)
    save_figure(figure, path)
