"""Pinhole cameras and rigid transforms.

Cameras follow OpenCV: x right, y down, z forward. `T_world_cam` maps camera to world coordinates, in metres. `uv` is in pixels (see
`pixels`).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import no_type_check

import numpy as np
from jaxtyping import Float

from ..jit import kernel
from .pixels import axis_centres


def transform_points(T: Float[np.ndarray, "4 4"], points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
    """Points (..., 3) under a rigid 4x4 transform, in the unit of its translation (metres for poses of cameras)."""
    return points @ T[:3, :3].T + T[:3, 3]


def inverse_rigid(T: Float[np.ndarray, "4 4"]) -> Float[np.ndarray, "4 4"]:
    """The inverse of a rigid 4x4 transform."""
    inverse = np.eye(4)
    inverse[:3, :3] = T[:3, :3].T
    inverse[:3, 3] = -T[:3, :3].T @ T[:3, 3]
    return inverse


def look_at(eye: Float[np.ndarray, "3"], target: Float[np.ndarray, "3"], *, roll_rad: float = 0.0) -> Float[np.ndarray, "4 4"]:
    """T_world_cam of a camera at `eye` that looks at `target`; world z is up. Undefined when it looks straight up or down."""
    forward = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    cosine, sine = np.cos(roll_rad), np.sin(roll_rad)
    T = np.eye(4)
    T[:3, 0] = cosine * right + sine * down
    T[:3, 1] = cosine * down - sine * right
    T[:3, 2] = forward
    T[:3, 3] = eye
    return T


@dataclass(frozen=True, eq=False)
class Camera:
    """A pinhole camera.

    K is the 3x3 matrix of intrinsics in pixels, T_world_cam the 4x4 pose in metres, both float64.
    """

    K: Float[np.ndarray, "3 3"]
    T_world_cam: Float[np.ndarray, "4 4"]
    width: int
    height: int

    @property
    def centre(self) -> Float[np.ndarray, "3"]:
        """The camera's position in the world, in metres."""
        return self.T_world_cam[:3, 3]

    @property
    def forward(self) -> Float[np.ndarray, "3"]:
        """The viewing direction in the world, unit length."""
        return self.T_world_cam[:3, 2]

    @cached_property
    def world_to_pixel(self) -> Float[np.ndarray, "3 3"]:
        """Matrix K R' that maps a world direction to (u, v, 1) times its z-depth; u and v in pixels."""
        return self.K @ self.T_world_cam[:3, :3].T

    @cached_property
    def pixel_to_world(self) -> Float[np.ndarray, "3 3"]:
        """Matrix that maps (u, v, 1), in pixels, to the ray in the world, scaled so that its parameter is z-depth."""
        return self.T_world_cam[:3, :3] @ np.linalg.inv(self.K)

    def rays(self, uv: Float[np.ndarray, "*batch 2"]) -> Float[np.ndarray, "*batch 3"]:
        """World directions through uv, scaled so that the ray parameter is z-depth: point = centre + z * ray."""
        directions = np.empty((*uv.shape[:-1], 3))
        _rays(self.K, self.T_world_cam, uv.reshape(-1, 2), directions.reshape(-1, 3))
        return directions

    def unproject(self, uv: Float[np.ndarray, "*batch 2"], depth_m: Float[np.ndarray, "*batch"]) -> Float[np.ndarray, "*batch 3"]:
        """World points at z-depth `depth_m` behind uv, in metres."""
        return self.centre + depth_m[..., None].astype(np.float64) * self.rays(uv)

    def project(self, points: Float[np.ndarray, "*batch 3"]) -> tuple[Float[np.ndarray, "*batch 2"], Float[np.ndarray, "*batch"]]:
        """uv in pixels and z-depth in metres of world points. uv is NaN where the depth is not positive."""
        uv, depth_m = np.empty((*points.shape[:-1], 2)), np.empty(points.shape[:-1])
        _projected(self.K, self.T_world_cam, points.reshape(-1, 3), uv.reshape(-1, 2), depth_m.reshape(-1))
        return uv, depth_m


@kernel
@no_type_check
def _rays(K, T, uv, directions):
    for i in range(len(uv)):
        y = (uv[i, 1] - K[1, 2]) / K[1, 1]
        x = (uv[i, 0] - K[0, 2] - K[0, 1] * y) / K[0, 0]
        for axis in range(3):
            directions[i, axis] = x * T[axis, 0] + y * T[axis, 1] + T[axis, 2]


@kernel
@no_type_check
def _projected(K, T, points, uv, depth_m):
    for i in range(len(points)):
        dx, dy, dz = points[i, 0] - T[0, 3], points[i, 1] - T[1, 3], points[i, 2] - T[2, 3]
        depth = T[0, 2] * dx + T[1, 2] * dy + T[2, 2] * dz
        depth_m[i] = depth
        if depth > 0:
            x = (T[0, 0] * dx + T[1, 0] * dy + T[2, 0] * dz) / depth
            y = (T[0, 1] * dx + T[1, 1] * dy + T[2, 1] * dz) / depth
            uv[i, 0] = K[0, 0] * x + K[0, 1] * y + K[0, 2]
            uv[i, 1] = K[1, 1] * y + K[1, 2]
        else:
            uv[i] = np.nan


def reprojected_centres(depth_m: Float[np.ndarray, "height width"], a: Camera, b: Camera) -> Float[np.ndarray, "height width 2"]:
    """uv in camera b, float32, of what camera a sees at z-depth `depth_m` behind each pixel's centre.

    NaN where the depth is NaN or the point is not before b. The same as unprojecting and projecting, in one pass.
    """
    uv = np.empty((*depth_m.shape, 2), np.float32)
    height, width = depth_m.shape
    turn, move = b.world_to_pixel @ a.pixel_to_world, b.world_to_pixel @ (a.centre - b.centre)
    _reproject(depth_m, axis_centres(width), axis_centres(height), turn, move, uv)
    return uv


@kernel
@no_type_check
def _reproject(depth, columns, rows, turn, move, uv):
    """uv of depth * turn @ (u, v, 1) + move, computed in float64; `columns` and `rows` are the pixels' u and v."""
    height, width = depth.shape
    x_step, y_step, z_step = turn[0, 0], turn[1, 0], turn[2, 0]
    us, vs = np.empty(width, np.float32), np.empty(width, np.float32)
    for row in range(height):
        v = rows[row]
        x, y, z = turn[0, 1] * v + turn[0, 2], turn[1, 1] * v + turn[1, 2], turn[2, 1] * v + turn[2, 2]
        # Row by row, u and v apart, so that the compiler vectorises the loop.
        for column in range(width):
            u, d = columns[column], np.float64(depth[row, column])
            depth_b = d * (z_step * u + z) + move[2]
            inverse = 1.0 / (depth_b if depth_b > 0 else np.nan)
            us[column] = (d * (x_step * u + x) + move[0]) * inverse
            vs[column] = (d * (y_step * u + y) + move[1]) * inverse
        uv[row, :, 0], uv[row, :, 1] = us, vs
