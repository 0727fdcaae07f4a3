"""The hash of everything that a model is read from."""

import hashlib

from ..formats.mesh_file import files_of
from .archive import Files


def content_sha256(files: Files, path: str) -> str:
    """The sha256 of a model file and of the materials, textures and buffers that it names; a missing one counts as empty.

    Raises OSError if the model itself cannot be read.
    """
    digest = hashlib.sha256()
    for name, data in files_of(files, path).items():
        digest.update(name.encode("utf-8", "surrogateescape") + b"\0" + len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()
