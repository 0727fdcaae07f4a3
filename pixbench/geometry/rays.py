"""The protocol of ray casters, and exact float64 hits from their float32 results."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, no_type_check, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int

from ..jit import kernel, prefetch
from ..registry import Registry

AHEAD = 12
"""Rows are fetched into the cache this many rays before they are used."""


@runtime_checkable
class RayCaster(Protocol):
    """Finds the first triangle along rays.

    Truth takes triangle ids alone from a caster: points and distances follow from the id in float64 (`exact_hits`), so that
    two casters that agree on ids agree on everything. Origins and directions are (rays, 3); directions need not be unit vectors.
    """

    def first_hit(
        self, origins: Float[np.ndarray, "rays 3"], directions: Float[np.ndarray, "rays 3"]
    ) -> tuple[Int[np.ndarray, " rays"], Float[np.ndarray, " rays"]]:
        """The id of the nearest triangle along each ray, -1 where there is none, and its distance in units of the direction (inf)."""
        ...

    def occluded(
        self,
        origins: Float[np.ndarray, "rays 3"],
        directions: Float[np.ndarray, "rays 3"],
        reach: Float[np.ndarray, " rays"],
    ) -> Bool[np.ndarray, " rays"]:
        """Whether anything lies before `reach`, in units of each direction's length."""
        ...


CASTERS: Registry[Callable[..., RayCaster]] = Registry("ray caster", "pixbench.casters")
"""Each is called with the corners of triangles, (triangles, 3, 3)."""


@dataclass(frozen=True, eq=False)
class PlacedCaster:
    """A placed body of a JoinedCaster: a caster of its `triangles` in its own frame, its box in that frame (2, 3) in metres, and its rigid
    pose.
    """

    caster: RayCaster
    triangles: int
    bounds: Float[np.ndarray, "2 3"]
    T_world_part: Float[np.ndarray, "4 4"]


class JoinedCaster:
    """A fixed caster and bodies that were placed in front of it, as one caster; triangles are numbered in that order.

    Acceleration structures are built once: a room's caster serves all scenes of the room, a model's all its places. Only rays that
    enter a body's box are cast into it.
    """

    def __init__(self, fixed: RayCaster, triangles: int, parts: tuple[PlacedCaster, ...]):
        self._fixed, self._parts = fixed, parts
        self._offsets = np.cumsum([triangles, *(part.triangles for part in parts)]).astype(np.int32)
        self._frames = [_frame(part) for part in parts]

    def first_hit(
        self, origins: Float[np.ndarray, "rays 3"], directions: Float[np.ndarray, "rays 3"]
    ) -> tuple[Int[np.ndarray, " rays"], Float[np.ndarray, " rays"]]:
        """See RayCaster. The fixed caster wins a tie, then the first part."""
        origins, directions = np.ascontiguousarray(origins, np.float32), np.ascontiguousarray(directions, np.float32)
        triangle, t = self._fixed.first_hit(origins, directions)
        if self._parts:
            local = np.empty(len(t), np.int32), np.empty_like(origins), np.empty_like(directions)
        for part, frame, offset in zip(self._parts, self._frames, self._offsets, strict=False):
            count = _entering(origins, directions, t, *frame, *local)
            if count:
                index, local_origins, local_directions = (values[:count] for values in local)
                _take_nearer(triangle, t, index, *part.caster.first_hit(local_origins, local_directions), offset)
        return triangle, t

    def occluded(
        self,
        origins: Float[np.ndarray, "rays 3"],
        directions: Float[np.ndarray, "rays 3"],
        reach: Float[np.ndarray, " rays"],
    ) -> Bool[np.ndarray, " rays"]:
        """See RayCaster."""
        origins, directions = np.ascontiguousarray(origins, np.float32), np.ascontiguousarray(directions, np.float32)
        hidden = self._fixed.occluded(origins, directions, reach)
        if self._parts:
            local = np.empty(len(hidden), np.int32), np.empty_like(origins), np.empty_like(directions)
        # The reach of a ray that is already hidden is negative, so that it enters no box.
        left = np.where(hidden, np.float32(-1), reach).astype(np.float32)
        for part, frame in zip(self._parts, self._frames, strict=True):
            count = _entering(origins, directions, left, *frame, *local)
            if count:
                index, local_origins, local_directions = (values[:count] for values in local)
                caught = index[part.caster.occluded(local_origins, local_directions, left[index])]
                hidden[caught], left[caught] = True, -1
        return hidden


def _frame(
    part: PlacedCaster,
) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3"], Float[np.ndarray, "2 3"], Float[np.ndarray, "2 3"]]:
    """Rotation and origin of a part's frame, and its box in the world and in that frame, a little enlarged."""
    R, origin = part.T_world_part[:3, :3], part.T_world_part[:3, 3]
    middle, half = part.bounds.mean(axis=0), np.ptp(part.bounds, axis=0) / 2 + 1e-4
    centre, reach = R @ middle + origin, np.abs(R) @ half
    boxes = np.stack([centre - reach, centre + reach]), np.stack([middle - half, middle + half])
    return np.ascontiguousarray(R, np.float32), origin.astype(np.float32), boxes[0].astype(np.float32), boxes[1].astype(np.float32)


@kernel
@no_type_check
def _entering(origins, directions, reach, R, place, world, own, index, local_origins, local_directions):
    """The rays that enter a box before `reach`, in the box's frame; their number. Tried in the world's frame first."""
    count = 0
    for i in range(len(reach)):
        if reach[i] <= 0 or not _enters(origins[i], directions[i], reach[i], world):
            continue
        for axis in range(3):
            o, d = np.float32(0), np.float32(0)
            for k in range(3):
                o += R[k, axis] * (origins[i, k] - place[k])
                d += R[k, axis] * directions[i, k]
            local_origins[count, axis], local_directions[count, axis] = o, d
        if _enters(local_origins[count], local_directions[count], reach[i], own):
            index[count] = i
            count += 1
    return count


@kernel
@no_type_check
def _enters(origin, direction, reach, box):
    """Whether a ray meets a box before `reach`: slabs, one axis after another."""
    first, last = np.float32(0), reach
    for axis in range(3):
        inverse = np.float32(1) / direction[axis]
        a, b = (box[0, axis] - origin[axis]) * inverse, (box[1, axis] - origin[axis]) * inverse
        # A ray along the slab gives NaN only on its very border; then the comparisons are false and nothing is cut off.
        low, high = (a, b) if a < b else (b, a)
        if low > first:
            first = low
        if high < last:
            last = high
        if first > last:
            return False
    return True


@kernel
@no_type_check
def _take_nearer(triangle, t, index, other, other_t, offset):
    for k in range(len(index)):
        i = index[k]
        if other[k] >= 0 and other_t[k] < t[i]:
            triangle[i], t[i] = other[k] + offset, other_t[k]


@dataclass(frozen=True, eq=False)
class Hits:
    """First hits of rays: ids of triangles (-1: none), `t` in units of the direction's length (inf: none), barycentric weights of corners 1
    and 2.
    """

    triangle: Int[np.ndarray, "*batch"]
    t: Float[np.ndarray, "*batch"]
    barycentric: Float[np.ndarray, "*batch 2"]


def exact_hits(
    corners: Float[np.ndarray, "triangles 3 3"],
    triangle: Int[np.ndarray, " rays"],
    origins: Float[np.ndarray, "rays 3"],
    directions: Float[np.ndarray, "rays 3"],
) -> Hits:
    """Intersect each ray with the plane of its triangle in float64 (Möller and Trumbore, 1997; without the inside test).

    `corners` holds the triangles' world corners in metres; `triangle` is -1 for a ray without a hit. A ray in the triangle's own
    plane has no single hit point: it counts as a miss.
    """
    hits = Hits(triangle.astype(np.int32), np.full(len(triangle), np.inf), np.zeros((len(triangle), 2)))
    _intersect(corners, hits.triangle, origins, directions, hits.t, hits.barycentric)
    return hits


@kernel
@no_type_check
def _intersect(corners, triangle, origins, directions, t, barycentric):
    for i in range(len(triangle)):
        ahead = triangle[min(i + AHEAD, len(triangle) - 1)]
        if ahead >= 0:
            prefetch(corners, ahead)
        if triangle[i] < 0:
            continue
        corner = corners[triangle[i]]
        ax, ay, az = np.float64(corner[0, 0]), np.float64(corner[0, 1]), np.float64(corner[0, 2])
        e1x, e1y, e1z = corner[1, 0] - ax, corner[1, 1] - ay, corner[1, 2] - az
        e2x, e2y, e2z = corner[2, 0] - ax, corner[2, 1] - ay, corner[2, 2] - az
        dx, dy, dz = np.float64(directions[i, 0]), np.float64(directions[i, 1]), np.float64(directions[i, 2])
        sx, sy, sz = origins[i, 0] - ax, origins[i, 1] - ay, origins[i, 2] - az
        px, py, pz = dy * e2z - dz * e2y, dz * e2x - dx * e2z, dx * e2y - dy * e2x
        qx, qy, qz = sy * e1z - sz * e1y, sz * e1x - sx * e1z, sx * e1y - sy * e1x
        inverse = 1.0 / (e1x * px + e1y * py + e1z * pz)
        distance = (e2x * qx + e2y * qy + e2z * qz) * inverse
        if np.isfinite(distance):
            t[i] = distance
            barycentric[i, 0] = (sx * px + sy * py + sz * pz) * inverse
            barycentric[i, 1] = (dx * qx + dy * qy + dz * qz) * inverse
        else:
            triangle[i] = -1


def triangle_normals(corners: Float[np.ndarray, "triangles 3 3"]) -> Float[np.ndarray, "triangles 3"]:
    """Unit normals by the right-hand rule, float64; zero for a triangle without area."""
    normals = np.empty((len(corners), 3))
    _normals(corners, np.arange(len(corners), dtype=np.int32), normals)
    return normals


def hit_normals(corners: Float[np.ndarray, "triangles 3 3"], triangle: Int[np.ndarray, " rays"]) -> Float[np.ndarray, "rays 3"]:
    """The unit normals of given triangles, as `triangle_normals`; NaN for id -1."""
    normals = np.empty((len(triangle), 3))
    _normals(corners, triangle, normals)
    return normals


@kernel
@no_type_check
def _normals(corners, triangle, normals):
    for i in range(len(triangle)):
        if triangle[i] < 0:
            normals[i] = np.nan
            continue
        corner = corners[triangle[i]]
        ax, ay, az = np.float64(corner[0, 0]), np.float64(corner[0, 1]), np.float64(corner[0, 2])
        e1x, e1y, e1z = corner[1, 0] - ax, corner[1, 1] - ay, corner[1, 2] - az
        e2x, e2y, e2z = corner[2, 0] - ax, corner[2, 1] - ay, corner[2, 2] - az
        x, y, z = e1y * e2z - e1z * e2y, e1z * e2x - e1x * e2z, e1x * e2y - e1y * e2x
        length = np.sqrt(x * x + y * y + z * z)
        scale = 1.0 / length if length > 0 else 0.0
        normals[i, 0], normals[i, 1], normals[i, 2] = x * scale, y * scale, z * scale
