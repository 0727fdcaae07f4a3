"""The hash of everything that a model is read from."""

import hashlib
from collections.abc import Iterable

from ..formats.mesh_file import files_of
from .archive import Files


def content_sha256(files: Files, path: str) -> str:
    """The sha256 of a model file and of the materials, textures and buffers that it names; a missing one counts as empty.

    Raises OSError if the model itself cannot be read.
    """
    return sha256_of(files_of(files, path).items())


def sha256_of(parts: Iterable[tuple[str, bytes]]) -> str:
    """The sha256 of named parts, in their order."""
    digest = hashlib.sha256()
    for name, data in parts:
        digest.update(name.encode("utf-8", "surrogateescape") + b"\0" + len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()
