"""Reads data sets: scenes, and ordered pairs with ground truth. Imports h5py, NumPy, Numba, pydantic, jaxtyping and deflate, not torch."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from ..errors import UserError
from ..geometry.cameras import Camera, inverse_rigid, transform_points
from ..geometry.correspondence import PairTruth, Status, uv_from_depth
from ..geometry.instances import FIRST_OBJECT
from ..geometry.pixels import pixel_centres
from ..geometry.selftest import StoredPair
from ..io.files import has_contents
from ..io.hdf5 import member, values
from ..io.untrusted import check_shown, parsing
from .chunks import Chunks, find_chunks
from .compression import open_shard
from .manifest import read_manifest
from .schema import FIELDS

OPEN_SHARDS = 256
"""Files that a data set keeps open; systems commonly allow a process 1024."""


@dataclass(frozen=True)
class PairKey:
    """An ordered pair: scene index in the data set, row in the scene's `pairs`, source view and target view."""

    scene: int
    row: int
    a: int
    b: int


@dataclass(frozen=True, eq=False)
class Pair:
    """Two images, (height, width, 3) uint8, and the truth from the first to the second. Photographs may differ in size."""

    key: PairKey
    rgb_a: UInt8[np.ndarray, "height width 3"]
    rgb_b: UInt8[np.ndarray, "rows columns 3"]
    truth: PairTruth

    @property
    def visible(self) -> Bool[np.ndarray, "height width"]:
        """Source pixels whose surface point is visible in the target."""
        return self.truth.status == Status.VISIBLE


@dataclass(frozen=True, eq=False)
class _OpenShard:
    """An open file, and its scenes that were read so far: they keep the offsets of their chunks."""

    file: h5py.File
    scenes: dict[str, "StoredScene"]


class Dataset:
    """A data set on disk. Files are opened when first needed and stay open; a copy in another process opens its own.

    A shard's hash is checked when it is first opened; `check=False` leaves that out, for very large sets that were verified before.

    Raises UserError if the folder is not a finished data set, or files are missing or changed.
    """

    def __init__(self, folder: Path | str, *, check: bool = True):
        self.folder = Path(folder)
        self.manifest = read_manifest(self.folder)
        if not self.manifest.complete:
            raise UserError(
                f"{self.folder} is not finished ({len(self.manifest.shards)} shards listed): run the same 'pixbench generate' command again"
            )
        for shard in self.manifest.shards:
            path = self.folder / "shards" / shard.file
            if not path.is_file() or path.stat().st_size != shard.bytes:
                raise UserError(f"{path} is missing or has another size than was written: run the same 'pixbench generate' command again")
        self._where = [(shard.file, name) for shard in self.manifest.shards for name in shard.scenes]
        self._open: dict[str, _OpenShard] = {}
        self._unchecked = self.manifest.listed_shards() if check else {}

    def __len__(self) -> int:
        return len(self._where)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": {}}

    def close(self) -> None:
        """Close all files."""
        for shard in self._open.values():
            shard.file.close()
        self._open.clear()

    def scene(self, index: int) -> "StoredScene":
        """Scene number `index`."""
        name, group = self._where[index]
        shard = self._shard(name)
        if group not in shard.scenes:
            with parsing(f"{self.folder / 'shards' / name}: scene {group}", self._advice):
                shard.scenes[group] = StoredScene(member(shard.file, group), index)
        return shard.scenes[group]

    def _shard(self, name: str) -> "_OpenShard":
        if name not in self._open:
            if len(self._open) >= OPEN_SHARDS:
                # Dropped from the cache, not closed: the file stays open as long as a caller uses one of its scenes.
                self._open.pop(next(iter(self._open)))
            path = self.folder / "shards" / name
            with parsing(f"shard {path}", self._advice):
                self._check_hash(name)
                self._open[name] = _OpenShard(open_shard(path), {})
        return self._open[name]

    @property
    def _advice(self) -> str:
        return f"check the data set with 'pixbench verify {self.folder}'"

    def check_hashes(self) -> None:
        """Raises UserError if the hash of any shard differs from the manifest's."""
        self._unchecked = self.manifest.listed_shards()
        for name in list(self._unchecked):
            self._check_hash(name)

    def _check_hash(self, name: str) -> None:
        """Raises UserError if the hash of a shard, unless it was checked before, differs from the manifest's."""
        if name in self._unchecked:
            entry = self._unchecked[name]
            if not has_contents(self.folder / "shards" / name, entry.bytes, entry.sha256):
                raise UserError(f"{self.folder / 'shards' / name} was changed: {self._advice}")
            del self._unchecked[name]

    def scenes(self) -> Iterator["StoredScene"]:
        """All scenes in order."""
        return (self.scene(index) for index in range(len(self)))

    def pair_keys(self, *, overlap: tuple[float, float] = (0.0, 1.0), angle_deg: tuple[float, float] = (0.0, 180.0)) -> list[PairKey]:
        """Every ordered pair of every scene, in order, or those with a visible share and a baseline angle within given bounds.

        A pair that shares nothing has no angle: it is listed only while the angle is not restricted.
        """
        return [
            PairKey(scene.index, row, a, b)
            for scene in self.scenes()
            for row, ((a, b), share, angle) in enumerate(
                zip(scene.pairs(), scene.read("pair_overlap"), scene.read("pair_angle_deg"), strict=True)
            )
            if overlap[0] <= share <= overlap[1] and (angle_deg == (0.0, 180.0) or angle_deg[0] <= angle <= angle_deg[1])
        ]

    def pair(self, key: PairKey) -> Pair:
        """The images and truth of one ordered pair."""
        return self.scene(key.scene).pair(key)


class StoredScene:
    """One scene of an open shard.

    Raises UserError if it is not of the format.
    """

    def __init__(self, group: h5py.Group, index: int):
        if not isinstance(group, h5py.Group):
            raise ValueError("it is not a group")
        self.group = group
        self.index = index
        self.name = group.name.strip("/")
        self.file_name: str = group.file.filename
        self._where = f"{self.file_name}: scene {self.name}"
        self._sizes: dict[str, int] = {}
        self._known: set[str] = set()
        self._chunks: dict[str, Chunks | None] = {}
        self._cameras: list[Camera] = []

    def read(self, field: str, view: int | None = None) -> Any:
        """A whole field, or its part of one view or pair, as a numpy array."""
        with self._reading(field):
            if view is None:
                return values(self.stored(field))
            if field not in self._chunks:
                self._chunks[field] = find_chunks(self.stored(field))
            chunks = self._chunks[field]
            return values(self.stored(field), view) if chunks is None else chunks.read(view)

    def stored(self, field: str) -> h5py.Dataset:
        """A field in the file. Raises KeyError if it is missing, ValueError where it is not of the format."""
        if field in self._known:
            return self.group[field]
        dataset = member(self.group, field)
        if not isinstance(dataset, h5py.Dataset):
            raise ValueError("it is not an array")
        fault = FIELDS[field].fault(dataset.dtype, dataset.shape, self._sizes)
        if fault:
            raise ValueError(fault)
        self._known.add(field)
        return dataset

    def shape(self, field: str) -> tuple[int, ...]:
        """The shape of a field."""
        with self._reading(field):
            shape: tuple[int, ...] = self.stored(field).shape
            return shape

    def pairs(self) -> list[tuple[int, int]]:
        """The views of each ordered pair. Raises UserError for one that names no view."""
        found, views = self.read("pairs"), self.shape("depth_m")[0]
        with self._reading("pairs"):
            if ((found < 0) | (found >= views)).any():
                raise ValueError("it names views that do not exist")
        return [(int(a), int(b)) for a, b in found]

    def _reading(self, field: str) -> AbstractContextManager[None]:
        return parsing(f"{self._where}, field {field}", "check the data set with 'pixbench verify'")

    def json(self, attribute: str) -> dict[str, Any]:
        """The stored `recipe` or `self_test`. Raises UserError if it is not valid."""
        with self._reading(attribute):
            value = json.loads(self.group.attrs[attribute])
            if not isinstance(value, dict):
                raise ValueError(f"it is a {type(value).__name__}, not an object")
            check_shown(value)
            return value

    def camera(self, view: int) -> Camera:
        """The camera of a view."""
        if not self._cameras:
            views, height, width = self.shape("depth_m")
            K, T_world_cam = self.read("K"), self.read("T_world_cam")
            self._cameras = [Camera(K[index], T_world_cam[index], width, height) for index in range(views)]
        return self._cameras[view]

    def points(self, view: int) -> Float[np.ndarray, "height width 3"]:
        """World points of a view's pixels in metres; NaN without a surface."""
        camera = self.camera(view)
        return camera.unproject(pixel_centres(camera.width, camera.height), self.read("depth_m", view))

    def distance_m(self, view: int) -> Float[np.ndarray, "height width"]:
        """Distance of each pixel's point from the camera, along its ray, in metres; NaN without a surface."""
        distance: np.ndarray = np.linalg.norm(self.points(view) - self.camera(view).centre, axis=-1)
        return distance

    def object_coordinates(self, view: int) -> Float[np.ndarray, "height width 3"]:
        """Where on its object each pixel's point lies: [0, 1] along each axis of the object's own box; NaN off the objects.

        The canonical coordinates of Wang et al. (NOCS, 2019), but each axis by itself: times the box's size they are metres.
        """
        coordinates = np.full((*self.shape("instance")[1:], 3), np.nan)
        points, instance = self.points(view), self.read("instance", view)
        for index, (T, (low, high)) in enumerate(zip(self.read("object_T_world_obj"), self.read("object_bounds_m"), strict=True)):
            on = instance == FIRST_OBJECT + index
            coordinates[on] = (transform_points(inverse_rigid(T), points[on]) - low) / np.maximum(high - low, 1e-9)
        return coordinates

    def uv(self, a: int, b: int) -> Float[np.ndarray, "height width 2"]:
        """The dense map from view a to view b: uv in pixels of b, float32; NaN without a surface."""
        return uv_from_depth(self.read("depth_m", a), self.camera(a), self.camera(b))

    def pair(self, key: PairKey) -> Pair:
        """Images and truth of a pair of this scene."""
        truth = PairTruth(self.uv(key.a, key.b), self.read("status", key.row))
        return Pair(key, self.read("rgb", key.a), self.read("rgb", key.b), truth)

    def stored_pairs(self) -> Iterator[StoredPair]:
        """All pairs with what the self-test needs."""
        views = {name: self.read(name) for name in ("rgb", "depth_m", "normal_world", "triangle")}
        cameras = [self.camera(view) for view in range(len(views["rgb"]))]
        return stored_pairs(views, cameras, self.pairs(), self.read("status"))

    def controls(self) -> tuple[Int[np.ndarray, "pairs controls 2"], Float[np.ndarray, "pairs controls 2"]]:
        """Stored exact matches of all pairs: source pixels (column, row) and target uv."""
        return self.read("control_pixel"), self.read("control_uv")


def stored_pairs(
    views: Mapping[str, np.ndarray], cameras: Sequence[Camera], pairs: Sequence[tuple[int, int]], status: UInt8[np.ndarray, "pairs h w"]
) -> Iterator[StoredPair]:
    """Gather ordered pairs from arrays over views; the maps are those that a reader gets."""
    depth = views["depth_m"]
    centres = pixel_centres(depth.shape[2], depth.shape[1])
    points = [camera.unproject(centres, depth_m) for camera, depth_m in zip(cameras, depth, strict=True)]
    for (a, b), codes in zip(pairs, status, strict=True):
        yield StoredPair(
            camera_a=cameras[a],
            camera_b=cameras[b],
            depth_b=depth[b],
            normal_a=views["normal_world"][a],
            normal_b=views["normal_world"][b],
            triangle_a=views["triangle"][a],
            triangle_b=views["triangle"][b],
            rgb_a=views["rgb"][a],
            rgb_b=views["rgb"][b],
            points_a=points[a],
            uv_b=uv_from_depth(depth[a], cameras[a], cameras[b]),
            status=codes,
        )
