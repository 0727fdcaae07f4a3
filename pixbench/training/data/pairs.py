"""Torch data sets of view pairs: all dense truth (`PairDataset`), and sampled points for a loss (`PointDataset`) from any source."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from ...dataset.reader import Dataset
from ...geometry.pixels import pixel_centres
from .crops import Crop, matched_crops
from .sampler import POINTS, SceneSampler

Sample = dict[str, Tensor]


def image_tensor(rgb: UInt8[np.ndarray, "height width 3"]) -> Float[Tensor, "3 height width"]:
    """An image from disk as a network takes it: (3, H, W) float32 in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(rgb.transpose(2, 0, 1))).float() / 255


@dataclass(frozen=True, eq=False)
class Views:
    """Two views to train on: images (3, H, W) in [0, 1], where a's pixels lie in b (H, W, 2), and which of these are true matches."""

    image_a: Float[Tensor, "3 height width"]
    image_b: Float[Tensor, "3 height width"]
    uv_b: Float[np.ndarray, "height width 2"]
    matched: Bool[np.ndarray, "height width"]


@runtime_checkable
class TrainingPairs(Protocol):
    """Pairs of views to train on.

    `groups` has a number for each pair: pairs of one group may show the same points, so that they never meet in a batch.
    `description` says what the data is, for the record of a run.
    """

    @property
    def groups(self) -> Sequence[int]:
        """One number per pair."""
        ...

    @property
    def description(self) -> Mapping[str, Any]:
        """Plain values that identify the data."""
        ...

    def views(self, index: int, *, rng: np.random.Generator) -> Views:
        """A pair; what is random about its views comes from `rng`."""
        ...

    def close(self) -> None:
        """Close open files."""
        ...


class PairSample(NamedTuple):
    """An ordered pair of views as tensors; `torch.utils.data.default_collate` stacks several into one with a batch axis first.

    image_a, image_b: (3, H, W) in [0, 1]. uv_b: (H, W, 2), where each pixel of a lies in b, in pixels. visible: (H, W), whether b
    sees it. status: (H, W), what became of it (`pixbench.geometry.correspondence.Status`). scene, a, b: which views these are.
    """

    image_a: Float[Tensor, "*batch 3 height width"]
    image_b: Float[Tensor, "*batch 3 height width"]
    uv_b: Float[Tensor, "*batch height width 2"]
    visible: Bool[Tensor, "*batch height width"]
    status: UInt8[Tensor, "*batch height width"]
    scene: int
    a: int
    b: int

    def __repr__(self) -> str:
        height, width = self.image_a.shape[-2:]
        share = f"{width} x {height} px, {float(self.visible.float().mean()):.0%} visible"
        if self.image_a.ndim == 4:
            return f"{len(self.image_a)} pairs of views, {share}"
        return f"pair of views: scene {self.scene}, view {self.a} to view {self.b}, {share}"


class PairDataset(TorchDataset[PairSample]):
    """The ordered pairs of a data set on disk: a torch Dataset of `PairSample`, and a `TrainingPairs` to train on. `check`: see
    `Dataset`.
    """

    def __init__(self, folder: Path | str, *, check: bool = True):
        self.dataset = Dataset(folder, check=check)
        self.keys = self.dataset.pair_keys()
        self.groups = [key.scene for key in self.keys]

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: int) -> PairSample:
        key = self.keys[index]
        pair = self.dataset.pair(key)
        return PairSample(
            image_a=image_tensor(pair.rgb_a),
            image_b=image_tensor(pair.rgb_b),
            uv_b=torch.from_numpy(pair.truth.uv_b),
            visible=torch.from_numpy(pair.visible),
            status=torch.from_numpy(pair.truth.status),
            scene=key.scene,
            a=key.a,
            b=key.b,
        )

    def __iter__(self) -> Iterator[PairSample]:
        return (self[index] for index in range(len(self)))

    def __repr__(self) -> str:
        folder, split = self.dataset.folder, self.dataset.manifest.split
        return f"PairDataset('{folder}'): split {split}, {len(self.dataset)} scenes, {len(self)} ordered pairs of views"

    def loader(self, batch: int = 6, *, seed: int = 0, workers: int = 0) -> DataLoader[PairSample]:
        """Shuffled batches, in another order each epoch. No batch holds two pairs of one scene: a loss that contrasts the pairs of a
        batch would take true matches for negatives. Raises UserError if there are fewer scenes than pairs in a batch.
        """
        return DataLoader(self, batch_sampler=SceneSampler(self.groups, batch=batch, seed=seed), num_workers=workers)

    @property
    def description(self) -> Mapping[str, Any]:
        """See TrainingPairs."""
        manifest = self.dataset.manifest
        return {"recipe_sha256": manifest.recipe_sha256, "content_sha256": manifest.content_sha256(), "split": manifest.split}

    def views(self, index: int, *, rng: np.random.Generator) -> Views:
        """See TrainingPairs."""
        pair = self.dataset.pair(self.keys[index])
        return Views(image_tensor(pair.rgb_a), image_tensor(pair.rgb_b), pair.truth.uv_b, pair.visible)

    def close(self) -> None:
        """Close the files."""
        self.dataset.close()


class PointDataset(TorchDataset[Sample]):
    """Pairs with `points` source pixels each: a share `keep` as true matches, the others against random positions of view b.

    Item (epoch seed, index) is a pure function of both. `uv_a` and `uv_b` (points, 2) pair up row by row; `uv_random`
    (points, 2) are uniformly random positions in b; `positive` says which of the two a row is compared with; `matched` is false
    where a pair has no true match at all, so that `uv_b` means nothing. With `crop`, views are matched crops of that many pixels, each
    with a random scale in `zoom` (see `crops`); matches stay exact.
    """

    def __init__(
        self,
        source: TrainingPairs,
        *,
        points: int,
        keep: float,
        seed: int,
        crop: int | None = None,
        zoom: tuple[float, float] = (1.0, 1.0),
    ):
        self.source, self.points, self.keep, self.seed = source, points, keep, seed
        self.crop, self.zoom = crop, zoom
        self._count = len(source.groups)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Sample:
        draw, which = divmod(index, self._count)
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(POINTS, draw, which)))
        views = self.source.views(which, rng=rng)
        crop_a, crop_b = self._crops(views, rng)
        height, width = views.matched.shape
        inside = crop_a.covers(pixel_centres(width, height))
        shared = views.matched & inside & crop_b.covers(views.uv_b)
        uv_a, uv_b, matched = _sample_points(views.uv_b, shared, inside, self.points, rng=rng)
        return {
            "image_a": crop_a.image(views.image_a),
            "image_b": crop_b.image(views.image_b),
            "uv_a": torch.from_numpy(crop_a.to_crop(uv_a).astype(np.float32)),
            "uv_b": torch.from_numpy(crop_b.to_crop(uv_b).astype(np.float32)),
            "uv_random": torch.from_numpy((rng.random((self.points, 2)) * crop_b.size_wh).astype(np.float32)),
            "positive": torch.from_numpy(matched & (rng.random(self.points) < self.keep)),
            "matched": torch.from_numpy(matched),
        }

    def _crops(self, views: Views, rng: np.random.Generator) -> tuple[Crop, Crop]:
        if self.crop is None:
            height, width = views.matched.shape
            whole = Crop(0, 0, (width, height), (width, height))
            return whole, whole
        return matched_crops(views.uv_b, views.matched, size=self.crop, zoom=self.zoom, rng=rng)


def _sample_points(
    uv_b: Float[np.ndarray, "height width 2"],
    shared: Bool[np.ndarray, "height width"],
    inside: Bool[np.ndarray, "height width"],
    points: int,
    *,
    rng: np.random.Generator,
) -> tuple[Float[np.ndarray, "points 2"], Float[np.ndarray, "points 2"], Bool[np.ndarray, " points"]]:
    """`shared` source pixels with their exact matches; where there are none, any pixels `inside`, none of them matched."""
    found = np.argwhere(shared)
    matched = np.full(points, len(found) > 0)
    pool = found if len(found) else np.argwhere(inside)
    row, column = pool[rng.integers(len(pool), size=points)].T
    height, width = shared.shape
    uv_a = pixel_centres(width, height)[row, column]
    return uv_a, np.where(matched[:, None], uv_b[row, column].astype(np.float64), uv_a), matched
