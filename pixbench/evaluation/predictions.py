"""Predictions on disk: what a model said, before anybody scores it."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from jaxtyping import Float, Int

from ..errors import UserError
from ..geometry import pixel_centres
from ..shards.reader import Dataset
from .model import Model

FORMAT = "pixbench-predictions"
FORMAT_VERSION = 1


@dataclass(frozen=True, eq=False)
class Predictions:
    """For each ordered pair (scene, view a, view b) the predicted uv of every query, in pixels."""

    pairs: Int[np.ndarray, "pairs 3"]
    query_uv: Float[np.ndarray, "queries 2"]
    uv: Float[np.ndarray, "pairs queries 2"]
    model: str
    content_sha256: str


def query_grid(width: int, height: int, stride: int) -> Float[np.ndarray, "queries 2"]:
    """Centres of every `stride`-th pixel of every `stride`-th row, starting half a stride in."""
    start = stride // 2
    grid = pixel_centres(width, height)[start::stride, start::stride]
    return grid.reshape(-1, 2)


def predict(model: Model, dataset: Dataset, *, stride: int, progress: Callable[[int], None] = lambda done: None) -> Predictions:
    """Ask a model for every pair of a data set. The model sees both images; only an oracle looks at the truth."""
    keys = dataset.pair_keys()
    height, width = dataset.scene(0).group["depth_m"].shape[1:]
    queries = query_grid(width, height, stride)
    answers = np.empty((len(keys), len(queries), 2), np.float32)
    for row, key in enumerate(keys):
        answers[row] = model.match(dataset.pair(key), queries)
        progress(1)
    pairs = np.array([(key.scene, key.a, key.b) for key in keys], np.int32)
    return Predictions(pairs, queries, answers, model.name, dataset.manifest.content_sha256())


def write_predictions(path: Path, predictions: Predictions) -> None:
    """Write to a temporary name, then rename."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with h5py.File(temporary, "w", libver=("v110", "v110")) as file:
            file.attrs["format"], file.attrs["format_version"] = FORMAT, FORMAT_VERSION
            file.attrs["model"], file.attrs["content_sha256"] = predictions.model, predictions.content_sha256
            for name, unit, array in (
                ("pairs", "scene, view a, view b", predictions.pairs),
                ("query_uv", "px", predictions.query_uv),
                ("uv", "px", predictions.uv),
            ):
                dataset = file.create_dataset(name, data=array, compression="gzip", shuffle=True, fletcher32=True)
                dataset.attrs["unit"] = unit
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read_predictions(path: Path) -> Predictions:
    """Read a file that `write_predictions` wrote."""
    try:
        with h5py.File(path, "r") as file:
            if file.attrs.get("format") != FORMAT or file.attrs.get("format_version") != FORMAT_VERSION:
                raise UserError(f"{path} is not a predictions file of format version {FORMAT_VERSION}: run 'pixbench evaluate' again")
            return Predictions(
                file["pairs"][()],
                file["query_uv"][()],
                file["uv"][()],
                file.attrs["model"],
                file.attrs["content_sha256"],
            )
    except (OSError, KeyError) as error:
        raise UserError(f"{path} is not a predictions file ({str(error).splitlines()[0]}): run 'pixbench evaluate' again") from None
