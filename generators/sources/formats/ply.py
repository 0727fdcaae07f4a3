"""Reads PLY files: polygons or strips, colours of vertices or faces, texture coordinates of vertices or corners, textures."""

import re
from collections import Counter
from typing import Any

import numpy as np
from jaxtyping import Float, Int, UInt8

from ...scene import Material
from ..base import BadModelError
from .colors import as_bytes
from .companions import Companions
from .parts import NO_MATERIAL, WHITE, Part
from .ply_elements import Columns, PlyFile, Ragged, ply_comments, read_ply_elements
from .polygons import CONCAVE, POLYGONS, Cut, cut, halves_first
from .textures import decoded

COLORS = (("red", "green", "blue"), ("diffuse_red", "diffuse_green", "diffuse_blue"), ("r", "g", "b"))
TEXELS = (("s", "t"), ("u", "v"), ("texture_u", "texture_v"), ("texture_s", "texture_t"), ("tex_u", "tex_v"))
CORNERS = ("vertex_indices", "vertex_index", "vertex_indexes")
TEXTURE = re.compile(r"texture_?file[:\s]+(.+)", re.IGNORECASE)


def read_ply(data: bytes, companions: Companions, defects: Counter[str]) -> list[Part]:
    """The parts of a PLY file, one per texture. Raises BadModelError if it cannot be parsed."""
    file = read_ply_elements(data)
    vertex = file.elements.get("vertex", {})
    points = vertex_points(vertex)
    faces, counts = _sound_polygons(file, points)
    triangles = cut(points[faces], counts)
    defects[CONCAVE] += triangles.concave
    defects[POLYGONS] += bool((counts > 3).any())
    rows = np.arange(len(triangles.polygon))
    if (counts == 4).all() and not triangles.concave:
        rows = halves_first(rows)
    triangles = Cut(triangles.corners[rows], triangles.polygon[rows], triangles.is_concave)
    face = file.elements.get("face", {})
    color = _corner_colors(vertex, face, faces, triangles, defects)
    uv = _corner_texels(vertex, face, faces, triangles, counts)
    return _by_texture(points, faces[triangles.corners], color, uv, _textures(file, uv, face, triangles, companions, defects))


def triangles_of(file: PlyFile, points: Float[np.ndarray, "vertices 3"]) -> Int[np.ndarray, "triangles 3"]:
    """The triangles of a PLY file, as indices of vertices. Raises BadModelError if there are none, or indices of vertices that do not
    exist.
    """
    faces, counts = _sound_polygons(file, points)
    return faces.reshape(-1, 3) if (counts == 3).all() else faces[cut(points[faces], counts).corners]


def files_of_ply(data: bytes, companions: Companions) -> None:
    """Read the textures of a PLY file through `companions`, which remembers them."""
    for name in _texture_names(ply_comments(data)):
        companions.read(name)


def vertex_points(vertex: Columns) -> Float[np.ndarray, "vertices 3"]:
    """The positions of the vertices, float64, in the unit of the file. Raises BadModelError if there are none."""
    if not {"x", "y", "z"} <= vertex.keys():
        raise BadModelError("cannot be parsed", "ply: no element 'vertex' with x, y and z")
    return np.stack([np.asarray(vertex[axis], np.float64) for axis in "xyz"], axis=1)


def colors_of(columns: Columns) -> UInt8[np.ndarray, "rows 3"] | None:
    """The sRGB colours of an element; None if it has none."""
    columns = {name.lower(): values for name, values in columns.items()}
    for names in COLORS:
        if set(names) <= columns.keys():
            return as_bytes(np.stack([np.asarray(columns[name]) for name in names], axis=1))
    return None


def _sound_polygons(
    file: PlyFile, points: Float[np.ndarray, "vertices 3"]
) -> tuple[Int[np.ndarray, " corners"], Int[np.ndarray, " polygons"]]:
    faces, counts = _polygons(file)
    if not len(counts):
        raise BadModelError("no faces", f"a point cloud of {len(points)} points" if len(points) else "")
    if ((faces < 0) | (faces >= len(points))).any():
        raise BadModelError("faces with corners that are not there")
    return faces, counts


def _polygons(file: PlyFile) -> tuple[Int[np.ndarray, " corners"], Int[np.ndarray, " polygons"]]:
    """The vertices of all polygons in a row, and how many each has."""
    face = file.elements.get("face", {})
    lists: Any = next((face[name] for name in CORNERS if isinstance(face.get(name), Ragged)), None)
    if lists is not None:
        return lists.values.astype(np.int64), lists.counts
    strips: Any = next((file.elements.get("tristrips", {}).get(name) for name in CORNERS), None)
    if isinstance(strips, Ragged):
        triangles = _strip_triangles(strips)
        return triangles.ravel(), np.full(len(triangles), 3)
    return np.empty(0, np.int64), np.empty(0, np.int64)


def _strip_triangles(strips: Ragged) -> Int[np.ndarray, "triangles 3"]:
    """Triangles of strips, which end at -1; every second one is turned."""
    found = []
    for row in np.split(strips.values.astype(np.int64), np.cumsum(strips.counts)[:-1]):
        for run in np.split(row, np.flatnonzero(row == -1)):
            run = run[run >= 0]
            triangles = np.stack([run[:-2], run[1:-1], run[2:]], axis=1) if len(run) > 2 else np.empty((0, 3), np.int64)
            triangles[1::2] = triangles[1::2, ::-1]
            found.append(triangles)
    return np.concatenate(found) if found else np.empty((0, 3), np.int64)


def _corner_colors(
    vertex: Columns, face: Columns, faces: Int[np.ndarray, " corners"], triangles: Cut, defects: Counter[str]
) -> UInt8[np.ndarray, "triangles 3 3"] | None:
    of_vertices, of_faces = colors_of(vertex), colors_of(face)
    if of_vertices is not None:
        if of_faces is not None:
            defects["colours of faces beside those of vertices (left out)"] = 1
        return of_vertices[faces[triangles.corners]]
    return np.repeat(of_faces[triangles.polygon][:, None], 3, axis=1) if of_faces is not None else None


def _corner_texels(
    vertex: Columns, face: Columns, faces: Int[np.ndarray, " corners"], triangles: Cut, counts: Int[np.ndarray, " polygons"]
) -> Float[np.ndarray, "triangles 3 2"] | None:
    """Texture coordinates with v down: of corners (`texcoord`, as MeshLab writes them), otherwise of vertices."""
    wedges = face.get("texcoord")
    if isinstance(wedges, Ragged) and (wedges.counts == 2 * counts).all():
        return wedges.values.astype(np.float64).reshape(-1, 2)[triangles.corners] * [1, -1]
    for names in TEXELS:
        if set(names) <= vertex.keys():
            return np.stack([np.asarray(vertex[name], np.float64) for name in names], axis=1)[faces[triangles.corners]] * [1, -1]
    return None


def _textures(
    file: PlyFile,
    uv: np.ndarray | None,
    face: Columns,
    triangles: Cut,
    companions: Companions,
    defects: Counter[str],
) -> list[tuple[Int[np.ndarray, " _"], np.ndarray | None]]:
    """The triangles of each texture, and the texture."""
    names = _texture_names(file.comments)
    rows = np.arange(len(triangles.polygon))
    if uv is None or not names:
        if uv is not None:
            defects["texture coordinates without a texture"] = 1
        if names:
            defects["texture without texture coordinates (left out)"] = 1
        return [(rows, None)]
    textures = [decoded(companions.read(name), name, defects) for name in names]
    numbers = face.get("texnumber")
    if not isinstance(numbers, np.ndarray) or len(names) == 1:
        if len(names) > 1:
            defects["textures that no face names (left out)"] += len(names) - 1
        return [(rows, textures[0])]
    number = numbers.astype(np.int64)[triangles.polygon]
    inside = [(np.flatnonzero(number == k), texture) for k, texture in enumerate(textures)]
    outside = np.flatnonzero((number < 0) | (number >= len(textures)))
    return [*inside, (outside, None)]


def _texture_names(comments: list[str]) -> list[str]:
    return [match[1].strip() for comment in comments if (match := TEXTURE.match(comment))]


def _by_texture(
    points: Float[np.ndarray, "vertices 3"],
    faces: Int[np.ndarray, "triangles 3"],
    color: UInt8[np.ndarray, "triangles 3 3"] | None,
    uv: Float[np.ndarray, "triangles 3 2"] | None,
    textures: list[tuple[Int[np.ndarray, " _"], np.ndarray | None]],
) -> list[Part]:
    parts = []
    for rows, texture in textures:
        plain = WHITE if color is not None else NO_MATERIAL
        material = plain if texture is None else Material((1.0, 1.0, 1.0), texture)
        parts.append(Part(points, faces[rows], material, None if uv is None else uv[rows], None if color is None else color[rows]))
    return parts
