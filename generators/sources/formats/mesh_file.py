"""Reads a mesh file of any known format, with its materials and textures, without cleaning or scaling it."""

from collections import Counter

import numpy as np

from ..base import BadModelError
from ..loading.archive import Files
from .companions import MISSING, Companions
from .gltf.reader import files_of_gltf, read_gltf
from .obj import files_of_obj, read_obj
from .off import read_off
from .parts import Part, RawModel, joined_parts
from .ply import files_of_ply, read_ply
from .stl import read_stl

Y_UP_FORMATS = (".glb", ".gltf", ".obj")
Z_UP_FORMATS = (".off", ".ply", ".stl")


@np.errstate(invalid="ignore")  # numpy warns when it converts a signalling NaN, which is rejected as any NaN
def read_model(files: Files, path: str) -> RawModel:
    """Read a model. Raises BadModelError, with the reader's own reason, if the file does not exist or cannot be used."""
    companions, defects = Companions(files, path.rpartition("/")[0]), Counter[str]()
    try:
        model = joined_parts(_parts(files.read(path), path, companions, defects), path)
    except FileNotFoundError:
        raise BadModelError("no mesh file", path) from None
    except BadModelError as error:
        raise BadModelError(error.kind, error.detail if path in error.detail else f"{path}: {error.detail}".rstrip(": ")) from None
    except MemoryError:
        raise BadModelError("too large for the memory", path) from None
    except Exception as error:  # any error of a reader means that the file is damaged
        raise BadModelError("cannot be parsed", f"{path}: {type(error).__name__}: {error}") from None
    if companions.missing:
        defects[MISSING] += len(companions.missing)
    model.defects = +(model.defects + defects)
    return model


def _parts(data: bytes, path: str, companions: Companions, defects: Counter[str]) -> list[Part]:
    kind, stem = _kind(path), path.rpartition("/")[2].rpartition(".")[0]
    if kind == ".obj":
        return read_obj(data, companions, defects, stem=stem)
    if kind == ".ply":
        return read_ply(data, companions, defects)
    if kind == ".off":
        return read_off(data, defects)
    if kind == ".stl":
        return read_stl(data)
    if kind in (".glb", ".gltf"):
        return read_gltf(data, companions, defects)
    raise BadModelError("format that is not read", kind)


def files_of(files: Files, path: str) -> dict[str, bytes]:
    """The contents of the files that a model is read from, by their names in it: the model itself first, empty if missing.

    Raises OSError if the model itself cannot be read.
    """
    data, companions = files.read(path), Companions(files, path.rpartition("/")[0])
    kind, name = _kind(path), path.rpartition("/")[2]
    if kind == ".obj":
        files_of_obj(data, companions, stem=name.rpartition(".")[0])
    elif kind == ".ply":
        files_of_ply(data, companions)
    elif kind in (".glb", ".gltf"):
        files_of_gltf(data, companions)
    return {name: data} | companions.read_files


def _kind(path: str) -> str:
    return "." + path.rpartition(".")[2].lower()
