"""The example homes of Sweet Home 3D as rooms: furnished floor plans from the Debian package sweethome3d."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from pixbench.assets.paths import pack_folder
from pixbench.errors import UserError

from ...scene import Mesh, Room
from ..base import BadModelError, Listed, ModelEntry
from ..loading.archive import ZipFiles
from ..loading.cache import ROOM_FACES
from ..loading.cleaning import cleaned
from ..loading.content_hash import sha256_of
from .catalogue import slug
from .finishes import Finishes
from .home import Area, HomeLevel, Piece, read_home
from .lights import ceiling_light, inner_rectangle, window_lights
from .pieces import piece_mesh
from .shell import PARTS, build_shell, is_indoors
from .walls import footprints

PACK = "sweethome3d"
EXAMPLES = "/examples/"
LEAST_M2 = 7.0
HELD_OUT = {"3bedroomapartment": "val", "4bedroomhouse": "test"}
"""A home belongs to one split, because its rooms share walls and furniture. Nine homes are too few for a split by hash."""

BEFORE_DOOR_M = 0.9
LOW_SILL_M = 0.3
"""A window with a lower sill is treated as a door to a balcony or garden."""


@dataclass(frozen=True, eq=False)
class _Place:
    files: ZipFiles
    home: str
    xml_sha256: str
    level: HomeLevel
    area: Area


class SweetHomeRooms(Listed):
    """The larger indoor rooms of nine furnished homes in Debian's sweethome3d, each with its whole storey around it.

    Raises UserError if the folder holds no homes.
    """

    def __init__(self, location: str | None = None):
        folder = Path(location) if location is not None else pack_folder(PACK)
        self._jars = [ZipFiles(path) for path in sorted(folder.rglob("*.jar"))]
        self._left_out: Counter[str] = Counter()
        if not self._jars:
            hint = (
                f"fetch them with 'pixbench assets fetch {PACK}'" if location is None else "give the folder that sweethome3d.jar lies below"
            )
            raise UserError(f"{folder} holds no homes (.jar): {hint}")

    @cached_property
    def _places(self) -> Mapping[str, _Place]:
        found: dict[str, _Place] = {}
        for files in self._jars:
            for path in files.names():
                if EXAMPLES in path and path.endswith(".xml"):
                    for name, place in self._rooms_of(files, path):
                        found.setdefault(f"sweethome3d-home/{name}", place)
        return found

    def _rooms_of(self, files: ZipFiles, path: str) -> list[tuple[str, _Place]]:
        home = slug(path.rpartition("/")[2].removesuffix(".xml"))
        xml = files.read(path)
        try:
            levels = read_home(xml)
        except BadModelError as error:
            self._left_out[error.kind] += 1
            return []
        found, names = [], Counter[str]()
        for level in levels:
            walls = footprints(level.walls)
            for area in level.areas:
                reason = _why_left_out(level, area, is_indoors(area, walls))
                if reason:
                    self._left_out[f"left out: {reason}"] += 1
                    continue
                name = slug(area.name)
                names[name] += 1
                number = f"-{names[name]}" if names[name] > 1 else ""
                found.append((f"{home}/{name}{number}", _Place(files, home, hashlib.sha256(xml).hexdigest(), level, area)))
        return found

    @cached_property
    def entries(self) -> Sequence[ModelEntry]:
        """See Collection."""
        return [ModelEntry(room_id, split=split_of_home(place.home)) for room_id, place in sorted(self._places.items())]

    def defects(self) -> Mapping[str, int]:
        """See Collection."""
        _ = self._places  # listing counts the defects
        return self._left_out

    def draw(self, split: str, *, rng: np.random.Generator) -> str:
        """See RoomSource."""
        return self.drawn("", split, rng=rng)

    def load(self, room_id: str) -> Room:
        """See RoomSource."""
        if room_id not in self._places:
            raise BadModelError("no such room", room_id)
        place = self._places[room_id]
        level, rectangle = place.level, inner_rectangle(place.area.outline)
        rng = np.random.default_rng(np.frombuffer(hashlib.sha256(room_id.encode()).digest(), np.uint32))
        lamp, lamp_light = ceiling_light(rectangle, level, rng=rng)
        openings = [piece for piece in level.pieces if piece.opening]
        finishes = Finishes(place.home, place.files)
        raw = build_shell(level, openings, lamp, finishes)
        shell, defects = cleaned(raw, most_faces=ROOM_FACES)
        pieces, names, hashes, piece_defects = _pieces(place.files, level)
        heights = [level.elevation_m, level.elevation_m + level.height_m]
        windows = [piece for piece in openings if _is_window(piece)]
        indoors = [area for area in level.areas if is_indoors(area, footprints(level.walls))]
        return Room(
            room_id,
            joined_meshes([shell, *pieces], names),
            np.column_stack([rectangle, heights]),
            (*PARTS, *dict.fromkeys(names)),
            (*window_lights(windows, level, indoors, rng=rng), lamp_light),
            tuple(_before(piece) for piece in openings if not _is_window(piece) or piece.place[2] < LOW_SILL_M),
            sha256_of([("home", place.xml_sha256.encode()), *(("piece", sha256.encode()) for sha256 in hashes), *finishes.used.items()]),
            dict(sorted((Counter(defects) + Counter(piece_defects)).items())),
        )


def split_of_home(home: str) -> str:
    """The split of a home and of all its rooms."""
    return HELD_OUT.get(home, "train")


def _why_left_out(level: HomeLevel, area: Area, indoors: bool) -> str:
    if level.elevation_m < 0:
        return "below the ground"
    if not area.has_floor or not indoors:
        return "no room with walls around it and a floor"
    if area.size_m2 < LEAST_M2:
        return f"smaller than {LEAST_M2:.0f} m2"
    return ""


def _is_window(piece: Piece) -> bool:
    return "window" in piece.catalogue_id.lower()


def _before(door: Piece) -> tuple[float, float, float, float]:
    """The rectangle (x0, y0, x1, y1) in metres on both sides of a door that stays free."""
    half = np.abs(door.along) * (door.size[0] / 2 + 0.05) + np.abs(door.along[::-1]) * BEFORE_DOOR_M
    (x0, y0), (x1, y1) = door.place[:2] - half, door.place[:2] + half
    return float(x0), float(y0), float(x1), float(y1)


def _pieces(files: ZipFiles, level: HomeLevel) -> tuple[list[Mesh], list[str], list[str], set[str]]:
    """The pieces of a level that are below its ceilings: meshes, names, sha256 of their files, and kinds of defects."""
    meshes, names, hashes, defects = [], [], [], set[str]()
    for number, piece in enumerate(level.pieces):
        if piece.place[2] >= level.height_m or "lightsource" in piece.catalogue_id.lower():
            continue
        try:
            mesh, found = piece_mesh(files, piece, level.elevation_m, number)
        except BadModelError as error:
            defects.add(f"piece left out: {error.kind}")
            continue
        meshes.append(mesh)
        names.append(piece.name.lower())
        hashes.append(found.sha256)
        defects |= set(found.defects)
    return meshes, names, hashes, defects


def joined_meshes(meshes: Sequence[Mesh], names: Sequence[str]) -> Mesh:
    """One mesh of the shell, which has parts already, and of the pieces, whose part is that of their name."""
    order = list(dict.fromkeys(names))
    parts = [
        meshes[0].part,
        *(np.full(len(mesh.faces), len(PARTS) + order.index(name)) for mesh, name in zip(meshes[1:], names, strict=True)),
    ]
    vertices = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    materials = np.cumsum([0, *(len(mesh.materials) for mesh in meshes)])
    together = {name: np.concatenate([getattr(mesh, name) for mesh in meshes]) for name in ("vertices", "uv", "normals")}
    return Mesh(
        faces=np.concatenate([mesh.faces + start for mesh, start in zip(meshes, vertices, strict=False)]).astype(np.int32),
        material=np.concatenate([mesh.material + start for mesh, start in zip(meshes, materials, strict=False)]).astype(np.int32),
        part=np.concatenate(parts).astype(np.int32),
        materials=tuple(material for mesh in meshes for material in mesh.materials),
        **together,
    )
