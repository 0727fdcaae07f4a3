"""The inner box of a room, in which objects and cameras are placed."""

import numpy as np
from jaxtyping import Float

from ...scene import Mesh
from ..base import BadModelError

SAMPLES = 20_000
MOST_FACES = 200_000
OUTLIERS = 0.015
"""Share of the surface that may lie outside of each side of the box: noise, and what is visible through doors and windows."""

SIDE_M = (1.0, 60.0)
"""Shortest and longest side of a floor: outside this range the mesh is not a room, or not in metres."""


def inner_box(mesh: Mesh, *, floor_m: float | None = None) -> Float[np.ndarray, "2 3"]:
    """Lowest and highest corner of the inner box in metres, z up; `floor_m` is the height of the floor if it is known.

    Raises BadModelError if its size is not plausible for a room.
    """
    points = surface_points(mesh)
    box = np.stack([np.quantile(points, OUTLIERS, axis=0), np.quantile(points, 1 - OUTLIERS, axis=0)])
    if floor_m is not None:
        box[0, 2] = floor_m
    sides = box[1] - box[0]
    if not (SIDE_M[0] <= sides[:2].min() and sides[:2].max() <= SIDE_M[1] and sides[2] > SIDE_M[0]):
        raise BadModelError("not of the size of a room in metres", " x ".join(f"{side:.2f}" for side in sides))
    return box


def surface_points(mesh: Mesh) -> Float[np.ndarray, "points 3"]:
    """Points in metres, uniformly distributed over the surface; the same for the same mesh."""
    # The triangles of a scan are small and everywhere: a subset is representative.
    faces = mesh.faces[:: max(1, len(mesh.faces) // MOST_FACES)]
    a, b, c = (mesh.vertices[faces[:, k]].astype(np.float64) for k in range(3))
    total = np.cumsum(np.linalg.norm(np.cross(b - a, c - a), axis=1))
    face = np.searchsorted(total, (np.arange(SAMPLES) + 0.5) / SAMPLES * total[-1])
    u, v = np.random.default_rng(0).random((2, SAMPLES, 1))
    u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
    points: np.ndarray = a[face] + u * (b - a)[face] + v * (c - a)[face]
    return points
