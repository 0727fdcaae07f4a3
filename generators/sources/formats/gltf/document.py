"""The container of a glTF file: its JSON, its buffers, and the extensions that it needs."""

import base64
import json
import struct
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

from ...base import BadModelError
from ..companions import Companions

Json = dict[str, Any]

UNDERSTOOD = {
    "KHR_mesh_quantization", "KHR_texture_transform", "EXT_texture_webp", "EXT_texture_avif", "KHR_materials_pbrSpecularGlossiness",
    "EXT_mesh_gpu_instancing", "KHR_materials_emissive_strength", "KHR_materials_unlit", "KHR_materials_transmission",
}  # fmt: skip
"""Extensions that are read."""

LOOKS = ("KHR_materials_", "KHR_lights_", "KHR_animation_", "KHR_audio", "KHR_xmp", "EXT_lights_", "KHR_node_", "MSFT_lod", "VRM", "VRMC_")
"""Beginnings of the names of extensions without which shapes and base colours are right nevertheless."""

DRACO = "KHR_draco_mesh_compression"


class Document:
    """The JSON of a glTF file, and its buffers by number."""

    def __init__(self, data: bytes, companions: Companions):
        self.json, self._binary = parsed(data)
        self._companions = companions
        self._buffers: dict[int, bytes] = {}
        version = str(self.json.get("asset", {}).get("version", ""))
        if not version.startswith("2"):
            raise BadModelError(f"glTF version {version or 'missing'} (2.0 is read)")
        check_extensions(self.json)

    def items(self, name: str) -> list[Json]:
        """The objects of a list of the document; empty if it has none."""
        return self.json.get(name) or []

    def buffer(self, number: int) -> bytes:
        """The bytes of a buffer."""
        if number not in self._buffers:
            uri = self.items("buffers")[number].get("uri")
            data = self._binary if uri is None else self.resource(uri)
            if data is None:
                raise BadModelError("missing file (buffer)", str(uri))
            self._buffers[number] = data
        return self._buffers[number]

    def view(self, number: int) -> bytes:
        """The bytes of a buffer view."""
        view = self.items("bufferViews")[number]
        if "EXT_meshopt_compression" in view.get("extensions", {}) and self._is_placeholder(view["buffer"]):
            raise needs("EXT_meshopt_compression")
        start = view.get("byteOffset", 0)
        return self.buffer(view["buffer"])[start : start + view["byteLength"]]

    def resource(self, uri: str) -> bytes | None:
        """What a URI names: data in it, or a file beside the model; None if that is missing."""
        if uri.startswith("data:"):
            head, _, body = uri.partition(",")
            return base64.b64decode(unquote(body)) if head.endswith("base64") else unquote_to_bytes(body)
        return self._companions.read(unquote(uri))

    def _is_placeholder(self, buffer: int) -> bool:
        """Whether a buffer has no bytes of its own, because they are to be decompressed from another one."""
        item = self.items("buffers")[buffer]
        return "uri" not in item and (bool(item.get("extensions")) or buffer > 0 or not self._binary)


def parsed(data: bytes) -> tuple[Json, bytes]:
    """The JSON and the binary chunk of a glTF file of either kind. Raises BadModelError if it is none."""
    binary = b""
    try:
        if data[:4] == b"glTF":
            version, length = struct.unpack("<II", data[4:12])
            if version != 2:
                raise BadModelError(f"glTF version {version}.0 (2.0 is read)")
            data, binary = _chunks(data[:length])
        found = json.loads(data.decode("utf-8-sig"))
    except (ValueError, struct.error) as error:
        raise BadModelError("cannot be parsed", f"gltf: {error}") from None
    if not isinstance(found, dict):
        raise BadModelError("cannot be parsed", "gltf: no JSON object")
    return found, binary


def _chunks(data: bytes) -> tuple[bytes, bytes]:
    found = {b"JSON": b"", b"BIN\0": b""}
    at = 12
    while at + 8 <= len(data):
        length, kind = struct.unpack("<I4s", data[at : at + 8])
        if at + 8 + length > len(data):
            raise ValueError("a chunk ends early")
        found.setdefault(kind, data[at + 8 : at + 8 + length])
        found[kind] = found[kind] or data[at + 8 : at + 8 + length]
        at += 8 + length
    return found[b"JSON"], found[b"BIN\0"]


def uris(data: bytes) -> list[str]:
    """The files that a glTF file names: buffers, then images; none if it cannot be parsed, which reading it reports."""
    try:
        found, _ = parsed(data)
        named = [str(item.get("uri", "data:")) for kind in ("buffers", "images") for item in found.get(kind) or ()]
    except (BadModelError, AttributeError, TypeError):
        return []
    return [unquote(uri) for uri in named if not uri.startswith("data:")]


def check_extensions(document: Json) -> None:
    """Raise BadModelError with its name if a required extension is not read."""
    for name in document.get("extensionsRequired") or ():
        known = name in UNDERSTOOD or name.startswith(LOOKS) or (name == DRACO and draco() is not None)
        if not known:
            raise needs(name)


def needs(extension: str) -> BadModelError:
    """The refusal of a file that cannot be read without an extension."""
    hint = "install DracoPy" if extension == DRACO else "write the file without it"
    return BadModelError(f"needs the glTF extension {extension}", hint)


def draco() -> Callable[[bytes], Any] | None:
    """The decoder of Draco meshes; None if the package DracoPy is not installed."""
    if find_spec("DracoPy") is None:
        return None
    from DracoPy import decode

    decoder: Callable[[bytes], Any] = decode
    return decoder
