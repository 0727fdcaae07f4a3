"""Where a pixel of one view lies in another, and whether it can be seen there.

Exact truth comes from triangles (`trace_view`, `exact_pair`) and is made once, by a generator. What a reader of files
recomputes from stored depth is `uv_from_depth`; the shard's self-test says how far the two lie apart.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from .geometry import Camera, in_image, pixel_centres, pixel_corners, pixel_index
from .rays import RayCaster, exact_hits, triangle_normals

GRAZING_COSINE = 0.1
"""A surface seen at less than this cosine (more than 84 degrees off its normal) is grazing: a pixel covers ten times its width."""

EDGE_DEPTH = 0.01
"""A pixel's footprint covers two surfaces where a corner's depth is off the centre's plane by more than this share."""

HIT_TOLERANCE = 1e-4
"""A point is visible where the ray towards it hits within this share of the distance (or the very same triangle)."""


class Status(IntEnum):
    """What became of a source pixel's surface point in the target view."""

    NO_SURFACE = 0
    VISIBLE = 1
    OCCLUDED = 2
    OUT_OF_FRAME = 3
    BEHIND_CAMERA = 4
    AMBIGUOUS = 5


STATUS_MEANING = {
    Status.NO_SURFACE: "the source pixel's ray hits nothing",
    Status.VISIBLE: "the point is seen in the target; only these count in scores",
    Status.OCCLUDED: "another surface, or the far side of its own, hides the point in the target",
    Status.OUT_OF_FRAME: "the point projects outside the target image",
    Status.BEHIND_CAMERA: "the point lies behind the target camera",
    Status.AMBIGUOUS: "depth edge or grazing, in source or target: the pixel's footprint covers two surfaces",
}


@dataclass(frozen=True, eq=False)
class View:
    """The surfaces that a camera sees, one exact ray per pixel centre.

    `triangle` is -1 and `point` and `depth_m` are NaN where there is no surface; `normal` is the triangle's unit normal,
    turned to the camera; `ambiguous` marks depth edges and grazing surfaces.
    """

    camera: Camera
    triangle: Int[np.ndarray, "height width"]
    point: Float[np.ndarray, "height width 3"]
    depth_m: Float[np.ndarray, "height width"]
    normal: Float[np.ndarray, "height width 3"]
    ambiguous: Bool[np.ndarray, "height width"]


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
) -> tuple[Int[np.ndarray, " rays"], Float[np.ndarray, " rays"], Float[np.ndarray, "rays 3"]]:
    """Triangle id, z-depth in metres (inf: none) and direction of the rays of a camera through uv."""
    directions = camera.rays(uv)
    origins = np.broadcast_to(camera.centre, directions.shape)
    hits = exact_hits(corners, caster.first_triangle(origins, directions), origins, directions)
    return hits.triangle, hits.t, directions


def trace_view(
    caster: RayCaster,
    corners: Float[np.ndarray, "triangles 3 3"],
    instance: Int[np.ndarray, " triangles"],
    camera: Camera,
) -> View:
    """Cast one ray through each pixel's centre, and one through each corner to find depth edges."""
    shape = (camera.height, camera.width)
    triangle, t, directions = cast(caster, corners, camera, pixel_centres(camera.width, camera.height).reshape(-1, 2))
    hit = triangle >= 0
    normal = np.where(hit[:, None], triangle_normals(corners[np.maximum(triangle, 0)]), np.nan)
    facing = np.einsum("ij,ij->i", normal, directions)
    normal = np.where(facing[:, None] > 0, -normal, normal)
    cosine = np.abs(facing) / np.linalg.norm(directions, axis=1)
    depth_m = np.where(hit, t, np.nan)
    point = camera.centre + depth_m[:, None] * directions
    edge = _depth_edges(caster, corners, instance, camera, triangle.reshape(shape), point.reshape(*shape, 3), normal.reshape(*shape, 3))
    return View(
        camera,
        triangle.reshape(shape).astype(np.int32),
        point.reshape(*shape, 3),
        depth_m.reshape(shape),
        normal.reshape(*shape, 3),
        hit.reshape(shape) & (edge | (cosine.reshape(shape) < GRAZING_COSINE)),
    )


def _depth_edges(
    caster: RayCaster,
    corners: Float[np.ndarray, "triangles 3 3"],
    instance: Int[np.ndarray, " triangles"],
    camera: Camera,
    triangle: Int[np.ndarray, "height width"],
    point: Float[np.ndarray, "height width 3"],
    normal: Float[np.ndarray, "height width 3"],
) -> Bool[np.ndarray, "height width"]:
    """Pixels with a corner that sees another instance, or whose depth leaves the plane through the centre's point."""
    grid = pixel_corners(camera.width, camera.height)
    corner_triangle, corner_t, corner_rays = cast(caster, corners, camera, grid.reshape(-1, 2))
    corner_instance = np.where(corner_triangle >= 0, instance[np.maximum(corner_triangle, 0)], 0).reshape(grid.shape[:2])
    own_instance = np.where(triangle >= 0, instance[np.maximum(triangle, 0)], 0)
    height_over_centre = np.einsum("hwi,hwi->hw", point - camera.centre, normal)
    rays, depths = corner_rays.reshape(*grid.shape[:2], 3), corner_t.reshape(grid.shape[:2])
    edge = np.zeros(triangle.shape, bool)
    for row in (slice(None, -1), slice(1, None)):
        for column in (slice(None, -1), slice(1, None)):
            with np.errstate(divide="ignore", invalid="ignore"):
                plane_depth = height_over_centre / np.einsum("hwi,hwi->hw", rays[row, column], normal)
                off_plane = ~(np.abs(depths[row, column] / plane_depth - 1.0) <= EDGE_DEPTH)
            edge |= off_plane | (corner_instance[row, column] != own_instance)
    return edge


def project_status(
    point: Float[np.ndarray, "height width 3"], camera_b: Camera
) -> tuple[Float[np.ndarray, "height width 2"], UInt8[np.ndarray, "height width"]]:
    """uv in b, and the status as far as projection alone decides it; what lies in the frame is called VISIBLE."""
    uv_b, depth_b = camera_b.project(point)
    status = np.full(point.shape[:2], Status.VISIBLE, np.uint8)
    status[~in_image(uv_b, camera_b.width, camera_b.height)] = Status.OUT_OF_FRAME
    status[depth_b <= 0] = Status.BEHIND_CAMERA
    status[np.isnan(depth_b)] = Status.NO_SURFACE
    return uv_b, status


def exact_pair(caster: RayCaster, corners: Float[np.ndarray, "triangles 3 3"], a: View, b: View) -> PairTruth:
    """Truth of a -> b in float64: project a's points into b, and cast a ray from b towards each to see whether it arrives."""
    uv_b, status = project_status(a.point, b.camera)
    framed = status == Status.VISIBLE
    uv, normal = uv_b[framed], a.normal[framed]
    triangle, t, directions = cast(caster, corners, b.camera, uv)
    expected = b.camera.project(a.point[framed])[1]
    arrives = (triangle == a.triangle[framed]) | (np.abs(t - expected) <= HIT_TOLERANCE * expected)
    facing = np.einsum("ij,ij->i", normal, directions) / np.linalg.norm(directions, axis=1)
    column, row = pixel_index(uv).T
    ambiguous = a.ambiguous[framed] | b.ambiguous[row, column] | (np.abs(facing) < GRAZING_COSINE)
    status[framed] = np.where(ambiguous, Status.AMBIGUOUS, np.where(arrives & (facing < 0), Status.VISIBLE, Status.OCCLUDED)).astype(
        np.uint8
    )
    return PairTruth(uv_b, status)


def uv_from_depth(depth_m: Float[np.ndarray, "height width"], camera_a: Camera, camera_b: Camera) -> Float[np.ndarray, "height width 2"]:
    """The map a -> b that follows from stored z-depth: (height, width, 2) float32 in pixels of b, NaN where there is none."""
    points = camera_a.unproject(pixel_centres(camera_a.width, camera_a.height), depth_m)
    return camera_b.project(points)[0].astype(np.float32)
