"""Surfaces at the samples of a view: points, normals and texture coordinates, interpolated where each ray hits its triangle."""

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Int

from pixbench.geometry.rays import AHEAD
from pixbench.jit import kernel, prefetch

from ..scene import Geometry
from .texture_atlas import LINEAR

NO_COLOR = np.zeros((0, 3, 3), np.uint8)

Rgb = Float[np.ndarray, "samples 3"]
Scalar = Float[np.ndarray, " samples"]


@dataclass(frozen=True, eq=False)
class SurfaceSamples:
    """Surface samples on a regular grid over the image, one row per sample. A sample that hit nothing has material -1.

    `grid` is (rows, columns). `point` and `depth` are in metres; `normal` and `shading_normal` face the camera; `tint` is the linear
    vertex colour; `level` is log2 of the number of texture repeats that a sample covers.
    """

    grid: tuple[int, int]
    material: Int[np.ndarray, " samples"]
    point: Float[np.ndarray, "samples 3"]
    depth: Scalar
    normal: Float[np.ndarray, "samples 3"]
    shading_normal: Float[np.ndarray, "samples 3"]
    to_eye: Float[np.ndarray, "samples 3"]
    texel: Float[np.ndarray, "samples 2"]
    tint: Rgb
    level: Scalar

    @classmethod
    def empty(cls, grid: tuple[int, int]) -> "SurfaceSamples":
        """Samples that `fill_samples` will fill; only `tint` has values, white."""
        count = grid[0] * grid[1]
        return cls(
            grid,
            material=np.empty(count, np.int32),
            point=np.empty((count, 3), np.float32),
            depth=np.empty(count, np.float32),
            normal=np.empty((count, 3), np.float32),
            shading_normal=np.empty((count, 3), np.float32),
            to_eye=np.empty((count, 3), np.float32),
            texel=np.empty((count, 2), np.float32),
            tint=np.ones((count, 3), np.float32),
            level=np.empty(count, np.float32),
        )


def fill_samples(
    geometry: Geometry,
    triangle: Int[np.ndarray, " samples"],
    centre: Float[np.ndarray, "3"],
    directions: Float[np.ndarray, "samples 3"],
    pixel_angle: float,
    samples: SurfaceSamples,
) -> None:
    """Fill `samples` with what each ray meets on its triangle, intersected in float64.

    `triangle` is -1 for a ray that hit nothing. `pixel_angle` is the angle in radians between neighbouring samples.
    """
    _fill_samples(
        geometry.corners, geometry.normals, geometry.uv, geometry.material,
        NO_COLOR if geometry.color is None else geometry.color, LINEAR,
        triangle, centre, directions, pixel_angle,
        samples.material, samples.point, samples.depth, samples.normal, samples.shading_normal, samples.to_eye,
        samples.texel, samples.tint, samples.level,
    )  # fmt: skip


@kernel
@no_type_check
def _fill_samples(
    corners, normals, texels, materials, colors, linear, triangle, centre, directions, pixel_angle,
    material, point, depth, normal, shading_normal, to_eye, texel, tint, level,
):  # fmt: skip
    for i in range(len(triangle)):
        ahead = triangle[min(i + AHEAD, len(triangle) - 1)]
        if ahead >= 0:
            prefetch(corners, ahead)
            if len(colors):
                prefetch(colors, ahead)
        k = triangle[i]
        if k < 0:
            material[i], depth[i], level[i] = -1, 0.0, 0.0
            point[i], normal[i], shading_normal[i], to_eye[i], texel[i] = 0.0, 0.0, 0.0, 0.0, 0.0
            continue
        material[i] = materials[k]
        corner = corners[k]
        ax, ay, az = np.float64(corner[0, 0]), np.float64(corner[0, 1]), np.float64(corner[0, 2])
        e1x, e1y, e1z = corner[1, 0] - ax, corner[1, 1] - ay, corner[1, 2] - az
        e2x, e2y, e2z = corner[2, 0] - ax, corner[2, 1] - ay, corner[2, 2] - az
        dx, dy, dz = directions[i, 0], directions[i, 1], directions[i, 2]
        sx, sy, sz = centre[0] - ax, centre[1] - ay, centre[2] - az
        px, py, pz = dy * e2z - dz * e2y, dz * e2x - dx * e2z, dx * e2y - dy * e2x
        qx, qy, qz = sy * e1z - sz * e1y, sz * e1x - sx * e1z, sx * e1y - sy * e1x
        determinant = e1x * px + e1y * py + e1z * pz
        inverse = 1.0 / determinant if determinant != 0 else 0.0
        t = (e2x * qx + e2y * qy + e2z * qz) * inverse
        v = min(max((sx * px + sy * py + sz * pz) * inverse, 0.0), 1.0)
        w = min(max((dx * qx + dy * qy + dz * qz) * inverse, 0.0), 1.0)
        u = 1.0 - v - w
        nx, ny, nz = e1y * e2z - e1z * e2y, e1z * e2x - e1x * e2z, e1x * e2y - e1y * e2x
        area = np.sqrt(nx * nx + ny * ny + nz * nz)
        length = np.sqrt(dx * dx + dy * dy + dz * dz)
        scale = 1.0 / max(area, 1e-30)
        # Normals face the camera; shading normals face to the same side as their triangle's normal.
        facing = (nx * dx + ny * dy + nz * dz) * scale / length
        if facing > 0:
            scale = -scale
        nx, ny, nz = nx * scale, ny * scale, nz * scale
        normal[i, 0], normal[i, 1], normal[i, 2] = nx, ny, nz
        mx = u * normals[k, 0, 0] + v * normals[k, 1, 0] + w * normals[k, 2, 0]
        my = u * normals[k, 0, 1] + v * normals[k, 1, 1] + w * normals[k, 2, 1]
        mz = u * normals[k, 0, 2] + v * normals[k, 1, 2] + w * normals[k, 2, 2]
        size = np.sqrt(mx * mx + my * my + mz * mz)
        if size < 1e-6:
            mx, my, mz = nx, ny, nz
        else:
            turn = -1.0 / size if mx * nx + my * ny + mz * nz < 0 else 1.0 / size
            mx, my, mz = mx * turn, my * turn, mz * turn
        shading_normal[i, 0], shading_normal[i, 1], shading_normal[i, 2] = mx, my, mz
        depth[i] = t
        for axis in range(3):
            point[i, axis] = centre[axis] + t * directions[i, axis]
            to_eye[i, axis] = -directions[i, axis] / length
        u1, v1 = texels[k, 1, 0] - texels[k, 0, 0], texels[k, 1, 1] - texels[k, 0, 1]
        u2, v2 = texels[k, 2, 0] - texels[k, 0, 0], texels[k, 2, 1] - texels[k, 0, 1]
        for axis in range(2):
            texel[i, axis] = u * texels[k, 0, axis] + v * texels[k, 1, axis] + w * texels[k, 2, axis]
        density = np.sqrt(abs(u1 * v2 - u2 * v1) / max(area, 1e-12))
        footprint = t * pixel_angle / np.sqrt(max(abs(facing), 0.15))
        level[i] = np.log2(max(density * footprint, 1e-9))
        if len(colors):
            for axis in range(3):
                mixed = u * colors[k, 0, axis] + v * colors[k, 1, axis] + w * colors[k, 2, axis]
                tint[i, axis] = linear[int(min(max(mixed, 0.0), 255.0) + 0.5)]
