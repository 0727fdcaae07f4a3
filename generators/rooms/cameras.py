"""Chooses the cameras of a scene: in free space, looking at the same objects, with enough overlap between their views."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pixbench.geometry.cameras import Camera, look_at
from pixbench.geometry.correspondence import Status, View, exact_pair, trace_view
from pixbench.geometry.instances import FIRST_OBJECT, NO_INSTANCE
from pixbench.geometry.rays import RayCaster, hit_normals

from ..scene import Geometry, Placed, Room

PROBE = 24
"""Width and height in pixels of the small views that overlap is measured with."""

FREE_M = 0.3
"""Least distance of a camera from any surface."""

OBJECT_SHARE = 0.12
"""Least share of the pixels that show objects. It decreases with failed attempts, to a sixteenth, for rooms with only small objects."""

Span = tuple[float, float]


@dataclass(frozen=True)
class CameraConstraints:
    """Constraints on the cameras of a scene. A span is (lowest, highest).

    `height_m` is above the floor and `pitch_deg` above the horizon. Every camera has an overlap of at least `min_overlap`, in both
    directions, with `partners` of the cameras chosen before it (or with all of them, if they are fewer). `tries` is the number of
    proposals per view.
    """

    views: int
    size_wh: tuple[int, int]
    fov_deg: Span
    height_m: Span
    pitch_deg: Span
    baseline_m: Span
    min_overlap: float
    partners: int
    max_roll_deg: float
    tries: int = 60


def choose_cameras(
    room: Room,
    floor_m: float,
    objects: tuple[Placed, ...],
    geometry: Geometry,
    caster: RayCaster,
    wanted: CameraConstraints,
    *,
    rng: np.random.Generator,
) -> tuple[Camera, ...] | None:
    """Cameras that satisfy the constraints, chosen one after another; None if they cannot be found.

    `floor_m` is the height of the floor in metres.
    """
    chosen: list[tuple[Camera, View]] = []
    focus = _focus(objects, rng=rng)
    tries = wanted.tries * wanted.views
    for attempt in range(tries):
        camera = _propose(room, floor_m, focus, wanted, rng=rng)
        if camera is None or not _apart(camera, [other for other, _ in chosen], wanted) or not _free(camera, caster, geometry, rng=rng):
            continue
        probe = trace_view(caster, geometry.corners, geometry.instance, resized(camera, PROBE, PROBE), footprint=False)
        if not _worth_seeing(probe, geometry, OBJECT_SHARE * 0.5 ** (4 * attempt / tries)):
            continue
        sharing = sum(overlap(caster, geometry, probe, other) >= wanted.min_overlap for _, other in chosen)
        if sharing >= min(wanted.partners, len(chosen)):
            chosen.append((camera, probe))
            if len(chosen) == wanted.views:
                return tuple(camera for camera, _ in chosen)
    return None


def _apart(camera: Camera, others: list[Camera], wanted: CameraConstraints) -> bool:
    """Whether the baselines to all other cameras are long enough, and those to enough partners short enough."""
    distances = [float(np.linalg.norm(camera.centre - other.centre)) for other in others]
    near = sum(distance <= wanted.baseline_m[1] for distance in distances)
    return all(distance >= wanted.baseline_m[0] for distance in distances) and near >= min(wanted.partners, len(others))


def resized(camera: Camera, width: int, height: int) -> Camera:
    """The same camera with another image size in pixels."""
    K = camera.K.copy()
    K[0] *= width / camera.width
    K[1] *= height / camera.height
    return Camera(K, camera.T_world_cam, width, height)


def overlap(caster: RayCaster, geometry: Geometry, a: View, b: View) -> float:
    """Share of pixels whose surface point is visible in the other view, the smaller of both directions."""
    shares = [np.mean(exact_pair(caster, geometry.corners, *pair).status == Status.VISIBLE) for pair in ((a, b), (b, a))]
    return float(min(shares))


def _focus(objects: tuple[Placed, ...], *, rng: np.random.Generator) -> Float[np.ndarray, "3"]:
    """The mean position in metres of a random object and the objects near it."""
    centres = np.array([placed.T_world_obj[:3, 3] + [0, 0, placed.asset.mesh.bounds[1][2] / 2] for placed in objects])
    anchor = centres[rng.integers(len(centres))]
    near = centres[np.linalg.norm(centres - anchor, axis=1) < 1.3]
    middle: Float[np.ndarray, 3] = near.mean(axis=0)
    return middle


def _propose(
    room: Room, floor_m: float, focus: Float[np.ndarray, "3"], wanted: CameraConstraints, *, rng: np.random.Generator
) -> Camera | None:
    """A random camera within 4 m of the focus that looks near it; None if its pitch is outside the constraint."""
    width, height = wanted.size_wh
    low, high = room.inner[:, :2]
    least, most = np.maximum(low + 0.3, focus[:2] - 4.0), np.minimum(high - 0.3, focus[:2] + 4.0)
    eye = np.array([*(least + rng.random(2) * np.maximum(most - least, 0.0)), floor_m + rng.uniform(*wanted.height_m)])
    gaze = focus + rng.normal(0, 0.25, 3) - eye
    pitch = np.degrees(np.arctan2(gaze[2], np.linalg.norm(gaze[:2])))
    roll = np.radians(rng.uniform(-wanted.max_roll_deg, wanted.max_roll_deg))
    focal = width / 2 / np.tan(np.radians(rng.uniform(*wanted.fov_deg)) / 2)
    if not wanted.pitch_deg[0] <= pitch <= wanted.pitch_deg[1]:
        return None
    K = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1.0]])
    return Camera(K, look_at(eye, eye + gaze, roll_rad=roll), width, height)


def _free(camera: Camera, caster: RayCaster, geometry: Geometry, *, rng: np.random.Generator) -> bool:
    """Whether no surface is near, and the camera is outside every object and inside the room."""
    directions = rng.normal(size=(96, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    triangle, t = caster.first_hit(np.broadcast_to(camera.centre, directions.shape), directions)
    found = triangle >= 0
    # Inside an object or behind a wall, rays hit the back sides of faces.
    backs = np.einsum("ij,ij->i", hit_normals(geometry.corners, triangle[found]), directions[found]) > 0
    return bool((t > FREE_M).all() and backs.sum() < 0.1 * len(directions) and found.mean() > 0.6)


def _worth_seeing(probe: View, geometry: Geometry, object_share: float) -> bool:
    """Whether objects fill enough of the view, few pixels are closer than 0.7 m, and most pixels show a surface."""
    seen = np.where(probe.triangle >= 0, geometry.instance[np.maximum(probe.triangle, 0)], NO_INSTANCE)
    near = np.mean(np.nan_to_num(probe.depth_m, nan=np.inf) < 0.7)
    return bool(np.mean(seen >= FIRST_OBJECT) > object_share and near < 0.1 and np.mean(seen != NO_INSTANCE) > 0.6)
