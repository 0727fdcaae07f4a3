"""The loss curve of a run as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..io.files import written_whole


def draw_loss_curve(
    losses: Sequence[float], validation: Mapping[int, float], accuracy: Mapping[int, float], path: Path, *, title: str
) -> None:
    """Every step's loss, its running mean over a twentieth of the run, the validation loss, and delta_avg on an axis of its own."""
    from matplotlib.figure import Figure

    values = np.asarray(losses, float)
    window = max(len(values) // 20, 1)
    smooth = np.convolve(values, np.ones(window) / window, mode="valid")
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.plot(np.arange(1, len(values) + 1), values, color="#9db8d2", linewidth=0.7, label="each step")
    axes.plot(np.arange(window, len(values) + 1), smooth, color="#1b4f8a", linewidth=1.8, label=f"mean of {window} steps")
    if validation:
        axes.plot(list(validation), list(validation.values()), "o-", color="#c4622d", markersize=3.5, linewidth=1.2, label="validation")
    axes.set(xlabel="step", ylabel="loss", title=title, ylim=(0, None))
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    lines, names = axes.get_legend_handles_labels()
    if accuracy:
        right = axes.twinx()
        lines += right.plot(list(accuracy), list(accuracy.values()), "s-", color="#3b7d4f", markersize=3.5, linewidth=1.2)
        right.set(ylabel="validation delta_avg", ylim=(0, None))
        right.spines[["top", "left"]].set_visible(False)
        names.append("validation delta_avg")
    figure.legend(lines, names, frameon=False, loc="outside lower center", ncols=len(names), fontsize=8)
    with written_whole(path) as temporary:
        figure.savefig(temporary, dpi=200, metadata={"Software": None})
