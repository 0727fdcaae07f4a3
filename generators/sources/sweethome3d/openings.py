"""The outlines of the openings that doors and windows cut into walls."""

import re

import numpy as np
from jaxtyping import Float

from pixbench.io.text import bounded_number

from ..base import BadModelError

ARC_STEPS = 24


def cut_out_outline(path: str) -> Float[np.ndarray, "points 2"]:
    """The polygon, with y up, of an SVG path with the commands M, L, v, h, l, a and z in the unit square, with y down.

    Raises BadModelError for other commands.
    """
    points: list[np.ndarray] = []
    for command, text in re.findall(r"([A-Za-z])([^A-Za-z]*)", path):
        numbers = [bounded_number(number) for number in re.findall(r"-?[\d.]+(?:e-?\d+)?", text)]
        if command in "zZ":
            break
        if command in "ML":
            points += list(np.reshape(numbers, (-1, 2)))
        elif command == "l":
            for step in np.reshape(numbers, (-1, 2)):
                points.append(points[-1] + step)
        elif command in "hv":
            points += [points[-1] + np.array([step, 0.0] if command == "h" else [0.0, step]) for step in numbers]
        elif command == "a":
            for values in np.reshape(numbers, (-1, 7)):
                points += list(_arc(points[-1], points[-1] + values[5:], values[:2], large=bool(values[3]), sweep=bool(values[4])))
        else:
            raise BadModelError("opening of an unknown shape", path)
    outline = np.clip(np.array(points), 0, 1)
    distinct = np.linalg.norm(outline - np.roll(outline, 1, axis=0), axis=1) > 1e-6
    return outline[distinct] * [1, -1] + [0, 1]


def _arc(
    start: Float[np.ndarray, "2"], end: Float[np.ndarray, "2"], radii: Float[np.ndarray, "2"], *, large: bool, sweep: bool
) -> Float[np.ndarray, "points 2"]:
    """Points of an SVG arc without rotation, except its start; computed as an arc of the unit circle."""
    a, b = start / radii, end / radii
    half = (b - a) / 2
    reach = float(np.linalg.norm(half))
    if reach > 1:
        # The SVG standard enlarges radii that are too small.
        a, b, half, radii, reach = a / reach, b / reach, half / reach, radii * reach, 1.0
    across = np.array([-half[1], half[0]]) / max(reach, 1e-9)
    centre = (a + b) / 2 + across * np.sqrt(max(0.0, 1 - reach**2)) * (1 if large != sweep else -1)
    first, last = (np.arctan2(*(point - centre)[::-1]) for point in (a, b))
    if sweep and last <= first:
        last += 2 * np.pi
    if not sweep and last >= first:
        last -= 2 * np.pi
    angle = np.linspace(first, last, ARC_STEPS + 1)[1:]
    return (centre + np.column_stack([np.cos(angle), np.sin(angle)])) * radii
