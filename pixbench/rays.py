"""What truth and renderers ask of a ray caster, and the exact float64 hit that its float32 answer points to."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int


@runtime_checkable
class RayCaster(Protocol):
    """Finds the first triangle along rays.

    A caster answers with triangle ids alone: points and distances follow from the id in float64 (`exact_hits`), so that
    two casters that agree on ids agree on everything.
    """

    def first_triangle(self, origins: Float[np.ndarray, "rays 3"], directions: Float[np.ndarray, "rays 3"]) -> Int[np.ndarray, " rays"]:
        """The id of the nearest triangle along each ray, -1 where there is none. Directions need not be unit vectors."""
        ...

    def occluded(
        self,
        origins: Float[np.ndarray, "rays 3"],
        directions: Float[np.ndarray, "rays 3"],
        reach: Float[np.ndarray, " rays"],
    ) -> Bool[np.ndarray, " rays"]:
        """Whether anything lies before `reach`, in units of each direction's length."""
        ...


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

    `corners` holds the triangles' world corners in metres; `triangle` is -1 for a ray without a hit.
    """
    hit = triangle >= 0
    t = np.full(len(triangle), np.inf)
    barycentric = np.zeros((len(triangle), 2))
    a, b, c = np.moveaxis(corners[triangle[hit]].astype(np.float64), 1, 0)
    d, s = directions[hit], origins[hit] - a
    edge1, edge2 = b - a, c - a
    p, q = np.cross(d, edge2), np.cross(s, edge1)
    # A ray in the triangle's own plane has no single hit point; it is treated as a miss by giving it t = inf.
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = 1.0 / np.einsum("ij,ij->i", edge1, p)
        t_hit = np.einsum("ij,ij->i", edge2, q) * inverse
        weights = np.stack([np.einsum("ij,ij->i", s, p), np.einsum("ij,ij->i", d, q)], axis=1) * inverse[:, None]
    sound = np.isfinite(t_hit)
    t[hit] = np.where(sound, t_hit, np.inf)
    barycentric[hit] = np.where(sound[:, None], weights, 0.0)
    return Hits(np.where(np.isfinite(t), triangle, -1), t, barycentric)


def triangle_normals(corners: Float[np.ndarray, "triangles 3 3"]) -> Float[np.ndarray, "triangles 3"]:
    """Unit normals by the right-hand rule, float64; zero for a triangle without area."""
    wide = corners.astype(np.float64)
    normals = np.cross(wide[:, 1] - wide[:, 0], wide[:, 2] - wide[:, 0])
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.divide(normals, length, out=np.zeros_like(normals), where=length > 0)
