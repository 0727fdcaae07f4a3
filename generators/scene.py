"""The description of a scene, in NumPy arrays only, that every renderer renders and every ray caster casts into.

World and object frames are z up, in metres. An object stands on z = 0, is centred on x = y = 0, and faces -y.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int, UInt8

from pixbench.geometry.cameras import Camera


@dataclass(frozen=True, eq=False)
class Material:
    """A surface: an sRGB base colour in [0, 1], multiplied by a texture that repeats in u and v where there is one.

    `emission` is the emitted radiance in units of the surface's albedo. `gloss` in [0, 1] is the strength of the specular
    highlight and `roughness` its width, from 0 (a mirror) to 1 (matte).
    """

    color: tuple[float, float, float] = (0.8, 0.8, 0.8)
    texture: UInt8[np.ndarray, "rows columns 3"] | None = None
    emission: float = 0.0
    gloss: float = 0.0
    roughness: float = 0.5


@dataclass(frozen=True, eq=False)
class Mesh:
    """A triangle mesh with texture coordinates (1 is one repeat, v down) and shading normals at each corner of each face.

    `vertices` are in metres. `material` indexes `materials`; `part` labels each face. `color` is an sRGB colour per corner that
    multiplies the material's, for scans that have vertex colours instead of textures.
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
        """Lowest and highest corner of the axis-aligned bounding box, float64, in metres."""
        return np.stack([self.vertices.min(axis=0), self.vertices.max(axis=0)]).astype(np.float64)


@dataclass(frozen=True, eq=False)
class Asset:
    """A model of an object: its id, category name, WordNet synset and mesh.

    `placement` is `floor`, `wall` (on the floor with its back to a wall) or `surface` (on furniture, or on the floor where no
    furniture has room). `sha256` is the hash of the files that the model was read from; it is empty for a procedural model.
    `defects` counts the defects that were repaired, by kind.
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
    """An asset with its pose in the world. `support` is the index of the object that it stands on, -1 for the room."""

    asset: Asset
    T_world_obj: Float[np.ndarray, "4 4"]
    support: int = -1


@dataclass(frozen=True, eq=False)
class Light:
    """A rectangular area light (a window, a ceiling lamp) or a distant sun.

    `kind` is `area` or `sun`. `position` is in metres and `radiance` in linear RGB; for the sun they are the unit vector towards it
    and the irradiance. `u` and `v` are the half axes of the rectangle in metres; it emits to the side of u x v.
    """

    kind: str
    position: Float[np.ndarray, "3"]
    u: Float[np.ndarray, "3"]
    v: Float[np.ndarray, "3"]
    radiance: Float[np.ndarray, "3"]


@dataclass(frozen=True, eq=False)
class Room:
    """A room's mesh, whose `part` indexes `part_names`, and its lights.

    Objects and cameras are placed inside `inner`, the lowest and highest corner of a box in metres; its floor may have any height.
    `keep_clear` are rectangles of the floor (x0, y0, x1, y1) in metres that stay free. `sha256` and `defects`: see Asset.
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
    """All triangles of a scene in world coordinates: those of the room first, then those of the objects in order.

    `table` has one row per triangle, (triangles, 24) float32: corners in metres, shading normals and texture coordinates. They lie
    side by side because they are looked up together. `instance` holds ids of `pixbench.geometry.instances`. `color` is None where
    no mesh has vertex colours.
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
        """Unit shading normals at the corners (a view)."""
        return self.table[:, 9:18].reshape(-1, 3, 3)

    @property
    def uv(self) -> Float[np.ndarray, "triangles 3 2"]:
        """Texture coordinates at the corners, 1 per repeat of the texture (a view)."""
        return self.table[:, 18:].reshape(-1, 3, 2)


@dataclass(frozen=True, eq=False)
class BorrowedGeometry(Geometry):
    """Geometry in the buffers of a cached room: it is valid until the room is furnished again. `owned` gives a copy."""

    def owned(self) -> Geometry:
        """A copy with arrays of its own, which stays valid."""
        color = None if self.color is None else self.color.copy()
        return Geometry(self.table.copy(), self.instance.copy(), self.part.copy(), self.material.copy(), self.materials, color)


@dataclass(frozen=True, eq=False)
class ViewAppearance:
    """Lighting and camera settings of one view: a gain per light and channel, exposure in stops, and white-balance gain per channel."""

    light_gain: Float[np.ndarray, "lights 3"]
    exposure_ev: float
    white_balance: Float[np.ndarray, "3"]


@dataclass(frozen=True, eq=False)
class Scene:
    """A furnished room: `lights` are those of the room's lights that are on, `appearances` has one entry per camera."""

    room: Room
    objects: tuple[Placed, ...]
    lights: tuple[Light, ...]
    cameras: tuple[Camera, ...] = ()
    appearances: tuple[ViewAppearance, ...] = ()
