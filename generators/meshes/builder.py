"""Builds meshes from boxes, surfaces of revolution and tubes, with texture coordinates in metres and shading normals."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from pixbench.geometry.rays import triangle_normals

from ..scene import Material, Mesh
from .normals import corner_normals

Number = float | int
"""An int is accepted as a float; run-time type checks, unlike mypy, need both to be named."""

Points = Float[np.ndarray, "points 3"]
Vector = Sequence[Number] | Float[np.ndarray, "3"]
Faces = Int[np.ndarray, "faces 3"]


class MeshBuilder:
    """Collects primitives into one mesh (`build`). Lengths are in metres, z is up. `part` labels the faces that are added next."""

    def __init__(self) -> None:
        self._pieces: list[tuple[Points, Faces, np.ndarray, int, int]] = []
        self._materials: list[Material] = []
        self.part = 0

    def _material(self, material: Material) -> int:
        for index, known in enumerate(self._materials):
            if known is material:
                return index
        self._materials.append(material)
        return len(self._materials) - 1

    def add(
        self,
        vertices: Points,
        faces: Faces,
        material: Material,
        *,
        uv: Float[np.ndarray, "faces 3 2"] | None = None,
        repeat_m: Number = 1.0,
        shift: tuple[Number, Number] = (0.0, 0.0),
    ) -> None:
        """Add triangles. Without `uv` the texture is projected along each face's main axis, one repeat every `repeat_m` metres."""
        vertices, faces = np.asarray(vertices, float), np.asarray(faces, int)
        if uv is None:
            uv = box_uv(vertices, faces, repeat_m) + np.asarray(shift)
        self._pieces.append((vertices, faces, uv, self._material(material), self.part))

    def box(
        self,
        centre: Vector,
        size: Vector,
        material: Material,
        *,
        repeat_m: Number = 1.0,
        bevel: Number = 0.0,
        rotation: Float[np.ndarray, "3 3"] | None = None,
        shift: tuple[Number, Number] | None = None,
        along: bool = True,
    ) -> None:
        """Add a box with edges rounded by `bevel` metres; the texture rotates with it.

        With `along`, u follows the longest side, like the grain of a board, and, without `shift`, every box shows another part of
        the texture.
        """
        half = np.asarray(size, float) / 2
        bevel = min(bevel, float(half.min()) * 0.95)
        if bevel > 0:
            vertices, faces, axes = _rounded_box(half, bevel)
        else:
            vertices, faces, axes = CUBE[0] * half, CUBE[1], CUBE[2]
        if shift is None:
            shift = (0.382 * len(self._pieces) % 1, 0.618 * len(self._pieces) % 1) if along else (0.0, 0.0)
        flat = FACE_AXES[int(half.argmax()) if along else 0][axes]
        corners = vertices[faces]
        uv = np.take_along_axis(corners, np.broadcast_to(np.abs(flat)[:, None, :] - 1, (len(faces), 3, 2)), axis=2)
        uv *= np.sign(flat)[:, None, :] / repeat_m
        turned = vertices @ rotation.T if rotation is not None else vertices
        self.add(turned + np.asarray(centre, float), faces, material, uv=uv + np.asarray(shift))

    def lathe(
        self,
        profile: Sequence[tuple[Number, Number]],
        material: Material,
        *,
        centre: Vector = (0.0, 0.0, 0.0),
        sections: int = 32,
        around: Number = 1.0,
        repeat_m: Number = 0.0,
        planar_m: Number = 0.0,
        rotation: Float[np.ndarray, "3 3"] | None = None,
    ) -> None:
        """Add a surface of revolution about z. `profile` lists (radius, height); listed upwards, the surface faces outwards.

        u covers `around` repeats around the axis, v one repeat along the profile, or one every `repeat_m` metres. With `planar_m`,
        faces perpendicular to the axis have the texture projected along it instead, one repeat every `planar_m` metres.
        """
        line = np.asarray(profile, float)
        length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
        v = -length / (repeat_m or length[-1])
        angle = np.arange(sections + 1) / sections * 2 * np.pi
        ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        count = len(line)
        vertices = np.concatenate(
            [line[:, None, :1] * ring[None], np.broadcast_to(line[:, None, 1:], (count, sections + 1, 1))], axis=2
        ).reshape(-1, 3)
        texel = np.stack(np.broadcast_arrays(angle[None] / (2 * np.pi) * around, v[:, None]), axis=2).reshape(-1, 2)
        low = (np.arange(count - 1)[:, None] * (sections + 1) + np.arange(sections)).ravel()
        up = low + sections + 1
        faces = np.concatenate([np.stack([low, low + 1, up + 1], 1), np.stack([low, up + 1, up], 1)])
        # The first and last meridian get exactly the same coordinates, so that the surface is closed.
        vertices.reshape(count, sections + 1, 3)[:, -1] = vertices.reshape(count, sections + 1, 3)[:, 0]
        uv = texel[faces]
        if planar_m > 0:
            flat = np.abs(triangle_normals(vertices[faces])[:, 2]) > 0.9
            uv[flat] = vertices[faces[flat]][..., :2] / planar_m
        if rotation is not None:
            vertices = vertices @ rotation.T
        self.add(vertices + np.asarray(centre, float), faces, material, uv=uv)

    def cylinder(
        self,
        start: Vector,
        end: Vector,
        radius: Number,
        material: Material,
        *,
        end_radius: Number | None = None,
        sections: int = 20,
        repeat_m: Number = 0.3,
    ) -> None:
        """Add a closed cylinder from start to end, tapered if `end_radius` is given."""
        a, b = np.asarray(start, float), np.asarray(end, float)
        height = float(np.linalg.norm(b - a))
        top = radius if end_radius is None else end_radius
        self.lathe(
            [(0, 0), (radius, 0), (top, height), (0, height)],
            material,
            centre=a,
            sections=sections,
            rotation=_towards((b - a) / height),
            repeat_m=repeat_m,
            planar_m=repeat_m,
        )

    def screen(
        self, half: tuple[Number, Number], centre: Vector, material: Material, R: Float[np.ndarray, "3 3"], skirt: Number = 0.002
    ) -> None:
        """Add a picture that shows its whole texture once; it faces -y before R rotates it about the origin.

        `half` is half its width and half its height in metres. Its borders extend `skirt` metres backwards, so that its back is
        never visible.
        """
        x, z = half
        front = np.array([[-x, 0, -z], [x, 0, -z], [x, 0, z], [-x, 0, z]])
        back = front + np.array([0.0, skirt, 0.0])
        vertices = np.concatenate([front, back]) @ R.T + np.asarray(centre, float)
        sides = [[a + 4, b + 4, b, a + 4, b, a] for a, b in ((0, 1), (1, 2), (2, 3), (3, 0))]
        faces = np.concatenate([[[0, 1, 2], [0, 2, 3]], np.reshape(sides, (-1, 3))])
        texel = np.tile([[0.001, 0.999], [0.999, 0.999], [0.999, 0.001], [0.001, 0.001]], (2, 1))
        self.add(vertices, faces, material, uv=texel[faces])

    def tube(self, path: Points, radius: Number, material: Material, *, sections: int = 10, repeat_m: Number = 0.3) -> None:
        """Add a round tube along a polyline, with closed ends."""
        path = np.asarray(path, float)
        tangents = np.gradient(path, axis=0)
        tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
        side = np.cross(tangents[0], [0.0, 0.0, 1.0] if abs(tangents[0, 2]) < 0.9 else [1.0, 0.0, 0.0])
        angle = np.arange(sections) / sections * 2 * np.pi
        rings = []
        for point, tangent in zip(path, tangents, strict=True):
            side = side - tangent * (side @ tangent)
            side /= np.linalg.norm(side)
            rings.append(point + radius * (np.cos(angle)[:, None] * side + np.sin(angle)[:, None] * np.cross(tangent, side)))
        count = len(path)
        vertices = np.concatenate([*rings, path[:1], path[-1:]])
        low = np.arange(count - 1)[:, None] * sections
        this, following = np.arange(sections), (np.arange(sections) + 1) % sections
        a, b, c, d = (
            (low + this).ravel(),
            (low + following).ravel(),
            (low + sections + following).ravel(),
            (low + sections + this).ravel(),
        )
        first, last, base = count * sections, count * sections + 1, (count - 1) * sections
        caps = [
            np.stack([np.full(sections, first), following, this], 1),
            np.stack([np.full(sections, last), base + this, base + following], 1),
        ]
        self.add(
            vertices,
            np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1), *caps]),
            material,
            repeat_m=repeat_m,
        )

    def build(self, *, stand: bool = True) -> Mesh:
        """The mesh without degenerate faces. With `stand` it is translated to stand on z = 0, centred on x = y = 0."""
        offsets = np.cumsum([0] + [len(piece[0]) for piece in self._pieces[:-1]])
        vertices = np.concatenate([piece[0] for piece in self._pieces])
        faces = np.concatenate([piece[1] + offset for piece, offset in zip(self._pieces, offsets, strict=True)])
        uv = np.concatenate([piece[2] for piece in self._pieces])
        material = np.concatenate([np.full(len(piece[1]), piece[3]) for piece in self._pieces])
        part = np.concatenate([np.full(len(piece[1]), piece[4]) for piece in self._pieces])
        corners = vertices[faces]
        kept = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) > 2e-9
        if stand:
            vertices = vertices - standing_shift(vertices)
        vertices = vertices.astype(np.float32)
        normals = corner_normals(vertices, faces[kept])
        return Mesh(vertices, faces[kept], uv[kept], normals, material[kept], part[kept], tuple(self._materials))


def standing_shift(vertices: Points) -> Float[np.ndarray, "3"]:
    """The centre of the base of a set of points."""
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    return np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]])


def box_uv(vertices: Points, faces: Faces, repeat_m: Number) -> Float[np.ndarray, "faces 3 2"]:
    """Texture coordinates, in the unit of the points, by projection along the main axis of each face's normal; on vertical faces v points
    down.
    """
    corners = vertices[faces]
    axis = np.abs(triangle_normals(corners)).argmax(axis=1)
    u = np.where((axis == 0)[:, None], corners[..., 1], corners[..., 0])
    v = np.where((axis == 2)[:, None], corners[..., 1], -corners[..., 2])
    return np.stack([u, v], axis=2) / repeat_m


def _side_grid(lines: Sequence[Float[np.ndarray, " _"]]) -> tuple[Points, Faces, Int[np.ndarray, " faces"]]:
    """The six sides of a cube as grids on given lines of x, y and z, facing outwards, and the axis that each face is perpendicular to."""
    vertices, faces, axes, offset = [], [], [], 0
    for axis in range(3):
        first, second = (axis + 1) % 3, (axis + 2) % 3
        for end in (0, -1):
            a, b = np.meshgrid(lines[first], lines[second], indexing="ij")
            grid = np.empty((*a.shape, 3))
            grid[..., first], grid[..., second], grid[..., axis] = a, b, lines[axis][end]
            rows, columns = a.shape
            corner = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel() + offset
            p, q, r, s = corner, corner + columns, corner + columns + 1, corner + 1
            quads = [(p, q, r), (p, r, s)] if end else [(p, r, q), (p, s, r)]
            faces += [np.stack(quad, axis=1) for quad in quads]
            axes += [np.full(2 * len(corner), axis)]
            vertices.append(grid.reshape(-1, 3))
            offset += rows * columns
    return np.concatenate(vertices), np.concatenate(faces), np.concatenate(axes)


STEPS = 3
CUBE = _side_grid([np.array([-1.0, 1.0])] * 3)
"""Computed once: a bookshelf has hundreds of boxes."""

ROUNDED = _side_grid([np.arange(2.0 * STEPS)] * 3)
"""The grid of a rounded box, in indices of lines; all rounded boxes share its faces."""

FACE_AXES = np.array(
    [
        [[2, -3], [1, -3], [1, 2]],
        [[2, -3], [1, -3], [2, 1]],
        [[-3, 2], [-3, 1], [1, 2]],
    ]
)
"""For a longest axis and the axis that a face is perpendicular to: the coordinates that are u and v, from 1, negative if reversed."""


def _rounded_box(half: Float[np.ndarray, "3"], bevel: Number) -> tuple[Points, Faces, Int[np.ndarray, " faces"]]:
    """A box whose corners and edges are parts of spheres and cylinders: the grid of a cube, projected onto the rounded surface."""
    core = half - bevel
    lines = [np.concatenate([np.linspace(-h, -c, STEPS), np.linspace(c, h, STEPS)]) for h, c in zip(half, core, strict=True)]
    number = ROUNDED[0].astype(int)
    points = np.stack([line[number[:, axis]] for axis, line in enumerate(lines)], axis=1)
    anchor = np.clip(points, -core, core)
    away = points - anchor
    length = np.linalg.norm(away, axis=1, keepdims=True)
    return anchor + away / np.maximum(length, 1e-12) * bevel, ROUNDED[1], ROUNDED[2]


def _towards(direction: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3 3"]:
    """A rotation that maps z to a unit direction."""
    side = np.cross([0.0, 1.0, 0.0] if abs(direction[1]) < 0.9 else [1.0, 0.0, 0.0], direction)
    side /= np.linalg.norm(side)
    return np.stack([side, np.cross(direction, side), direction], axis=1)


def rotation(axis: str, angle_rad: Number) -> Float[np.ndarray, "3 3"]:
    """Right-handed rotation about x, y or z by an angle in radians."""
    first, second = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    R = np.eye(3)
    R[[first, second], [first, second]] = np.cos(angle_rad)
    R[first, second], R[second, first] = -np.sin(angle_rad), np.sin(angle_rad)
    return R
