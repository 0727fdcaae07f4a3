"""Reads .npz files without executing code: object arrays are unpickled with NumPy's own constructors only."""

import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from ....errors import UserError
from ....io.untrusted import check_regular, check_unpacked, reason

_MODULES = ("numpy", "numpy.core.multiarray", "numpy._core.multiarray")
_NAMES = ("ndarray", "dtype", "_reconstruct", "scalar")


class _Plain(pickle.Unpickler):
    """Arrays, numbers, texts, lists and tuples; anything else could run code."""

    def find_class(self, module: str, name: str) -> Any:
        if module not in _MODULES or name not in _NAMES:
            raise pickle.UnpicklingError(f"it holds {module}.{name}, which is no array")
        return super().find_class(module, name)


def npz_names(path: Path) -> set[str]:
    """The names of the arrays of an .npz file; none for a file that is damaged, and for a pipe or a device."""
    try:
        check_regular(path)
        with zipfile.ZipFile(path) as archive:
            return {name.removesuffix(".npy") for name in archive.namelist()}
    except (UserError, OSError, zipfile.BadZipFile):
        return set()


def read_npz(path: Path, *names: str) -> list[np.ndarray]:
    """Arrays of an .npz file by name. Raises UserError if one is missing, damaged, or holds anything but data."""
    check_regular(path)
    try:
        with zipfile.ZipFile(path) as archive:
            check_unpacked(archive)
            found = []
            for name in names:
                with archive.open(f"{name}.npy") as file:
                    found.append(_read_array(file))
            return found
    except Exception as error:  # of zip files, of NumPy's format, and of pickles
        raise UserError(f"{path} cannot be read ({reason(error)}): expected arrays {', '.join(names)}") from None


def _read_array(file: Any) -> np.ndarray:
    version = np.lib.format.read_magic(file)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read_header(file)
    if not dtype.hasobject:
        return np.frombuffer(file.read(), dtype).reshape(shape, order="F" if fortran else "C")
    # The encoding is NumPy's for what Python 2 wrote.
    unpickled: np.ndarray = _Plain(file, encoding="latin1").load()
    return unpickled.reshape(shape)
