"""The meshes of a glTF file, where its graph of nodes puts them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
from jaxtyping import Float, Int, UInt8
from scipy.spatial.transform import Rotation

from pixbench.geometry.cameras import transform_points

from ...base import BadModelError
from ..colors import srgb_bytes
from ..companions import Companions
from ..parts import Part
from .accessors import floats, integers
from .document import Document, Json, uris
from .extensions import DRACO, reader
from .materials import Materials

TRIANGLES, STRIP, FAN = 4, 5, 6
DEEPEST, MOST_NODES, MOST_PARTS, MOST_POINTS = 200, 100_000, 200_000, 8_000_000
"""Limits on the graph of nodes: shared children and instances let a small file describe a huge scene."""

Numbers = Sequence[float] | np.ndarray


def read_gltf(data: bytes, companions: Companions, defects: Counter[str]) -> list[Part]:
    """The parts of a glTF file, one per primitive of each instance. Raises BadModelError if it cannot be read."""
    document = Document(data, companions)
    materials = Materials(document, defects)
    parts: list[Part] = []
    points = placed = 0
    for node, T in _instances(document):
        mesh = document.items("meshes")[node["mesh"]]
        weights = node.get("weights") or mesh.get("weights") or ()
        placed += len(mesh["primitives"])
        if placed > MOST_PARTS:
            raise BadModelError("cannot be parsed", f"gltf: its primitives are placed more than {MOST_PARTS} times")
        for primitive in mesh["primitives"]:
            if primitive.get("mode", TRIANGLES) < TRIANGLES:
                defects["lines and points (left out)"] = 1
                continue
            parts.append(_part(document, primitive, node, T, weights, materials, defects))
            points += len(parts[-1].vertices)
            if points > MOST_POINTS:
                raise BadModelError("too large for the memory", f"gltf: instances with more than {MOST_POINTS} points")
    return parts


def files_of_gltf(data: bytes, companions: Companions) -> None:
    """Read the buffers and images of a glTF file through `companions`, which remembers them."""
    for uri in uris(data):
        companions.read(uri)


def _instances(document: Document) -> Iterator[tuple[Json, Float[np.ndarray, "4 4"]]]:
    """The nodes with a mesh in the scene that is shown, each with its transform to the frame of the file."""
    nodes, scenes = document.items("nodes"), document.items("scenes")
    children = {child for node in nodes for child in node.get("children", ())}
    roots = scenes[document.json.get("scene", 0)].get("nodes", []) if scenes else [k for k in range(len(nodes)) if k not in children]
    placed = list(islice(_walk(nodes, roots, np.eye(4), 0), MOST_NODES + 1))
    if len(placed) > MOST_NODES:
        raise BadModelError("cannot be parsed", f"gltf: its nodes are placed more than {MOST_NODES} times")
    world = dict(placed)
    repeats: dict[int, Float[np.ndarray, "instances 4 4"]] = {}
    instances = 0
    for number, T in placed:
        node = nodes[number]
        if "mesh" in node:
            if number not in repeats:
                repeats[number] = _repeats(document, node)
            instances += len(repeats[number])
            if instances > MOST_NODES:
                raise _too_many_instances()
            for instance in repeats[number]:
                yield {**node, "_world": world}, T @ instance


def _walk(nodes: list[Json], numbers: list[int], T: Float[np.ndarray, "4 4"], depth: int) -> Iterator[tuple[int, np.ndarray]]:
    if depth > DEEPEST:
        raise BadModelError("cannot be parsed", "gltf: a node is its own ancestor")
    for number in numbers:
        own = T @ _transform(nodes[number])
        yield number, own
        yield from _walk(nodes, nodes[number].get("children", []), own, depth + 1)


def _transform(node: Json) -> Float[np.ndarray, "4 4"]:
    if "matrix" in node:
        return np.array(node["matrix"], float).reshape(4, 4).T
    return _matrix(node.get("translation", (0, 0, 0)), node.get("rotation", (0, 0, 0, 1)), node.get("scale", (1, 1, 1)))


def _matrix(translation: Numbers, rotation: Numbers, scale: Numbers) -> Float[np.ndarray, "4 4"]:
    """The transform with a translation, a rotation (a quaternion x y z w), and a scale."""
    T = np.eye(4)
    T[:3, :3] = Rotation.from_quat(np.asarray(rotation, float)).as_matrix() * np.asarray(scale, float)
    T[:3, 3] = translation
    return T


def _repeats(document: Document, node: Json) -> Float[np.ndarray, "instances 4 4"]:
    """The transforms of the instances of a node (EXT_mesh_gpu_instancing); the identity if it has none."""
    found = (node.get("extensions") or {}).get("EXT_mesh_gpu_instancing", {}).get("attributes", {})
    accessors = document.items("accessors")
    count = max((accessors[number]["count"] for number in found.values()), default=0)
    if not count:
        return np.eye(4)[None]
    # Before anything of that size is made: a count without stored rows costs a file nothing.
    if count > MOST_NODES:
        raise _too_many_instances()
    columns = {name: floats(document, number) for name, number in found.items()}
    default = {"TRANSLATION": (0.0, 0, 0), "ROTATION": (0.0, 0, 0, 1), "SCALE": (1.0, 1, 1)}
    rows = {name: columns.get(name, np.tile(value, (count, 1))) for name, value in default.items()}
    if len({len(values) for values in rows.values()}) > 1:
        raise BadModelError("cannot be parsed", "gltf: attributes of instances differ in length")
    T = np.tile(np.eye(4), (count, 1, 1))
    T[:, :3, :3] = Rotation.from_quat(rows["ROTATION"]).as_matrix() * rows["SCALE"][:, None]
    T[:, :3, 3] = rows["TRANSLATION"]
    return T


def _too_many_instances() -> BadModelError:
    return BadModelError("cannot be parsed", f"gltf: its meshes have more than {MOST_NODES} instances")


def _part(
    document: Document, primitive: Json, node: Json, T: np.ndarray, weights: Sequence[float], materials: Materials, defects: Counter[str]
) -> Part:
    columns, faces = _columns(document, primitive)
    if "POSITION" not in columns:
        raise BadModelError("cannot be parsed", "gltf: a primitive without POSITION")
    points = columns["POSITION"]
    for weight, target in zip(weights, primitive.get("targets", ()), strict=False):
        if weight and "POSITION" in target:
            points = points + weight * floats(document, target["POSITION"])
    if "skin" in node and "JOINTS_0" in columns:
        points = _skinned(document, node, columns, points)
    else:
        points = transform_points(T, points)
        faces = faces[:, ::-1] if np.linalg.det(T[:3, :3]) < 0 else faces
    if len(faces) and (faces.min() < 0 or faces.max() >= len(points)):
        raise BadModelError("faces with corners that are not there")
    colors = columns.get("COLOR_0")
    found = materials.get(primitive.get("material"), colored=colors is not None)
    uv = columns.get(f"TEXCOORD_{found.texcoord}")
    if found.material.texture is not None and uv is None:
        defects["texture without texture coordinates (left out)"] = 1
    if uv is not None and found.transform is not None:
        uv = uv @ found.transform[:, :2].T + found.transform[:, 2]
    if uv is not None:
        # One repeat lower, so that v in [0, 1] becomes [-1, 0] as that of an OBJ does.
        uv = np.stack([uv[:, 0], -(1 - uv[:, 1].astype(np.float32))], axis=1)
    color: UInt8[np.ndarray, "vertices 3"] | None = srgb_bytes(colors[:, :3]) if colors is not None else None
    corner_uv, corner_color = (None if values is None else values[faces] for values in (uv, color))
    return Part(points, faces, found.material, corner_uv, corner_color, found.opacity, found.repeats)


def _columns(document: Document, primitive: Json) -> tuple[dict[str, np.ndarray], Int[np.ndarray, "faces 3"]]:
    """The attributes of a primitive by name, and its triangles."""
    accessors, attributes = document.items("accessors"), primitive["attributes"]
    packed = (primitive.get("extensions") or {}).get(DRACO)
    if packed is not None and "bufferView" not in accessors[attributes["POSITION"]]:
        return _unpacked(document, primitive, packed)
    columns = {name: floats(document, number) for name, number in attributes.items()}
    if "JOINTS_0" in attributes:
        columns["JOINTS_0"] = integers(document, attributes["JOINTS_0"])
    index = integers(document, primitive["indices"])[:, 0] if "indices" in primitive else np.arange(len(columns.get("POSITION", ())))
    return columns, _triangles(index, primitive.get("mode", TRIANGLES))


def _unpacked(document: Document, primitive: Json, packed: Json) -> tuple[dict[str, np.ndarray], Int[np.ndarray, "faces 3"]]:
    """Attributes and triangles of a primitive that Draco has compressed."""
    mesh = reader(DRACO).decode(document.view(packed["bufferView"]))
    columns = {}
    for name, unique_id in packed["attributes"].items():
        values = np.asarray(mesh.get_attribute_by_unique_id(unique_id)["data"])
        if document.items("accessors")[primitive["attributes"][name]].get("normalized") and values.dtype.kind in "iu":
            columns[name] = values.astype(float) / np.iinfo(values.dtype).max
        else:
            columns[name] = values.astype(np.int64 if name == "JOINTS_0" else np.float64)
    return columns, np.asarray(mesh.faces, np.int64).reshape(-1, 3)


def _triangles(index: Int[np.ndarray, " corners"], mode: int) -> Int[np.ndarray, "faces 3"]:
    if mode == STRIP and len(index) > 2:
        faces = np.stack([index[:-2], index[1:-1], index[2:]], axis=1)
        faces[1::2] = faces[1::2][:, [1, 0, 2]]
        return faces
    if mode == FAN and len(index) > 2:
        return np.stack([np.full(len(index) - 2, index[0]), index[1:-1], index[2:]], axis=1)
    return index[: len(index) // 3 * 3].reshape(-1, 3)


def _skinned(document: Document, node: Json, columns: dict[str, np.ndarray], points: np.ndarray) -> Float[np.ndarray, "vertices 3"]:
    """Points of a skinned mesh in the pose of the file: the node's own transform does not count."""
    skin, world = document.items("skins")[node["skin"]], node["_world"]
    joints = skin["joints"]
    bind = np.tile(np.eye(4), (len(joints), 1, 1))
    if "inverseBindMatrices" in skin:
        bind = floats(document, skin["inverseBindMatrices"]).reshape(-1, 4, 4).transpose(0, 2, 1)
    matrices = np.stack([world.get(joint, np.eye(4)) @ bind[k] for k, joint in enumerate(joints)])
    weights = columns["WEIGHTS_0"] / np.maximum(columns["WEIGHTS_0"].sum(axis=1, keepdims=True), 1e-12)
    homogeneous = np.concatenate([points, np.ones((len(points), 1))], axis=1)
    return np.einsum("vj,vjrc,vc->vr", weights, matrices[columns["JOINTS_0"]][:, :, :3], homogeneous)
