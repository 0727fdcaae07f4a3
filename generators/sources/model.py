"""Reads a mesh file of any format that trimesh knows, with its materials and textures, as it comes: no cleaning, no scaling."""

import hashlib
import io
import logging
import re
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import trimesh
from jaxtyping import Float, Int, UInt8
from PIL import Image
from trimesh.visual.material import PBRMaterial, SimpleMaterial

from ..scene import Material
from .base import BadModelError
from .files import Files, joined
from .polygons import without_concave_polygons

TEXTURE_LIMIT = 1024
"""Textures are kept at most this large, in pixels along the longer side."""

TRANSPARENT = 0.4
"""Faces of a material less opaque than this are glass: one sees through them, so they are left out."""

GLASS_LEFT_OUT = "transparent parts (left out)"

# trimesh logs what it cannot find; here that is counted instead.
logging.getLogger("trimesh").setLevel(logging.CRITICAL)


@dataclass(eq=False)
class RawModel:
    """A model as its file has it, in the file's own frame and unit. `defects` counts what was found wrong, by kind."""

    vertices: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "faces 3"]
    uv: Float[np.ndarray, "faces 3 2"]
    material: Int[np.ndarray, " faces"]
    materials: tuple[Material, ...]
    color: UInt8[np.ndarray, "faces 3 3"] | None = None
    group: Int[np.ndarray, " faces"] | None = None
    defects: Counter[str] = field(default_factory=Counter)


def content_sha256(files: Files, path: str) -> str:
    """Hash over a model file and, for an OBJ, over its materials and textures as far as they exist."""
    digest = hashlib.sha256()
    for name, data in _contents(files, path):
        digest.update(name.encode() + b"\0" + len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()


def _contents(files: Files, path: str) -> list[tuple[str, bytes]]:
    """The files that make a model, named relative to its folder. A missing one is listed as empty."""
    folder, _, name = path.rpartition("/")
    found = [(name, files.read(path))]
    if name.lower().endswith(".obj"):
        for library in _mentioned(found[0][1], rb"^mtllib\s+(.+?)\s*$"):
            found.append((library, _read_or_empty(files, joined(folder, library))))
            below = joined(folder, library).rpartition("/")[0]
            for texture in _mentioned(found[-1][1], rb"^\s*map_Kd\s+(?:.*\s)?(\S+)\s*$"):
                found.append((texture, _read_or_empty(files, joined(below, texture))))
    return found


def _mentioned(text: bytes, pattern: bytes) -> list[str]:
    names = (match.group(1).decode("utf-8", "replace") for match in re.finditer(pattern, text, re.MULTILINE | re.IGNORECASE))
    return list(dict.fromkeys(names))


def _read_or_empty(files: Files, path: str) -> bytes:
    try:
        return files.read(path)
    except OSError:
        return b""


class _Resolver(trimesh.resolvers.Resolver):
    """Gives trimesh the files beside a model, and remembers which were missing."""

    def __init__(self, files: Files, folder: str):
        self._files, self._folder = files, folder
        self.missing: set[str] = set()

    def get(self, name: str) -> bytes:
        try:
            return self._files.read(joined(self._folder, name.strip()))
        except OSError:
            self.missing.add(name)
            raise

    def keys(self) -> list[str]:
        return []

    def write(self, name: str, data: bytes) -> None:
        raise NotImplementedError("a model's files are only read")

    def namespaced(self, namespace: str) -> "_Resolver":
        return _Resolver(self._files, joined(self._folder, namespace))


def read_model(files: Files, path: str) -> RawModel:
    """Read a model; BadModelError where there is no file, it cannot be parsed, or it has no faces."""
    try:
        data = files.read(path)
    except OSError:
        raise BadModelError("no mesh file", path) from None
    kind = path.rpartition(".")[2].lower()
    data, concave = without_concave_polygons(data) if kind == "obj" else (data, 0)
    resolver = _Resolver(files, path.rpartition("/")[0])
    try:
        loaded = trimesh.load_scene(io.BytesIO(data), file_type=kind, resolver=resolver, process=False)
        parts = [part for part in loaded.dump() if isinstance(part, trimesh.Trimesh) and len(part.faces)]
    except Exception as error:  # a parser's trouble has a hundred types
        raise BadModelError("cannot be parsed", f"{path}: {type(error).__name__}: {error}") from None
    if not parts:
        raise BadModelError("no faces", path)
    model = _gathered(parts)
    if not np.isfinite(model.vertices[model.faces]).all():
        raise BadModelError("coordinates that are no numbers", path)
    model.defects["missing file (material or texture)"] += len(resolver.missing)
    if kind == "obj" and re.search(rb"^f(\s+\S+){4,}", data, re.MULTILINE):
        model.defects["polygons (triangulated)"] += 1
    model.defects["concave polygons (cut into triangles)"] += concave
    model.defects = +model.defects
    return model


def _gathered(parts: list[trimesh.Trimesh]) -> RawModel:
    """One model of many parts."""
    defects: Counter[str] = Counter()
    materials: list[Material] = []
    columns: dict[str, list[np.ndarray]] = {name: [] for name in ("vertices", "faces", "uv", "material", "color", "group")}
    offset, colored = 0, False
    for number, part in enumerate(parts):
        faces = np.asarray(part.faces, np.int64)
        uv = getattr(part.visual, "uv", None)
        material, opacity = _material(part, defects)
        if opacity < TRANSPARENT:
            defects[GLASS_LEFT_OUT] += 1
            continue
        columns["vertices"].append(np.asarray(part.vertices, np.float64))
        columns["faces"].append(faces + offset)
        # OBJ's v runs up, ours down the rows.
        texel = (
            np.asarray(uv, np.float64)[faces] * [1, -1]
            if uv is not None and len(uv) == len(part.vertices)
            else np.zeros((len(faces), 3, 2))
        )
        columns["uv"].append(np.nan_to_num(texel))
        columns["material"].append(np.full(len(faces), len(materials)))
        columns["group"].append(np.full(len(faces), number))
        has_color = part.visual.kind == "vertex"
        colored |= has_color
        shade = np.asarray(part.visual.vertex_colors, np.uint8)[:, :3][faces] if has_color else np.full((len(faces), 3, 3), 255, np.uint8)
        columns["color"].append(shade)
        if np.abs(columns["uv"][-1]).max(initial=0) > 1.001 and material.texture is not None:
            defects["texture coordinates outside [0, 1] (repeated)"] = 1
        materials.append(material)
        offset += len(part.vertices)
    if not columns["faces"]:
        raise BadModelError("only transparent parts")
    joined_columns = {name: np.concatenate(values) for name, values in columns.items()}
    if not colored:
        joined_columns["color"] = None  # type: ignore[assignment]
    return RawModel(**joined_columns, materials=tuple(materials), defects=defects)  # type: ignore[arg-type]


def _material(part: trimesh.Trimesh, defects: Counter[str]) -> tuple[Material, float]:
    """A part's material, and its opacity."""
    found = getattr(part.visual, "material", None)
    if part.visual.kind == "vertex" or found is None:
        return Material((1.0, 1.0, 1.0) if part.visual.kind == "vertex" else (0.7, 0.7, 0.7)), 1.0
    if isinstance(found, PBRMaterial):
        rgba = np.asarray(found.baseColorFactor if found.baseColorFactor is not None else (255, 255, 255, 255), float) / 255
        roughness = 1.0 if found.roughnessFactor is None else float(found.roughnessFactor)
        texture = _texture(found.baseColorTexture, defects)
        return Material(_rgb(rgba), texture, gloss=0.3 * (1 - roughness), roughness=roughness), float(rgba[3])
    if not isinstance(found, SimpleMaterial):
        return Material(), 1.0
    texture = _texture(found.image, defects)
    diffuse = np.asarray(found.diffuse, float)[:3] / 255
    # A black base colour under a texture is an exporter's default, not paint.
    color = (1.0, 1.0, 1.0) if texture is not None and diffuse.max() < 0.05 else _rgb(diffuse)
    specular = float(np.mean(np.asarray(found.specular if found.specular is not None else (0, 0, 0), float)[:3]) / 255)
    shininess = _number(found.glossiness, 10.0)
    # Blinn and Phong's exponent as the roughness of a microfacet surface: alpha = sqrt(2 / (n + 2)), roughness = sqrt(alpha).
    roughness = float((2 / (max(shininess, 0.0) + 2)) ** 0.25)
    return Material(color, texture, gloss=0.35 * specular, roughness=roughness), _opacity(found.kwargs, defects)


def _opacity(keywords: dict[str, object], defects: Counter[str]) -> float:
    """`d` is opacity; `Tr` is transparency, but many exporters write it the other way round: 1 for all that can be seen."""
    lowered = {name.lower(): value for name, value in keywords.items()}
    if "d" in lowered:
        return _number(lowered["d"], 1.0)
    if "tr" in lowered:
        transparency = _number(lowered["tr"], 0.0)
        if transparency >= 1.0:
            defects["transparency written as opacity (taken as opaque)"] += 1
            return 1.0
        return 1.0 - transparency
    return 1.0


def _number(value: object, default: float) -> float:
    try:
        flat = np.ravel(np.asarray(value, dtype=float))
        return float(flat[0]) if len(flat) and np.isfinite(flat[0]) else default
    except (TypeError, ValueError):
        return default


def _rgb(color: Float[np.ndarray, " channels"]) -> tuple[float, float, float]:
    r, g, b = (float(np.clip(value, 0, 1)) for value in color[:3])
    return r, g, b


def _texture(image: Image.Image | None, defects: Counter[str]) -> UInt8[np.ndarray, "rows columns 3"] | None:
    """An image as RGB; what was cut out by its alpha channel is shown in its own colour."""
    if image is None:
        return None
    try:
        if image.format == "PNG" and str(getattr(image, "filename", "")).lower().endswith((".jpg", ".jpeg")):
            defects["PNG bytes in a .jpg"] += 1
        pixels = image.convert("RGB")
        if max(pixels.size) > TEXTURE_LIMIT:
            pixels.thumbnail((TEXTURE_LIMIT, TEXTURE_LIMIT), Image.Resampling.BOX)
        return np.asarray(pixels, np.uint8)
    except Exception:  # a decoder's trouble has a hundred types
        defects["corrupt texture (material colour used)"] += 1
        return None
