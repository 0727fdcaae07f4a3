"""Readers of ground-truth files: disparity, optical flow, depth and masks, as arrays with NaN for unknown values. They raise UserError for
unreadable files.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Shaped

from ....errors import UserError
from ....image.picture import opened_image
from ....io.hdf5 import member, open_file, values
from ....io.untrusted import check_pixels, check_regular, reason
from .layout import Size

UNKNOWN_FLOW = 1e9
"""Larger values in .flo files mean that the flow is not known (Baker et al., 2007)."""

RIGID = 1e-2
"""Largest difference of R^T R from the identity: text files have few digits."""

SINGULAR = 1e-15
"""Smallest determinant of a homography of norm 1; one that moves by 10,000 px has 1e-12."""


def read_flow(path: Path) -> Float[np.ndarray, "height width 2"]:
    """Flow in pixels from .flo, from KITTI's PNG of 16 bits (u, v, valid), or from .npy (height, width, 2)."""
    if path.suffix == ".npy":
        flow = _checked(path, _array, "flow (height, width, 2)", (3, 2)).astype(float)
    elif path.suffix == ".png":
        bgr = _checked(path, _image, "flow as KITTI's PNG of 16 bits", (3, 3), np.uint16)
        flow = (bgr[..., :0:-1].astype(float) - 2**15) / 64
        flow[bgr[..., 0] == 0] = np.nan
    else:
        flow = _checked(path, _flo, "flow as .flo", (3, 2)).astype(float)
    flow[~(np.abs(flow) < UNKNOWN_FLOW).all(axis=-1)] = np.nan
    return flow


def read_disparity(path: Path, scale: float | None = None) -> Float[np.ndarray, "height width"]:
    """Disparity in pixels from .pfm, .npy or a grey picture, times `scale`; for a picture of 16 bits the default is KITTI's 1/256.

    Values that are not finite are unknown; in pictures, also 0.
    """
    stored = read_grey(path, "disparity")
    usual = 1 / 256 if stored.dtype == np.uint16 else 1.0
    disparity = stored.astype(float) * (usual if scale is None else scale)
    unknown = stored == 0 if stored.dtype.kind == "u" else ~np.isfinite(disparity)
    return np.where(unknown, np.nan, disparity)


def read_depth(path: Path, scale: float = 1.0) -> Float[np.ndarray, "height width"]:
    """z-depth from .npy, .pfm, a grey picture, or the data set `depth` of an HDF5 file, times `scale`: in metres if `scale` is the length
    of the file's unit. NaN where it is not positive.
    """
    if path.suffix in (".h5", ".hdf5"):
        stored = _checked(path, _hdf5_depth, "a data set 'depth' (height, width)", (2,))
    else:
        stored = read_grey(path, "depth")
    depth = stored.astype(float) * scale
    return np.where(np.isfinite(depth) & (depth > 0), depth, np.nan)


def read_mask(path: Path) -> Bool[np.ndarray, "height width"]:
    """True where a grey picture is not 0."""
    return read_grey(path, "a mask") != 0


def same_size(array: Shaped[np.ndarray, "height width *channels"], size: Size, path: Path) -> None:
    """Raises UserError if ground truth is not of its picture's size."""
    if array.shape[1::-1] != size:
        raise UserError(f"{path} is {array.shape[1]} x {array.shape[0]}, its picture {size[0]} x {size[1]}: expected one size")


def one_size(size_a: Size, size_b: Size, path: Path) -> None:
    """Raises UserError unless both pictures of a rectified pair, whose disparity is in a file, have one size."""
    if size_a != size_b:
        raise UserError(
            f"{path}: its pictures are {size_a[0]} x {size_a[1]} and {size_b[0]} x {size_b[1]}: a disparity needs two of one size"
        )


def check_rigid(T: Float[np.ndarray, "4 4"], name: str) -> None:
    """Raises ValueError unless a matrix is a rotation and a translation, to within rounding in text files."""
    R, last = T[:3, :3], T[3]
    is_rotation = np.abs(R.T @ R - np.eye(3)).max() < RIGID and np.linalg.det(R) > 0
    if not is_rotation or np.abs(last - [0, 0, 0, 1]).max() > RIGID:
        raise ValueError(f"{name} is not a rotation and a translation with 0 0 0 1 as its last row: is it transposed, scaled or mirrored?")


def check_invertible(H: Float[np.ndarray, "3 3"], name: str) -> None:
    """Raises ValueError for a homography that maps the plane to a line or a point."""
    if abs(np.linalg.det(H)) <= SINGULAR * np.linalg.norm(H) ** 3:
        raise ValueError(f"{name} is singular: expected a homography from pixels of a to pixels of b")


def check_intrinsics(K: Float[np.ndarray, "3 3"], name: str) -> None:
    """Raises ValueError for a matrix that cannot be the intrinsics of a camera."""
    if K[0, 0] <= 0 or K[1, 1] <= 0 or np.abs(K[2] - [0, 0, 1]).max() > 0 or K[1, 0] != 0:
        raise ValueError(f"{name} is not the matrix of intrinsics [[fx, s, cx], [0, fy, cy], [0, 0, 1]] with positive fx and fy")


def read_grey(path: Path, what: str) -> Shaped[np.ndarray, "height width"]:
    """A grey picture or .npy with the values that are stored. Raises UserError if it is not."""
    read = {".npy": _array, ".pfm": _pfm}.get(path.suffix, _image)
    return _checked(path, read, f"{what} (height, width)", (2,))


def _array(path: Path) -> Any:
    # Memory-mapped first: otherwise NumPy allocates what the header announces without comparing it with the file's size.
    return np.array(np.load(path, mmap_mode="r", allow_pickle=False))


def _flo(path: Path) -> Any:
    """Magic number, width, height, and (u, v) of each pixel, little-endian (Baker et al., 2007)."""
    data = path.read_bytes()
    width, height = np.frombuffer(data, "<i4", 2, 4).tolist()
    if data[:4] != b"PIEH" or width < 1 or height < 1 or len(data) != 12 + 8 * width * height:
        raise ValueError("it is not a complete .flo file")
    return np.frombuffer(data, "<f4", offset=12).reshape(height, width, 2)


def _pfm(path: Path) -> Any:
    """The letters Pf, width, height, a scale, and grey values from the bottom row to the top one.

    Of the scale only the sign counts: little-endian if it is negative. Middlebury's files have 1/255, which OpenCV divides by.
    """
    data = path.read_bytes()
    header = re.match(rb"Pf\s+(\d{1,9})\s+(\d{1,9})\s+([-+]?[\d.]+(?:[eE][-+]?\d+)?)\s", data)
    if header is None or len(data) != header.end() + 4 * int(header[1]) * int(header[2]):
        raise ValueError("it is not a complete grey .pfm file")
    order = "<f4" if header[3].startswith(b"-") else ">f4"
    return np.frombuffer(data, order, offset=header.end()).reshape(int(header[2]), int(header[1]))[::-1]


def _image(path: Path) -> Any:
    import cv2

    with opened_image(path) as image:
        check_pixels(*image.size)
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


def _hdf5_depth(path: Path) -> Any:
    with open_file(path) as file:
        return values(member(file, "depth"))


def _checked(
    path: Path, read: Callable[[Path], Any], what: str, shape: tuple[int, ...], dtype: type[np.generic] = np.generic
) -> Shaped[np.ndarray, "..."]:
    """The array that `read` reads: `shape` is the number of axes and, optionally, the length of the third. Raises UserError otherwise, and
    for values of another type.
    """
    if not path.is_file():
        raise UserError(f"{path} does not exist: expected {what}")
    check_regular(path)
    try:
        found = read(path)
    except Exception as error:  # three libraries, each with its own errors
        raise UserError(f"{path} cannot be read ({reason(error)}): expected {what}") from None
    fits = isinstance(found, np.ndarray) and found.shape[2:] == shape[1:] and found.ndim == shape[0] and issubclass(found.dtype.type, dtype)
    if not fits:
        got = f"{found.dtype} {found.shape}" if isinstance(found, np.ndarray) else "something else"
        raise UserError(f"{path} holds {got}: expected {what}")
    return found
