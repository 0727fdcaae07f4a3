"""The images that the generator `2d` warps: ColoredMNIST, or the user's own. Each image belongs to exactly one split;
digits of the cuts `irm` and `domainbed` do so among sets of one seed, which orders them.
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from pixbench.errors import UserError, unknown_name
from pixbench.generation.protocol import SPLITS
from pixbench.image.picture import read_picture
from pixbench.io.files import file_sha256
from pixbench.io.untrusted import LARGEST_PICTURE, check_regular

from ..sources.spec import parse
from .colored_mnist import Domain, colored_mnist
from .config import Config2D
from .mnist import read_digits

logger = logging.getLogger("pixbench")

SHARES = {"train": (0.0, 0.8), "val": (0.8, 0.9), "test": (0.9, 1.0)}
"""The range of pictures, as shares of all, in each split."""

OF_COLORED_MNIST = ("digits", "cut", "domain")
"""Settings that other pictures do not have."""

SUFFIXES = {".png", ".jpg", ".jpeg", ".jfif", ".webp", ".tif", ".tiff", ".bmp", ".ppm", ".pgm", ".pbm", ".pnm", ".gif"}
OTHER_PICTURES = {
    ".arw", ".avif", ".cr2", ".cr3", ".dng", ".exr", ".hdr", ".heic", ".heif", ".jp2", ".jxl", ".nef", ".psd", ".svg", ".tga",
}  # fmt: skip
"""Formats of pictures that are not read; a warning counts them."""

PLAIN = 0.9
"""Correlation of a picture with itself, shifted by two pixels, above which it is plain."""

FINEST = 1.5
"""Pictures larger than this many times the view are downsized first, so that warping does not alias."""


class BadPictureError(UserError):
    """A picture that cannot be used. Defects are counted by their `kind`."""

    def __init__(self, kind: str, message: str):
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, eq=False)
class SourcePicture:
    """A square sRGB image. `facts`, such as a label, are stored in the recipe of its scene."""

    id: str
    rgb: UInt8[np.ndarray, "side side 3"]
    sha256: str
    facts: Mapping[str, Any]


@runtime_checkable
class Pictures(Protocol):
    """The pictures of one split."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> SourcePicture:
        """Picture number `index`. Raises BadPictureError if it cannot be used."""
        ...

    def hashes(self) -> Mapping[str, str]:
        """The sha256 of each asset that the pictures come from, by asset id."""
        ...


def open_pictures(config: Config2D) -> Pictures:
    """The pictures that a configuration names.

    Raises UserError if there are fewer pictures than scenes, and for settings that these pictures do not have.
    """
    spec = parse(config.pictures)[0]
    if spec.kind not in KINDS:
        raise unknown_name("kind of pictures", spec.kind, KINDS)
    if spec.options or spec.weight != 1:
        raise UserError(f"pictures {config.pictures}: pictures have no options but ?name=NAME, and no weight")
    colored = KINDS[spec.kind] is ColoredMnistPictures
    if colored and spec.name in config.locations:
        raise UserError(f"pictures {spec.name} have no path: give digits of your own as digits=idx:FOLDER or digits=npz:FILE")
    for name in () if colored else OF_COLORED_MNIST:
        if getattr(config, name) != Config2D.model_fields[name].default:
            raise UserError(f"{name} {getattr(config, name)}: only pictures colored-mnist have it, not {config.pictures}; leave it out")
    for name in config.locations:
        if name not in (known := ["digits"] if colored else [spec.name]):
            raise unknown_name("name in locations", name, known)
    pictures: Pictures = KINDS[spec.kind](config)
    if config.scenes > len(pictures):
        raise UserError(
            f"scenes {config.scenes}: {config.pictures} has {len(pictures)} pictures for split {config.split}, one per scene; ask for fewer"
        )
    return pictures


def is_plain(rgb: UInt8[np.ndarray, "side side 3"], size: int) -> bool:
    """Whether a picture, seen `size` pixels wide, looks nearly the same when it is moved by two pixels along a row or a column."""
    grey = np.asarray(Image.fromarray(rgb).convert("L").resize((size, size), Image.Resampling.BILINEAR), float)
    moved = ((grey[2:], grey[:-2]), (grey[:, 2:], grey[:, :-2]))
    return bool(max(_correlation(a, b) for a, b in moved) > PLAIN)


def _correlation(a: Float[np.ndarray, "rows columns"], b: Float[np.ndarray, "rows columns"]) -> float:
    a, b = a - a.mean(), b - b.mean()
    power = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / power if power > 0 else 1.0


class ColoredMnistPictures:
    """Digits of the training domains (ID) or of the test domain (OOD). Label, class and colour are stored with each scene."""

    def __init__(self, config: Config2D):
        place = config.locations.get("digits")
        digits = read_digits(f"{config.digits}:{place}" if place else config.digits)
        self._asset, self._sha256 = f"digits/{config.digits}", digits.sha256
        domains = [d for d in colored_mnist(digits, cut=config.cut, seed=config.seed) if d.ood == (config.domain == "ood")]
        low, high = SHARES[config.split]
        parts = [(domain, row) for domain in domains for row in range(*(round(share * len(domain.labels)) for share in (low, high)))]
        order = np.random.default_rng(np.random.SeedSequence(config.seed, spawn_key=(SPLITS.index(config.split),))).permutation(len(parts))
        self._parts: list[tuple[Domain, int]] = [parts[k] for k in order]

    def __len__(self) -> int:
        return len(self._parts)

    def __getitem__(self, index: int) -> SourcePicture:
        domain, row = self._parts[index]
        facts = {
            "label": bool(domain.labels[row]),
            "digit": int(domain.classes[row]),
            "colour": "red" if domain.red[row] else "green",
            "wrong_colours": domain.e,
            "index": int(domain.index[row]),
        }
        return SourcePicture(self._asset, domain.images[row], self._sha256, facts)

    def hashes(self) -> Mapping[str, str]:
        """See Pictures."""
        return {self._asset: self._sha256}


class FolderPictures:
    """The pictures in a folder and its sub-folders, cropped to their central square. The split depends on the hash of the file.

    Raises UserError if there are no pictures.
    """

    def __init__(self, config: Config2D):
        place = config.locations.get(config.pictures)
        if place is None:
            raise UserError(
                f"pictures {config.pictures}: where is the folder? Expected folder:PATH with pictures in it, or, with a recipe, "
                f"--set locations.{config.pictures}=PATH"
            )
        if not Path(place).is_dir():
            raise UserError(f"pictures {config.pictures}: {place} is not a folder; expected folder:PATH with pictures in it")
        self._folder, self._side = Path(place), round(config.size * FINEST)
        found = sorted(path for path in self._folder.rglob("*") if path.suffix.lower() in SUFFIXES and _is_shown(path))
        if not found:
            raise UserError(f"pictures {config.pictures}: {place} holds no PNG, JPEG, WebP, TIFF, BMP, GIF or Netpbm files")
        _warn_of_others(self._folder)
        hashed = {path: _sha256(path) for path in found}
        low, high = SHARES[config.split]
        self._hashes = {path: sha256 for path, sha256 in hashed.items() if low <= int(sha256[:12], 16) / 16**12 < high}
        self._paths = sorted(self._hashes, key=lambda path: self._hashes[path])

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> SourcePicture:
        path = self._paths[index]
        try:
            rgb = Image.fromarray(read_picture(path).rgb)
        except MemoryError:
            raise
        except UserError as error:  # it names the file
            raise BadPictureError("picture that cannot be read", f"{error}; repair or remove it") from None
        except Exception as error:  # decoders raise many types
            reason = f"{path} is not a readable picture ({error}): repair or remove it"
            raise BadPictureError("picture that cannot be read", reason) from None
        side = min(rgb.size)
        left, top = ((length - side) // 2 for length in rgb.size)
        square = rgb.crop((left, top, left + side, top + side))
        if side > self._side:
            square = square.resize((self._side, self._side), Image.Resampling.LANCZOS)
        pixels = np.asarray(square)
        if (pixels == pixels[0, 0]).all():
            raise BadPictureError("picture of one colour", f"{path} shows one colour: remove it")
        return SourcePicture(self._id(path), pixels, self._hashes[path], {})

    def hashes(self) -> Mapping[str, str]:
        """See Pictures."""
        return {self._id(path): sha256 for path, sha256 in self._hashes.items()}

    def _id(self, path: Path) -> str:
        return f"pictures/{path.relative_to(self._folder).as_posix()}"


def _sha256(path: Path) -> str:
    """The hash of a picture's file, or of its name if it cannot be read, which is reported when it is drawn.

    Raises UserError for a file that is too large to be a picture.
    """
    if path.is_file():
        check_regular(path, LARGEST_PICTURE)
    try:
        return file_sha256(path)
    except OSError:
        return hashlib.sha256(path.name.encode("utf-8", "surrogateescape")).hexdigest()


def _warn_of_others(folder: Path) -> None:
    others = Counter(path.suffix.lower() for path in folder.rglob("*") if path.suffix.lower() in OTHER_PICTURES)
    if others:
        counts = ", ".join(f"{count} {suffix}" for suffix, count in sorted(others.items()))
        logger.warning("%s: pictures of formats that are not read are left out: %s", folder, counts)


def _is_shown(path: Path) -> bool:
    """Whether it is a file, and not a hidden one, such as those that macOS writes beside pictures."""
    return not path.name.startswith("._") and "__MACOSX" not in path.parts and path.is_file()


KINDS: Mapping[str, Any] = {"colored-mnist": ColoredMnistPictures, "folder": FolderPictures}
