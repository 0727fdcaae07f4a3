"""Malicious HDF5 files, made from a valid shard: links to other files, decompression bombs, wrong types and shapes."""

import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import h5py
import numpy as np

SECRET = b"the secret of another folder 1234567890"


def _replaced(scene: h5py.Group, name: str) -> tuple[tuple[int, ...], np.dtype]:
    shape, dtype = scene[name].shape, scene[name].dtype
    del scene[name]
    return shape, dtype


def external_storage(scene: h5py.Group, secret: Path) -> None:
    shape, dtype = _replaced(scene, "rgb")
    scene.create_dataset("rgb", shape, dtype, external=[(str(secret), 0, h5py.h5f.UNLIMITED)])


def external_link(scene: h5py.Group, secret: Path) -> None:
    _replaced(scene, "rgb")
    scene["rgb"] = h5py.ExternalLink(str(secret.with_suffix(".h5")), "/rgb")


def soft_link(scene: h5py.Group, secret: Path) -> None:
    del secret
    _replaced(scene, "K")
    scene["K"] = h5py.SoftLink("/elsewhere")


def linked_scene(scene: h5py.Group, secret: Path) -> None:
    file, name = scene.file, scene.name
    del file[name]
    file[name] = h5py.ExternalLink(str(secret.with_suffix(".h5")), "/")


def virtual(scene: h5py.Group, secret: Path) -> None:
    shape, dtype = _replaced(scene, "rgb")
    layout = h5py.VirtualLayout(shape, dtype)
    layout[...] = h5py.VirtualSource(str(secret.with_suffix(".h5")), "rgb", shape)
    scene.create_virtual_dataset("rgb", layout)


def huge_shape(scene: h5py.Group, secret: Path) -> None:
    del secret
    _, dtype = _replaced(scene, "rgb")
    scene.create_dataset("rgb", (2, 2**20, 2**20, 3), dtype, chunks=(1, 64, 64, 3), compression="gzip")


def many_views(scene: h5py.Group, secret: Path) -> None:
    del secret
    _, dtype = _replaced(scene, "rgb")
    scene.create_dataset("rgb", (10**7, 1, 1, 3), dtype, chunks=(1, 1, 1, 3), compression="gzip", shuffle=True, fletcher32=True)


def bomb(scene: h5py.Group, secret: Path) -> None:
    """A chunk of some MB that HDF5 would unpack to gigabytes before it looks at the size."""
    del secret
    shape, dtype = _replaced(scene, "K")
    dataset = scene.create_dataset("K", shape, dtype, chunks=shape, compression="gzip")
    dataset.id.write_direct_chunk((0,) * len(shape), packed_zeros(192))


def packed_zeros(blocks: int) -> bytes:
    """The zlib stream of `blocks` times 16 MiB of zeros, built from one block, since compressing gigabytes takes seconds."""
    size = 2**24
    packer = zlib.compressobj(9)
    first = packer.compress(bytes(size)) + packer.flush(zlib.Z_FULL_FLUSH)
    header, block = first[:2], first[2:]
    end, adler32 = b"\x03\x00", (blocks * size % 65521) << 16 | 1
    return header + blocks * block + end + adler32.to_bytes(4, "big")


def other_type(scene: h5py.Group, secret: Path) -> None:
    del secret
    shape, _ = _replaced(scene, "depth_m")
    scene.create_dataset("depth_m", shape, h5py.string_dtype())


def other_shape(scene: h5py.Group, secret: Path) -> None:
    del secret
    _, dtype = _replaced(scene, "T_world_cam")
    scene.create_dataset("T_world_cam", (2, 4), dtype)


def no_such_view(scene: h5py.Group, secret: Path) -> None:
    del secret
    scene["pairs"][...] = 77


def group_for_array(scene: h5py.Group, secret: Path) -> None:
    del secret
    _replaced(scene, "status")
    scene.create_group("status")


def deep_json(scene: h5py.Group, secret: Path) -> None:
    del secret
    scene.attrs["recipe"] = "[" * 20_000


def number_for_json(scene: h5py.Group, secret: Path) -> None:
    del secret
    scene.attrs["recipe"] = np.arange(4)


HOSTILE: Mapping[str, Callable[[h5py.Group, Path], None]] = {
    make.__name__: make
    for make in (
        *(external_storage, external_link, soft_link, linked_scene, virtual, huge_shape, many_views, bomb),
        *(other_type, other_shape, no_such_view, group_for_array, deep_json, number_for_json),
    )
}
"""By name: each changes a scene's group; `secret` is a file of another folder, with an HDF5 file beside it."""
