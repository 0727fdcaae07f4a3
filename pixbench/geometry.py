"""Pixels and cameras: the only module that adds or drops half a pixel.

Pixel (column i, row j) covers [i, i + 1) x [j, j + 1) and its centre is (i + 0.5, j + 0.5). `uv` is (x right, y down) in
pixels. Cameras follow OpenCV: x right, y down, z forward. `T_world_cam` maps camera to world coordinates, in metres.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int


def pixel_centres(width: int, height: int) -> Float[np.ndarray, "height width 2"]:
    """The uv of every pixel's centre, (height, width, 2), in pixels."""
    u, v = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    return np.stack([u, v], axis=-1)


def pixel_centre(column: Int[np.ndarray, "*batch"], row: Int[np.ndarray, "*batch"]) -> Float[np.ndarray, "*batch 2"]:
    """The uv of the centres of given pixels, in pixels."""
    return np.stack([column, row], axis=-1) + 0.5


def pixel_corners(width: int, height: int) -> Float[np.ndarray, "rows columns 2"]:
    """The uv of every corner of the pixel grid, (height + 1, width + 1, 2), in pixels."""
    u, v = np.meshgrid(np.arange(width + 1.0), np.arange(height + 1.0))
    return np.stack([u, v], axis=-1)


def subpixel_centres(width: int, height: int, factor: int) -> Float[np.ndarray, "rows columns 2"]:
    """The centres of a grid that is `factor` times finer, (height * factor, width * factor, 2), in pixels of the coarse grid."""
    return pixel_centres(width * factor, height * factor) / factor


def in_image(uv: Float[np.ndarray, "*batch 2"], width: int, height: int) -> Bool[np.ndarray, "*batch"]:
    """Whether uv lies on the image: [0, width) x [0, height). NaN does not."""
    return (uv[..., 0] >= 0) & (uv[..., 0] < width) & (uv[..., 1] >= 0) & (uv[..., 1] < height)


def pixel_index(uv: Float[np.ndarray, "*batch 2"]) -> Int[np.ndarray, "*batch 2"]:
    """The (column, row) of the pixel that covers uv. uv must be finite."""
    return np.floor(uv).astype(np.int64)


def nearest_pixel_index(uv: Float[np.ndarray, "*batch 2"], width: int, height: int) -> Int[np.ndarray, "*batch 2"]:
    """The (column, row) of the pixel that covers uv, or else of the image's pixel nearest to it.

    Needed for uv in float32, in which a point just inside the image may round onto its border.
    """
    inside = np.clip(np.nan_to_num(uv), 0, [width - 1, height - 1])
    return pixel_index(inside)


def resize_uv(
    uv: Float[np.ndarray, "*batch 2"], old_size_wh: tuple[int, int], new_size_wh: tuple[int, int]
) -> Float[np.ndarray, "*batch 2"]:
    """uv on an image that was resized as a whole. Corners stay corners, so this is a pure scale."""
    return uv * (np.asarray(new_size_wh, float) / np.asarray(old_size_wh, float))


def normalised_grid(uv: Float[np.ndarray, "*batch 2"], width: int, height: int) -> Float[np.ndarray, "*batch 2"]:
    """uv as `torch.nn.functional.grid_sample(align_corners=False)` wants it: the image's borders are -1 and 1."""
    return uv * (2.0 / np.array([width, height])) - 1.0


def transform_points(T: Float[np.ndarray, "4 4"], points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
    """Points, (..., 3), moved by a rigid 4x4 transform."""
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

    def rays(self, uv: Float[np.ndarray, "*batch 2"]) -> Float[np.ndarray, "*batch 3"]:
        """World directions through uv, scaled so that the ray parameter is z-depth: point = centre + z * ray."""
        x = (uv[..., 0] - self.K[0, 2] - self.K[0, 1] * (uv[..., 1] - self.K[1, 2]) / self.K[1, 1]) / self.K[0, 0]
        y = (uv[..., 1] - self.K[1, 2]) / self.K[1, 1]
        return np.stack([x, y, np.ones_like(x)], axis=-1) @ self.T_world_cam[:3, :3].T

    def unproject(self, uv: Float[np.ndarray, "*batch 2"], depth_m: Float[np.ndarray, "*batch"]) -> Float[np.ndarray, "*batch 3"]:
        """World points at z-depth `depth_m` behind uv, in metres."""
        return self.centre + depth_m[..., None].astype(np.float64) * self.rays(uv)

    def project(self, points: Float[np.ndarray, "*batch 3"]) -> tuple[Float[np.ndarray, "*batch 2"], Float[np.ndarray, "*batch"]]:
        """uv in pixels and z-depth in metres of world points. uv is NaN where the depth is not positive."""
        local = (points - self.centre) @ self.T_world_cam[:3, :3]
        depth_m = local[..., 2]
        scale = np.where(depth_m > 0, depth_m, np.nan)
        x, y = local[..., 0] / scale, local[..., 1] / scale
        u = self.K[0, 0] * x + self.K[0, 1] * y + self.K[0, 2]
        v = self.K[1, 1] * y + self.K[1, 2]
        return np.stack([u, v], axis=-1), depth_m
