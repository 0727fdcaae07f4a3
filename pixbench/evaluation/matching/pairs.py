"""Sources of evaluation pairs, such as a data set on disk, and the selection of query pixels."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from ...dataset.leakage import scene_assets
from ...dataset.manifest import Manifest
from ...dataset.reader import Dataset, Pair, PairKey
from ...geometry.cameras import Camera
from ...geometry.correspondence import Status
from ...geometry.instances import FIRST_OBJECT
from ...geometry.pixels import every_nth
from ..record import LayoutPart
from .levels.strata import Queries

QUERY_STATUSES = (Status.VISIBLE, Status.OCCLUDED)
"""Statuses of query pixels: visible or occluded in the target; for both the ground truth is exact."""


@dataclass(frozen=True, eq=False)
class ScoredPair(Pair):
    """A pair with the metadata that scoring needs beyond images and ground truth.

    Cameras are None for photographs without them; `homography` (from a to b) is None unless one holds for the whole pair. `on_object` and
    `seen_object` are None where a source does not know them; `seen_room` is None where no training set was named. `level` is empty,
    and `asked`, the queries with their strata, None, except for suites with levels.
    """

    camera_a: Camera | None
    camera_b: Camera | None
    homography: Float[np.ndarray, "3 3"] | None
    angle_deg: float
    overlap: float
    on_object: Bool[np.ndarray, "height width"] | None
    seen_object: Bool[np.ndarray, "height width"] | None = None
    seen_room: bool | None = None
    level: str = ""
    asked: Queries | None = None


@dataclass(frozen=True)
class Identity:
    """Identity of the evaluation data: a suite's name, hashes of recipe and contents, and the layout of real pairs from a folder."""

    suite: str
    recipe_sha256: str
    content_sha256: str
    split: str
    seed: int
    scenes: int
    layout: LayoutPart | None = None


class EvaluationPairs(ABC):
    """Ordered pairs in groups that share images, in a fixed order."""

    identity: Identity
    query_stride: int

    @abstractmethod
    def groups(self) -> Sequence[Sequence[PairKey]]:
        """The pairs of each scene."""

    @abstractmethod
    def images(self, scene: int) -> Sequence[UInt8[np.ndarray, "height width 3"]]:
        """The views of a scene, uint8 RGB."""

    @abstractmethod
    def pair(self, key: PairKey) -> ScoredPair:
        """Images, truth and geometry of a pair."""

    def queries(self, pair: Pair) -> Int[np.ndarray, "queries 2"]:
        """Query pixels (column, row): those of a grid whose ground truth is known."""
        return query_pixels(pair.truth.status, self.query_stride)


def query_pixels(status: UInt8[np.ndarray, "height width"], stride: int) -> Int[np.ndarray, "queries 2"]:
    """Every `stride`-th pixel of every `stride`-th row, half a stride in, of those visible or occluded in the target, in reading order."""
    grid = every_nth(stride)
    row, column = np.nonzero(np.isin(status[grid, grid], QUERY_STATUSES))
    return np.stack([column, row], axis=1) * stride + grid.start


class DatasetPairs(EvaluationPairs):
    """Pairs of a data set on disk, whose hashes are checked. `trained_on` is the asset hashes of a training set
    (`pixbench.dataset.leakage`).
    """

    def __init__(self, folder: Path, suite: str, query_stride: int, trained_on: Collection[str] | None = None):
        self._dataset = Dataset(folder)
        self._dataset.check_hashes()
        self.query_stride = query_stride
        self._trained_on = trained_on
        manifest = self._dataset.manifest
        self.identity = Identity(
            suite, recipe_identity(manifest), manifest.content_sha256(), manifest.split, manifest.seed, manifest.scenes
        )

    def groups(self) -> Sequence[Sequence[PairKey]]:
        """See EvaluationPairs."""
        scenes: dict[int, list[PairKey]] = {}
        for key in self._dataset.pair_keys():
            scenes.setdefault(key.scene, []).append(key)
        return list(scenes.values())

    def images(self, scene: int) -> Sequence[UInt8[np.ndarray, "height width 3"]]:
        """See EvaluationPairs."""
        return list(self._dataset.scene(scene).read("rgb"))

    def pair(self, key: PairKey) -> ScoredPair:
        """See EvaluationPairs."""
        scene = self._dataset.scene(key.scene)
        pair, instance = scene.pair(key), scene.read("instance", key.a).astype(np.int64)
        a, b = scene.camera(key.a), scene.camera(key.b)
        on_object = instance >= FIRST_OBJECT
        seen_object, seen_room = None, None
        if self._trained_on is not None:
            room, objects = scene_assets(scene)
            known = np.array([False, False, *(asset in self._trained_on for asset in objects)])
            seen_object, seen_room = known[instance], None if room is None else room in self._trained_on
        return ScoredPair(
            key,
            pair.rgb_a,
            pair.rgb_b,
            pair.truth,
            a,
            b,
            plane_homography(a, b),
            float(scene.read("pair_angle_deg")[key.row]),
            float(scene.read("pair_overlap")[key.row]),
            on_object,
            seen_object,
            seen_room,
        )

    def close(self) -> None:
        """Close the files."""
        self._dataset.close()


def recipe_identity(manifest: Manifest) -> str:
    """Hash of a data set's recipe and of the contents of its assets: what is the same on every machine."""
    if not manifest.assets:
        return manifest.recipe_sha256
    hashes = [manifest.recipe_sha256, *(f"{name} {sha256}" for name, sha256 in sorted(manifest.assets.items()))]
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest()


def plane_homography(a: Camera, b: Camera) -> Float[np.ndarray, "3 3"] | None:
    """The map of pixels between cameras at one place, K_b R_b R_a^-1 K_a^-1; None for cameras apart.

    Pictures under known warps are kept as such cameras.
    """
    # Relative to rounding only: in coordinates of a map, cameras some metres apart differ in the sixth digit.
    if not np.allclose(a.centre, b.centre, rtol=1e-12, atol=1e-9):
        return None
    H: np.ndarray = b.world_to_pixel @ a.pixel_to_world
    return H / H[2, 2]


def describe_source(source: EvaluationPairs) -> str:
    """The identity as JSON, stored with files that are valid for these pairs only."""
    return json.dumps(
        {"recipe": source.identity.recipe_sha256, "content": source.identity.content_sha256, "query_stride": source.query_stride}
    )
