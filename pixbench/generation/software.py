"""Versions of the software that determines a data set's bytes."""

import platform
from importlib.metadata import version

from ..dataset.compression import Compression

PACKAGES = ("pixbench", "numpy", "h5py", "embreex", "trimesh")


def packages(compression: Compression) -> tuple[str, ...]:
    """Names of the packages that affect the bytes of a data set."""
    return (*PACKAGES, "hdf5plugin") if compression == "zstd" else PACKAGES


def software(compression: Compression) -> dict[str, str]:
    """Their versions in this process, and Python's."""
    return {name: version(name) for name in packages(compression)} | {"python": platform.python_version()}
