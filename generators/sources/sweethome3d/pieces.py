"""The pieces of a home as meshes: recoloured models in their positions."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from jaxtyping import Float

from ...scene import Mesh
from ..loading.archive import Files
from ..loading.cache import Converted, converted
from ..loading.frames import Y_UP_FRONT_Z, fit_box, transform
from .home import Piece, hex_rgb

LOADER = "com/eteks/sweethome3d/j3d/OBJLoader.class"
"""Models without materials use the default ones, which this class file contains as text."""

PAINT = "painted.mtl"
PANES = re.compile(rb"(?m)^(g sweethome3d_window_pane[^\n]*\n(?:(?!g |usemtl)[^\n]*\n)*)usemtl [^\n]*")
PANE = "\nnewmtl pane\nKd 1 1 1\nd 0.1\n"
"""The material of groups that are glass, whatever their own material is."""

LEAST_GAP_M, GAP_STEP_M, GAPS = 5e-4, 1e-4, 16


class Painted:
    """The files of a package with one model recoloured: its piece's colours replace those of its materials."""

    def __init__(self, files: Files, paint: Mapping[str, str]):
        self._files, self._paint = files, paint

    def names(self) -> Sequence[str]:
        """See Files."""
        return self._files.names()

    def has(self, path: str) -> bool:
        """See Files."""
        return path.rpartition("/")[2] == PAINT or self._files.has(path)

    def listing(self, folder: str) -> Sequence[str]:
        """See Files."""
        return self._files.listing(folder)

    def read(self, path: str) -> bytes:
        """See Files."""
        folder, _, name = path.rpartition("/")
        if name.endswith(".obj"):
            text = re.sub(rb"(?m)^mtllib\s", b"# ", self._files.read(path))
            return b"mtllib %b\n" % PAINT.encode() + PANES.sub(rb"\1usemtl pane", text)
        if name == PAINT:
            return (_painted(self._materials(folder), self._paint) + PANE).encode()
        return self._files.read(path)

    def _materials(self, folder: str) -> str:
        # A model with materials is in a folder of its own.
        own = _materials_by_folder(self._files).get(folder)
        return self._files.read(own).decode("utf-8", "replace") if own else default_materials(self._files)


@lru_cache(maxsize=4)
def _materials_by_folder(files: Files) -> Mapping[str, str]:
    """The first MTL file of every folder; cached because each of a hundred pieces needs it."""
    return {name.rpartition("/")[0]: name for name in reversed(files.names()) if name.endswith(".mtl")}


@lru_cache(maxsize=4)
def default_materials(files: Files) -> str:
    """The default materials as the text of an MTL file; empty if the package does not contain them."""
    try:
        text = files.read(LOADER).decode("latin-1")
    except OSError:
        return ""
    return "\n".join(re.findall(r"newmtl \w+\n(?:(?:K[ads]|illum|Ns|d|Tr|Ni|sharpness)(?: [-.\d]+)+\n)*", text))


def _painted(materials: str, paint: Mapping[str, str]) -> str:
    """The materials with the colours of a piece: by material name, or `*` for all opaque materials."""
    blocks, end = [], 0
    # Blank lines are matched whether or not a material follows, so that a run of them is looked at once, not from each of them.
    for match in re.finditer(r"(?m)^(\s*+)(newmtl\s)?", materials):
        if match[2]:
            # Blank lines become an empty block, because hashes of existing data sets depend on it.
            blocks += [materials[end : match.start()], *([""] if match[1].endswith("\n") else [])]
            end = match.start(2)
    return "\n".join(_painted_block(block, paint) for block in (*blocks, materials[end:]))


def _painted_block(block: str, paint: Mapping[str, str]) -> str:
    name = re.match(r"newmtl\s+(\S+)", block)
    clear = re.search(r"(?m)^[^\S\n]*d\s+0?\.\d", block)
    color = paint.get(name[1]) or (None if clear else paint.get("*")) if name else None
    if color is None:
        return block
    kept = re.sub(r"(?m)^(\s*+)((?:Kd|map_Kd)\s.*$)?", lambda match: "" if match[2] else match[1], block)
    return f"{kept.rstrip()}\nKd {' '.join(f'{value:.4f}' for value in hex_rgb(color))}\n"


def piece_mesh(files: Files, piece: Piece, elevation_m: float, number: int) -> tuple[Mesh, Converted]:
    """A piece at its position in the home. Raises BadModelError if its model cannot be used.

    It is slightly smaller than in the plan, by an amount that depends on its `number`, so that pieces that touch or overlap have no
    coincident faces.
    """
    found = converted(Painted(files, piece.paint), piece.model)
    gap = LEAST_GAP_M + GAP_STEP_M * (number % GAPS)
    size = np.maximum(piece.size - 2 * gap, 0.6 * piece.size)[[0, 2, 1]]
    tilt = _about(0, -piece.pitch_rad) if piece.pitch_rad else _about(2, -piece.roll_rad)
    mirror = np.diag([-1.0 if piece.mirrored else 1.0, 1.0, 1.0])
    tilted = transform(fit_box(found.mesh, piece.rotation, size), tilt @ mirror, np.zeros(3))
    turn = _about(2, piece.angle_rad) @ Y_UP_FRONT_Z
    middle = np.append(piece.place[:2], piece.place[2] + elevation_m + piece.height_in_plan_m / 2)
    return transform(tilted, turn, middle - turn @ tilted.bounds.mean(axis=0)), found


def _about(axis: int, angle_rad: float) -> Float[np.ndarray, "3 3"]:
    """Right-handed rotation about a coordinate axis."""
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    j, k = (axis + 1) % 3, (axis + 2) % 3
    R = np.eye(3)
    R[j, j], R[j, k], R[k, j], R[k, k] = c, -s, s, c
    return R
