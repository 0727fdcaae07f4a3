"""Converted models on disk: arrays that are mapped into memory, found by the hash of what they were made from."""

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from pixbench.places import cache_folder

from ..scene import Material, Mesh
from .base import BadModelError
from .clean import cleaned
from .files import Files
from .model import RawModel, content_sha256, read_model

CONVERSION = 4
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
    except FileNotFoundError:
        raise BadModelError("no mesh file", path) from None
    except OSError as error:
        raise BadModelError("cannot be read", f"{path}: {error}") from None
    kind = path.rpartition(".")[2].lower()
    return converted_raw(kind, sha256, lambda: read_model(files, path), most_faces=most_faces)


def converted_raw(recipe: str, sha256: str, make: Callable[[], RawModel], *, most_faces: int) -> Converted:
    """Clean and keep what `make` reads from files with the hash `sha256`; the next time it comes from the cache.

    `recipe` says how it is read, where the files alone do not: another recipe is another conversion. BadModelError from `make`
    or from cleaning goes through, and nothing is kept then.
    """
    key = hashlib.sha256(f"{CONVERSION} {recipe} {most_faces} {sha256}".encode()).hexdigest()
    folder = cache_folder() / "models" / key[:2] / key
    if not _is_whole(folder):
        shutil.rmtree(folder, ignore_errors=True)
        _store(folder, *cleaned(make(), most_faces=most_faces))
    mesh, defects = _load(folder)
    return Converted(mesh, sha256, defects)


def _store(folder: Path, mesh: Mesh, defects: Counter[str]) -> None:
    """Write to a temporary folder and rename it, so that a conversion that has its name is whole."""
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    for name in ARRAYS:
        values = getattr(mesh, name)
        if values is not None:
            np.save(temporary / f"{name}.npy", values)
    textures = {id(material.texture): material.texture for material in mesh.materials if material.texture is not None}
    for number, texture in enumerate(textures.values()):
        np.save(temporary / f"texture{number}.npy", texture)
    numbers = {key: number for number, key in enumerate(textures)}
    plain = [
        {item.name: getattr(material, item.name) for item in fields(Material)} | {"texture": numbers.get(id(material.texture))}
        for material in mesh.materials
    ]
    sizes = {path.name: path.stat().st_size for path in sorted(temporary.iterdir())}
    described = {"materials": plain, "textures": len(textures), "defects": defects, "sizes": sizes}
    (temporary / "model.json").write_text(json.dumps(described))
    try:
        temporary.rename(folder)
    except OSError:
        # Another process was first; its conversion is the same.
        shutil.rmtree(temporary, ignore_errors=True)


def _is_whole(folder: Path) -> bool:
    """Whether every file of a conversion is there with its size: a lost one would be taken for a model that has none."""
    try:
        sizes = json.loads((folder / "model.json").read_text())["sizes"]
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, KeyError):
        return False


def _load(folder: Path) -> tuple[Mesh, Counter[str]]:
    described = json.loads((folder / "model.json").read_text())
    arrays = {name: _mapped(folder / f"{name}.npy") for name in ARRAYS}
    textures = [_mapped(folder / f"texture{number}.npy") for number in range(described["textures"])]
    materials = []
    for values in described["materials"]:
        number = values.pop("texture")
        texture = textures[number] if number is not None else None
        materials.append(Material(**{**values, "color": tuple(values["color"])}, texture=texture))
    return Mesh(**arrays, materials=tuple(materials)), Counter(described["defects"])  # type: ignore[arg-type]


def _mapped(path: Path) -> np.ndarray | None:
    """A read-only array that the file stays behind: whoever changes a mesh makes a copy."""
    return np.asarray(np.load(path, mmap_mode="r")) if path.is_file() else None
