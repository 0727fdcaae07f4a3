"""Footprints of the walls of a home, with mitred corners; round walls become chains of straight ones."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from .home import PlanWall

ARC_STEP_RAD = np.radians(6)
FREE_END_M = 0.01
"""Ends that are not joined to another wall are extended by this much, so that no light leaks through gaps."""

LONGEST_MITRE = 2.5
"""Longest mitre, in thicknesses of the thicker wall."""


@dataclass(frozen=True, eq=False)
class Footprint:
    """A straight wall and its corners in metres: left at start, left at end, right at end, right at start."""

    wall: PlanWall
    corners: Float[np.ndarray, "4 2"]


def footprints(walls: Sequence[PlanWall]) -> list[Footprint]:
    """The footprints of walls; a round wall has several."""
    straight = [piece for wall in walls for piece in _straightened(wall)]
    named = {wall.id: wall for wall in straight}
    return [_footprint(wall, named) for wall in straight]


def outline_at(points: Float[np.ndarray, "places 2"], walls: Iterable[Footprint]) -> Float[np.ndarray, " places"]:
    """Distance in metres of points from the nearest wall, 0 inside a wall."""
    distance = np.full(len(points), np.inf)
    for footprint in walls:
        wall, offset = footprint.wall, points - footprint.wall.start
        length = float(np.linalg.norm(wall.end - wall.start))
        beyond = np.maximum(np.abs(offset @ wall.along - length / 2) - length / 2, 0)
        aside = np.maximum(np.abs(offset @ wall.normal) - wall.thickness_m / 2, 0)
        distance = np.minimum(distance, np.hypot(beyond, aside))
    return distance


def _straightened(wall: PlanWall) -> list[PlanWall]:
    """A round wall as a chain of straight ones. It bulges to the left if its arc is positive."""
    if abs(wall.arc_rad) < ARC_STEP_RAD:
        return [wall]
    steps = int(np.ceil(abs(wall.arc_rad) / ARC_STEP_RAD))
    half = wall.arc_rad / 2
    chord = float(np.linalg.norm(wall.end - wall.start))
    # Positions along and to the left of the chord, in units of the chord.
    angle = np.linspace(-half, half, steps + 1)
    x, y = np.sin(angle) / (2 * np.sin(half)) + 0.5, (np.cos(angle) - np.cos(half)) / (2 * np.sin(half))
    points = np.round(wall.start + chord * (x[:, None] * wall.along + y[:, None] * wall.normal), 4)
    points[0], points[-1] = wall.start, wall.end
    names = [wall.joined[0], *(f"{wall.id}/{k}" for k in range(steps)), wall.joined[1]]
    heights = np.linspace(*wall.height_m, steps + 1)
    return [
        replace(
            wall,
            id=names[k + 1],
            start=points[k],
            end=points[k + 1],
            height_m=(float(heights[k]), float(heights[k + 1])),
            joined=(names[k], names[k + 2]),
            arc_rad=0.0,
        )
        for k in range(steps)
    ]


def _footprint(wall: PlanWall, named: Mapping[str, PlanWall]) -> Footprint:
    half = wall.normal * wall.thickness_m / 2
    corners = np.array([wall.start + half, wall.end + half, wall.end - half, wall.start - half])
    for at_end, (left, right) in ((False, (0, 3)), (True, (1, 2))):
        outwards = wall.along if at_end else -wall.along
        other = named.get(wall.joined[at_end]) or _chained(wall, wall.joined[at_end], named)
        mitred = _mitred(wall, other, wall.end if at_end else wall.start) if other is not None else None
        if mitred is not None:
            corners[left], corners[right] = mitred
        else:
            corners[[left, right]] += outwards * FREE_END_M
    return Footprint(wall, np.round(corners, 4))


def _chained(wall: PlanWall, name: str, named: Mapping[str, PlanWall]) -> PlanWall | None:
    """The straight wall at the end of a round one that touches this wall; None if there is none."""
    chain = [other for other in named.values() if name and other.id.startswith(f"{name}/")]
    ends = [wall.start, wall.end]
    touching = (other for other in chain if min(np.linalg.norm(p - q) for p in ends for q in (other.start, other.end)) < 0.02)
    return next(touching, None)


def _mitred(wall: PlanWall, other: PlanWall, joint: Float[np.ndarray, "2"]) -> tuple[np.ndarray, np.ndarray] | None:
    """Intersections of the left and of the right sides of two joined walls; None if they are parallel or too far away."""
    # The left side of the other wall continues the left side of this one if one starts where the other ends.
    here_at_end = np.linalg.norm(wall.end - joint) < np.linalg.norm(wall.start - joint)
    other_at_end = np.linalg.norm(other.end - joint) < np.linalg.norm(other.start - joint)
    same = 1.0 if here_at_end != other_at_end else -1.0
    cross = float(wall.along[0] * other.along[1] - wall.along[1] * other.along[0])
    if abs(cross) < 0.02:
        return None
    found = []
    for side in (1.0, -1.0):
        p = wall.start + side * wall.normal * wall.thickness_m / 2
        q = other.start + same * side * other.normal * other.thickness_m / 2
        step = q - p
        s = float(step[0] * other.along[1] - step[1] * other.along[0]) / cross
        found.append(p + s * wall.along)
    limit = LONGEST_MITRE * max(wall.thickness_m, other.thickness_m)
    if any(np.linalg.norm(corner - joint) > limit for corner in found):
        return None
    return found[0], found[1]
