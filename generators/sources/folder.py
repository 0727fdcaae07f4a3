"""A user's own meshes in a folder: objects, or rooms."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import PurePosixPath

import numpy as np
from jaxtyping import Float

from pixbench.errors import UserError

from ..scene import Asset, Mesh, Room
from . import files
from .base import Entry, Listed
from .cache import ROOM_FACES, converted
from .frames import Y_UP_FRONT_Z, Z_UP, longest_edge, standing, turned
from .inner import inner_box
from .lights import scan_lights
from .location import parsed
from .shapenet_classes import class_named

Y_UP_FORMATS = (".glb", ".gltf", ".obj")
Z_UP_FORMATS = (".off", ".ply", ".stl")

PLAUSIBLE_M = (0.02, 4.0)
"""Longest edges that an object in metres may have."""

UNKNOWN_M = 0.5
ON_SURFACES_M = 0.6
"""Objects of unknown kind that are smaller than this stand on furniture."""


class MeshFolder(Listed):
    """What folders of objects and of rooms share: which meshes there are, and how they stand."""

    def __init__(self, location: str | None):
        root, options = parsed("folder", location, {"up": ("y", "z"), "splits": ("one",)})
        self._files = files.Folder(root)
        self._label = f"folder/{root.resolve().name}/"
        self._up = options.get("up")
        self._one_split = "splits" in options
        self._paths = [name for name in self._files.names() if PurePosixPath(name).suffix.lower() in Y_UP_FORMATS + Z_UP_FORMATS]
        if not self._paths:
            raise UserError(f"{root} holds no meshes: looked for {', '.join(sorted(Y_UP_FORMATS + Z_UP_FORMATS))}, in sub-folders too")

    @cached_property
    def _entries(self) -> Sequence[Entry]:
        return sorted((self._entry(path) for path in self._paths), key=lambda entry: entry.id)

    def _entry(self, path: str) -> Entry:
        return Entry(self._label + path)

    @property
    def entries(self) -> Sequence[Entry]:
        """See Collection."""
        return self._entries

    @property
    def one_split(self) -> bool:
        """See Listed: asked for by `?splits=one`."""
        return self._one_split

    def defects(self) -> Mapping[str, int]:
        """See Collection."""
        return {}

    def _rotation(self, path: str) -> Float[np.ndarray, "3 3"]:
        by_format = "y" if PurePosixPath(path).suffix.lower() in Y_UP_FORMATS else "z"
        return Y_UP_FRONT_Z if (self._up or by_format) == "y" else Z_UP


class Folder(MeshFolder):
    """Objects of your own: a folder with one sub-folder a category; glb, gltf and obj are y up, ply, stl and off z up (`?up=y`, `?up=z`).

    Ids are `folder/NAME/PATH`, where NAME is the folder's own.
    The front is +z where y is up, and -y where z is up. Coordinates are metres; a model whose longest edge
    is not between 2 cm and 4 m is scaled to half a metre, and that is counted. A category with the name of one of ShapeNet's
    classes has its synset and its placement; meshes in no sub-folder are of category `object`. `?splits=one` uses all in every split.
    """

    def _entry(self, path: str) -> Entry:
        category = path.split("/")[0] if "/" in path else "object"
        known = class_named(category)
        return Entry(self._label + path, category, known.synset if known else "")

    def draw(self, category: str, split: str, *, rng: np.random.Generator) -> str:
        """See ObjectSource."""
        return self.drawn(category, split, rng=rng)

    def load(self, model_id: str) -> Asset:
        """See ObjectSource."""
        path = model_id.removeprefix(self._label)
        entry, model = self._entry(path), converted(self._files, path)
        mesh, defects = _in_metres(model.mesh, model.defects)
        mesh = standing(turned(mesh, self._rotation(path)))
        known = class_named(entry.category)
        placement = known.placement if known else "surface" if longest_edge(mesh) < ON_SURFACES_M else "floor"
        return Asset(entry.id, entry.category, entry.synset, mesh, placement, model.sha256, defects)


class RoomFolder(MeshFolder):
    """Rooms of your own: a folder of meshes in metres; glb, gltf and obj are y up, ply, stl and off z up (`?up=y`, `?up=z`).

    Ids are `folder/NAME/PATH`, where NAME is the folder's own.
    A room keeps its place in x and y, has one part, and is lit by one large light under its ceiling.
    """

    def draw(self, split: str, *, rng: np.random.Generator) -> str:
        """See RoomSource."""
        return self.drawn("", split, rng=rng)

    def load(self, room_id: str) -> Room:
        """See RoomSource."""
        path = room_id.removeprefix(self._label)
        model = converted(self._files, path, most_faces=ROOM_FACES)
        mesh = turned(model.mesh, self._rotation(path))
        mesh = replace(mesh, part=np.zeros_like(mesh.part))
        inner = inner_box(mesh)
        return Room(room_id, mesh, inner, ("room",), scan_lights(inner), sha256=model.sha256, defects=model.defects)


def _in_metres(mesh: Mesh, defects: Counter[str]) -> tuple[Mesh, Counter[str]]:
    longest = longest_edge(mesh)
    if PLAUSIBLE_M[0] <= longest <= PLAUSIBLE_M[1]:
        return mesh, defects
    return turned(mesh, Z_UP, UNKNOWN_M / longest), defects + Counter({"no size in metres (scaled to half a metre)": 1})
