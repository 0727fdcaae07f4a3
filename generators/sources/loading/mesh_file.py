"""Reads a mesh file of any format that trimesh knows, with its materials and textures, without cleaning or scaling it."""

import io
import logging
import re
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import trimesh
from jaxtyping import Float, Int, UInt8
from PIL import Image

from pixbench.geometry.cameras import transform_points

from ...scene import Material
from ..base import BadModelError
from .archive import Files, joined
from .mesh_materials import CORRUPT, TR_INVERTED, corner_colors, is_colored, material_and_opacity, sharing_textures
from .obj_polygons import without_concave_polygons

TRANSPARENT = 0.4
"""Faces of a material with a lower opacity are glass and left out."""

IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".tga", ".gif", ".tif", ".tiff")
GLASS_LEFT_OUT = "transparent parts (left out)"

# trimesh logs what it cannot find; here that is counted as a defect instead.
logging.getLogger("trimesh").setLevel(logging.CRITICAL)


@dataclass(eq=False)
class RawModel:
    """A model as it is in its file, in the frame and unit of the file. `defects` counts its defects by kind."""

    vertices: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "faces 3"]
    uv: Float[np.ndarray, "faces 3 2"]
    material: Int[np.ndarray, " faces"]
    materials: tuple[Material, ...]
    color: UInt8[np.ndarray, "faces 3 3"] | None = None
    group: Int[np.ndarray, " faces"] | None = None
    defects: Counter[str] = field(default_factory=Counter)


class _Resolver(trimesh.resolvers.Resolver):
    """Provides trimesh with the files that a model references, and records defective ones, which trimesh ignores silently."""

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
        except Exception:  # decoders raise many types
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
    """Read a model. Raises BadModelError if the file does not exist, cannot be parsed, or has no faces."""
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
    except Exception as error:  # parsers raise many types
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
    """The meshes of a scene with the transforms of its graph. Scene.dump would copy, and so decode, all textures for each mesh."""
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
    """Join the parts to one model."""
    defects: Counter[str] = Counter()
    materials: list[Material] = []
    columns: dict[str, list[np.ndarray]] = {name: [] for name in ("vertices", "faces", "uv", "material", "color", "group")}
    offset, colored = 0, False
    appearances = [material_and_opacity(part, defects) for part in parts]
    if all(opacity == 0 for _, opacity in appearances):
        # A model that is entirely transparent comes from an exporter that wrote transparency instead of opacity.
        defects[TR_INVERTED] += 1
        appearances = [(material, 1.0) for material, _ in appearances]
    for number, (part, (material, opacity)) in enumerate(zip(parts, appearances, strict=True)):
        faces = np.asarray(part.faces, np.int64)
        uv = getattr(part.visual, "uv", None)
        if opacity < TRANSPARENT:
            defects[GLASS_LEFT_OUT] += 1
            continue
        columns["vertices"].append(np.asarray(part.vertices, np.float64))
        columns["faces"].append(faces + offset)
        mapped = uv is not None and len(uv) == len(part.vertices)
        # v points up in OBJ and down here.
        texel = np.asarray(uv, np.float64)[faces] * [1, -1] if mapped else np.zeros((len(faces), 3, 2))
        columns["uv"].append(np.nan_to_num(texel))
        columns["material"].append(np.full(len(faces), len(materials)))
        columns["group"].append(np.full(len(faces), number))
        columns["color"].append(corner_colors(part))
        colored |= is_colored(part)
        if material.texture is not None and np.abs(columns["uv"][-1] + [-0.5, 0.5]).max() > 0.501:
            defects["texture coordinates outside [0, 1] (repeated)"] = 1
        materials.append(material)
        offset += len(part.vertices)
    if not columns["faces"]:
        raise BadModelError("only transparent parts")
    whole = {name: np.concatenate(values) for name, values in columns.items()}
    color = whole.pop("color")
    return RawModel(**whole, color=color if colored else None, materials=sharing_textures(materials), defects=defects)
