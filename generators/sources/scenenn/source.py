"""The source of the scanned rooms of SceneNN, from the user's copy."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from pixbench.errors import UserError
from pixbench.geometry.cameras import transform_points
from pixbench.io.untrusted import check_regular, read_bytes

from ...scene import Material, Room
from ..base import BadModelError, Listed, ModelEntry, own_part
from ..formats.parts import RawModel
from ..loading.cache import ROOM_FACES, converted_raw
from ..loading.inner_surfaces import inner_box
from ..location import parsed
from .files import UNLABELLED, RoomFiles, find_rooms, read_camera_up, read_names
from .lights import scan_lights
from .scan import Scan, has_instance_colors, labels_from, majority, read_scan
from .upright import AXES, Faces, upright

INSTANCE_COLORS = "instance colours instead of photo colours"
LARGEST_SCAN = 2**31
"""Largest file of a room in bytes."""


class SceneNN(Listed):
    """Scanned rooms of SceneNN: your copy, with `contrib/color_ply`. `?up=AXIS` says which axis is up in all its files.

    Ids are `scenenn/NNN`. The colours of `NNN.ply` tell instances apart; photo colours are in `NNN_color.ply`. A room without
    those is refused, unless `?instance-colors=ok` takes it as it is. Labels become parts with the names of the annotation.
    Rooms are turned upright (see `upright`), with the floor at z = 0, and lit by one large light under the ceiling.

    Raises UserError if the folder is not a copy of SceneNN.
    """

    def __init__(self, location: str | None):
        root, options = parsed("scenenn", location, {"up": tuple(AXES), "instance-colors": ("ok",)})
        self._up = options.get("up")
        self._takes_instance_colors = "instance-colors" in options
        self._rooms = find_rooms(root)
        if not self._rooms:
            raise UserError(f"{root} is not a copy of SceneNN: looked for NNN/NNN.ply and NNN_color.ply (NNN: three digits), also in main")

    @cached_property
    def _entries(self) -> Sequence[ModelEntry]:
        return [ModelEntry(f"scenenn/{number}") for number in self._rooms]

    @property
    def entries(self) -> Sequence[ModelEntry]:
        """See Collection."""
        return self._entries

    def defects(self) -> Mapping[str, int]:
        """See Collection."""
        missing = {
            "rooms without NNN_color.ply": sum(files.color is None for files in self._rooms.values()),
            "rooms without annotation": sum(files.xml is None for files in self._rooms.values()),
        }
        return {kind: count for kind, count in missing.items() if count}

    def draw(self, split: str, *, rng: np.random.Generator) -> str:
        """See RoomSource."""
        return self.drawn("", split, rng=rng)

    def load(self, room_id: str) -> Room:
        """See RoomSource."""
        files = self._rooms.get(own_part(room_id, "scenenn/"))
        if files is None:
            raise BadModelError("no mesh file", room_id)
        names = read_names(files.xml)
        recipe = f"scenenn up={self._up} instance-colors={self._takes_instance_colors}"
        model = converted_raw(recipe, _sha256(files), lambda: self._read(files, names), most_faces=ROOM_FACES)
        inner = inner_box(model.mesh, floor_m=0.0)
        parts = (UNLABELLED, *names.values())
        return Room(room_id, model.mesh, inner, parts, scan_lights(inner), sha256=model.sha256, defects=model.defects)

    def _read(self, files: RoomFiles, names: Mapping[int, str]) -> RawModel:
        """The upright mesh of a room. The group of a face is the index of the name of its label."""
        scan, label, defects = _scan_and_labels(files)
        if scan.color is None:
            defects["no colours"] += 1
        elif has_instance_colors(scan.color, label):
            if not self._takes_instance_colors:
                raise BadModelError(INSTANCE_COLORS, "get contrib/color_ply, or take them with ?instance-colors=ok")
            defects[INSTANCE_COLORS] += 1
        part = _part_of_faces(label, names, scan)
        floor = np.array([False, *(name == "floor" for name in names.values())])[part]
        T = upright(Faces.of(scan.vertices, scan.faces), floor=floor, camera_up=read_camera_up(files.trajectory), up=self._up)
        count = len(scan.faces)
        return RawModel(
            vertices=transform_points(T, scan.vertices),
            faces=scan.faces,
            uv=np.zeros((count, 3, 2)),
            material=np.zeros(count, np.int64),
            materials=(Material((0.7, 0.7, 0.7)) if scan.color is None else Material((1.0, 1.0, 1.0)),),
            color=scan.color[scan.faces] if scan.color is not None else None,
            group=part,
            defects=defects,
        )


def _scan_and_labels(files: RoomFiles) -> tuple[Scan, np.ndarray | None, Counter[str]]:
    """The scan, with photo colours if available, and its labels, if necessary transferred from the main file."""
    scan = read_scan(_bytes(files.color or files.main or Path()))
    defects: Counter[str] = Counter()
    label = scan.label
    if label is None and files.color and files.main:
        label = labels_from(read_scan(_bytes(files.main)), scan.vertices)
        defects["labels missing or in another frame (left out)"] += label is None
    return scan, label, +defects


def _bytes(path: Path) -> bytes:
    try:
        return read_bytes(path)
    except UserError as error:
        raise BadModelError("cannot be read", str(error)) from None


def _part_of_faces(label: np.ndarray | None, names: Mapping[int, str], scan: Scan) -> np.ndarray:
    """The part of each face: 0, or 1 + the index of its label in `names`."""
    if label is None or not names:
        return np.zeros(len(scan.faces), np.int64)
    known = np.array(list(names))
    place = np.minimum(np.searchsorted(known, label), len(known) - 1)
    return majority(np.where(known[place] == label, place + 1, 0)[scan.faces])


def _sha256(files: RoomFiles) -> str:
    """Raises UserError for a file that is too large for a scan."""
    digest = hashlib.sha256()
    for path in files.present():
        check_regular(path, LARGEST_SCAN)
        with path.open("rb") as stream:
            digest.update(path.name.encode() + b"\0" + hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
