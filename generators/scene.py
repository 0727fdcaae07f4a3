"""One description of a scene, in numpy arrays only: what every renderer draws and every ray caster casts into.

World and object frames are z up, in metres; an object stands on z = 0, is centred on x = y = 0, and its front looks along -y.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int, UInt8

from pixbench.geometry.cameras import Camera


@dataclass(frozen=True, eq=False)
class Material:
    """A surface: sRGB base colour in [0, 1], times a texture that repeats in u and v where there is one.

    `emission` is the radiance that the surface gives off, in units of its own albedo; `gloss` in [0, 1] is the strength of a
    highlight, `roughness` its width: 0 is a mirror, 1 is dull.
    """

    color: tuple[float, float, float] = (0.8, 0.8, 0.8)
    texture: UInt8[np.ndarray, "rows columns 3"] | None = None
    emission: float = 0.0
    gloss: float = 0.0
    roughness: float = 0.5


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles with per-corner texture coordinates (1 = one repeat, v down) and per-corner shading normals.

    `color` is a per-corner sRGB colour that multiplies the material's, for scans that have colours instead of textures.
    """

    vertices: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "faces 3"]
    uv: Float[np.ndarray, "faces 3 2"]
    normals: Float[np.ndarray, "faces 3 3"]
    material: Int[np.ndarray, " faces"]
    part: Int[np.ndarray, " faces"]
    materials: tuple[Material, ...]
    color: UInt8[np.ndarray, "faces 3 3"] | None = None

    @cached_property
    def bounds(self) -> Float[np.ndarray, "2 3"]:
        """Lowest and highest corner of the axis-aligned box, float64, in metres."""
        return np.stack([self.vertices.min(axis=0), self.vertices.max(axis=0)]).astype(np.float64)


@dataclass(frozen=True, eq=False)
class Asset:
    """A model: id, category name and WordNet synset, and its mesh.

    `placement` is `floor`, `wall` (on the floor, back to a wall) or `surface` (on whatever carries it; on the floor if nothing does).
    `sha256` is the hash of the files that it was read from, empty for a model made from its seed. `defects` counts what was found
    wrong in those files, and mended, by kind.
    """

    id: str
    category: str
    synset: str
    mesh: Mesh
    placement: str = "floor"
    sha256: str = ""
    defects: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Placed:
    """An asset in the world. `support` is the index of the object it stands on, -1 for the room."""

    asset: Asset
    T_world_obj: Float[np.ndarray, "4 4"]
    support: int = -1


@dataclass(frozen=True, eq=False)
class Light:
    """A rectangular area light (a window, a ceiling lamp) or a far sun.

    `kind` is `area` or `sun`. `radiance` is linear RGB; for the sun it is irradiance and `position` is the unit vector towards it.
    `u` and `v` are the half axes of the rectangle in metres; light leaves along the normal u x v.
    """

    kind: str
    position: Float[np.ndarray, "3"]
    u: Float[np.ndarray, "3"]
    v: Float[np.ndarray, "3"]
    radiance: Float[np.ndarray, "3"]


@dataclass(frozen=True, eq=False)
class Room:
    """A room's mesh, whose `part` indexes `part_names`, and its lights.

    `inner` is the box, lowest and highest corner in metres, in which objects are placed and cameras move; z up, but the floor
    may lie at any height. `keep_clear` are rectangles (x0, y0, x1, y1) of floor that stay free. `sha256` and
    `defects`: see Asset.
    """

    id: str
    mesh: Mesh
    inner: Float[np.ndarray, "2 3"]
    part_names: tuple[str, ...]
    lights: tuple[Light, ...]
    keep_clear: tuple[tuple[float, float, float, float], ...] = ()
    sha256: str = ""
    defects: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Geometry:
    """All triangles of a scene in world coordinates, room first, then objects in order.

    `table` has a row a triangle, (triangles, 24) float32: corners, shading normals and texture coordinates side by side, because
    what is looked up together should lie together in memory. `instance` is 1 for the room and 2 + k for object k: 0 is left for
    "no surface". `color` is None where no mesh has any.
    """

    table: Float[np.ndarray, "triangles 24"]
    instance: Int[np.ndarray, " triangles"]
    part: Int[np.ndarray, " triangles"]
    material: Int[np.ndarray, " triangles"]
    materials: tuple[Material, ...]
    color: UInt8[np.ndarray, "triangles 3 3"] | None = None

    @property
    def corners(self) -> Float[np.ndarray, "triangles 3 3"]:
        """World corners in metres (a view)."""
        return self.table[:, :9].reshape(-1, 3, 3)

    @property
    def normals(self) -> Float[np.ndarray, "triangles 3 3"]:
        """Shading normals at the corners (a view)."""
        return self.table[:, 9:18].reshape(-1, 3, 3)

    @property
    def uv(self) -> Float[np.ndarray, "triangles 3 2"]:
        """Texture coordinates at the corners (a view)."""
        return self.table[:, 18:].reshape(-1, 3, 2)


@dataclass(frozen=True, eq=False)
class ViewAppearance:
    """How one view is lit and developed: gain of each light (lights, 3), exposure in stops, white balance gain (3,)."""

    light_gain: Float[np.ndarray, "lights 3"]
    exposure_ev: float
    white_balance: Float[np.ndarray, "3"]


@dataclass(frozen=True, eq=False)
class Scene:
    """A room with objects, lit by some of the room's lights, seen by cameras."""

    room: Room
    objects: tuple[Placed, ...]
    lights: tuple[Light, ...]
    cameras: tuple[Camera, ...] = ()
    appearances: tuple[ViewAppearance, ...] = ()
