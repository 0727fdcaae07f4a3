"""The floor plan of a room: its outline, and rectangles that cover it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

Rectangle = tuple[float, float, float, float]
"""x0, y0, x1, y1 on the floor, in metres."""


@dataclass(frozen=True, eq=False)
class Plan:
    """A floor plan in metres: its corners, clockwise from above, the solid parts of its bounding box, and the index of the alcove's back
    wall.
    """

    corners: Float[np.ndarray, "corners 2"]
    solid: tuple[Rectangle, ...] = ()
    alcove: int = -1

    def inside(self, x: float, y: float, margin: float = 0.0) -> bool:
        """Whether a point lies in the plan, at least `margin` metres from the walls in x and y."""
        return all(self._holds(x + dx, y + dy) for dx in (-margin, margin) for dy in (-margin, margin))

    def cells(self) -> list[Float[np.ndarray, "4 2"]]:
        """Counterclockwise rectangles that cover the plan and meet edge to edge."""
        xs, ys = np.unique(self.corners[:, 0]), np.unique(self.corners[:, 1])
        return [
            np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
            for x0, x1 in zip(xs, xs[1:], strict=False)
            for y0, y1 in zip(ys, ys[1:], strict=False)
            if self.inside((x0 + x1) / 2, (y0 + y1) / 2)
        ]

    def _holds(self, x: float, y: float) -> bool:
        a, b = self.corners, np.roll(self.corners, -1, axis=0)
        crossed = ((a[:, 1] > y) != (b[:, 1] > y)) & (a[:, 0] > x)
        return bool(crossed.sum() % 2)


def draw_plan(size: tuple[float, float, float], order: list[int], *, rng: np.random.Generator) -> Plan:
    """A rectangle, or one with a corner cut off, a chimney breast, or an alcove in the wall that has neither window nor door."""
    width, depth, _ = size
    corners = np.array([[0, depth], [width, depth], [width, 0], [0, 0]], float)
    kind = rng.choice(["rectangle", "corner", "breast", "alcove"], p=[0.4, 0.26, 0.16, 0.18])
    side = order[3]
    start, along = corners[side], np.roll(corners, -1, axis=0)[side] - corners[side]
    length = float(np.abs(along).sum())
    along = along / length
    inwards = np.array([along[1], -along[0]])
    if kind == "corner":
        # The cut corner lies at the end of the free wall; the other wall that it shortens keeps more than 2.3 m.
        a, b = rng.uniform(0.7, 1.3), rng.uniform(0.7, 1.3)
        corner = start + along * length
        cut = np.stack([corner - along * a, corner - along * a + inwards * b, corner + inwards * b])
        rest = np.insert(np.delete(corners, (side + 1) % 4, axis=0), (side + 1) % 4, cut, axis=0)
        return Plan(rest, (_rectangle(corner - along * a, corner + inwards * b),))
    if kind == "rectangle":
        return Plan(corners)
    across = rng.uniform(1.1, 1.6)
    t0 = rng.uniform(0.7, length - across - 0.7)
    reach = rng.uniform(0.28, 0.42) if kind == "breast" else -rng.uniform(0.35, 0.7)
    first, last = start + along * t0, start + along * (t0 + across)
    bay = np.stack([first, first + inwards * reach, last + inwards * reach, last])
    solid = _rectangle(first, last + inwards * (reach if kind == "breast" else 0.3))
    return Plan(np.insert(corners, side + 1, bay, axis=0), (solid,), side + 2 if kind == "alcove" else -1)


def _rectangle(a: Float[np.ndarray, "2"], b: Float[np.ndarray, "2"]) -> Rectangle:
    (x0, x1), (y0, y1) = np.sort([a[0], b[0]]), np.sort([a[1], b[1]])
    return float(x0), float(y0), float(x1), float(y1)


def at_height(points: Float[np.ndarray, "points 2"], z: float) -> Float[np.ndarray, "points 3"]:
    """Points of the plan at a height z, in metres."""
    return np.concatenate([points, np.full((len(points), 1), z)], axis=1)
