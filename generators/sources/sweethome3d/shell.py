"""The solid shell of one level: floors, walls with their openings, skirting boards and ceilings, joined into one body.

Solids are joined with manifold3d, so that no two faces overlap and no light leaks, however the home was drawn.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import manifold3d as m3
import numpy as np
from jaxtyping import Float

from ..formats.parts import RawModel
from .finishes import Finishes, SurfaceFinish
from .home import TALL_M, Area, HomeLevel, Piece, PlanWall, signed_area
from .openings import cut_out_outline
from .walls import Footprint, footprints, outline_at

PARTS = ("wall", "floor", "ceiling", "skirting", "ceiling lamp")
SLAB_M = 0.2
UNDER_WALLS_M = 0.25
"""Floors and ceilings extend this far beyond the outline of a room: under its walls and through its doors."""

ENCLOSED_SHARE = 0.6
BESIDE_M = 0.15
"""A room is indoors if this share of its outline is this close to tall walls."""

LAMP_RADIUS_M, LAMP_HEIGHT_M = 0.2, 0.06

Chooser = Callable[[np.ndarray], np.ndarray]


@dataclass
class Shell:
    """Collects the solids of a level, and the surface of each of their faces."""

    finishes: Finishes
    solids: list[m3.Manifold] = field(default_factory=list)
    surfaces: list[SurfaceFinish] = field(default_factory=list)
    choosers: dict[int, tuple[Chooser, str]] = field(default_factory=dict)

    def add(self, solid: m3.Manifold, part: str, choose: Chooser) -> None:
        """Add a solid. `choose` gives the index of a surface for each of the faces with unit normals (faces, 3)."""
        self.solids.append(self.marked(solid, part, choose))

    def marked(self, solid: m3.Manifold, part: str, choose: Chooser) -> m3.Manifold:
        """The solid with an id that its faces keep in all Boolean operations."""
        original = solid.as_original()
        self.choosers[original.original_id()] = (choose, part)
        return original

    def uniform(self, surface: SurfaceFinish) -> Chooser:
        """A chooser that gives all faces the same surface."""
        index = self.index(surface)
        return lambda normals: np.full(len(normals), index)

    def index(self, surface: SurfaceFinish) -> int:
        """The index of a surface."""
        if surface not in self.surfaces:
            self.surfaces.append(surface)
        return self.surfaces.index(surface)


def is_indoors(area: Area, walls: Sequence[Footprint]) -> bool:
    """Whether a room is enclosed by tall walls."""
    tall = [footprint for footprint in walls if min(footprint.wall.height_m) >= TALL_M]
    points = _along(area.outline, 0.1)
    return bool(np.mean(outline_at(points, tall) < BESIDE_M) >= ENCLOSED_SHARE)


def build_shell(level: HomeLevel, openings: Sequence[Piece], lamp: Float[np.ndarray, "2"], finishes: Finishes) -> RawModel:
    """The solid body of a level with its `openings` (doors and windows) and a round lamp below the ceiling at `lamp`, in metres."""
    shell = Shell(finishes)
    walls = footprints(level.walls)
    indoors = [area for area in level.areas if is_indoors(area, walls)]
    _add_floors(shell, level, walls)
    _add_walls(shell, level, walls, openings)
    _add_ceilings(shell, level, walls, indoors)
    ceiling = level.elevation_m + level.height_m
    disc = m3.Manifold.cylinder(LAMP_HEIGHT_M + 0.02, LAMP_RADIUS_M, circular_segments=48).translate((*lamp, ceiling - LAMP_HEIGHT_M))
    shell.add(disc, "ceiling lamp", shell.uniform(finishes.lamp()))
    return _meshed(shell, m3.Manifold.batch_boolean(shell.solids, m3.OpType.Add))


def _along(outline: Float[np.ndarray, "points 2"], step_m: float) -> Float[np.ndarray, "places 2"]:
    """Points along a polygon, one step apart."""
    places = []
    for a, b in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        count = max(1, int(np.linalg.norm(b - a) / step_m))
        places.append(a + (b - a) * np.arange(count)[:, None] / count)
    return np.concatenate(places)


def _flat(outline: Float[np.ndarray, "points 2"]) -> m3.CrossSection:
    return m3.CrossSection([outline], m3.FillRule.NonZero)


def _grown(outline: Float[np.ndarray, "points 2"]) -> m3.CrossSection:
    return _flat(outline).offset(UNDER_WALLS_M, m3.JoinType.Miter, 2.0)


def _slab(shape: m3.CrossSection, low: float, high: float) -> m3.Manifold:
    return m3.Manifold.extrude(shape, high - low).translate((0, 0, low))


def _union(shapes: Sequence[m3.CrossSection]) -> m3.CrossSection:
    return m3.CrossSection.batch_boolean(list(shapes), m3.OpType.Add) if shapes else m3.CrossSection()


def _filled(walls: Sequence[Footprint]) -> m3.CrossSection:
    """The area of tall walls and of everything that they enclose."""
    tall = _union([_flat(footprint.corners[::-1]) for footprint in walls if min(footprint.wall.height_m) >= TALL_M])
    return _union([_flat(np.asarray(contour)) for contour in tall.to_polygons() if signed_area(np.asarray(contour)) > 0])


def _add_floors(shell: Shell, level: HomeLevel, walls: Sequence[Footprint]) -> None:
    """Add each room's floor, with the adjacent thresholds that belong to no other room, and a slab under the remaining area.

    The slab also closes stairwells and galleries, because a storey is built without the one below.
    """
    areas = [area for area in level.areas if area.has_floor]
    exact = [_flat(area.outline) for area in areas]
    taken = m3.CrossSection()
    z = level.elevation_m
    for number, area in enumerate(areas):
        others = _union([taken, *exact[:number], *exact[number + 1 :]])
        # An area that two rooms overlap belongs to the first.
        mine = (exact[number] - taken) + (_grown(area.outline) - others)
        taken = taken + mine
        if not mine.is_empty():
            shell.add(_slab(mine, z - SLAB_M, z), "floor", shell.uniform(shell.finishes.floor(area)))
    rest = _union([_filled(walls), *(_grown(footprint.corners[::-1]) for footprint in walls)]) - taken
    if not rest.is_empty():
        shell.add(_slab(rest, z - SLAB_M, z), "floor", shell.uniform(shell.finishes.plaster()))


def _add_ceilings(shell: Shell, level: HomeLevel, walls: Sequence[Footprint], indoors: Sequence[Area]) -> None:
    """Add a ceiling over each room, and over all that tall walls enclose except outdoor rooms."""
    low = level.elevation_m + level.height_m
    outside = _union([_flat(area.outline) for area in level.areas if area not in indoors])
    taken = m3.CrossSection()
    for area in indoors:
        mine = _flat(area.outline) - taken
        taken = taken + mine
        if not mine.is_empty():
            shell.add(_slab(mine, low, low + SLAB_M), "ceiling", shell.uniform(shell.finishes.ceiling(area)))
    rest = _union([_filled(walls) - outside, *(_grown(area.outline) for area in indoors)]) - taken
    if not rest.is_empty():
        shell.add(_slab(rest, low, low + SLAB_M), "ceiling", shell.uniform(shell.finishes.plaster()))


def _add_walls(shell: Shell, level: HomeLevel, walls: Sequence[Footprint], openings: Sequence[Piece]) -> None:
    for footprint in walls:
        wall = footprint.wall
        holes = [_cutter(shell, level, piece) for piece in openings if cuts(piece, wall)]
        # Walls that enclose a room extend to its ceiling, also below a sloping roof.
        reach = level.height_m if min(wall.height_m) >= TALL_M else 0.0
        heights = (max(wall.height_m[0], reach), max(wall.height_m[1], reach))
        body = shell.marked(_prism(footprint.corners, level.elevation_m, heights), "wall", _sides(shell, wall))
        shell.solids.append(_without(body, holes))
        for side, (thickness, height) in wall.skirting.items():
            sign = 1.0 if side == "leftSide" else -1.0
            board = _board(footprint, sign, thickness)
            color = wall.left if sign > 0 else wall.right
            solid = shell.marked(
                _prism(board, level.elevation_m, (height, height)), "skirting", shell.uniform(shell.finishes.skirting(color))
            )
            shell.solids.append(_without(solid, holes))


def _prism(corners: Float[np.ndarray, "4 2"], z: float, heights: tuple[float, float]) -> m3.Manifold:
    tops = np.array([heights[0], heights[1], heights[1], heights[0]])
    low = np.column_stack([corners, np.full(4, z)])
    return m3.Manifold.hull_points(np.concatenate([low, np.column_stack([corners, z + tops])]))


def _without(solid: m3.Manifold, holes: Sequence[m3.Manifold]) -> m3.Manifold:
    return m3.Manifold.batch_boolean([solid, *holes], m3.OpType.Subtract) if holes else solid


def _board(footprint: Footprint, sign: float, thickness: float) -> Float[np.ndarray, "4 2"]:
    """The footprint of a skirting board: from inside the wall to in front of its side."""
    side = footprint.corners[[0, 1]] if sign > 0 else footprint.corners[[3, 2]]
    out = sign * footprint.wall.normal
    return np.array([side[0] + out * thickness, side[1] + out * thickness, side[1] - out * 0.005, side[0] - out * 0.005])


def _sides(shell: Shell, wall: PlanWall) -> Chooser:
    left, right = (shell.index(shell.finishes.wall(color)) for color in (wall.left, wall.right))
    other = shell.index(shell.finishes.plaster())

    def choose(normals: np.ndarray) -> np.ndarray:
        across = normals[:, :2] @ wall.normal
        upright = np.abs(normals[:, 2]) < 0.5
        return np.where(upright & (across >= -0.5), left, np.where(upright, right, other))

    return choose


def cuts(piece: Piece, wall: PlanWall) -> bool:
    """Whether a door or window is in a wall: it is parallel to the wall and its depth overlaps it."""
    offset = piece.place[:2] - wall.start
    length = float(np.linalg.norm(wall.end - wall.start))
    parallel = abs(float(piece.along @ wall.along)) > 0.9
    near = abs(float(offset @ wall.normal)) < (wall.thickness_m + piece.size[1]) / 2 + 0.02
    over = -piece.size[0] / 2 < float(offset @ wall.along) < length + piece.size[0] / 2
    return bool(parallel and near and over)


def _cutter(shell: Shell, level: HomeLevel, piece: Piece) -> m3.Manifold:
    """A solid as wide and high as the opening, deep enough to pass through any wall that it is in."""
    outline = cut_out_outline(piece.opening) - [0.5, 0]
    width, _, height = piece.size
    bottom = piece.place[2]
    # The opening of a door extends slightly into the floor, so that no wall remains on the threshold.
    sunk = 0.01 if bottom < 0.02 else 0.0
    points = outline * [width, height + sunk] - [0, sunk]
    solid = m3.Manifold.extrude(_flat(points), 2.0)
    x = np.append(piece.along, 0)
    normal = np.array([-x[1], x[0], 0])
    matrix = np.column_stack([x, [0, 0, 1], normal, [*piece.place[:2], level.elevation_m + bottom] - normal])
    return shell.marked(solid.transform(matrix), "wall", shell.uniform(shell.finishes.plaster()))


def _meshed(shell: Shell, solid: m3.Manifold) -> RawModel:
    """The joined body as a model whose groups index PARTS."""
    mesh = solid.to_mesh64()
    vertices = np.asarray(mesh.vert_properties, np.float64)[:, :3]
    faces = np.asarray(mesh.tri_verts, np.int64)
    origin = np.repeat(np.asarray(mesh.run_original_id), np.diff(np.asarray(mesh.run_index)) // 3)
    corners = vertices[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    surface, part = np.zeros(len(faces), np.int64), np.zeros(len(faces), np.int64)
    for original in np.unique(origin):
        choose, name = shell.choosers[int(original)]
        mine = origin == original
        surface[mine], part[mine] = choose(normals[mine]), PARTS.index(name)
    size = np.array([surface.size_m for surface in shell.surfaces])[surface]
    materials = tuple(surface.material for surface in shell.surfaces)
    return RawModel(vertices, faces, _planar(corners, normals) / size[:, None], surface, materials, group=part)


def _planar(corners: Float[np.ndarray, "faces 3 3"], normals: Float[np.ndarray, "faces 3"]) -> Float[np.ndarray, "faces 3 2"]:
    """Texture coordinates in metres: horizontal and downwards on vertical faces, x and -y on horizontal ones."""
    level = np.abs(normals[:, 2]) > 0.7
    tangent = np.column_stack([-normals[:, 1], normals[:, 0]])
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-12)
    u = np.einsum("fck,fk->fc", corners[..., :2], tangent)
    upright = np.stack([u, -corners[..., 2]], axis=2)
    return np.where(level[:, None, None], corners[..., :2] * [1, -1], upright)
