"""Computes the upright pose of a scan: z up, floor horizontal at z = 0, walls along x and y."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial.transform import Rotation

LEVEL_COSINE = np.cos(np.radians(15))
BIN_M = 0.05
NEAR_PLANE_M = 0.15
LOWEST = 0.3
"""The floor is within this lowest share of the height of a room."""

AXES = {sign + name: float(sign + "1") * np.eye(3)[k] for sign in ("", "-") for k, name in enumerate("xyz")}
"""Candidates for the upward direction."""


@dataclass(frozen=True, eq=False)
class Faces:
    """Centre in metres, unit normal and area in square metres of each triangle."""

    centre: Float[np.ndarray, "faces 3"]
    normal: Float[np.ndarray, "faces 3"]
    area: Float[np.ndarray, " faces"]

    @classmethod
    def of(cls, vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"]) -> "Faces":
        """The faces of a mesh."""
        a, b, c = (vertices[faces[:, k]] for k in range(3))
        across = np.cross(b - a, c - a)
        length = np.linalg.norm(across, axis=1)
        return cls((a + b + c) / 3, across / np.maximum(length, 1e-12)[:, None], length / 2)


def upright(
    faces: Faces,
    *,
    floor: Bool[np.ndarray, " faces"] | None = None,
    camera_up: Float[np.ndarray, "3"] | None = None,
    up: str | None = None,
) -> Float[np.ndarray, "4 4"]:
    """T_world_file: the rigid transform that makes a room upright.

    The upward axis is `up` (a key of AXES) if given; otherwise it follows from the faces labelled as floor, or the mean upward
    direction of cameras, or the largest plane at the low end of an axis, in this order. Then the floor is made exactly horizontal,
    and a rotation about z aligns most walls with x and y.
    """
    labelled = floor is not None and faces.area[floor].sum() > 0.2
    if up is not None:
        axis = AXES[up]
    elif labelled:
        axis = _axis_over_floor(faces, floor)
    elif camera_up is not None:
        axis = max(AXES.values(), key=lambda direction: float(direction @ camera_up))
    else:
        axis = _axis_over_largest_plane(faces)
    on_floor = np.abs(faces.normal @ axis) > LEVEL_COSINE
    if labelled and (on_floor & floor).any():
        on_floor &= floor
    else:
        on_floor &= np.abs(faces.centre @ axis - lowest_plane(faces, axis)[1]) < NEAR_PLANE_M
    T = np.eye(4)
    T[:3, :3] = _levelling(faces, on_floor, axis)
    T[:3, :3] = _squaring(faces.normal @ T[:3, :3].T, faces.area) @ T[:3, :3]
    T[2, 3] = -_median(faces.centre @ T[2, :3], faces.area * on_floor)
    return T


def _axis_over_floor(faces: Faces, floor: Bool[np.ndarray, " faces"] | None) -> Float[np.ndarray, "3"]:
    """The axis along the normals of the floor, towards the side with most of the room."""
    k = int(np.argmax(faces.area[floor] @ faces.normal[floor] ** 2))
    along = faces.centre[:, k]
    return np.eye(3)[k] * (1.0 if _median(along, faces.area) >= _median(along[floor], faces.area[floor]) else -1.0)


def _axis_over_largest_plane(faces: Faces) -> Float[np.ndarray, "3"]:
    """The axis with the largest plane near one of its ends, towards the side with less surface.

    A ceiling is a large plane too, but furniture is in the lower half of a room.
    """
    axis = max(AXES.values(), key=lambda direction: lowest_plane(faces, direction)[0])
    height = faces.centre @ axis
    return axis if _median(height, faces.area) < np.quantile(height, [0.005, 0.995]).mean() else -axis


def lowest_plane(faces: Faces, axis: Float[np.ndarray, "3"]) -> tuple[float, float]:
    """Area in square metres and height in metres of the largest horizontal plane low in the room, if `axis` is up."""
    height = faces.centre @ axis
    low, high = np.quantile(height, [0.005, 0.995])
    flat = np.abs(faces.normal @ axis) > LEVEL_COSINE
    edges = np.arange(low - 2 * BIN_M, low + LOWEST * (high - low) + 3 * BIN_M, BIN_M)
    area = np.histogram(height[flat], edges, weights=faces.area[flat])[0]
    # A noisy or slightly tilted floor covers several bins.
    spread = np.convolve(area, np.ones(3), "same")
    best = int(np.argmax(spread))
    return float(spread[best]), float(edges[best] + BIN_M / 2)


def _levelling(faces: Faces, on_floor: Bool[np.ndarray, " faces"], axis: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3 3"]:
    """The rotation that maps the mean normal of the floor to z."""
    normals = faces.normal[on_floor] * np.sign(faces.normal[on_floor] @ axis)[:, None]
    mean = faces.area[on_floor] @ normals if on_floor.any() else axis
    return np.asarray(Rotation.align_vectors([[0, 0, 1]], [mean])[0].as_matrix())


def _squaring(normal: Float[np.ndarray, "faces 3"], area: Float[np.ndarray, " faces"]) -> Float[np.ndarray, "3 3"]:
    """The rotation about z, of at most 45 degrees, that aligns walls with x and y, from the mean of four times their direction."""
    wall = np.abs(normal[:, 2]) < 1 - LEVEL_COSINE
    angle = np.arctan2(normal[wall, 1], normal[wall, 0])
    turn = -np.angle(np.sum(area[wall] * np.exp(4j * angle))) / 4
    return np.asarray(Rotation.from_euler("z", turn).as_matrix())


def _median(values: Float[np.ndarray, " faces"], weights: Float[np.ndarray, " faces"]) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][min(np.searchsorted(total, total[-1] / 2), len(order) - 1)])
