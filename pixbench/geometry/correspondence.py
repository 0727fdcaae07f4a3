"""Ground-truth correspondence: the position of a pixel of one view in another, and its visibility.

Exact truth comes from triangles (`trace_view`, `exact_pair`) and is made once, by a generator. What a reader of files
recomputes from stored depth is `uv_from_depth`; the shard's self-test says how far the two lie apart.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from ..jit import kernel
from .cameras import Camera, reprojected_centres
from .instances import NO_INSTANCE
from .pixels import pixel_centres, pixel_corners, pixel_samples
from .rays import Hits, RayCaster, exact_hits, hit_normals
from .selftest_result import CYCLE_LIMIT_PX

GRAZING_COSINE = 0.1
"""A surface seen at a smaller cosine (more than 84 degrees off its normal) is grazing: a pixel then covers ten times its width."""

EDGE_DEPTH = 0.01
"""A pixel's footprint covers two surfaces where a sample's depth is off the centre's plane by more than this share."""

HIT_TOLERANCE = 1e-4
"""A point is visible where the ray towards it hits the same triangle, or one within this share of the distance..."""

HIT_TOLERANCE_PX = CYCLE_LIMIT_PX / 2
"""...and within this many pixels of the point in the source view: a thin layer that the source view separates from the point hides it."""


class Status(IntEnum):
    """Visibility of a source pixel's surface point in the target view."""

    NO_SURFACE = 0
    VISIBLE = 1
    OCCLUDED = 2
    OUT_OF_FRAME = 3
    BEHIND_CAMERA = 4
    AMBIGUOUS = 5


# Compiled code knows plain numbers only.
NO_SURFACE, VISIBLE, OCCLUDED, OUT_OF_FRAME, BEHIND_CAMERA, AMBIGUOUS = (int(status) for status in Status)

STATUS_MEANING = {
    Status.NO_SURFACE: "the source pixel's ray hits nothing",
    Status.VISIBLE: "the point is seen in the target; only these count in scores",
    Status.OCCLUDED: "another surface, or the far side of its own, hides the point in the target",
    Status.OUT_OF_FRAME: "the point projects outside the target image",
    Status.BEHIND_CAMERA: "the point lies behind the target camera",
    Status.AMBIGUOUS: "depth edge, thin part or grazing, in source or target: the pixel's footprint covers two surfaces",
}


@dataclass(frozen=True, eq=False)
class View:
    """The surfaces that a camera sees, one exact ray per pixel centre.

    `triangle` is -1 and `point` and `depth_m` are NaN where there is no surface; `barycentric` are the weights of the triangle's
    corners 1 and 2; `normal` is the triangle's unit normal, turned to the camera; `ambiguous` marks depth edges, thin parts and
    grazing surfaces. `sample_triangle` is what the four samples inside each pixel hit (`pixbench.geometry.pixels.pixel_samples`).
    """

    camera: Camera
    triangle: Int[np.ndarray, "height width"]
    barycentric: Float[np.ndarray, "height width 2"]
    point: Float[np.ndarray, "height width 3"]
    depth_m: Float[np.ndarray, "height width"]
    normal: Float[np.ndarray, "height width 3"]
    ambiguous: Bool[np.ndarray, "height width"]
    sample_triangle: Int[np.ndarray, "rows columns"]


@dataclass(frozen=True, eq=False)
class PairTruth:
    """Ground truth of an ordered pair a -> b: `uv_b` in pixels of b, NaN without a point before camera b, and `status`."""

    uv_b: Float[np.ndarray, "height width 2"]
    status: UInt8[np.ndarray, "height width"]


def cast(
    caster: RayCaster,
    corners: Float[np.ndarray, "triangles 3 3"],
    camera: Camera,
    uv: Float[np.ndarray, "rays 2"],
) -> tuple[Hits, Float[np.ndarray, "rays 3"]]:
    """Exact hits of the rays of a camera through uv, their `t` being z-depth in metres, and the rays' directions."""
    directions = camera.rays(uv)
    origins = np.broadcast_to(camera.centre, directions.shape)
    return exact_hits(corners, caster.first_hit(origins, directions)[0], origins, directions), directions


def trace_view(
    caster: RayCaster,
    corners: Float[np.ndarray, "triangles 3 3"],
    instance: Int[np.ndarray, " triangles"],
    camera: Camera,
    *,
    footprint: bool = True,
) -> View:
    """Cast a ray through each pixel's centre, and more through its corners and inside to learn what its footprint covers.

    Without `footprint` only grazing pixels are ambiguous, and there are no samples: enough to choose cameras by.
    """
    width, height = camera.width, camera.height
    hits, directions = cast(caster, corners, camera, pixel_centres(width, height).reshape(-1, 2))
    normal = hit_normals(corners, hits.triangle)
    point, depth_m = np.empty((height * width, 3)), np.empty(height * width)
    grazing = np.empty(height * width, bool)
    _settle(camera.centre, hits.triangle, hits.t, directions, normal, point, depth_m, grazing)
    ambiguous = grazing.reshape(height, width)
    own = _instance_of(instance, hits.triangle).reshape(height, width)
    sample_triangle = np.empty((0, 0), np.int32)
    if footprint:
        plane = np.einsum("ij,ij->i", point - camera.centre, normal).reshape(height, width)
        sample_triangle, inside = _sampled(caster, instance, camera, pixel_samples(width, height))
        _, around = _sampled(caster, instance, camera, pixel_corners(width, height))
        planes = (plane, normal.reshape(height, width, 3), own)
        _mark_edges(*planes, *inside, 2, 2, ambiguous)
        _mark_edges(*planes, *around, 1, 2, ambiguous)
    return View(
        camera,
        hits.triangle.reshape(height, width),
        hits.barycentric.reshape(height, width, 2),
        point.reshape(height, width, 3),
        depth_m.reshape(height, width),
        normal.reshape(height, width, 3),
        ambiguous & (own != NO_INSTANCE),
        sample_triangle,
    )


Seen = tuple[Float[np.ndarray, "rows columns 3"], Float[np.ndarray, "rows columns"], Int[np.ndarray, "rows columns"]]
"""Directions, z-depths in metres (inf: none) and instances of a grid of rays."""


def _sampled(
    caster: RayCaster, instance: Int[np.ndarray, " triangles"], camera: Camera, uv: Float[np.ndarray, "rows columns 2"]
) -> tuple[Int[np.ndarray, "rows columns"], Seen]:
    """Triangles and what else is seen through a grid of uv. The caster's own float32 depth is exact enough to find edges."""
    shape = uv.shape[:2]
    directions = camera.rays(uv.reshape(-1, 2))
    triangle, t = caster.first_hit(np.broadcast_to(camera.centre, directions.shape), directions)
    seen = (directions.reshape(*shape, 3), t.reshape(shape), _instance_of(instance, triangle).reshape(shape))
    return triangle.reshape(shape), seen


def _instance_of(instance: Int[np.ndarray, " triangles"], triangle: Int[np.ndarray, " rays"]) -> Int[np.ndarray, " rays"]:
    return np.where(triangle >= 0, instance[np.maximum(triangle, 0)], NO_INSTANCE)


@kernel
@no_type_check
def _settle(centre, triangle, t, directions, normal, point, depth_m, grazing):
    """Points and depths of hits; turns normals to the camera."""
    for i in range(len(triangle)):
        if triangle[i] < 0:
            point[i], depth_m[i], grazing[i] = np.nan, np.nan, False
            continue
        depth_m[i] = t[i]
        facing, length = 0.0, 0.0
        for axis in range(3):
            point[i, axis] = centre[axis] + t[i] * directions[i, axis]
            facing += normal[i, axis] * directions[i, axis]
            length += directions[i, axis] ** 2
        if facing > 0:
            normal[i] = -normal[i]
        grazing[i] = abs(facing) < GRAZING_COSINE * np.sqrt(length)


@kernel
@no_type_check
def _mark_edges(plane, normal, centre_instance, directions, depth, instance, stride, samples, ambiguous):
    """Mark pixels of which a sample sees another instance, or a depth off the plane through the centre's point.

    Pixel (row, column) has the `samples` x `samples` block of the grid that begins at stride times its place.
    """
    height, width = centre_instance.shape
    for row in range(height):
        for column in range(width):
            nx, ny, nz = normal[row, column, 0], normal[row, column, 1], normal[row, column, 2]
            for i in range(samples):
                for j in range(samples):
                    y, x = row * stride + i, column * stride + j
                    slope = directions[y, x, 0] * nx + directions[y, x, 1] * ny + directions[y, x, 2] * nz
                    # Written as "not within", so that NaN and inf are edges too.
                    off_plane = not abs(depth[y, x] * slope / plane[row, column] - 1.0) <= EDGE_DEPTH
                    if off_plane or instance[y, x] != centre_instance[row, column]:
                        ambiguous[row, column] = True


def exact_pair(caster: RayCaster, corners: Float[np.ndarray, "triangles 3 3"], a: View, b: View) -> PairTruth:
    """Truth of a -> b in float64: project a's points into b, and cast a ray from b towards each to see whether it arrives."""
    points, normals, triangles = a.point.reshape(-1, 3), a.normal.reshape(-1, 3), a.triangle.reshape(-1)
    uv_b, status = point_status(caster, corners, points, normals, triangles, a.camera, b, ambiguous=a.ambiguous.reshape(-1))
    return PairTruth(uv_b.reshape(*a.triangle.shape, 2), status.reshape(a.triangle.shape))


def point_status(
    caster: RayCaster,
    corners: Float[np.ndarray, "triangles 3 3"],
    points: Float[np.ndarray, "points 3"],
    normals: Float[np.ndarray, "points 3"],
    triangles: Int[np.ndarray, " points"],
    source: Camera,
    view: View,
    *,
    ambiguous: Bool[np.ndarray, " points"] | None = None,
) -> tuple[Float[np.ndarray, "points 2"], UInt8[np.ndarray, " points"]]:
    """uv in pixels and status in a view of surface points (on `triangles`) that `source` sees, normals turned to it."""
    camera = view.camera
    uv, depth = camera.project(points)
    status = np.empty(len(points), np.uint8)
    _frame(uv, depth, camera.width, camera.height, status)
    framed = np.flatnonzero(status == Status.VISIBLE)
    directions = camera.rays(uv[framed])
    origins = np.broadcast_to(camera.centre, directions.shape)
    hit, _ = caster.first_hit(origins, directions)
    arrives = hit == triangles[framed]
    other = np.flatnonzero(~arrives)
    t = exact_hits(corners, hit[other], origins[other], directions[other]).t
    near = np.abs(t - depth[framed[other]]) <= HIT_TOLERANCE * depth[framed[other]]
    other = other[near]
    found = camera.centre + t[near, None] * directions[other]
    apart_px = np.linalg.norm(source.project(found)[0] - source.project(points[framed[other]])[0], axis=1)
    arrives[other] = apart_px <= HIT_TOLERANCE_PX
    unclear = np.zeros(len(points), bool) if ambiguous is None else ambiguous
    seen = (camera.centre, view.point, view.normal, view.ambiguous)
    _decide(framed, arrives, directions, depth, normals, unclear, uv, *seen, status)
    return uv, status


@kernel
@no_type_check
def _frame(uv, depth, width, height, status):
    """The status as far as projection alone decides it; what lies in the frame is called visible."""
    for i in range(len(status)):
        if np.isnan(depth[i]):
            status[i] = NO_SURFACE
        elif depth[i] <= 0:
            status[i] = BEHIND_CAMERA
        elif uv[i, 0] >= 0 and uv[i, 0] < width and uv[i, 1] >= 0 and uv[i, 1] < height:
            status[i] = VISIBLE
        else:
            status[i] = OUT_OF_FRAME


@kernel
@no_type_check
def _decide(framed, arrives, directions, depth, normal, ambiguous, uv, centre_b, point_b, normal_b, ambiguous_b, status):
    """The status of points in the frame.

    Ambiguous in a, in b or seen grazing from b; ambiguous too where the ray to the point and the surface at the centre of b's
    pixel disagree, because something thinner than its samples lies in that pixel; else whether the ray arrives.
    """
    for k in range(len(framed)):
        i = framed[k]
        row, column = int(uv[i, 1]), int(uv[i, 0])
        facing, length, plane, slope = 0.0, 0.0, 0.0, 0.0
        for axis in range(3):
            facing += normal[i, axis] * directions[k, axis]
            length += directions[k, axis] ** 2
            plane += (point_b[row, column, axis] - centre_b[axis]) * normal_b[row, column, axis]
            slope += directions[k, axis] * normal_b[row, column, axis]
        seen = arrives[k] and facing < 0
        # From behind, a surface at the right depth is no evidence of anything thin.
        agrees = seen if facing >= 0 else abs(plane / slope / depth[i] - 1.0) <= EDGE_DEPTH
        grazing = abs(facing) < GRAZING_COSINE * np.sqrt(length)
        if ambiguous[i] or ambiguous_b[row, column] or grazing or agrees != seen:
            status[i] = AMBIGUOUS
        elif not seen:
            status[i] = OCCLUDED


def uv_from_depth(depth_m: Float[np.ndarray, "height width"], camera_a: Camera, camera_b: Camera) -> Float[np.ndarray, "height width 2"]:
    """The map a -> b that follows from stored z-depth: (height, width, 2) float32 in pixels of b, NaN where there is none."""
    return reprojected_centres(depth_m, camera_a, camera_b)
