"""The container of a glTF file: its JSON, its buffers, and the extensions that it needs."""

import base64
import json
import struct
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

from ...base import BadModelError
from ..companions import Companions
from .extensions import MESHOPT, check_extensions, reader

Json = dict[str, Any]


class Document:
    """The JSON of a glTF file, and its buffers by number.

    Raises BadModelError for another glTF version, or required extensions that are not read.
    """

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
        """The bytes of a buffer. Raises BadModelError if its file is missing."""
        if number not in self._buffers:
            uri = self.items("buffers")[number].get("uri")
            own = self._binary if number == 0 else None
            data = own if uri is None else self.resource(uri)
            if data is None:
                raise BadModelError("missing file (buffer)", str(uri or f"number {number}"))
            self._buffers[number] = data
        return self._buffers[number]

    def view(self, number: int) -> bytes:
        """The bytes of a buffer view. Raises BadModelError if they are compressed, and the package for that is missing."""
        view = self.items("bufferViews")[number]
        packed = self._packed(number)
        if packed is not None:
            return self._unpacked(*packed)
        start = view.get("byteOffset", 0)
        return self.buffer(view["buffer"])[start : start + view["byteLength"]]

    def stride(self, number: int) -> int | None:
        """Bytes from one row of a buffer view to the next; None if the rows lie side by side."""
        packed = self._packed(number)
        stride = self.items("bufferViews")[number].get("byteStride")
        return packed[1]["byteStride"] if packed is not None and packed[1]["mode"] == "ATTRIBUTES" else stride

    def _packed(self, number: int) -> tuple[str, Json] | None:
        """The name and the values of the extension that has compressed a buffer view that has no bytes of its own."""
        view = self.items("bufferViews")[number]
        name = next((name for name in MESHOPT if name in view.get("extensions", {})), None)
        return (name, view["extensions"][name]) if name is not None and self._is_placeholder(view["buffer"]) else None

    def _unpacked(self, name: str, packed: Json) -> bytes:
        start = packed.get("byteOffset", 0)
        data = self.buffer(packed["buffer"])[start : start + packed["byteLength"]]
        decoded = reader(name).decode_gltf_buffer(data, packed["count"], packed["byteStride"], packed["mode"], packed.get("filter"))
        return bytes(decoded.tobytes())

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
