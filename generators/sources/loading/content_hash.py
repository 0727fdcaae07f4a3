"""The hash of everything that a model is read from."""

import hashlib
import json
import re
from urllib.parse import unquote

from .archive import Files, joined


def content_sha256(files: Files, path: str) -> str:
    """The sha256 of a model file and of the materials, textures and buffers that an OBJ or glTF file references and that exist."""
    digest = hashlib.sha256()
    for name, data in _contents(files, path):
        digest.update(name.encode() + b"\0" + len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()


def _contents(files: Files, path: str) -> list[tuple[str, bytes]]:
    """Names, relative to the folder of the model, and contents of its files. A missing file is listed as empty."""
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
    """Buffers and images that a glTF file references; none if it cannot be parsed, which `read_model` reports."""
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
