"""Descriptor channels as pictures: those with the largest spread of several models, or all of one."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from textwrap import fill

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..evaluation.model import DescriptorModel, image_batch
from .figures import save_figure, show_image

LETTERS = 22
"""Characters of a title that fit beside a row."""

Descriptors = Float[np.ndarray, "channels rows columns"]


def widest_channels(descriptors: Descriptors, count: int) -> Int[np.ndarray, " shown"]:
    """Numbers of the channels with the largest standard deviation, at most `count`, in ascending order."""
    return np.sort(np.argsort(-descriptors.reshape(len(descriptors), -1).std(axis=1), kind="stable")[:count])


def scaled_channels(descriptors: Descriptors) -> Float[np.ndarray, "channels rows columns"]:
    """Each channel from -1 to 1 between its 1st and 99th percentile, clipped; the sign of a descriptor's channel has no meaning."""
    low, high = np.percentile(descriptors, (1, 99), axis=(1, 2))
    return (2 * (descriptors - low[:, None, None]) / np.maximum(high - low, 1e-9)[:, None, None] - 1).clip(-1, 1)


def show_channels(row: Iterable[Axes], scaled: Descriptors, which: Iterable[int]) -> None:
    """One channel in each of the axes, under its number; axes without a channel stay empty."""
    row = list(row)
    for axes in row:
        axes.set_axis_off()
    for axes, channel, number in zip(row, scaled, which, strict=False):
        axes.imshow(channel, cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
        axes.set_title(f"channel {number}", fontsize=9)


def draw_channels(
    picture: UInt8[np.ndarray, "_ _ 3"], described: Sequence[tuple[str, Float[np.ndarray, "_ _ _"]]], path: Path, *, count: int = 6
) -> None:
    """The picture and the `count` channels with the largest spread: one row for each pair of a title and descriptors."""
    height = 1.9 * picture.shape[0] / picture.shape[1] + 0.25
    figure = Figure(figsize=(1.9 * (1 + count) + 0.3, height * len(described)), layout="constrained")
    grid = figure.subplots(len(described), 1 + count, squeeze=False)
    for row, (title, descriptors) in zip(grid, described, strict=True):
        which = widest_channels(descriptors, count)
        show_image(row[0], picture)
        # A title longer than its row would push the rows apart.
        row[0].text(-0.05, 0.5, fill(title, LETTERS), rotation=90, ha="right", va="center", fontsize=9, transform=row[0].transAxes)
        show_channels(row[1:], scaled_channels(descriptors[which].astype(np.float64)), which.tolist())
    save_figure(figure, path)


def channel_picture(rgb: UInt8[np.ndarray, "_ _ 3"], model: DescriptorModel, path: Path) -> None:
    """An image beside each channel of one model, every channel on its own scale, which is given above it."""
    with torch.inference_mode():
        channels = model.dense(image_batch(rgb))[0].cpu().numpy()
    columns = 8
    rows = -(-(len(channels) + 1) // columns)
    figure = Figure(figsize=(1.45 * columns, 1.55 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.set_axis_off()
    show_image(grid[0], rgb, "image")
    for number, (axes, channel) in enumerate(zip(grid[1:], channels, strict=False)):
        low, high = np.percentile(channel, [1, 99])
        axes.imshow(channel, cmap="coolwarm", vmin=low, vmax=high, interpolation="nearest")
        axes.set_title(f"{number}: {low:.2f} … {high:.2f}", fontsize=6.5)
    save_figure(figure, path)
