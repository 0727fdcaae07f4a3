"""One textured box, written in every way that is read. `python tests/support/textured_boxes.py FOLDER` writes them for a look."""

import base64
import io
import json
import struct
import sys
from pathlib import Path

import numpy as np
from PIL import Image

SIZE = (0.6, 0.9, 0.45)
"""Of the box along x, y (up) and z, in metres."""

_SIDES = [
    ((0, 0, 1), (1, 0, 0)), ((0, 0, -1), (-1, 0, 0)), ((1, 0, 0), (0, 0, -1)),
    ((-1, 0, 0), (0, 0, 1)), ((0, 1, 0), (1, 0, 0)), ((0, -1, 0), (1, 0, 0)),
]  # fmt: skip


def corners() -> tuple[np.ndarray, np.ndarray]:
    """Positions (24, 3), y up, and texture coordinates (24, 2), v up, of six quads; each side shows the whole picture."""
    points, texels = [], []
    for normal, right in _SIDES:
        n, r = np.array(normal, float), np.array(right, float)
        up = np.cross(n, r)
        for s, t in ((0, 0), (1, 0), (1, 1), (0, 1)):
            points.append((n + (2 * s - 1) * r + (2 * t - 1) * up) * np.array(SIZE) / 2)
            texels.append((s, t))
    return np.array(points), np.array(texels, float)


def picture(size: int = 128) -> np.ndarray:
    """A picture whose corners differ: red upper left, green upper right, blue lower left, yellow lower right, and a white F."""
    half = size // 2
    image = np.zeros((size, size, 3), np.uint8)
    image[:half, :half], image[:half, half:] = (200, 40, 40), (40, 160, 60)
    image[half:, :half], image[half:, half:] = (40, 70, 190), (220, 190, 50)
    q = size // 16
    image[2 * q : 14 * q, 5 * q : 7 * q] = image[2 * q : 4 * q, 5 * q : 11 * q] = image[7 * q : 9 * q, 5 * q : 10 * q] = 255
    return image


def png(image: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    return stream.getvalue()


def obj(
    *, library: str = "mtllib m.mtl\nusemtl skin\n", texels: np.ndarray | None = None, colors: np.ndarray | None = None, end: str = ""
) -> str:
    points, own = corners()
    tinted = [""] * 24 if colors is None else [f" {r} {g} {b}" for r, g, b in colors / 255]
    lines = [library.rstrip("\n"), *(f"v {x} {y} {z}{c}" for (x, y, z), c in zip(points, tinted, strict=True))]
    lines += [f"vt {u} {v}" for u, v in (own if texels is None else texels)]
    return "\n".join([*lines, *(f"f {' '.join(f'{k}/{k}' for k in range(q, q + 4))}{end}" for q in range(1, 25, 4))]) + "\n"


def ply(kind: str, *, wedges: bool = False) -> bytes:
    """A PLY, z up, with the texture t.png: `ascii`, `binary_little_endian` or `binary_big_endian`."""
    points, texels = corners()
    points = points[:, [0, 2, 1]] * [1, -1, 1]
    own = [("s", texels[:, 0]), ("t", texels[:, 1])] if not wedges else []
    names = ["x", "y", "z", *(name for name, _ in own)]
    table = np.column_stack([points, *(column for _, column in own)])
    lists = "property list uchar int vertex_indices\n" + ("property list uchar float texcoord\n" if wedges else "")
    head = f"ply\nformat {kind} 1.0\ncomment TextureFile t.png\nelement vertex 24\n" + "".join(f"property float {name}\n" for name in names)
    head += f"element face 6\n{lists}end_header\n"
    faces = np.arange(24).reshape(6, 4)
    if kind == "ascii":
        rows = [" ".join(map(str, row)) for row in table.tolist()]
        rows += [" ".join(map(str, [4, *face, *([8, *texels[face].ravel().tolist()] if wedges else [])])) for face in faces.tolist()]
        return (head + "\n".join(rows) + "\n").encode()
    order = "<" if "little" in kind else ">"
    body = table.astype(order + "f4").tobytes()
    for face in faces:
        body += b"\x04" + face.astype(order + "i4").tobytes()
        body += b"\x08" + texels[face].astype(order + "f4").tobytes() if wedges else b""
    return head.encode() + body


def gltf(**change: object) -> tuple[dict, bytes]:
    """The JSON and the buffer of a glTF file; `change` replaces items of the primitive's material."""
    points, texels = corners()
    texels = np.array(change.pop("texels", texels * [1, -1] + [0, 1]))
    colors = change.pop("colors", None)
    faces = np.arange(24).reshape(6, 4)[:, [0, 1, 2, 2, 3, 0]]
    columns = {"POSITION": ("VEC3", points), "TEXCOORD_0": ("VEC2", texels)} | ({} if colors is None else {"COLOR_0": ("VEC3", colors)})
    chunks = [np.asarray(values, "<f4").tobytes() for _, values in columns.values()] + [faces.astype("<u2").tobytes(), png(picture())]
    starts = np.cumsum([0, *(len(chunk) + -len(chunk) % 4 for chunk in chunks)]).tolist()
    views = [{"buffer": 0, "byteOffset": start, "byteLength": len(chunk)} for start, chunk in zip(starts, chunks, strict=False)]
    accessors = [{"bufferView": k, "componentType": 5126, "count": 24, "type": kind} for k, (kind, _) in enumerate(columns.values())]
    accessors.append({"bufferView": len(columns), "componentType": 5123, "count": 36, "type": "SCALAR"})
    material = {"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}, "metallicFactor": 0}} | change
    document = {
        "asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}], "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {name: k for k, name in enumerate(columns)}, "indices": len(columns), "material": 0}]}],
        "materials": [material], "textures": [{"source": 0}], "images": [{"bufferView": len(chunks) - 1, "mimeType": "image/png"}],
        "accessors": accessors, "bufferViews": views, "buffers": [{"byteLength": starts[-1]}],
    }  # fmt: skip
    return document, b"".join(chunk + b"\0" * (-len(chunk) % 4) for chunk in chunks)


def glb(document: dict, binary: bytes) -> bytes:
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def _quantized() -> bytes:
    """Positions in 16 bits below a node that scales them back, and texture coordinates that a transform scales back."""
    document, binary = gltf()
    points, texels = corners()
    low, span = points.min(axis=0), max(SIZE)
    places = np.round((points - low) / span * 16383).astype("<u2")
    small = np.round((texels * [1, -1] + [0, 1]) * 4095).astype("<u2")
    packed = np.zeros((24, 4), "<u2")
    packed[:, :3] = places
    views, start = document["bufferViews"], len(binary)
    views[0] = {"buffer": 0, "byteOffset": start, "byteLength": packed.nbytes, "byteStride": 8}
    views[1] = {"buffer": 0, "byteOffset": start + packed.nbytes, "byteLength": small.nbytes}
    document["accessors"][0]["componentType"] = 5123
    document["accessors"][1] |= {"componentType": 5123, "normalized": True}
    slot = document["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]
    slot["extensions"] = {"KHR_texture_transform": {"scale": [65535 / 4095] * 2}}
    document["nodes"][0] |= {"scale": [span / 16383] * 3, "translation": low.tolist()}
    document["extensionsUsed"] = ["KHR_mesh_quantization", "KHR_texture_transform"]
    document["extensionsRequired"] = ["KHR_mesh_quantization"]
    binary += packed.tobytes() + small.tobytes()
    document["buffers"][0]["byteLength"] = len(binary)
    return glb(document, binary)


def _second_texels() -> bytes:
    """The texture uses TEXCOORD_1."""
    document, binary = gltf()
    attributes = document["meshes"][0]["primitives"][0]["attributes"]
    attributes["TEXCOORD_1"] = attributes.pop("TEXCOORD_0")
    document["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]["texCoord"] = 1
    return glb(document, binary)


def sixteen() -> dict[str, dict[str, str | bytes]]:
    """The files of the box by the way in which it is written."""
    t, mtl = png(picture()), "newmtl skin\nKd 1 1 1\nmap_Kd t.png\n"
    halved = (corners()[1] - 0.5) / 2
    two = "mtllib a.mtl\nmtllib m.mtl\nusemtl skin\n"
    options = mtl.replace("t.png", "-s 2 2 1 -o 0.5 0.5 0 t.png")
    embedded, binary = gltf()
    embedded["buffers"][0]["uri"] = "data:application/octet-stream;base64," + base64.b64encode(binary).decode()
    shining = {"pbrMetallicRoughness": {"baseColorFactor": [0, 0, 0, 1]}, "emissiveFactor": [1, 1, 1], "emissiveTexture": {"index": 0}}
    return {
        "obj": {"m.obj": obj(), "m.mtl": mtl, "t.png": t},
        "obj_without_kd": {"m.obj": obj(), "m.mtl": "newmtl skin\nmap_Kd t.png\n", "t.png": t},
        "obj_map_options": {"m.obj": obj(texels=halved), "m.mtl": options, "t.png": t},
        "obj_blank_in_name": {"m.obj": obj(end=" # side"), "m.mtl": mtl.replace("t.png", "my wood.png"), "my wood.png": t},
        "obj_windows_path": {"m.obj": obj().replace("\n", "\r\n"), "m.mtl": mtl.replace("t.png", r"C:\me\Tex\T.PNG"), "tex/t.png": t},
        "obj_two_libraries": {
            "m.obj": obj(library=two),
            "a.mtl": "newmtl other\n",
            "m.mtl": mtl,
            "t.png": t,
        },
        "obj_white_colours": {"m.obj": obj(colors=np.full((24, 3), 255)), "m.mtl": mtl, "t.png": t},
        "gso_layout": {"meshes/m.obj": obj(), "meshes/m.mtl": mtl, "materials/textures/t.png": t},
        "ply_ascii": {"m.ply": ply("ascii"), "t.png": t},
        "ply_little_endian": {"m.ply": ply("binary_little_endian"), "t.png": t},
        "ply_big_endian_corners": {"m.ply": ply("binary_big_endian", wedges=True), "t.png": t},
        "glb": {"m.glb": glb(*gltf())},
        "gltf_embedded": {"m.gltf": json.dumps(embedded)},
        "glb_quantized": {"m.glb": _quantized()},
        "glb_texcoord_1": {"m.glb": _second_texels()},
        "glb_emissive": {"m.glb": glb(*gltf(**shining))},
    }


def write_all(root: Path) -> Path:
    """Write the box in every way, each into a folder of its own."""
    for way, files in sixteen().items():
        for name, content in files.items():
            path = root / way / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


if __name__ == "__main__":
    write_all(Path(sys.argv[1]))
