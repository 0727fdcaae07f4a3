"""Reads STL files: text through trimesh, binary with the colours of VisCAM, SolidView and Magics."""

import io

import numpy as np
import trimesh
from jaxtyping import UInt8

from ..base import BadModelError
from .parts import NO_MATERIAL, WHITE, Part

RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
HEADER = 84


def read_stl(data: bytes) -> list[Part]:
    """The part of an STL file. Raises BadModelError if a binary file ends early."""
    count = int(np.frombuffer(data, "<u4", 1, 80)[0]) if len(data) >= HEADER else 0
    if len(data) == HEADER + count * RECORD.itemsize or (len(data) >= HEADER and not data[:HEADER].lstrip().lower().startswith(b"solid")):
        return [_binary(data, count)]
    loaded = trimesh.load_scene(io.BytesIO(data), file_type="stl", process=False)
    meshes = [mesh for mesh in loaded.geometry.values() if isinstance(mesh, trimesh.Trimesh)]
    return [Part(np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int64), NO_MATERIAL) for mesh in meshes]


def _binary(data: bytes, count: int) -> Part:
    if len(data) < HEADER + count * RECORD.itemsize:
        raise BadModelError("cannot be parsed", f"stl: {count} triangles are announced, the file ends earlier")
    rows = np.frombuffer(data, RECORD, count, HEADER)
    faces = np.arange(3 * count).reshape(-1, 3)
    color = _colors(data[:80], rows["attribute"].astype(np.int64))
    corners = None if color is None else np.repeat(color[:, None], 3, axis=1)
    return Part(rows["corners"].reshape(-1, 3).astype(np.float64), faces, NO_MATERIAL if color is None else WHITE, None, corners)


def _colors(header: bytes, attribute: np.ndarray) -> UInt8[np.ndarray, "faces 3"] | None:
    """Five bits a channel in the attribute; Magics has red lowest and a colour for all in the header, the others blue lowest."""
    channels = np.stack([attribute >> shift & 31 for shift in (0, 5, 10)], axis=1)
    values = (channels * 255 + 15) // 31
    magics = header.find(b"COLOR=")
    if magics >= 0 and len(header) >= magics + 10:
        default = np.frombuffer(header, np.uint8, 3, magics + 6)
        return np.where((attribute < 1 << 15)[:, None], values, default).astype(np.uint8)
    own = attribute >= 1 << 15
    return np.where(own[:, None], values[:, ::-1], 255).astype(np.uint8) if own.any() else None
