"""Two public sets of scanned objects in the layouts that they are downloaded in: YCB and Google Scanned Objects."""

import re
from abc import abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np

from pixbench.errors import UserError

from ..scene import Asset
from .base import BadModelError, Listed, ModelEntry, own_part
from .folder import object_asset
from .loading.archive import Files, FolderFiles, ZipFiles
from .loading.cache import converted
from .loading.frames import Z_UP_FRONT_MINUS_Y
from .location import Known, parsed
from .shapenet.classes import class_named

Place = tuple[Files, str]
"""Where a mesh lies: files, and its path in them."""


class ObjectSet(Listed):
    """Base class of object sets: objects in metres, z up, one folder (or zip) each.

    Raises UserError if the folder is not a copy of the set.
    """

    name = ""
    options: ClassVar[Known] = {}

    def __init__(self, location: str | None):
        self._root, self._options = parsed(self.name, location, {**self.options, "splits": ("one",)})
        self._without = Counter[str]()
        if not self._places:
            raise UserError(f"{self._root} is not a copy of {self.name}: looked for {', '.join(self._meshes())} in each object's folder")

    @abstractmethod
    def _meshes(self) -> Sequence[str]:
        """Paths of the mesh in the folder of an object, the preferred one first."""

    @abstractmethod
    def _category(self, name: str) -> str:
        """The category of an object's folder."""

    @cached_property
    def _places(self) -> Mapping[str, Place]:
        found: dict[str, Place] = {}
        for path in sorted(self._root.iterdir()) if self._root.is_dir() else []:
            if path.name.startswith(".") or not (path.is_dir() or path.suffix == ".zip"):
                continue
            place = self._place(path)
            if place is None:
                self._without["folders without a mesh"] += 1
            else:
                found.setdefault(path.stem if path.is_file() else path.name, place)
        return found

    def _place(self, path: Path) -> Place | None:
        home: Files = FolderFiles(path) if path.is_dir() else ZipFiles(path)
        folders = ["", *(f"{name}/" for name in home.listing(""))]
        mesh = next((f"{folder}{mesh}" for mesh in self._meshes() for folder in folders if home.has(f"{folder}{mesh}")), None)
        return None if mesh is None else (home, mesh)

    @cached_property
    def _entries(self) -> Sequence[ModelEntry]:
        categories = {name: self._category(name) for name in self._places}
        known = {category: class_named(category) for category in categories.values()}
        synsets = {category: found.synset if found else "" for category, found in known.items()}
        return [ModelEntry(f"{self.name}/{name}", category, synsets[category]) for name, category in sorted(categories.items())]

    @property
    def entries(self) -> Sequence[ModelEntry]:
        """See Collection."""
        return self._entries

    def defects(self) -> Mapping[str, int]:
        """See Collection."""
        return self._without

    def draw(self, category: str, split: str, *, rng: np.random.Generator) -> str:
        """See ObjectSource."""
        return self.drawn(category, split, rng=rng)

    def load(self, model_id: str) -> Asset:
        """See ObjectSource."""
        place = self._places.get(own_part(model_id, f"{self.name}/"))
        if place is None:
            raise BadModelError("no mesh file", model_id)
        entry = next(entry for entry in self.entries if entry.id == model_id)
        return object_asset(entry, converted(*place), Z_UP_FRONT_MINUS_Y, 1.0)


class Ycb(ObjectSet):
    """YCB objects: your copy, with `NNN_NAME/google_16k/textured.obj` or another of its meshes (`?mesh=google_64k`).

    Ids are `ycb/NNN_NAME`, categories the names without their numbers. Meshes are in metres, z up. Without `?mesh`, the textured mesh
    of google_16k, google_64k, google_512k, tsdf or poisson is taken, in this order, otherwise one with colours of vertices.
    """

    name = "ycb"
    options: ClassVar[Known] = {"mesh": ("google_16k", "google_64k", "google_512k", "tsdf", "poisson")}

    def _meshes(self) -> Sequence[str]:
        asked = self._options.get("mesh")
        kinds = [asked] if asked else list(self.options["mesh"] or ())
        return [f"{kind}/{name}" for name in ("textured.obj", "textured.ply", "nontextured.ply") for kind in kinds]

    def _category(self, name: str) -> str:
        return re.sub(r"^\d+(-[a-z]+)?_", "", name).replace("_", " ").replace("-", " ")


class GoogleScannedObjects(ObjectSet):
    """Google Scanned Objects: your copy, a folder or zip an object, with `meshes/model.obj` and `materials/textures/texture.png`.

    Ids are `google-scanned-objects/NAME`; categories are those of `metadata.pbtxt`, otherwise `object`. Meshes are in metres, z up.
    Kubric's form, `visual_geometry.obj` with `texture.png`, is read too.
    """

    name = "google-scanned-objects"

    def _meshes(self) -> Sequence[str]:
        return ["meshes/model.obj", "visual_geometry.obj", "model.obj"]

    def _category(self, name: str) -> str:
        home, mesh = self._places[name]
        above = mesh.rpartition("meshes/")[0] if "meshes/" in mesh else mesh.rpartition("/")[0] + "/" * ("/" in mesh)
        try:
            text = home.read(f"{above}metadata.pbtxt").decode("utf-8", "replace")
        except OSError:
            return "object"
        found = re.search(r'categories\s*+(?:\{[^{}]*?first\s*+)?:\s*+"([^"]+)"', text)
        return found[1].lower() if found else "object"
