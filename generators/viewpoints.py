"""Chooses cameras: in free space, looking at the same objects, with enough shared surface between any two."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pixbench.geometry import Camera, look_at
from pixbench.rays import RayCaster, exact_hits, triangle_normals
from pixbench.truth import Status, View, exact_pair, trace_view

from .scene import Geometry, Placed, Room

PROBE = 24
"""Width and height in pixels of the small views by which overlap is measured."""


@dataclass(frozen=True)
class Viewpoints:
    """What is asked of the cameras of a scene: counts, metres, degrees and shares."""

    views: int
    size_wh: tuple[int, int]
    fov_deg: tuple[float, float]
    height_m: tuple[float, float]
    min_baseline_m: float
    min_overlap: float
    max_roll_deg: float
    tries: int = 60


def choose_cameras(
    room: Room,
    objects: tuple[Placed, ...],
    geometry: Geometry,
    caster: RayCaster,
    wanted: Viewpoints,
    *,
    rng: np.random.Generator,
) -> tuple[Camera, ...] | None:
    """Cameras one after another, each overlapping all before it; None where the room gives no such set."""
    chosen: list[tuple[Camera, View]] = []
    focus = _focus(objects, rng=rng)
    for _ in range(wanted.tries * wanted.views):
        camera = _propose(room, focus, wanted, rng=rng)
        if not _free(camera, caster, geometry, rng=rng):
            continue
        if any(np.linalg.norm(camera.centre - other.centre) < wanted.min_baseline_m for other, _ in chosen):
            continue
        probe = trace_view(caster, geometry.corners, geometry.instance, resized(camera, PROBE, PROBE))
        if not _worth_seeing(probe, geometry):
            continue
        if all(overlap(caster, geometry, probe, other) >= wanted.min_overlap for _, other in chosen):
            chosen.append((camera, probe))
            if len(chosen) == wanted.views:
                return tuple(camera for camera, _ in chosen)
    return None


def resized(camera: Camera, width: int, height: int) -> Camera:
    """The same view in another resolution."""
    K = camera.K.copy()
    K[0] *= width / camera.width
    K[1] *= height / camera.height
    return Camera(K, camera.T_world_cam, width, height)


def overlap(caster: RayCaster, geometry: Geometry, a: View, b: View) -> float:
    """Share of pixels that the other view sees, the smaller of both directions."""
    shares = [np.mean(exact_pair(caster, geometry.corners, *pair).status == Status.VISIBLE) for pair in ((a, b), (b, a))]
    return float(min(shares))


def _focus(objects: tuple[Placed, ...], *, rng: np.random.Generator) -> Float[np.ndarray, "3"]:
    """A point amid the objects around a randomly chosen one."""
    centres = np.array([placed.T_world_obj[:3, 3] + [0, 0, placed.asset.mesh.bounds[1][2] / 2] for placed in objects])
    anchor = centres[rng.integers(len(centres))]
    near = centres[np.linalg.norm(centres - anchor, axis=1) < 1.3]
    middle: Float[np.ndarray, 3] = near.mean(axis=0)
    return middle


def _propose(room: Room, focus: Float[np.ndarray, "3"], wanted: Viewpoints, *, rng: np.random.Generator) -> Camera:
    width, height = wanted.size_wh
    eye = np.array([*(0.3 + rng.random(2) * (np.array(room.size[:2]) - 0.6)), rng.uniform(*wanted.height_m)])
    target = focus + rng.normal(0, 0.25, 3)
    focal = width / 2 / np.tan(np.radians(rng.uniform(*wanted.fov_deg)) / 2)
    K = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1.0]])
    roll = np.radians(rng.uniform(-wanted.max_roll_deg, wanted.max_roll_deg))
    return Camera(K, look_at(eye, target, roll_rad=roll), width, height)


def _free(camera: Camera, caster: RayCaster, geometry: Geometry, *, rng: np.random.Generator) -> bool:
    """Nothing nearer than 0.3 m in any direction, the eye outside every closed body, and not looking straight up or down."""
    directions = rng.normal(size=(96, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    origins = np.broadcast_to(camera.centre, directions.shape)
    hits = exact_hits(geometry.corners, caster.first_triangle(origins, directions), origins, directions)
    found = hits.triangle >= 0
    # From inside a body one sees the backs of its faces.
    backs = np.einsum("ij,ij->i", triangle_normals(geometry.corners[hits.triangle[found]]), directions[found]) > 0
    return bool((hits.t > 0.3).all() and backs.sum() < 0.1 * len(directions) and abs(camera.forward[2]) < 0.9)


def _worth_seeing(probe: View, geometry: Geometry) -> bool:
    """Objects fill a fair part of the picture, and nothing stands right before the lens."""
    seen = np.where(probe.triangle >= 0, geometry.instance[np.maximum(probe.triangle, 0)], 0)
    near = np.mean(np.nan_to_num(probe.depth_m, nan=np.inf) < 0.7)
    return bool(np.mean(seen >= 2) > 0.12 and near < 0.1)
