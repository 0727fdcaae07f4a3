"""The paper's second experiment on generated rooms: matching, and whether channels segment instances and find edges, by p."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..dataset.reader import Dataset, StoredScene
from ..evaluation.model import DescriptorModel, image_batch
from ..evaluation.probing.structure import (
    best_channel_iou,
    binary_codes,
    code_rand_index,
    depth_edges,
    descriptor_steps,
    edge_precision,
    normal_edges,
)
from ..geometry.instances import FIRST_OBJECT, NO_INSTANCE
from ..models.checkpoint import load_checkpoint, seeded_network
from ..models.loading import load_model
from ..training.config import TrainConfig, preset_values
from ..training.precision import FLOAT32
from ..training.run_folder import STATE
from ..training.train import train
from ..visualization.channels import scaled_channels, show_channels, widest_channels
from ..visualization.figures import best_pair, instance_palette, match_picture, save_figure, show_image
from . import Advance, Record, of_steps, preset_named, silent
from .records import by_settings, cell_record, exact, thinned, training_facts
from .rooms import Rooms, matching

SHOWN_CHANNELS = 6
NORMS = ("inf", "1", "2")

MEASURES = ("iou", "iou_objects", "rand", "depth_edges", "normal_edges")


@dataclass(frozen=True)
class Experiment2Preset:
    """The size of the experiment; `training` holds what differs from the preset experiment2 of `pixbench train`."""

    rooms: Rooms
    training: dict[str, Any]
    p: tuple[float, ...]
    between_weight: tuple[float, ...]
    seeds: int


PRESETS = {
    "cpu": Experiment2Preset(
        rooms=Rooms({"train": 60, "val": 10, "test": 16}, views=3, size=96),
        training={"steps": 500, "batch": 6, "points": 96 * 96 // 8, "learning_rate": 2e-3},
        p=(math.inf, 1.0, 2.0),
        between_weight=(0.5,),
        seeds=1,
    ),
    "paper": Experiment2Preset(
        rooms=Rooms({"train": 10_000, "val": 200, "test": 500}, views=2, size=256),
        training={},
        p=(math.inf, 1.0, 2.0),
        between_weight=(0.5, 0.0),
        seeds=3,
    ),
}


@dataclass(frozen=True)
class Experiment2Cell:
    """One run."""

    preset: str
    p: float
    between_weight: float
    seed: int

    @property
    def name(self) -> str:
        """A file's name."""
        return f"p-{exact(self.p)}_c-{exact(self.between_weight)}_seed-{self.seed}"


def cells(preset: str, *, p: Sequence[float] = (), between_weight: Sequence[float] = (), seeds: int | None = None) -> list[Experiment2Cell]:
    """The grid of a preset, or a part of it."""
    grid = preset_named("experiment2", PRESETS, preset)
    return [
        Experiment2Cell(preset, norm, weight, seed)
        for seed in range(seeds or grid.seeds)
        for weight in between_weight or grid.between_weight
        for norm in p or grid.p
    ]


def prepare(preset: str, folder: Path, workers: int) -> None:
    """Make the rooms."""
    preset_named("experiment2", PRESETS, preset).rooms.make(folder, workers)


def run(cell: Experiment2Cell, folder: Path, advance: Advance = silent) -> Record:
    """Train; score matching on rooms and objects held out; measure segments and edges there. A picture of matches goes to `folder`."""
    preset = preset_named("experiment2", PRESETS, cell.preset)
    data = {split: preset.rooms.path(folder, split) for split in preset.rooms.scenes}
    values = {**preset_values("experiment2"), **preset.training}
    config = TrainConfig(**{**values, "p": cell.p, "between_weight": cell.between_weight, "seed": cell.seed})
    place = folder / "runs" / cell.name
    train(data["train"], place, config, validation=data["val"], precision=FLOAT32, progress=of_steps(advance, config.steps))
    state = torch.load(place / STATE, weights_only=True)
    test = Dataset(data["test"])
    network = load_checkpoint(place).network
    untrained = seeded_network(config.network, cell.seed).eval()
    model = load_model(str(place))
    if isinstance(model, DescriptorModel):
        match_picture(best_pair(test), [model], folder / "pictures" / f"{cell.name}_matches.png")
    measured = {
        "p": f"{cell.p:g}",
        "config": config.model_dump(mode="json"),
        "metrics": matching(model, data["test"], place / "evaluation"),
        "structure": _structure(network, test, cell.p),
        "structure_untrained": _structure(untrained, test, cell.p),
        "structure_colour": _structure(torch.nn.Identity(), test, cell.p),
        "shown": _shown(network, test.scene(0)),
        "losses": thinned(state["losses"]),
        "validation": {str(step): round(loss, 6) for step, loss in state["validation"].items()},
        **training_facts(place),
    }
    test.close()
    return cell_record("experiment2", cell, measured)


def _descriptors(network: torch.nn.Module, scene: StoredScene, view: int) -> np.ndarray:
    with torch.inference_mode():
        found: np.ndarray = network(image_batch(scene.read("rgb", view)))[0].double().numpy()
    return found


def _structure(network: torch.nn.Module, test: Dataset, p: float) -> dict[str, float]:
    """Means over the first view of each scene. `iou_objects` leaves the room out; `share` is the score of a random detector."""
    rows = []
    for scene in test.scenes():
        dense = _descriptors(network, scene, 0)
        instance = scene.read("instance", 0).astype(int)
        codes, steps = binary_codes(dense), descriptor_steps(dense, p)
        edges = {
            "depth_edges": depth_edges(scene.read("depth_m", 0).astype(float)),
            "normal_edges": normal_edges(scene.read("normal_world", 0).astype(float)),
        }
        rows.append(
            {
                "iou": best_channel_iou(codes, instance),
                "iou_objects": best_channel_iou(codes, np.where(instance >= FIRST_OBJECT, instance, NO_INSTANCE)),
                "rand": code_rand_index(codes, instance),
                **{name: edge_precision(steps, edge) for name, edge in edges.items()},
                **{f"{name}_share": float(edge.mean()) for name, edge in edges.items()},
            }
        )
    return {name: float(np.nanmean([row[name] for row in rows])) for name in rows[0]}


def _shown(network: torch.nn.Module, scene: StoredScene) -> Record:
    """The first test view, its instances, and the channels with the largest spread, -100 to 100 between their 1st and 99th percentile."""
    dense = _descriptors(network, scene, 0)
    chosen = widest_channels(dense, SHOWN_CHANNELS)
    return {
        "rgb": scene.read("rgb", 0).tolist(),
        "instance": scene.read("instance", 0).tolist(),
        "channels": (100 * scaled_channels(dense[chosen])).round().astype(int).tolist(),
        "which": chosen.tolist(),
    }


def summary(cells: Sequence[Record]) -> list[Record]:
    """One row per norm and weight, with the numbers of every seed."""
    rows = []
    for (p, weight), mine in by_settings(cells, "p", "between_weight", order={"p": NORMS.index}):
        rows.append(
            {
                "p": p,
                "between_weight": weight,
                "preset": mine[0]["preset"],
                "delta_avg": [cell["metrics"]["delta_avg"] for cell in mine],
                **{name: [cell[name] for cell in mine] for name in ("structure", "structure_untrained", "structure_colour")},
            }
        )
    return rows


def table(rows: Sequence[Record]) -> str:
    """The rows as Markdown, each trained network above the same one untrained and the picture's own colours."""
    lines = [
        f"Preset {rows[0]['preset']}. Means over seeds, on rooms and objects held out; chance is the share of edge pixels.\n",
        "| p | between_weight | descriptors | δ_avg | IoU, instances | IoU, objects | Rand index | depth edges, AP | normal edges, AP |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        for name, words in (("structure", "trained"), ("structure_untrained", "untrained"), ("structure_colour", "colours")):
            values = " | ".join(f"{np.mean([seed[measure] for seed in row[name]]):.3f}" for measure in MEASURES)
            score = f"{np.mean(row['delta_avg']):.3f}" if name == "structure" else "–"
            lines.append(f"| {row['p']} | {row['between_weight']:g} | {words} | {score} | {values} |")
    chance = [np.mean([seed[f"{name}_share"] for seed in rows[0]["structure"]]) for name in ("depth_edges", "normal_edges")]
    lines.append(f"| – | – | chance | – | – | – | 0.000 | {chance[0]:.3f} | {chance[1]:.3f} |")
    return "\n".join(lines)


def draw(cells: Sequence[Record], path: Path) -> None:
    """For each norm, of the first seed: a test view, its instances, channels beside them, and the losses."""
    first = [
        min((cell for cell in cells if cell["p"] == p), key=lambda cell: cell["seed"])
        for p in NORMS
        if any(cell["p"] == p for cell in cells)
    ]
    columns = 2 + SHOWN_CHANNELS
    figure = Figure(figsize=(1.55 * columns + 3.4, 1.75 * len(first) + 0.5), layout="constrained")
    grid = figure.subplots(len(first), columns + 1, squeeze=False, width_ratios=[1] * columns + [1.7])
    for row, cell in zip(grid, first, strict=True):
        shown = cell["shown"]
        show_image(row[0], np.array(shown["rgb"], np.uint8), f"p = {cell['p'].replace('inf', '∞')}")
        show_image(row[1], instance_palette()[np.array(shown["instance"]) % 256], "instances")
        show_channels(row[2:-1], np.array(shown["channels"]) / 100, shown["which"])
        _losses(row[-1], cell)
    figure.suptitle(f"Experiment 2, preset {cells[0]['preset']}: the channels with the largest spread on a room held out", fontsize=10)
    save_figure(figure, path)


def _losses(axes: Axes, cell: Record) -> None:
    axes.plot(
        np.linspace(0, cell["config"]["steps"], len(cell["losses"])), cell["losses"], color="#9db8d2", linewidth=0.9, label="training"
    )
    axes.plot(
        [int(step) for step in cell["validation"]],
        list(cell["validation"].values()),
        "o-",
        color="#c4622d",
        markersize=3,
        label="validation",
    )
    axes.set(yscale="log")
    axes.tick_params(labelsize=6, which="both")
    axes.set_title(f"loss, c = {cell['between_weight']:g}", fontsize=9)
    axes.legend(fontsize=6)
    axes.spines[["top", "right"]].set_visible(False)
