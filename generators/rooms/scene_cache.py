"""Caches of what is slow to compute for a room or a model: ray casters, flattened triangles, contact points."""

from collections import OrderedDict
from collections.abc import Callable
from functools import cached_property
from typing import Generic, TypeVar, no_type_check

import numpy as np
from jaxtyping import Float, Int

from pixbench.geometry.instances import FIRST_OBJECT, ROOM_INSTANCE
from pixbench.geometry.rays import JoinedCaster, PlacedCaster, RayCaster
from pixbench.jit import kernel

from ..scene import Asset, BorrowedGeometry, Mesh, Placed, Room

T = TypeVar("T")
CasterType = Callable[[Float[np.ndarray, "triangles 3 3"]], RayCaster]

BLOCK = 256

CONTACT_M = 0.01
"""Vertices at most this far above the lowest point of an object are candidates for contact points."""

CONTACTS = 160
"""Largest number of contact points of a model."""


class LRUCache(Generic[T]):
    """The most recently used results of a slow function of an id, with a total weight of at most `most`."""

    def __init__(self, most: float, weight: Callable[[T], float] = lambda item: 1.0):
        self._most, self._weight = most, weight
        self._items: OrderedDict[str, T] = OrderedDict()

    def get(self, key: str, make: Callable[[], T]) -> T:
        """The result for `key`; `make` computes it if it is not cached."""
        if key not in self._items:
            # Space is freed first: two scans of millions of triangles at once need too much memory.
            self._shrink(self._most / 2)
            self._items[key] = make()
            self._shrink(self._most, least=1)
        self._items.move_to_end(key)
        return self._items[key]

    def _shrink(self, most: float, *, least: int = 0) -> None:
        while len(self._items) > least and sum(map(self._weight, self._items.values())) > most:
            self._items.popitem(last=False)


class CachedRoom:
    """A room with its ray caster, and buffers with the room's triangles and space for the objects of a scene behind them."""

    def __init__(self, room: Room, caster: CasterType):
        self.room = room
        self._count = len(room.mesh.faces)
        self._table = np.empty((self._count, 24), np.float32)
        self._rows = np.empty((self._count, 3), np.int32)
        self._color = np.empty((self._count, 3, 3), np.uint8) if room.mesh.color is not None else None
        self._fill(slice(0, self._count), room.mesh, np.eye(4), ROOM_INSTANCE, 0)
        self.caster = caster(self.corners)
        self._blocks = _block_boxes(self.corners)

    def near(self, box: Float[np.ndarray, "2 3"]) -> Float[np.ndarray, "triangles 3 3"]:
        """Corners, in metres, of the room's triangles whose bounding boxes overlap `box`."""
        return self.corners[_near(self.corners, self._blocks, box.astype(np.float32))]

    @property
    def nbytes(self) -> int:
        """Approximate memory in bytes: triangles, here and in the caster, and textures."""
        textures = {id(m.texture): m.texture.nbytes for m in self.room.mesh.materials if m.texture is not None}
        return 260 * self._count + sum(textures.values())

    @property
    def corners(self) -> Float[np.ndarray, "triangles 3 3"]:
        """World corners of the room's own triangles, in metres."""
        return self._table[: self._count, :9].reshape(-1, 3, 3)

    def furnished(self, objects: tuple[Placed, ...], shapes: tuple["CachedAsset", ...]) -> tuple[BorrowedGeometry, RayCaster]:
        """All triangles of the room and of placed objects, and a caster into them.

        `shapes` are the cached assets of `objects`. The geometry is valid until the next call (see BorrowedGeometry).
        """
        counts = [len(placed.asset.mesh.faces) for placed in objects]
        total = self._count + sum(counts)
        self._reserve(total, any(placed.asset.mesh.color is not None for placed in objects))
        first, materials = self._count, list(self.room.mesh.materials)
        for index, (placed, count) in enumerate(zip(objects, counts, strict=True)):
            self._fill(slice(first, first + count), placed.asset.mesh, placed.T_world_obj, FIRST_OBJECT + index, len(materials))
            materials.extend(placed.asset.mesh.materials)
            first += count
        instance, part, material = self._rows[:total].T
        color = None if self._color is None else self._color[:total]
        geometry = BorrowedGeometry(self._table[:total], instance, part, material, tuple(materials), color)
        parts = [
            PlacedCaster(shape.caster, count, shape.bounds, placed.T_world_obj)
            for placed, shape, count in zip(objects, shapes, counts, strict=True)
        ]
        return geometry, JoinedCaster(self.caster, self._count, tuple(parts))

    def _reserve(self, total: int, colored: bool) -> None:
        if total > len(self._table):
            spare = total + total // 4 - self._count
            self._table = np.concatenate([self._table[: self._count], np.empty((spare, 24), np.float32)])
            self._rows = np.concatenate([self._rows[: self._count], np.empty((spare, 3), np.int32)])
            if self._color is not None:
                self._color = np.concatenate([self._color[: self._count], np.empty((spare, 3, 3), np.uint8)])
        if colored and self._color is None:
            self._color = np.full((len(self._table), 3, 3), 255, np.uint8)

    def _fill(self, at: slice, mesh: Mesh, T: Float[np.ndarray, "4 4"], instance: int, materials: int) -> None:
        """Fill rows of the buffers. Coordinates are rounded to float32 here, once, so that all users see the same ones."""
        _fill_table(np.asarray(mesh.vertices), np.asarray(mesh.faces), np.asarray(mesh.normals), np.asarray(mesh.uv), T, self._table[at])
        rows = self._rows[at]
        rows[:, 0], rows[:, 1], rows[:, 2] = instance, mesh.part, mesh.material
        rows[:, 2] += materials
        if self._color is not None:
            self._color[at] = 255 if mesh.color is None else mesh.color


@kernel
@no_type_check
def _block_boxes(corners):
    """Bounding boxes of every BLOCK consecutive triangles, (blocks, 2, 3): meshes list neighbours near each other."""
    boxes = np.empty(((len(corners) + BLOCK - 1) // BLOCK, 2, 3), np.float32)
    boxes[:, 0], boxes[:, 1] = np.inf, -np.inf
    for i in range(len(corners)):
        box = boxes[i // BLOCK]
        for corner in range(3):
            for axis in range(3):
                box[0, axis], box[1, axis] = min(box[0, axis], corners[i, corner, axis]), max(box[1, axis], corners[i, corner, axis])
    return boxes


@kernel
@no_type_check
def _near(corners, blocks, box):
    """Indices of triangles whose bounding boxes overlap a box."""
    found = []
    for block in range(len(blocks)):
        if not _overlap(blocks[block, 0], blocks[block, 1], box):
            continue
        for i in range(block * BLOCK, min((block + 1) * BLOCK, len(corners))):
            a, b, c = corners[i, 0], corners[i, 1], corners[i, 2]
            if _overlap(np.minimum(np.minimum(a, b), c), np.maximum(np.maximum(a, b), c), box):
                found.append(i)
    return np.array(found, np.int64)


@kernel
@no_type_check
def _overlap(low, high, box):
    apart = False
    for axis in range(3):
        apart |= low[axis] > box[1, axis] or high[axis] < box[0, axis]
    return not apart


@kernel
@no_type_check
def _fill_table(vertices, faces, normals, uv, T, table):
    for i in range(len(faces)):
        for corner in range(3):
            vertex, normal = vertices[faces[i, corner]], normals[i, corner]
            for axis in range(3):
                moved, turned = T[axis, 3], 0.0
                for k in range(3):
                    moved += T[axis, k] * vertex[k]
                    turned += T[axis, k] * normal[k]
                table[i, 3 * corner + axis], table[i, 9 + 3 * corner + axis] = moved, turned
            table[i, 18 + 2 * corner], table[i, 19 + 2 * corner] = uv[i, corner, 0], uv[i, corner, 1]


class CachedAsset:
    """What ray casting and placement need of a model, in its own frame: caster, edges, contact points, centre of mass."""

    def __init__(self, asset: Asset, caster: CasterType):
        vertices = np.asarray(asset.mesh.vertices, np.float32)
        corners = vertices[asset.mesh.faces]
        self.caster = caster(corners)
        self.triangles = len(corners)
        self.bounds = asset.mesh.bounds
        self._vertices, self._faces = vertices, np.asarray(asset.mesh.faces)
        area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
        # The centre of mass of the surface: many models are not closed, so that their volume is undefined.
        self.centre_of_mass: Float[np.ndarray, 3] = np.average(corners.mean(axis=1), axis=0, weights=area)

    @cached_property
    def contacts(self) -> Float[np.ndarray, "contacts 3"]:
        """At most CONTACTS of the lowest vertices in metres, spread as far apart as possible."""
        lowest = np.unique(self._vertices[self._vertices[:, 2] < self.bounds[0, 2] + CONTACT_M].astype(np.float64).round(3), axis=0)
        return lowest if len(lowest) <= CONTACTS else lowest[_spread(lowest, CONTACTS)]

    @cached_property
    def edges(self) -> Float[np.ndarray, "edges 2 3"]:
        """Both ends of every edge, each edge once, in metres."""
        pairs = np.sort(self._faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
        keys = np.unique(pairs[:, 0].astype(np.int64) * len(self._vertices) + pairs[:, 1])
        return self._vertices[np.stack([keys // len(self._vertices), keys % len(self._vertices)], axis=1)]


def _spread(points: Float[np.ndarray, "points 3"], count: int) -> Int[np.ndarray, " count"]:
    """Indices of points by farthest-point sampling: each is the farthest from all before it (Gonzalez 1985)."""
    chosen = [int(np.argmin(points.sum(axis=1)))]
    distance = np.full(len(points), np.inf)
    while len(chosen) < count:
        distance = np.minimum(distance, np.linalg.norm(points - points[chosen[-1]], axis=1))
        chosen.append(int(np.argmax(distance)))
    return np.array(chosen)
