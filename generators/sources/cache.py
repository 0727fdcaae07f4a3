"""Converted models on disk: arrays that are mapped into memory, found by the hash of what they were made from."""

import hashlib
import json
import os
import shutil
from collections import Counter
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from pixbench.places import cache_folder

from ..scene import Material, Mesh
from .base import BadModelError
from .clean import cleaned
from .files import Files
from .model import content_sha256, read_model

CONVERSION = 2
"""Raised with every change of what `converted` gives, so that old conversions are not used any more."""

OBJECT_FACES = 200_000
ROOM_FACES = 2_500_000
ARRAYS = ("vertices", "faces", "uv", "normals", "material", "part", "color")


@dataclass(frozen=True, eq=False)
class Converted:
    """A model that is fit for use, in the file's frame, with the hash of its files and its defects by kind."""

    mesh: Mesh
    sha256: str
    defects: Counter[str]


def converted(files: Files, path: str, *, most_faces: int = OBJECT_FACES) -> Converted:
    """Read, clean and keep a model; the next time it comes from the cache. BadModelError where it cannot be used."""
    try:
        sha256 = content_sha256(files, path)
    except OSError:
        raise BadModelError("no mesh file", path) from None
    folder = _folder(sha256, path.rpartition(".")[2].lower(), most_faces)
    if not (folder / "model.json").is_file():
        mesh, defects = cleaned(read_model(files, path), most_faces=most_faces)
        _store(folder, mesh, defects)
    mesh, defects = _load(folder)
    return Converted(mesh, sha256, defects)


def _folder(sha256: str, kind: str, most_faces: int) -> Path:
    key = hashlib.sha256(f"{CONVERSION} {kind} {most_faces} {sha256}".encode()).hexdigest()
    return cache_folder() / "models" / key[:2] / key


def _store(folder: Path, mesh: Mesh, defects: Counter[str]) -> None:
    """Write to a temporary folder and rename it, so that a conversion that has its name is whole."""
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    for name in ARRAYS:
        values = getattr(mesh, name)
        if values is not None:
            np.save(temporary / f"{name}.npy", values)
    plain = []
    for number, material in enumerate(mesh.materials):
        values = {field.name: getattr(material, field.name) for field in fields(Material) if field.name != "texture"}
        if material.texture is not None:
            np.save(temporary / f"texture{number}.npy", material.texture)
        plain.append(values)
    (temporary / "model.json").write_text(json.dumps({"materials": plain, "defects": defects}))
    try:
        temporary.rename(folder)
    except OSError:
        # Another process was first; its conversion is the same.
        shutil.rmtree(temporary, ignore_errors=True)


def _load(folder: Path) -> tuple[Mesh, Counter[str]]:
    described = json.loads((folder / "model.json").read_text())
    arrays = {name: _mapped(folder / f"{name}.npy") for name in ARRAYS}
    materials = []
    for number, values in enumerate(described["materials"]):
        material = Material(**{**values, "color": tuple(values["color"])})
        materials.append(replace(material, texture=_mapped(folder / f"texture{number}.npy")))
    return Mesh(**arrays, materials=tuple(materials)), Counter(described["defects"])  # type: ignore[arg-type]


def _mapped(path: Path) -> np.ndarray | None:
    return np.load(path, mmap_mode="r") if path.is_file() else None
