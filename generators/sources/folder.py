"""Meshes in a folder of the user, as objects or as rooms."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import PurePosixPath

import numpy as np
from jaxtyping import Float

from pixbench.dataset.schema import FIELDS
from pixbench.errors import UserError

from ..scene import Asset, Mesh, Room
from .base import Listed, ModelEntry
from .formats.model_file import Y_UP_FORMATS, Z_UP_FORMATS
from .loading import archive as files
from .loading.cache import ROOM_FACES, converted
from .loading.frames import Y_UP_FRONT_Z, Z_UP_FRONT_MINUS_Y, longest_edge, rotate_and_scale, stand_on_floor
from .loading.inner_surfaces import inner_box
from .location import parsed
from .scenenn.lights import scan_lights
from .shapenet.classes import class_named
from .spec import folder_label

PLAUSIBLE_M = (0.02, 4.0)
"""Plausible range of an object's longest edge in metres."""

LONGEST_ID = int(FIELDS["object_id"].dtype[1:])
UNKNOWN_M = 0.5
ON_SURFACES_M = 0.6
"""Objects of an unknown category whose longest edge is shorter than this are placed on furniture."""


class FolderSource(Listed):
    """What folders of objects and of rooms share: the list of meshes, and their orientation."""

    def __init__(self, location: str | None):
        root, options = parsed("folder", location, {"up": ("y", "z"), "splits": ("one",), "name": None})
        self._files = files.FolderFiles(root)
        self._label = f"folder/{options.get('name') or folder_label(str(root))}/"
        self._up = options.get("up")
        self._one_split = "splits" in options
        self._skipped: Counter[str] = Counter()
        self._paths = [path for path in self._files.names() if self._is_model(path)]
        if not self._paths:
            raise UserError(f"{root} holds no meshes: looked for {', '.join(sorted(Y_UP_FORMATS + Z_UP_FORMATS))}, in sub-folders too")

    def _is_model(self, path: str) -> bool:
        """Whether a file is a mesh whose name fits into a shard. Hidden files and long names are skipped and counted."""
        pure = PurePosixPath(path)
        if pure.suffix.lower() not in Y_UP_FORMATS + Z_UP_FORMATS:
            return False
        reason = None
        if any(part.startswith(".") or part == "__MACOSX" for part in pure.parts):
            reason = "hidden file (skipped)"
        elif not _fits(self._label + path):
            reason = f"path of over {LONGEST_ID} bytes, or not in UTF-8 (skipped)"
        if reason:
            self._skipped[reason] += 1
        return reason is None

    @cached_property
    def _entries(self) -> Sequence[ModelEntry]:
        return sorted((self._entry(path) for path in self._paths), key=lambda entry: entry.id)

    def _entry(self, path: str) -> ModelEntry:
        return ModelEntry(self._label + path)

    @property
    def entries(self) -> Sequence[ModelEntry]:
        """See Collection."""
        return self._entries

    @property
    def one_split(self) -> bool:
        """See Listed; set by `?splits=one`."""
        return self._one_split

    def defects(self) -> Mapping[str, int]:
        """See Collection."""
        return self._skipped

    def _rotation(self, path: str) -> Float[np.ndarray, "3 3"]:
        by_format = "y" if PurePosixPath(path).suffix.lower() in Y_UP_FORMATS else "z"
        return Y_UP_FRONT_Z if (self._up or by_format) == "y" else Z_UP_FRONT_MINUS_Y


class ObjectFolder(FolderSource):
    """Objects of your own: a folder with one sub-folder a category; glb, gltf and obj are y up, ply, stl and off z up (`?up=y`, `?up=z`).

    Ids are `folder/NAME/PATH`, where NAME is the folder's own, or that of `?name=NAME`.
    The front is +z where y is up, and -y where z is up. Coordinates are metres; a model whose longest edge
    is not between 2 cm and 4 m is scaled to half a metre, and that is counted. A category with the name of one of ShapeNet's
    classes has its synset and its placement; meshes in no sub-folder are of category `object`. `?splits=one` uses all in every split.
    """

    def _entry(self, path: str) -> ModelEntry:
        category = path.split("/")[0] if "/" in path else "object"
        known = class_named(category)
        return ModelEntry(self._label + path, category, known.synset if known else "")

    def draw(self, category: str, split: str, *, rng: np.random.Generator) -> str:
        """See ObjectSource."""
        return self.drawn(category, split, rng=rng)

    def load(self, model_id: str) -> Asset:
        """See ObjectSource."""
        path = model_id.removeprefix(self._label)
        entry, model = self._entry(path), converted(self._files, path)
        mesh, defects = _in_metres(model.mesh, model.defects)
        mesh = stand_on_floor(rotate_and_scale(mesh, self._rotation(path)))
        known = class_named(entry.category)
        placement = known.placement if known else "surface" if longest_edge(mesh) < ON_SURFACES_M else "floor"
        return Asset(entry.id, entry.category, entry.synset, mesh, placement, model.sha256, defects)


class RoomFolder(FolderSource):
    """Rooms of your own: a folder of meshes in metres; glb, gltf and obj are y up, ply, stl and off z up (`?up=y`, `?up=z`).

    Ids are `folder/NAME/PATH`, where NAME is the folder's own, or that of `?name=NAME`.
    A room keeps its place in x and y, has one part, and is lit by one large light under its ceiling.
    """

    def draw(self, split: str, *, rng: np.random.Generator) -> str:
        """See RoomSource."""
        return self.drawn("", split, rng=rng)

    def load(self, room_id: str) -> Room:
        """See RoomSource."""
        path = room_id.removeprefix(self._label)
        model = converted(self._files, path, most_faces=ROOM_FACES)
        mesh = rotate_and_scale(model.mesh, self._rotation(path))
        mesh = replace(mesh, part=np.zeros_like(mesh.part))
        inner = inner_box(mesh)
        return Room(room_id, mesh, inner, ("room",), scan_lights(inner), sha256=model.sha256, defects=model.defects)


def _fits(model_id: str) -> bool:
    try:
        return len(model_id.encode()) <= LONGEST_ID
    except UnicodeEncodeError:
        return False


def _in_metres(mesh: Mesh, defects: Counter[str]) -> tuple[Mesh, Counter[str]]:
    longest = longest_edge(mesh)
    if PLAUSIBLE_M[0] <= longest <= PLAUSIBLE_M[1]:
        return mesh, defects
    return rotate_and_scale(mesh, Z_UP_FRONT_MINUS_Y, UNKNOWN_M / longest), defects + Counter(
        {"no size in metres (scaled to half a metre)": 1}
    )
