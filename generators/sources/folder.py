"""Meshes in a folder of the user, as objects or as rooms."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import PurePosixPath

import numpy as np
from jaxtyping import Float

from pixbench.dataset.schema import FIELDS
from pixbench.errors import UserError

from ..scene import Asset, Mesh, Room
from .base import Listed, ModelEntry, own_part
from .formats.mesh_file import Y_UP_FORMATS, Z_UP_FORMATS
from .loading import archive as files
from .loading.cache import ROOM_FACES, Converted, converted
from .loading.frames import ROTATIONS, longest_edge, rotate_and_scale, stand_on_floor, transform
from .loading.inner_surfaces import inner_box
from .location import Known, parsed
from .scenenn.lights import scan_lights
from .scenenn.upright import AXES, Faces, lowest_plane, upright
from .shapenet.classes import class_named
from .spec import folder_label, plain_label

PLAUSIBLE_M = (0.02, 4.0)
"""Plausible range of an object's longest edge in metres."""

LONGEST_ID = int(FIELDS["object_id"].dtype[1:])
UNKNOWN_M = 0.5
LEVELS = tuple(str(level) for level in (*range(1, 10), *range(-9, 0)))
SIDEWAYS = 1.2
ON_ITS_SIDE = "looks as if it lies on its side (see ?up=AXIS)"
ON_SURFACES_M = 0.6
"""Objects of an unknown category whose longest edge is shorter than this are placed on furniture."""


UNITS = {"m": 1.0, "cm": 0.01, "mm": 0.001, "inch": 0.0254, "ft": 0.3048}
"""Metres in each unit that the option `unit` names."""

OPTIONS = {"up": tuple(AXES), "unit": tuple(UNITS), "splits": ("one",), "name": None, "pattern": None}
OTHER_MESHES = (
    ".3ds", ".abc", ".blend", ".dae", ".dxf", ".fbx", ".max", ".mb", ".step", ".stp",
    ".usd", ".usda", ".usdc", ".usdz", ".wrl", ".x3d",
)  # fmt: skip
"""Formats of meshes that are not read; they are counted."""

logger = logging.getLogger("pixbench")


class FolderSource(Listed):
    """Base class of folders of objects and of rooms: the list of meshes, their unit and their orientation.

    Raises UserError if the folder holds no meshes.
    """

    def __init__(self, location: str | None, more_options: Known | None = None):
        root, self._options = parsed("folder", location, {**OPTIONS, **(more_options or {})})
        self._files = files.FolderFiles(root)
        self._label = f"folder/{plain_label(self._options.get('name') or folder_label(str(root)))}/"
        self.skipped: dict[str, str] = {}
        self._pattern = self._options.get("pattern")
        self._paths = [path for path in self._files.names() if self._is_model(path)]
        if not self._paths:
            wanted = f", that match pattern={self._pattern}" if self._pattern else ""
            raise UserError(
                f"{root} holds no meshes{wanted}: looked for {', '.join(sorted(Y_UP_FORMATS + Z_UP_FORMATS))}, in sub-folders too"
            )

    def _is_model(self, path: str) -> bool:
        """Whether a file is a mesh whose name fits into a shard. Hidden files and long names are skipped and counted."""
        pure = PurePosixPath(path)
        if pure.suffix.lower() in OTHER_MESHES:
            self.skipped[path] = f"format that is not read: {pure.suffix.lower()}"
        if pure.suffix.lower() not in Y_UP_FORMATS + Z_UP_FORMATS:
            return False
        if self._pattern and not (fnmatchcase(pure.name, self._pattern) or fnmatchcase(path, self._pattern)):
            return False
        reason = None
        if any(part.startswith(".") or part == "__MACOSX" for part in pure.parts):
            reason = "hidden file (skipped)"
        elif not _fits(self._label + path):
            reason = f"path of over {LONGEST_ID} bytes, or not in UTF-8 (skipped)"
        if reason:
            self.skipped[path] = reason
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

    def defects(self) -> Mapping[str, int]:
        """See Collection."""
        return Counter(self.skipped.values())

    def _rotation(self, path: str) -> Float[np.ndarray, "3 3"]:
        """The rotation to z up, with the front along -y, from the axis that is up in a file."""
        up = self._options.get("up") or ("y" if PurePosixPath(path).suffix.lower() in Y_UP_FORMATS else "z")
        return ROTATIONS[up]

    def _metres(self) -> float | None:
        """Metres in the unit of the files; None if no option tells."""
        return UNITS[self._options["unit"]] if "unit" in self._options else None


class ObjectFolder(FolderSource):
    """Objects of your own: a folder with one sub-folder a category; glb, gltf and obj are y up, ply, stl and off z up (`?up=AXIS`).

    Ids are `folder/NAME/PATH`, where NAME is the folder's own, or that of `?name=NAME`. `?pattern=textured.obj` takes the files whose
    name or path matches, `?category=2` names categories by the second folder of the path (-1: the last one). The front is +z where y
    is up, and -y where z is up. Coordinates are metres, or in the unit of `?unit=mm`; without that option a model whose longest edge
    is not between 2 cm and 4 m is scaled to half a metre, and that is counted. A category with the name of one of ShapeNet's classes
    has its synset and its placement; meshes in no sub-folder are of category `object`. `?splits=one` uses all in every split.
    """

    def __init__(self, location: str | None):
        super().__init__(location, {"category": LEVELS})
        self._level = int(self._options.get("category", "1"))

    def _category(self, path: str) -> str:
        folders = path.split("/")[:-1]
        level = self._level - 1 if self._level > 0 else self._level
        return folders[level] if -len(folders) <= level < len(folders) else "object"

    def _entry(self, path: str) -> ModelEntry:
        category = self._category(path)
        known = class_named(category)
        return ModelEntry(self._label + path, category, known.synset if known else "")

    def draw(self, category: str, split: str, *, rng: np.random.Generator) -> str:
        """See ObjectSource."""
        return self.drawn(category, split, rng=rng)

    def load(self, model_id: str) -> Asset:
        """See ObjectSource."""
        path = own_part(model_id, self._label)
        return object_asset(self._entry(path), converted(self._files, path), self._rotation(path), self._metres())


def object_asset(entry: ModelEntry, model: Converted, R: Float[np.ndarray, "3 3"], metres: float | None) -> Asset:
    """The object of a model: rotated by R to z up, in metres, standing on the floor. `metres` is the length of the file's unit, None if
    unknown.
    """
    mesh, defects = in_metres(model.mesh, model.defects, metres)
    mesh = stand_on_floor(rotate_and_scale(mesh, R))
    known = class_named(entry.category)
    placement = known.placement if known else "surface" if longest_edge(mesh) < ON_SURFACES_M else "floor"
    return Asset(entry.id, entry.category, entry.synset, mesh, placement, model.sha256, defects)


class RoomFolder(FolderSource):
    """Rooms of your own: a folder of meshes in metres (`?unit=mm`); glb, gltf and obj are y up, ply, stl and off z up (`?up=AXIS`).

    Ids are `folder/NAME/PATH`, where NAME is the folder's own, or that of `?name=NAME`; `?pattern=*.ply` takes the files whose name or
    path matches. A room keeps its place in x and y, has one part, and is lit by one large light under its ceiling. `?level=yes` makes
    a tilted floor horizontal at z = 0 and sets the walls along x and y; the axis that is up is then found, unless `up` tells it.
    """

    def __init__(self, location: str | None):
        super().__init__(location, {"level": ("yes",)})

    def draw(self, split: str, *, rng: np.random.Generator) -> str:
        """See RoomSource."""
        return self.drawn("", split, rng=rng)

    def load(self, room_id: str) -> Room:
        """See RoomSource."""
        path = own_part(room_id, self._label)
        model = converted(self._files, path, most_faces=ROOM_FACES)
        mesh, defects = self._upright(model.mesh, path), Counter(model.defects)
        mesh = replace(mesh, part=np.zeros_like(mesh.part))
        inner = inner_box(mesh)
        if lies_on_its_side(mesh):
            defects[ON_ITS_SIDE] += 1
            logger.warning("%s: %s", room_id, ON_ITS_SIDE)
        return Room(room_id, mesh, inner, ("room",), scan_lights(inner), sha256=model.sha256, defects=defects)

    def _upright(self, mesh: Mesh, path: str) -> Mesh:
        scale = self._metres() or 1.0
        if "level" not in self._options:
            return rotate_and_scale(mesh, self._rotation(path), scale)
        metric = rotate_and_scale(mesh, np.eye(3), scale)
        T = upright(Faces.of(metric.vertices.astype(np.float64), metric.faces), up=self._options.get("up"))
        return transform(metric, T[:3, :3], T[:3, 3])


def lies_on_its_side(mesh: Mesh) -> bool:
    """Whether the largest plane at an end of a horizontal axis is much larger than that at an end of z."""
    faces = Faces.of(mesh.vertices.astype(np.float64), mesh.faces)
    largest = [max(lowest_plane(faces, AXES[sign + axis])[0] for sign in ("", "-")) for axis in "xyz"]
    return max(largest[:2]) > SIDEWAYS * largest[2]


def _fits(model_id: str) -> bool:
    try:
        return len(model_id.encode()) <= LONGEST_ID
    except UnicodeEncodeError:
        return False


def in_metres(mesh: Mesh, defects: Counter[str], metres: float | None) -> tuple[Mesh, Counter[str]]:
    """The mesh in metres, and its defects. `metres` is the length of its unit; None if the size must tell."""
    unit = 1.0 if metres is None else metres
    longest = longest_edge(mesh) * unit
    if PLAUSIBLE_M[0] <= longest <= PLAUSIBLE_M[1]:
        return (mesh if unit == 1 else rotate_and_scale(mesh, np.eye(3), unit)), defects
    if metres is not None:
        kind = f"longest edge not between {PLAUSIBLE_M[0]:g} m and {PLAUSIBLE_M[1]:g} m (kept, as the unit is given)"
        return rotate_and_scale(mesh, np.eye(3), unit), defects + Counter({kind: 1})
    kind = "no size in metres (scaled to half a metre)"
    return rotate_and_scale(mesh, np.eye(3), UNKNOWN_M / longest_edge(mesh)), defects + Counter({kind: 1})
