"""The lights of a home, and the free rectangle of a room."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from ...scene import Light
from .home import Area, HomeLevel, Piece, inside
from .shell import LAMP_HEIGHT_M, LAMP_RADIUS_M, cuts

STEP_M = 0.05
WARM, COLD = np.array([1.1, 0.98, 0.82]), np.array([0.86, 0.94, 1.08])


def inner_rectangle(outline: Float[np.ndarray, "points 2"]) -> Float[np.ndarray, "2 2"]:
    """Lowest and highest corner, in metres, of the largest axis-aligned rectangle inside the outline of a room (to 5 cm)."""
    low, high = outline.min(axis=0), outline.max(axis=0)
    columns, rows = np.maximum(((high - low) / STEP_M).astype(int), 1)
    x, y = low[0] + (np.arange(columns) + 0.5) * STEP_M, low[1] + (np.arange(rows) + 0.5) * STEP_M
    free = inside(outline, np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)).reshape(rows, columns)
    best, found = 0, (0, 0, columns, rows)
    height = np.zeros(columns, int)
    for row in range(rows):
        # Number of free cells in each column up to this row; the height of a rectangle is the least of its columns.
        height = np.where(free[row], height + 1, 0)
        for first in range(columns):
            lowest = np.minimum.accumulate(height[first:])
            area = lowest * np.arange(1, columns - first + 1)
            last = int(area.argmax())
            if area[last] > best:
                best, found = int(area[last]), (first, row + 1 - int(lowest[last]), first + last + 1, row + 1)
    x0, y0, x1, y1 = found
    return low + STEP_M * np.array([[x0, y0], [x1, y1]])


def ceiling_light(
    rectangle: Float[np.ndarray, "2 2"], level: HomeLevel, *, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "2"], Light]:
    """Position in metres of a round lamp near the middle of the ceiling, and its light, which faces down."""
    place = rectangle.mean(axis=0) + rng.uniform(-0.1, 0.1, 2) * np.ptp(rectangle, axis=0)
    z = level.elevation_m + level.height_m - LAMP_HEIGHT_M - 0.01
    half = 0.8 * LAMP_RADIUS_M
    tint = WARM if rng.random() < 0.7 else np.ones(3)
    light = Light("area", np.append(place, z), np.array([half, 0, 0]), np.array([0, -half, 0]), rng.uniform(18, 34) * tint)
    return place, light


def window_lights(windows: Sequence[Piece], level: HomeLevel, indoors: Sequence[Area], *, rng: np.random.Generator) -> list[Light]:
    """Daylight through each window between a room and the outside, in the inner plane of its wall.

    All windows share a tint, because they see the same sky; their brightness varies slightly.
    """
    tint = COLD if rng.random() < 0.6 else WARM
    strength = rng.uniform(2.5, 5.0)
    lights = []
    for window in windows:
        walls = [wall for wall in level.walls if wall.arc_rad == 0 and cuts(window, wall)]
        depth = max([wall.thickness_m for wall in walls], default=window.size[1]) / 2
        normal = np.array([-window.along[1], window.along[0]])
        sides = window.place[:2] + np.outer([1, -1], normal) * (depth + 0.3)
        is_room = np.any([inside(area.outline, sides) for area in indoors], axis=0) if indoors else np.zeros(2, bool)
        if is_room.sum() != 1:
            continue
        inwards = normal if is_room[0] else -normal
        centre = np.append(window.place[:2] + inwards * (depth + 0.02), level.elevation_m + window.place[2] + window.size[2] / 2)
        # u x v points into the room.
        u = np.array([-inwards[1], inwards[0], 0]) * window.size[0] / 2
        v = np.array([0, 0, window.size[2] / 2])
        lights.append(Light("area", centre, u, v, np.clip(strength * rng.uniform(0.85, 1.15), 2.5, 5.0) * tint))
    return lights
