"""A square with a texture of four colours, in several file formats, and its rendered colours."""

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mesh_files import write
from PIL import Image
from textured_boxes import glb

from pixbench.generators.meshes.contact_sheet import flat_picture
from pixbench.generators.scene import Asset, Mesh
from pixbench.generators.sources.folder import ObjectFolder

RED, GREEN, BLUE, YELLOW = (200, 40, 40), (40, 160, 60), (40, 70, 190), (220, 190, 50)
QUARTERS = (RED, GREEN, BLUE, YELLOW)
"""Upper left, upper right, lower left, lower right."""

MIRRORED, TURNED = (GREEN, RED, YELLOW, BLUE), (YELLOW, BLUE, GREEN, RED)
POINTS = np.array([(-0.5, 0, 0), (0.5, 0, 0), (0.5, 1, 0), (-0.5, 1, 0)])
TEXELS = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], float)
"""With v up, as in OBJ and PLY."""

Files = dict[str, str | bytes]


def quarters(size: int = 32) -> np.ndarray:
    """The texture (size, size, 3)."""
    return np.array(QUARTERS, np.uint8).reshape(2, 2, 3).repeat(size // 2, 0).repeat(size // 2, 1)


def encoded(image: np.ndarray | Image.Image | None = None, kind: str = "PNG", **options: Any) -> bytes:
    """An image, the four quarters by default, as the bytes of a file."""
    stream = io.BytesIO()
    picture = Image.fromarray(quarters()) if image is None else image if isinstance(image, Image.Image) else Image.fromarray(image)
    picture.save(stream, kind, **options)
    return stream.getvalue()


def obj_quad(head: str = "mtllib m.mtl\nusemtl a\n", *, colors: Sequence[str] = ("",) * 4, scale: float = 1.0) -> str:
    """An OBJ. `head` stands before the vertices; `colors` behind them."""
    rows = [f"v {x * scale:.9g} {y * scale:.9g} {z * scale:.9g} {c}" for (x, y, z), c in zip(POINTS, colors, strict=True)]
    return "\n".join([head.rstrip("\n"), *rows, *(f"vt {u:g} {v:g}" for u, v in TEXELS), "f 1/1 2/2 3/3 4/4"]) + "\n"


def with_material(mtl: str, head: str = "mtllib m.mtl\nusemtl a\n", **files: str | bytes) -> Files:
    """An OBJ, its material, and the texture t.png."""
    return {"m.obj": obj_quad(head), "m.mtl": f"newmtl a\n{mtl}", "t.png": encoded(), **files}


class GltfQuad:
    """A glTF of the square, to be changed and written. Arrays are added one by one, so that each can be of any type."""

    def __init__(self, image: bytes | None = None) -> None:
        self.binary = b""
        self.document: dict[str, Any] = {
            "asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}], "nodes": [{"mesh": 0}],
            "accessors": [], "bufferViews": [], "textures": [{"source": 0}], "materials": [self.textured()],
        }  # fmt: skip
        self.primitive: dict[str, Any] = {"attributes": {}, "material": 0}
        self.document["meshes"] = [{"primitives": [self.primitive]}]
        self.document["images"] = [{"bufferView": self.view(image or encoded()), "mimeType": "image/png"}]
        self.attribute("POSITION", POINTS.astype("<f4"))
        self.attribute("TEXCOORD_0", (TEXELS * [1, -1] + [0, 1]).astype("<f4"))
        self.primitive["indices"] = self.accessor(np.array([[0], [1], [2], [2], [3], [0]], "<u2"))

    @staticmethod
    def textured(**slot: Any) -> dict[str, Any]:
        return {"pbrMetallicRoughness": {"baseColorTexture": {"index": 0, **slot}}}

    def view(self, data: bytes, **more: Any) -> int:
        """The number of a new buffer view of some bytes."""
        self.document["bufferViews"].append({"buffer": 0, "byteOffset": len(self.binary), "byteLength": len(data), **more})
        self.binary += data + b"\0" * (-len(data) % 4)
        return len(self.document["bufferViews"]) - 1

    def accessor(self, values: np.ndarray, *, normalized: bool = False, stride: int | None = None) -> int:
        """The number of a new accessor of rows; with `stride` each row takes that many bytes."""
        kinds = {"i1": 5120, "u1": 5121, "i2": 5122, "u2": 5123, "u4": 5125, "f4": 5126}
        width = values.dtype.itemsize * values.shape[1]
        rows = np.zeros((len(values), stride or width), np.uint8)
        rows[:, :width] = np.frombuffer(values.tobytes(), np.uint8).reshape(len(values), width)
        item = {"bufferView": self.view(rows.tobytes(), **({"byteStride": stride} if stride else {})), "count": len(values)}
        item |= {"componentType": kinds[values.dtype.str[1:]], "type": ["SCALAR", "VEC2", "VEC3", "VEC4"][values.shape[1] - 1]}
        self.document["accessors"].append(item | ({"normalized": True} if normalized else {}))
        return len(self.document["accessors"]) - 1

    def attribute(self, name: str, values: np.ndarray, **kind: Any) -> "GltfQuad":
        self.primitive["attributes"][name] = self.accessor(values, **kind)
        return self

    def material(self, item: Mapping[str, Any]) -> "GltfQuad":
        self.document["materials"][0] = dict(item)
        return self

    def change(self, **items: Any) -> "GltfQuad":
        self.document |= items
        return self

    def files(self) -> Files:
        """As a GLB."""
        return {"m.glb": glb({**self.document, "buffers": [{"byteLength": len(self.binary)}]}, self.binary)}

    def separate(self, uri: str = "m.bin") -> Files:
        """As a glTF with its buffer beside it."""
        return {"m.gltf": json.dumps({**self.document, "buffers": [{"byteLength": len(self.binary), "uri": uri}]}), uri: self.binary}


def ply_quad(
    vertex: Mapping[str, tuple[str, Sequence[float]]] | None = None,
    face: Mapping[str, tuple[str, Sequence[float]]] | None = None,
    *,
    head: str = "",
    kind: str = "ascii",
    coordinate: str = "float",
    points: np.ndarray = POINTS,
) -> bytes:
    """A PLY with y up. `vertex` and `face` give further properties by name: their type, and their values for each row."""
    types = {"float": "f4", "double": "f8", "uchar": "u1", "ushort": "u2", "int": "i4", "short": "i2"}
    columns = {name: (coordinate, points[:, k]) for k, name in enumerate("xyz")} | dict(vertex or {})
    of_face, count = dict(face or {}), len(points)
    properties = "".join(f"property {item[0]} {name}\n" for name, item in columns.items())
    lists = "property list uchar int vertex_indices\n" + "".join(f"property {item[0]} {name}\n" for name, item in of_face.items())
    text = f"ply\nformat {kind} 1.0\n{head}element vertex {count}\n{properties}element face 1\n{lists}end_header\n"
    if kind == "ascii":
        rows = [" ".join(repr(float(item[1][k])) for item in columns.values()) for k in range(count)]
        last = " ".join(map(str, [count, *range(count), *(value for item in of_face.values() for value in _listed(item))]))
        return (text + "\n".join([*rows, last]) + "\n").encode()
    order = "<" if "little" in kind else ">"
    body = b"".join(np.array(item[1][k], order + types[item[0]]).tobytes() for k in range(count) for item in columns.values())
    body += np.uint8(count).tobytes() + np.arange(count, dtype=order + "i4").tobytes()
    for item in of_face.values():
        values = np.array(item[1], order + types[item[0].split()[-1]]).tobytes()
        body += (np.uint8(len(item[1])).tobytes() if item[0].startswith("list") else b"") + values
    return text.encode() + body


def _listed(item: tuple[str, Sequence[float]]) -> list[float]:
    return [*([len(item[1])] if item[0].startswith("list") else []), *item[1]]


def load(root: Path, files: Files, options: str = "") -> Asset:
    """Load the first file as an object with the source `folder`, including its cache and mesh cleaning."""
    folder = write(root / "x", files)
    return ObjectFolder(f"{folder}{options}").load(f"folder/x/{next(iter(files))}")


FRONT, BACK = (0.0, -1.0, 0.0), (0.0, 1.0, 0.0)


def rendered_colors(mesh: Mesh, towards_eye: tuple[float, float, float] = FRONT) -> list[tuple[int, int, int]]:
    """Colours at the centres of the square's four quarters, rendered without lighting, from the front by default."""
    picture = flat_picture(mesh, 64, np.array(towards_eye))
    return [tuple(picture[row, column].tolist()) for row in (22, 42) for column in (22, 42)]


def close(found: Sequence[Sequence[int]], wanted: Sequence[Sequence[int]], within: int = 1) -> bool:
    return bool(np.abs(np.array(found, int) - np.array(wanted, int)).max() <= within)


def times(*factors: Sequence[Sequence[int]]) -> list[list[int]]:
    """Products of sRGB colours, taken in linear light, as sRGB bytes (IEC 61966-2-1)."""
    linear = np.ones((4, 3))
    for colors in factors:
        share = np.array(colors) / 255
        linear = linear * np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return np.round(255 * np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)).tolist()


def assert_quad(asset: Asset, colors: Sequence[Sequence[int]] = QUARTERS, *, within: int = 1) -> None:
    """Assert that the square is one metre wide and high, rests on the floor, and its four quarters have the colours."""
    corners = np.unique(asset.mesh.vertices.astype(float).round(4), axis=0) + 0.0
    assert corners.tolist() == [[-0.5, 0, 0], [-0.5, 0, 1], [0.5, 0, 0], [0.5, 0, 1]]
    found = rendered_colors(asset.mesh)
    assert close(found, colors, within), f"rendered {found}, expected {list(map(tuple, colors))}"
