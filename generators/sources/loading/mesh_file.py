"""Reads a mesh file of any format that trimesh knows, with its materials and textures, as it comes: no cleaning, no scaling."""

import hashlib
import io
import json
import logging
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

import numpy as np
import trimesh
from jaxtyping import Float, Int, UInt8
from PIL import Image
from trimesh.visual.material import PBRMaterial, SimpleMaterial

from pixbench.geometry.cameras import transform_points

from ...scene import Material
from ..base import BadModelError
from .archive import Files, joined
from .obj_polygons import without_concave_polygons

TEXTURE_LIMIT = 1024
"""Textures are kept at most this large, in pixels along the longer side."""

TRANSPARENT = 0.4
"""Faces of a material less opaque than this are glass: one sees through them, so they are left out."""

CORRUPT = "corrupt texture (material colour used)"
TR_INVERTED = "transparency written as opacity (taken as opaque)"
IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".tga", ".gif", ".tif", ".tiff")
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
    """Hash over a model file and over the materials, textures and buffers that an OBJ or glTF names, as far as they exist."""
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
    if name.lower().endswith(".gltf"):
        found += [(other, _read_or_empty(files, joined(folder, other))) for other in _gltf_files(found[0][1])]
    return found


def _gltf_files(data: bytes) -> list[str]:
    """The buffers and images beside a glTF; none where it cannot be parsed, which reading it will tell."""
    try:
        described = json.loads(data)
        uris = [str(item.get("uri", "data:")) for kind in ("buffers", "images") for item in described.get(kind, ())]
    except (ValueError, AttributeError, TypeError):
        return []
    return [unquote(uri) for uri in uris if not uri.startswith("data:")]


def _mentioned(text: bytes, pattern: bytes) -> list[str]:
    names = (match.group(1).decode("utf-8", "replace") for match in re.finditer(pattern, text, re.MULTILINE | re.IGNORECASE))
    return list(dict.fromkeys(names))


def _read_or_empty(files: Files, path: str) -> bytes:
    try:
        return files.read(path)
    except OSError:
        return b""


class _Resolver(trimesh.resolvers.Resolver):
    """Gives trimesh the files beside a model, and remembers what was wrong with which: trimesh goes on without a word."""

    def __init__(self, files: Files, folder: str):
        self._files, self._folder = files, folder
        self.found_wrong: set[tuple[str, str]] = set()

    def get(self, name: str) -> bytes:
        try:
            data = self._files.read(joined(self._folder, name.strip()))
        except OSError:
            self.found_wrong.add(("missing file (material or texture)", name))
            raise
        if name.strip().lower().endswith(IMAGES):
            self._look_at_image(name, data)
        return data

    def _look_at_image(self, name: str, data: bytes) -> None:
        try:
            kind = Image.open(io.BytesIO(data)).format
        except Exception:  # a decoder's trouble has a hundred types
            self.found_wrong.add((CORRUPT, name))
            return
        if kind == "PNG" and not name.strip().lower().endswith(".png"):
            self.found_wrong.add(("PNG bytes in a file of another name", name))

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
        parts = _parts(loaded)
    except Exception as error:  # a parser's trouble has a hundred types
        raise BadModelError("cannot be parsed", f"{path}: {type(error).__name__}: {error}") from None
    if not parts:
        raise BadModelError("no faces", path)
    if any(part.faces.min() < 0 or part.faces.max() >= len(part.vertices) for part in parts):
        raise BadModelError("faces with corners that are not there", path)
    model = _gathered(parts)
    if not np.isfinite(model.vertices[model.faces]).all():
        raise BadModelError("coordinates that are no numbers", path)
    model.defects.update(kind for kind, _ in resolver.found_wrong)
    if kind == "obj" and re.search(rb"^f([ \t]+[^\s#]+){4,}", data, re.MULTILINE):
        model.defects["polygons (triangulated)"] += 1
    model.defects["concave polygons (cut into triangles)"] += concave
    model.defects = +model.defects
    return model


def _parts(scene: trimesh.Scene) -> list[trimesh.Trimesh]:
    """The meshes of a scene where its graph puts them. Scene.dump would copy, and so decode, every texture with every mesh."""
    found = []
    for node in scene.graph.nodes_geometry:
        T, name = scene.graph[node]
        mesh = scene.geometry[name]
        if isinstance(mesh, trimesh.Trimesh) and len(mesh.faces):
            faces = mesh.faces[:, ::-1] if np.linalg.det(T[:3, :3]) < 0 else mesh.faces
            vertices = transform_points(np.asarray(T, np.float64), np.asarray(mesh.vertices, np.float64))
            found.append(trimesh.Trimesh(vertices, faces, visual=mesh.visual, process=False))
    return found


def _gathered(parts: list[trimesh.Trimesh]) -> RawModel:
    """One model of many parts."""
    defects: Counter[str] = Counter()
    materials: list[Material] = []
    columns: dict[str, list[np.ndarray]] = {name: [] for name in ("vertices", "faces", "uv", "material", "color", "group")}
    offset, colored = 0, False
    looks = [_material(part, defects) for part in parts]
    if all(opacity == 0 for _, opacity in looks):
        # Nobody models what cannot be seen: the exporter wrote transparency.
        defects[TR_INVERTED] += 1
        looks = [(material, 1.0) for material, _ in looks]
    for number, (part, (material, opacity)) in enumerate(zip(parts, looks, strict=True)):
        faces = np.asarray(part.faces, np.int64)
        uv = getattr(part.visual, "uv", None)
        if opacity < TRANSPARENT:
            defects[GLASS_LEFT_OUT] += 1
            continue
        columns["vertices"].append(np.asarray(part.vertices, np.float64))
        columns["faces"].append(faces + offset)
        mapped = uv is not None and len(uv) == len(part.vertices)
        # OBJ's v runs up, ours down the rows.
        texel = np.asarray(uv, np.float64)[faces] * [1, -1] if mapped else np.zeros((len(faces), 3, 2))
        columns["uv"].append(np.nan_to_num(texel))
        columns["material"].append(np.full(len(faces), len(materials)))
        columns["group"].append(np.full(len(faces), number))
        columns["color"].append(_corner_colors(part))
        colored |= _is_colored(part)
        if material.texture is not None and np.abs(columns["uv"][-1] + [-0.5, 0.5]).max() > 0.501:
            defects["texture coordinates outside [0, 1] (repeated)"] = 1
        materials.append(material)
        offset += len(part.vertices)
    if not columns["faces"]:
        raise BadModelError("only transparent parts")
    whole = {name: np.concatenate(values) for name, values in columns.items()}
    color = whole.pop("color")
    return RawModel(**whole, color=color if colored else None, materials=_sharing_textures(materials), defects=defects)


def _is_colored(part: trimesh.Trimesh) -> bool:
    return part.visual is not None and part.visual.kind in ("vertex", "face")


def _corner_colors(part: trimesh.Trimesh) -> UInt8[np.ndarray, "faces 3 3"]:
    """The colours of vertices or faces at each corner, white where there are none."""
    visual: Any = part.visual
    if visual.kind == "vertex":
        return np.asarray(visual.vertex_colors, np.uint8)[:, :3][part.faces]
    if visual.kind == "face":
        return np.repeat(np.asarray(visual.face_colors, np.uint8)[:, None, :3], 3, axis=1)
    return np.full((len(part.faces), 3, 3), 255, np.uint8)


def _sharing_textures(materials: list[Material]) -> tuple[Material, ...]:
    """Equal textures as one array: every material of an OBJ opens its own copy of a file."""
    known: dict[tuple[tuple[int, ...], bytes], np.ndarray] = {}
    shared = []
    for material in materials:
        if material.texture is not None:
            key = (material.texture.shape, hashlib.sha256(material.texture.tobytes()).digest())
            material = replace(material, texture=known.setdefault(key, material.texture))
        shared.append(material)
    return tuple(shared)


def _material(part: trimesh.Trimesh, defects: Counter[str]) -> tuple[Material, float]:
    """A part's material, and its opacity."""
    found = getattr(part.visual, "material", None)
    if _is_colored(part):
        return Material((1.0, 1.0, 1.0)), 1.0
    if found is None:
        return Material((0.7, 0.7, 0.7)), 1.0
    if isinstance(found, PBRMaterial):
        rgba = np.asarray(found.baseColorFactor if found.baseColorFactor is not None else (255, 255, 255, 255), float) / 255
        roughness = 1.0 if found.roughnessFactor is None else float(found.roughnessFactor)
        texture = _texture(found.baseColorTexture, defects)
        opacity = 1.0 if found.alphaMode in (None, "OPAQUE") else float(rgba[3])
        return Material(_rgb(rgba), texture, gloss=0.3 * (1 - roughness), roughness=roughness), opacity
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
            defects[TR_INVERTED] += 1
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
        pixels = image.convert("RGB")
        if max(pixels.size) > TEXTURE_LIMIT:
            pixels.thumbnail((TEXTURE_LIMIT, TEXTURE_LIMIT), Image.Resampling.BOX)
        return np.asarray(pixels, np.uint8)
    except Exception:  # a decoder's trouble has a hundred types
        defects[CORRUPT] += 1
        return None
