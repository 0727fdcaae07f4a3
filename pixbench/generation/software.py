"""Versions of the software that determines a data set's bytes."""

import platform
from collections.abc import Mapping
from importlib.metadata import version

from ..dataset.compression import Compression

PACKAGES = (
    *("pixbench", "numpy", "numba", "scipy", "h5py", "deflate", "pillow", "torch", "kornia"),
    *("embreex", "trimesh", "manifold3d", "fast-simplification"),
)
"""Libraries that compute geometry and colours, decode images or compress."""


def packages(compression: Compression) -> tuple[str, ...]:
    """Names of the packages that affect the bytes of a data set."""
    return (*PACKAGES, "hdf5plugin") if compression == "zstd" else PACKAGES


def release(full: str) -> str:
    """A version without the name of its build, such as that of torch for a certain CUDA: images are made on the CPU."""
    return full.partition("+")[0]


def software(compression: Compression) -> dict[str, str]:
    """Their versions in this process, and Python's."""
    return {name: release(version(name)) for name in packages(compression)} | {"python": platform.python_version()}


def differing(installed: Mapping[str, str], here: Mapping[str, str]) -> str:
    """The packages of `here` with another version in `installed`, in words; empty if there are none."""
    return ", ".join(f"{name} {installed.get(name, 'none')}, here {here[name]}" for name in here if installed.get(name) != here[name])
