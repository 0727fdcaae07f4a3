"""What truth and renderers ask of a ray caster, and the exact float64 hit that its float32 answer points to."""

from dataclasses import dataclass
from typing import Protocol, no_type_check, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int

from .jit import kernel


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


class JoinedCaster:
    """Several casters as one: their triangles in a row, the nearest hit wins. Keeps what is slow to build, such as a room's."""

    def __init__(self, casters: tuple[RayCaster, ...], triangles: tuple[int, ...]):
        self._casters = casters
        self._offsets = np.concatenate([[0], np.cumsum(triangles)]).astype(np.int32)

    def first_hit(
        self, origins: Float[np.ndarray, "rays 3"], directions: Float[np.ndarray, "rays 3"]
    ) -> tuple[Int[np.ndarray, " rays"], Float[np.ndarray, " rays"]]:
        """See RayCaster. The first caster wins a tie."""
        origins, directions = _rays32(origins, directions)
        triangle, t = self._casters[0].first_hit(origins, directions)
        for caster, offset in zip(self._casters[1:], self._offsets[1:], strict=False):
            other, other_t = caster.first_hit(origins, directions)
            _take_nearer(triangle, t, other, other_t, offset)
        return triangle, t

    def occluded(
        self,
        origins: Float[np.ndarray, "rays 3"],
        directions: Float[np.ndarray, "rays 3"],
        reach: Float[np.ndarray, " rays"],
    ) -> Bool[np.ndarray, " rays"]:
        """See RayCaster."""
        origins, directions = _rays32(origins, directions)
        reach = np.ascontiguousarray(reach, np.float32)
        hidden = self._casters[0].occluded(origins, directions, reach)
        for caster in self._casters[1:]:
            still, rest = np.empty(len(hidden), np.int32), (np.empty_like(origins), np.empty_like(directions), np.empty_like(reach))
            count = _gather_open(hidden, origins, directions, reach, still, *rest)
            hidden[still[:count]] = caster.occluded(*(values[:count] for values in rest))
        return hidden


def _rays32(
    origins: Float[np.ndarray, "rays 3"], directions: Float[np.ndarray, "rays 3"]
) -> tuple[Float[np.ndarray, "rays 3"], Float[np.ndarray, "rays 3"]]:
    return np.ascontiguousarray(origins, np.float32), np.ascontiguousarray(directions, np.float32)


@kernel
@no_type_check
def _gather_open(hidden, origins, directions, reach, still, rest_origins, rest_directions, rest_reach):
    """Copy the rays that nothing hides yet; their number."""
    count = 0
    for i in range(len(hidden)):
        if not hidden[i]:
            still[count], rest_reach[count] = i, reach[i]
            for axis in range(3):
                rest_origins[count, axis], rest_directions[count, axis] = origins[i, axis], directions[i, axis]
            count += 1
    return count


@kernel
@no_type_check
def _take_nearer(triangle, t, other, other_t, offset):
    for i in range(len(triangle)):
        if other[i] >= 0 and other_t[i] < t[i]:
            triangle[i] = other[i] + offset
            t[i] = other_t[i]


@dataclass(frozen=True, eq=False)
class Hits:
    """First hits of rays: `t` in units of the direction's length (inf: none), barycentric weights of corners 1 and 2."""

    triangle: Int[np.ndarray, "*batch"]
    t: Float[np.ndarray, "*batch"]
    barycentric: Float[np.ndarray, "*batch 2"]


def exact_hits(
    corners: Float[np.ndarray, "triangles 3 3"],
    triangle: Int[np.ndarray, " rays"],
    origins: Float[np.ndarray, "rays 3"],
    directions: Float[np.ndarray, "rays 3"],
) -> Hits:
    """Intersect each ray with the plane of its triangle in float64 (Moller and Trumbore 1997, without the inside test).

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
