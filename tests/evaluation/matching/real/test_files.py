"""Files of ground truth, byte by byte or written by OpenCV, NumPy and h5py."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import pytest

from pixbench.errors import UserError
from pixbench.evaluation.matching.real.files import read_depth, read_disparity, read_flow, read_mask

NAN = np.nan


def _saved(path: Path, array: Any, **given: Any) -> Path:
    """An array as .npy, .pfm, .h5 or an image."""
    if path.suffix == ".npy":
        np.save(path, array)
    elif path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            file[given.get("name", "depth")] = array
    else:
        assert cv2.imwrite(str(path), array)
    return path


@pytest.mark.parametrize(
    ("name", "stored", "scale", "expected"),
    [
        # KITTI's unit is 1/256 px, and 0 is unknown; another unit can be given.
        ("d.png", np.array([[0, 256, 384]], np.uint16), None, [NAN, 1, 1.5]),
        ("d.png", np.array([[0, 256, 384]], np.uint16), 1.0, [NAN, 256, 384]),
        ("d.png", np.array([[0, 4, 255]], np.uint8), None, [NAN, 4, 255]),
        ("d.png", np.array([[0, 4, 255]], np.uint8), 0.25, [NAN, 1, 63.75]),
        # Among floats 0 is a disparity.
        ("d.pfm", np.array([[0, 1.5, np.inf]], np.float32), None, [0, 1.5, NAN]),
        ("d.npy", np.array([[-np.inf, -2, NAN]]), 2.0, [NAN, -4, NAN]),
    ],
)
def test_read_disparity(name: str, stored: np.ndarray, scale: float | None, expected: list[float], tmp_path: Path) -> None:
    np.testing.assert_array_equal(read_disparity(_saved(tmp_path / name, stored), scale), [expected])


@pytest.mark.parametrize(
    ("name", "stored", "scale", "expected"),
    [
        ("d.png", np.array([[0, 1000, 65535]], np.uint16), 0.001, [NAN, 1, 65.535]),
        ("d.npy", np.array([[-1.0, 0, 2]]), 1.0, [NAN, NAN, 2]),
        ("d.h5", np.array([[np.inf, 0.5, NAN]], np.float32), 4.0, [NAN, 2, NAN]),
        ("d.pfm", np.array([[1e-3, 5, -np.inf]], np.float32), 1.0, [1e-3, 5, NAN]),
    ],
)
def test_read_depth(name: str, stored: np.ndarray, scale: float, expected: list[float], tmp_path: Path) -> None:
    np.testing.assert_allclose(read_depth(_saved(tmp_path / name, stored), scale), [expected])


@pytest.mark.parametrize(("scale", "order"), [("-1.0", "<f4"), ("-0.003922", "<f4"), ("0.5", ">f4"), ("1", ">f4"), ("-1e0", "<f4")])
def test_scale_of_a_pfm_file_gives_only_the_byte_order(scale: str, order: str, tmp_path: Path) -> None:
    path = tmp_path / "d.pfm"
    path.write_bytes(f"Pf\n2 2\n{scale}\n".encode() + np.array([[1, 2], [10, np.inf]], order).tobytes())
    assert read_disparity(path)[0].tolist()[0] == 10
    np.testing.assert_array_equal(read_disparity(path), [[10, NAN], [1, 2]])
    np.testing.assert_array_equal(read_depth(path), [[10, NAN], [1, 2]])


@pytest.mark.parametrize("data", [b"PF\n1 1\n-1\n" + bytes(12), b"Pf\n2 2\n-1\n" + bytes(15), b"Pf\n9 99999999\n-1\n", b"Pf\n1 1\n"])
def test_pfm_of_colours_and_damaged_ones_are_rejected(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "d.pfm"
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"d\.pfm cannot be read \(it is not a complete grey \.pfm file\): expected disparity"):
        read_disparity(path)


def test_picture_of_8_bits_is_no_flow(tmp_path: Path) -> None:
    path = _saved(tmp_path / "f.png", np.full((4, 5, 3), 255, np.uint8))
    with pytest.raises(UserError, match=r"f\.png holds uint8 \(4, 5, 3\): expected flow as KITTI's PNG of 16 bits"):
        read_flow(path)


def test_read_mask(tmp_path: Path) -> None:
    assert read_mask(_saved(tmp_path / "m.png", np.array([[0, 1, 255]], np.uint8))).tolist() == [[False, True, True]]


def _flo(data: bytes = np.arange(4, dtype="<f4").tobytes(), magic: bytes = b"PIEH", size: tuple[int, int] = (2, 1)) -> bytes:
    return magic + np.array(size, "<i4").tobytes() + data


def test_read_flow(tmp_path: Path) -> None:
    path = tmp_path / "f.flo"
    path.write_bytes(_flo(np.array([1.5, -2, 1e10, 0, 3, 1e9 * 1.1], "<f4").tobytes(), size=(3, 1)))
    np.testing.assert_array_equal(read_flow(path), [[[1.5, -2], [NAN, NAN], [NAN, NAN]]])
    path.write_bytes(_flo(size=(1, 2)))
    assert read_flow(path).tolist() == [[[0, 1]], [[2, 3]]]
    png = _saved(tmp_path / "f.png", np.array([[[1, 2**15 + 64, 2**15 - 96], [0, 2**15, 2**15]]], np.uint16))
    # Stored as red, green, blue: u, v and whether it is known, in 1/64 px.
    np.testing.assert_array_equal(read_flow(png), [[[-1.5, 1], [NAN, NAN]]])
    npy = _saved(tmp_path / "f.npy", np.array([[[1, NAN], [2, 3]]]))
    np.testing.assert_array_equal(read_flow(npy), [[[NAN, NAN], [2, 3]]])


@pytest.mark.parametrize(
    "data",
    [_flo(magic=b"HEIP"), _flo()[:-1], _flo() + b"0", _flo(b"", size=(0, 1)), _flo(b"", size=(1, 0)), _flo(size=(-2, -1)), b"PIEH", b""],
)
def test_damaged_flow_is_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "f.flo").write_bytes(data)
    with pytest.raises(UserError, match=r"f\.flo cannot be read \(.*\): expected flow as \.flo"):
        read_flow(tmp_path / "f.flo")


@pytest.mark.parametrize(
    ("read", "name", "array", "message"),
    [
        (read_flow, "f.npy", np.zeros((2, 3)), r"holds float64 \(2, 3\): expected flow \(height, width, 2\)"),
        (read_flow, "f.npy", np.zeros((2, 3, 3)), r"holds float64 \(2, 3, 3\): expected flow"),
        (read_flow, "f.png", np.zeros((2, 3), np.uint16), r"holds uint16 \(2, 3\): expected flow as KITTI's PNG"),
        (read_disparity, "d.png", np.zeros((2, 3, 3), np.uint8), r"holds uint8 \(2, 3, 3\): expected disparity \(height, width\)"),
        (read_depth, "d.h5", np.zeros(3), r"holds float64 \(3,\): expected a data set 'depth'"),
    ],
)
def test_arrays_of_wrong_shape_are_rejected(
    read: Callable[[Path], Any], name: str, array: np.ndarray, message: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        read(_saved(tmp_path / name, array))


def test_missing_files_and_data_sets_are_rejected(tmp_path: Path) -> None:
    for name in ("d.npy", "d.png", "d.h5", "d.pfm"):
        with pytest.raises(UserError, match=rf"{name} does not exist: expected "):
            read_depth(tmp_path / name)
    with pytest.raises(UserError, match=r"d\.h5 cannot be read .*: expected a data set 'depth'"):
        read_depth(_saved(tmp_path / "d.h5", np.zeros((2, 2)), name="disparity"))
