"""The table and the figure of experiment 1, made from the records of its cells alone."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..visualization.figures import save_figure
from .records import by_settings

CLASSES = ("encode", "suppress", "ambiguous")
COLORS = {"encode": "#c4622d", "suppress": "#1b4f8a", "ambiguous": "#9a9a9a"}
NORMS = ("inf", "1", "2", "cosine")
SHOWN_CHANNELS = 16

REFERENCE = {
    "inf": {0: (0, 10, 0), 0.1: (9, 1, 0), 0.3: (10, 0, 0), 0.5: (8, 2, 0), 0.7: (10, 0, 0), 0.9: (10, 0, 0), 1: (4, 3, 3)},
    "1": {0: (0, 10, 0), 0.1: (0, 10, 0), 0.3: (10, 0, 0), 0.5: (10, 0, 0), 0.7: (10, 0, 0), 0.9: (10, 0, 0), 1: (0, 0, 10)},
    "2": {0: (0, 10, 0), 0.1: (0, 10, 0), 0.3: (0, 10, 0), 0.5: (6, 4, 0), 0.7: (9, 1, 0), 0.9: (10, 0, 0), 1: (2, 0, 8)},
}
"""Numbers of the reference's ten runs per p and between_weight that encode, suppress, or neither, from its published run file."""


def summary(cells: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row per p and between_weight: accuracies and class of every seed, the class of more than half of them, if any, and whether the
    reference's majority is the same: None where it has none.
    """
    rows = []
    for (p, weight), mine in by_settings(cells, "p", "between_weight", order={"p": NORMS.index}):
        classes = Counter(cell["class"] for cell in mine)
        objective = mine[0].get("objective", "paper")
        reference = REFERENCE[p].get(weight) if objective == "paper" else None
        ours = _majority(classes)
        theirs = _majority(Counter(dict(zip(CLASSES, reference, strict=True)))) if reference else None
        names = ("seed", "id", "ood", "class", "probe_id", "probe_ood")
        rows.append(
            {
                "p": p,
                "between_weight": weight,
                "preset": mine[0]["preset"],
                "objective": objective,
                "seeds": [{name: cell[name] for name in names} for cell in mine],
                "majority": ours,
                "reference": dict(zip(CLASSES, reference, strict=True)) if reference else None,
                "agrees": ours == theirs if theirs not in (None, "none") else None,
            }
        )
    return rows


def _majority(classes: Counter[str]) -> str:
    """The class of more than half of the runs, or "none"."""
    name, count = classes.most_common(1)[0]
    return name if count > classes.total() / 2 else "none"


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as Markdown."""
    lines = [
        f"Preset {rows[0]['preset']}, objective {rows[0]['objective']}. Reference: ten runs of the paper's size, in the same order.\n",
        "| p | between_weight | ID, each seed | OOD, each seed | encode / suppress / ambiguous | reference | agrees | probe ID | OOD |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        seeds = row["seeds"]
        counts = Counter(seed["class"] for seed in seeds)
        each = {name: " ".join(f"{seed[name]:.3f}" for seed in seeds) for name in ("id", "ood")}
        probe = [f"{np.mean([seed[name] for seed in seeds]):.3f}" for name in ("probe_id", "probe_ood")]
        reference = " / ".join(str(count) for count in row["reference"].values()) if row["reference"] else "–"
        agrees = {True: "yes", False: "no", None: "–"}[row["agrees"]]
        ours = " / ".join(str(counts[name]) for name in CLASSES)
        cells = (row["p"], f"{row['between_weight']:g}", each["id"], each["ood"], ours, reference, agrees, *probe)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def draw(cells: Sequence[dict[str, Any]], path: Path) -> None:
    """The figure: accuracies of every seed, share of classes, loss curves, channels; and colour against steps where it was measured."""
    norms = [p for p in NORMS if any(cell["p"] == p for cell in cells)]
    heights = (3, 1, 2, 2.2, *((2, 2) if any(cell.get("curve") for cell in cells) else ()))
    figure = Figure(figsize=(4.2 * len(norms) + 0.6, 1.4 * sum(heights)), layout="constrained")
    grid = figure.subplots(len(heights), len(norms), squeeze=False, height_ratios=heights)
    for column, p in enumerate(norms):
        mine = [cell for cell in cells if cell["p"] == p]
        weights = sorted({cell["between_weight"] for cell in mine})
        _accuracies(grid[0, column], mine, weights, p, named=column == len(norms) - 1)
        _shares(grid[1, column], mine, weights)
        _losses(grid[2, column], mine, weights)
        _channels(grid[3, column], mine, weights)
        if len(heights) > 4:
            _color_changes(grid[4, column], mine, weights)
            _accuracy_curves(grid[5, column], mine, weights)
        for row in (0, 1, 2, *range(4, len(heights))):
            grid[row, column].spines[["top", "right"]].set_visible(False)
    for row in (2, *range(4, len(heights))):
        limits = np.array([axes.get_ylim() for axes in grid[row]])
        for axes in grid[row]:
            axes.set_ylim(limits[:, 0].min(), limits[:, 1].max())
    objective = cells[0].get("objective", "paper")
    title = f"Experiment 1, ColoredMNIST, preset {cells[0]['preset']}, objective {objective}, {_seeds(cells)}"
    figure.suptitle(f"{title}; between_weight c (the paper's λ is 1 - c)")
    save_figure(figure, path)


def _seeds(cells: Sequence[dict[str, Any]]) -> str:
    """The number of seeds per setting, such as '3 seeds' or '1 to 2 seeds'."""
    counts = Counter((cell["p"], cell["between_weight"]) for cell in cells).values()
    few, many = min(counts), max(counts)
    return f"{many} seed{'s' * (many > 1)}" if few == many else f"{few} to {many} seeds"


def _accuracies(axes: Axes, cells: Sequence[dict[str, Any]], weights: Sequence[float], p: str, *, named: bool) -> None:
    """Every run as a dot. Lines mark the accuracies of a classifier by colour alone and by shape alone."""
    for shift, name, color in ((-0.16, "id", "#5b8f5b"), (0.16, "ood", "#7a4fa0")):
        for place, weight in enumerate(weights):
            values = [cell[name] for cell in cells if cell["between_weight"] == weight]
            if len(values) > 2 and max(values) > min(values):
                parts = axes.violinplot(values, [place + shift], widths=0.28, showextrema=False)
                for body in parts["bodies"]:  # type: ignore[attr-defined]
                    body.set(facecolor=color, alpha=0.25)
            jitter = np.linspace(-0.05, 0.05, len(values)) if len(values) > 1 else np.zeros(1)
            label = {"id": "ID", "ood": "OOD"}[name] if place == 0 else None
            axes.plot(place + shift + jitter, values, "o", color=color, markersize=4, alpha=0.85, label=label)
    for level, words in ((0.85, "by colour, ID"), (0.75, "by shape"), (0.1, "by colour, OOD")):
        axes.axhline(level, color="#bbbbbb", linewidth=0.8, linestyle=":")
        if named:
            axes.annotate(words, (1.02, level), xycoords=("axes fraction", "data"), fontsize=8, color="#777777", va="center")
    axes.set(xticks=range(len(weights)), xticklabels=[f"c = {weight:g}" for weight in weights], ylim=(0, 1))
    axes.set_title(f"p = {p.replace('inf', '∞')}", pad=20)
    axes.set_ylabel("accuracy of the head")
    axes.legend(frameon=False, fontsize=8, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0))


def _shares(axes: Axes, cells: Sequence[dict[str, Any]], weights: Sequence[float]) -> None:
    bottom = np.zeros(len(weights))
    for name in CLASSES:
        mine = [[cell["class"] == name for cell in cells if cell["between_weight"] == weight] for weight in weights]
        share = np.array([np.mean(row) for row in mine])
        axes.bar(range(len(weights)), share, bottom=bottom, color=COLORS[name], width=0.6, label=name)
        bottom += share
    axes.set(xticks=range(len(weights)), xticklabels=[f"{weight:g}" for weight in weights], ylim=(0, 1), ylabel="share of runs")
    axes.legend(frameon=False, fontsize=7, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0))


SHADES = (COLORS["suppress"], "#7a4fa0", COLORS["encode"], "#5b8f5b", "#b08d2e", "#444444", "#d05080")


def _losses(axes: Axes, cells: Sequence[dict[str, Any]], weights: Sequence[float]) -> None:
    _lines(axes, cells, weights, lambda cell: (np.linspace(0, cell["settings"]["steps"], len(cell["losses"])).tolist(), cell["losses"]))
    axes.set(xlabel="step", ylabel="loss", yscale="log")
    axes.legend(fontsize=8)


def _color_changes(axes: Axes, cells: Sequence[dict[str, Any]], weights: Sequence[float]) -> None:
    """Change of descriptors when the colour of a digit changes, against steps."""
    _lines(axes, cells, weights, lambda cell: _measured(cell, "color_change"))
    axes.set(xlabel="step", ylabel="change with colour / deviation", ylim=(0, None))
    axes.legend(fontsize=8)


def _accuracy_curves(axes: Axes, cells: Sequence[dict[str, Any]], weights: Sequence[float]) -> None:
    """Accuracy of a short head, ID (solid) and OOD (dashed)."""
    _lines(axes, cells, weights, lambda cell: _measured(cell, "id"))
    _lines(axes, cells, weights, lambda cell: _measured(cell, "ood"), linestyle="--", labelled=False)
    axes.set(xlabel="step", ylabel="accuracy: ID solid, OOD dashed", ylim=(0, 1))
    axes.legend(fontsize=8, ncols=3, columnspacing=1, loc="center", bbox_to_anchor=(0.5, 0.26))


Points = tuple[Sequence[float], Sequence[float]]


def _measured(cell: dict[str, Any], name: str) -> Points:
    curve = cell.get("curve", ())
    return [point["step"] for point in curve], [point[name] for point in curve]


def _lines(
    axes: Axes,
    cells: Sequence[dict[str, Any]],
    weights: Sequence[float],
    points: Callable[[dict[str, Any]], Points],
    *,
    labelled: bool = True,
    linestyle: str = "-",
) -> None:
    """A line per cell, in the colour of its weight."""
    first = {weight: min(cell["seed"] for cell in cells if cell["between_weight"] == weight) for weight in weights}
    for cell in sorted(cells, key=lambda cell: (cell["seed"], cell["between_weight"])):
        weight = cell["between_weight"]
        label = f"c = {weight:g}" if labelled and cell["seed"] == first[weight] else None
        shade = SHADES[weights.index(weight) % len(SHADES)]
        axes.plot(*points(cell), color=shade, linewidth=0.9, alpha=0.8, label=label, linestyle=linestyle)


def _channels(axes: Axes, cells: Sequence[dict[str, Any]], weights: Sequence[float]) -> None:
    """The first digit's first channels, one row per weight, -1 (blue) to 1 (red)."""
    rows = []
    for weight in weights:
        first = min((cell for cell in cells if cell["between_weight"] == weight), key=lambda cell: cell["seed"])
        maps = np.array(first["channels"][0])[:SHOWN_CHANNELS] / 100
        half = [
            np.concatenate(list(np.pad(part, ((0, 0), (1, 1), (1, 1)), constant_values=np.nan)), axis=1) for part in np.array_split(maps, 2)
        ]
        rows.append(np.concatenate(half))
    axes.imshow(np.concatenate(rows), cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
    height = len(rows[0])
    axes.set(yticks=[height * (k + 0.5) for k in range(len(weights))], yticklabels=[f"c = {weight:g}" for weight in weights], xticks=[])
    axes.set_title(f"{len(maps)} of {len(first['channels'][0])} channels of one digit", fontsize=9)
    axes.spines[:].set_visible(False)
