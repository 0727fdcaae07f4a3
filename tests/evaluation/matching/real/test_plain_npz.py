import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from pixbench.errors import UserError
from pixbench.evaluation.matching.real.plain_npz import npz_names, read_npz


def _npz(path: Path, name: str, data: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.npy", data)
    return path


def _objects(pickled: bytes) -> bytes:
    """One object, pickled as these bytes."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": (1,)})
    return file.getvalue() + pickled


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_written_by_numpy_are_read(version: tuple[int, int], order: str, tmp_path: Path) -> None:
    array = np.asarray(np.arange(12.0).reshape(3, 4), order=order)  # type: ignore[call-overload]
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=version)
    (found,) = read_npz(_npz(tmp_path / "a.npz", "x", file.getvalue()), "x")
    assert found.tolist() == array.tolist()


def test_arrays_are_returned_in_the_requested_order(tmp_path: Path) -> None:
    objects = np.array([None, "text", (1, np.ones(2))], object)
    np.savez(tmp_path / "a.npz", first=[1, 2], second=objects)
    second, first = read_npz(tmp_path / "a.npz", "second", "first")
    assert first.tolist() == [1, 2]
    assert (second.shape, second[1], second[2][1].tolist()) == ((3,), "text", [1, 1])
    assert npz_names(tmp_path / "a.npz") == {"first", "second"}
    with pytest.raises(UserError, match=r"a\.npz cannot be read .*: expected arrays first, third"):
        read_npz(tmp_path / "a.npz", "first", "third")


@pytest.mark.parametrize(
    ("pickled", "named"),
    [
        # From NumPy, but not an array; and the names of array parts, but from other modules.
        (pickle.dumps(np.load), "numpy.load"),
        (b"cos\nscalar\n.", "os.scalar"),
        (b"cnumpy.testing\nndarray\n.", "numpy.testing.ndarray"),
    ],
)
def test_unpickling_is_restricted_to_arrays(pickled: bytes, named: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"it holds {named}, which is no array"):
        read_npz(_npz(tmp_path / "a.npz", "x", _objects(pickled)), "x")


def test_damaged_files_have_no_array_names(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"PK no archive")
    assert npz_names(tmp_path / "a.npz") == npz_names(tmp_path / "none.npz") == set()
    with pytest.raises(UserError, match=r"a\.npz cannot be read"):
        read_npz(tmp_path / "a.npz", "x")
