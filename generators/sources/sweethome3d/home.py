"""Reads a home of Sweet Home 3D from XML, in metres with z up; y is the negative y of its floor plan."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

import numpy as np
from jaxtyping import Bool, Float

from pixbench.io.text import bounded_number
from pixbench.io.untrusted import parse_xml

from ..base import BadModelError

TALL_M = 1.8
"""Walls of at least this height enclose a room."""


@dataclass(frozen=True, eq=False)
class PlanWall:
    """A straight or round wall between two points of its centre line, in metres. `left` is the side to the left from start to end.

    Colours are sRGB in [0, 1], None if the home has none. `joined` are the ids of the walls at its start and end.
    """

    id: str
    start: Float[np.ndarray, "2"]
    end: Float[np.ndarray, "2"]
    thickness_m: float
    height_m: tuple[float, float]
    left: tuple[float, float, float] | None
    right: tuple[float, float, float] | None
    joined: tuple[str, str]
    arc_rad: float
    skirting: Mapping[str, tuple[float, float]]

    @property
    def along(self) -> Float[np.ndarray, "2"]:
        """Unit vector from start to end."""
        return (self.end - self.start) / max(float(np.linalg.norm(self.end - self.start)), 1e-9)

    @property
    def normal(self) -> Float[np.ndarray, "2"]:
        """Unit vector to the left."""
        return np.array([-self.along[1], self.along[0]])


@dataclass(frozen=True, eq=False)
class Area:
    """The counterclockwise outline of a room in metres, and the sRGB colours of its floor and ceiling."""

    name: str
    outline: Float[np.ndarray, "points 2"]
    floor: tuple[float, float, float] | None
    ceiling: tuple[float, float, float] | None
    has_floor: bool

    @property
    def size_m2(self) -> float:
        """Area in square metres."""
        return signed_area(self.outline)


@dataclass(frozen=True, eq=False)
class Piece:
    """A piece of furniture, a door or a window. `size` is (width, depth, height), `place` the centre of its bottom, both in metres."""

    name: str
    catalogue_id: str
    model: str
    size: Float[np.ndarray, "3"]
    place: Float[np.ndarray, "3"]
    angle_rad: float
    pitch_rad: float
    roll_rad: float
    height_in_plan_m: float
    rotation: Float[np.ndarray, "3 3"]
    mirrored: bool
    opening: str
    paint: Mapping[str, str]

    @property
    def along(self) -> Float[np.ndarray, "2"]:
        """Unit vector along its width."""
        return np.array([np.cos(self.angle_rad), np.sin(self.angle_rad)])


@dataclass(frozen=True, eq=False)
class HomeLevel:
    """One storey of a home: its floor is at z = `elevation_m`, its ceilings are `height_m` above."""

    elevation_m: float
    height_m: float
    walls: Sequence[PlanWall]
    areas: Sequence[Area]
    pieces: Sequence[Piece]


def read_home(data: bytes) -> list[HomeLevel]:
    """The levels of a home in XML, lowest first; a home without levels has one at z = 0. Raises BadModelError if it is not valid."""
    try:
        root = parse_xml(data)
        wall_height = bounded_number(root.get("wallHeight", "250")) / 100
        found = sorted(root.findall("level"), key=lambda level: (bounded_number(level.get("elevation", "0")), level.get("id", "")))
        if not found:
            return [_level(root, None, 0.0, wall_height)]
        return [
            _level(root, at.get("id"), bounded_number(at.get("elevation", "0")) / 100, bounded_number(at.get("height", "250")) / 100)
            for at in found
        ]
    except (ValueError, TypeError) as error:
        raise BadModelError("home that cannot be read", str(error)) from None


def signed_area(outline: Float[np.ndarray, "points 2"]) -> float:
    """Signed area of a polygon in square metres, positive if it is counterclockwise."""
    x, y = outline.T
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def inside(outline: Float[np.ndarray, "points 2"], xy: Float[np.ndarray, "places 2"]) -> Bool[np.ndarray, " places"]:
    """Whether points lie in a polygon, by counting crossings."""
    a, b = outline, np.roll(outline, -1, axis=0)
    x, y = xy[:, :1], xy[:, 1:]
    straddles = (a[:, 1] > y) != (b[:, 1] > y)
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = a[:, 0] + (y - a[:, 1]) * (b[:, 0] - a[:, 0]) / (b[:, 1] - a[:, 1])
    return (straddles & (x < crossing)).sum(axis=1) % 2 == 1


def _level(root: Element, level_id: str | None, elevation_m: float, height_m: float) -> HomeLevel:
    mine = [element for element in root if element.get("level") == level_id]
    walls = [_wall(element, height_m) for element in mine if element.tag == "wall"]
    areas = [_area(element) for element in mine if element.tag == "room" and len(element.findall("point")) >= 3]
    pieces = [_piece(element) for element in _ungrouped(root, level_id) if element.get("visible") != "false"]
    return HomeLevel(elevation_m, height_m, [wall for wall in walls if np.linalg.norm(wall.end - wall.start) > 1e-3], areas, pieces)


def _ungrouped(parent: Element, level_id: str | None) -> Iterator[Element]:
    for element in parent:
        if element.tag == "furnitureGroup":
            yield from _ungrouped(element, level_id)
        elif element.tag in ("pieceOfFurniture", "doorOrWindow", "light") and element.get("level") == level_id:
            yield element


def _length(element: Element, key: str, default: float = 0.0) -> float:
    """A length in metres from one in centimetres."""
    return bounded_number(element.get(key, str(default * 100))) / 100


def _point(element: Element, x: str, y: str) -> Float[np.ndarray, "2"]:
    # Rounded to 0.1 mm, so that walls that should touch do.
    return np.round([_length(element, x), -_length(element, y)], 4) + 0.0


def _color(element: Element, key: str) -> tuple[float, float, float] | None:
    text = element.get(key)
    return None if text is None else hex_rgb(text)


def hex_rgb(text: str) -> tuple[float, float, float]:
    """sRGB in [0, 1] of a colour of Sweet Home 3D, AARRGGBB in hexadecimal."""
    r, g, b = (int(text[-6:][k : k + 2], 16) / 255 for k in (0, 2, 4))
    return r, g, b


def _wall(element: Element, height_m: float) -> PlanWall:
    height = _length(element, "height", height_m)
    boards = {board.get("attribute", ""): board for board in element.findall("baseboard")}
    skirting = {name.removesuffix("Baseboard"): (_length(board, "thickness"), _length(board, "height")) for name, board in boards.items()}
    return PlanWall(
        element.get("id", ""),
        _point(element, "xStart", "yStart"),
        _point(element, "xEnd", "yEnd"),
        _length(element, "thickness"),
        (height, _length(element, "heightAtEnd", height)),
        _color(element, "leftSideColor"),
        _color(element, "rightSideColor"),
        (element.get("wallAtStart", ""), element.get("wallAtEnd", "")),
        bounded_number(element.get("arcExtent", "0")),
        skirting,
    )


def _area(element: Element) -> Area:
    outline = np.array([_point(point, "x", "y") for point in element.findall("point")])
    if signed_area(outline) < 0:
        outline = outline[::-1]
    visible = element.get("floorVisible") != "false"
    return Area(element.get("name") or "room", outline, _color(element, "floorColor"), _color(element, "ceilingColor"), visible)


def _piece(element: Element) -> Piece:
    paint = {material.get("name", ""): material.get("color", "") for material in element.findall("material") if material.get("color")}
    if element.get("color"):
        paint["*"] = element.get("color", "")
    height = _length(element, "height")
    return Piece(
        element.get("name", "piece").strip(),
        element.get("catalogId", ""),
        element.get("model", ""),
        np.array([_length(element, "width"), _length(element, "depth"), height]),
        np.append(_point(element, "x", "y"), _length(element, "elevation")),
        -bounded_number(element.get("angle", "0")),
        bounded_number(element.get("pitch", "0")),
        bounded_number(element.get("roll", "0")),
        _length(element, "heightInPlan", height),
        np.array(element.get("modelRotation", "1 0 0 0 1 0 0 0 1").split(), float).reshape(3, 3),
        element.get("modelMirrored") == "true",
        (element.get("cutOutShape") or "M0,0 v1 h1 v-1 z") if element.tag == "doorOrWindow" else "",
        paint,
    )
