"""Torch data sets of view pairs: all dense truth (`PairDataset`), and sampled points for a loss (`PointDataset`)."""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor
from torch.utils.data import Dataset as TorchDataset

from ..geometry import pixel_centres
from ..shards.reader import Dataset, Pair
from .sampler import POINTS

Sample = dict[str, Tensor]


def image_tensor(rgb: UInt8[np.ndarray, "height width 3"]) -> Float[Tensor, "3 height width"]:
    """An image from disk as a network takes it: (3, H, W) float32 in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(rgb.transpose(2, 0, 1))).float() / 255


class PairDataset(TorchDataset[Sample]):
    """Every ordered pair of a data set: `image_a`, `image_b` (3, H, W) in [0, 1], `uv_b` (H, W, 2) in pixels, `status` (H, W)."""

    def __init__(self, folder: Path | str):
        self.dataset = Dataset(folder)
        self.keys = self.dataset.pair_keys()

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: int) -> Sample:
        pair = self.dataset.pair(self.keys[index])
        return {
            "image_a": image_tensor(pair.rgb_a),
            "image_b": image_tensor(pair.rgb_b),
            "uv_b": torch.from_numpy(pair.truth.uv_b),
            "status": torch.from_numpy(pair.truth.status),
        }


class PointDataset(TorchDataset[Sample]):
    """Pairs with `points` source pixels each: a share `keep` as true matches, the others against random places of view b.

    Item (epoch seed, index) is a pure function of both. `uv_a` and `uv_b` (points, 2) pair up row by row; `uv_random`
    (points, 2) are uniformly random places in b; `positive` says which of the two a row is compared with.
    """

    def __init__(self, folder: Path | str, *, points: int, keep: float, seed: int):
        self.dataset = Dataset(folder)
        self.keys = self.dataset.pair_keys()
        self.points, self.keep, self.seed = points, keep, seed

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: int) -> Sample:
        draw, which = divmod(index, len(self.keys))
        pair = self.dataset.pair(self.keys[which])
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(POINTS, draw, which)))
        uv_a, uv_b, matched = _sample_points(pair, self.points, rng=rng)
        height, width = pair.truth.status.shape
        return {
            "image_a": image_tensor(pair.rgb_a),
            "image_b": image_tensor(pair.rgb_b),
            "uv_a": torch.from_numpy(uv_a.astype(np.float32)),
            "uv_b": torch.from_numpy(uv_b.astype(np.float32)),
            "uv_random": torch.from_numpy((rng.random((self.points, 2)) * [width, height]).astype(np.float32)),
            "positive": torch.from_numpy(matched & (rng.random(self.points) < self.keep)),
        }


def _sample_points(
    pair: Pair, points: int, *, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "points 2"], Float[np.ndarray, "points 2"], Bool[np.ndarray, " points"]]:
    """Source pixels with their exact matches; where a pair has no visible pixel, any pixels, none of them matched."""
    visible = np.argwhere(pair.visible)
    matched = np.full(points, len(visible) > 0)
    pool = visible if len(visible) else np.argwhere(np.ones_like(pair.visible))
    row, column = pool[rng.integers(len(pool), size=points)].T
    height, width = pair.truth.status.shape
    uv_a = pixel_centres(width, height)[row, column]
    uv_b = np.where(matched[:, None], pair.truth.uv_b[row, column].astype(np.float64), uv_a)
    return uv_a, uv_b, matched
