"""The disk cache of converted models: memory-mapped arrays, found by the hash of the files that they were made from."""

import hashlib
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from pixbench.assets.paths import cache_folder
from pixbench.errors import UserError
from pixbench.io.files import file_sha256

from ...scene import Material, Mesh
from ..base import BadModelError
from ..formats.mesh_file import read_model
from ..formats.parts import RawModel
from .archive import Files
from .cleaning import cleaned
from .content_hash import content_sha256

CONVERSION = 10
"""Version of the conversion: increased with every change of its results, so that old ones are not used."""

OBJECT_FACES = 200_000
ROOM_FACES = 2_500_000
ARRAYS = ("vertices", "faces", "uv", "normals", "material", "part", "color")


@dataclass(frozen=True, eq=False)
class Converted:
    """A cleaned model in the frame of its file, with the sha256 of its files and the number of its defects by kind."""

    mesh: Mesh
    sha256: str
    defects: Counter[str]


def converted(files: Files, path: str, *, most_faces: int = OBJECT_FACES) -> Converted:
    """A model, read and cleaned, or from the cache. Raises BadModelError if it cannot be used."""
    try:
        sha256 = content_sha256(files, path)
    except FileNotFoundError:
        raise BadModelError("no mesh file", path) from None
    except OSError as error:
        raise BadModelError("cannot be read", f"{path}: {error.strerror or error}") from None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:  # of names in a damaged file
        raise BadModelError("cannot be parsed", f"{path}: {type(error).__name__}: {error}") from None
    kind = path.rpartition(".")[2].lower()
    return converted_raw(kind, sha256, lambda: read_model(files, path), most_faces=most_faces)


def converted_raw(recipe: str, sha256: str, make: Callable[[], RawModel], *, most_faces: int) -> Converted:
    """What `make` reads from files with the hash `sha256`, cleaned, or from the cache.

    `recipe` is part of the cache key: it names the options that `make` depends on. BadModelError of `make` or of cleaning is passed
    on, and nothing is cached. Raises UserError if the cache cannot be written.
    """
    key = hashlib.sha256(f"{CONVERSION} {recipe} {most_faces} {sha256}".encode()).hexdigest()
    folder = cache_folder() / "models" / key[:2] / key
    if not _is_whole(folder):
        shutil.rmtree(folder, ignore_errors=True)
        mesh, defects = _cleaned(make(), most_faces)
        try:
            _store(folder, mesh, defects)
        except OSError as error:
            reason = error.strerror or error
            raise UserError(
                f"cache {cache_folder()} cannot be written ({reason}): free space, or set PIXBENCH_CACHE to another place"
            ) from None
    mesh, defects = _load(folder)
    return Converted(mesh, sha256, defects)


def _cleaned(raw: RawModel, most_faces: int) -> tuple[Mesh, Counter[str]]:
    """The cleaned model. Any error of cleaning is raised as BadModelError."""
    try:
        return cleaned(raw, most_faces=most_faces)
    except (BadModelError, MemoryError):
        raise
    except Exception as error:
        raise BadModelError("cannot be cleaned", f"{type(error).__name__}: {error}") from error


def _store(folder: Path, mesh: Mesh, defects: Counter[str]) -> None:
    """Write to a temporary folder and rename it, so that a folder with the final name is complete."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        _write(temporary, mesh, defects)
        with suppress(OSError):  # another process has stored the same conversion
            temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _write(folder: Path, mesh: Mesh, defects: Counter[str]) -> None:
    for name in ARRAYS:
        values = getattr(mesh, name)
        if values is not None:
            np.save(folder / f"{name}.npy", values)
    textures = {id(material.texture): material.texture for material in mesh.materials if material.texture is not None}
    for number, texture in enumerate(textures.values()):
        np.save(folder / f"texture{number}.npy", texture)
    numbers = {key: number for number, key in enumerate(textures)}
    plain = [
        {item.name: getattr(material, item.name) for item in fields(Material)} | {"texture": numbers.get(id(material.texture))}
        for material in mesh.materials
    ]
    hashes = {path.name: file_sha256(path) for path in sorted(folder.iterdir())}
    described = {"materials": plain, "textures": len(textures), "defects": defects, "sha256": hashes}
    (folder / "model.json").write_text(json.dumps(described))


def _is_whole(folder: Path) -> bool:
    """Whether all files of a conversion exist unchanged: a missing one would be taken for an optional array."""
    try:
        hashes = json.loads((folder / "model.json").read_text())["sha256"]
        return all(file_sha256(folder / name) == sha256 for name, sha256 in hashes.items())
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
    """The array as a read-only memory map, None if the file does not exist."""
    return np.asarray(np.load(path, mmap_mode="r")) if path.is_file() else None
