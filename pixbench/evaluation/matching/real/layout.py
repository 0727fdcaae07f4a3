"""Scenes of real pairs: images, and the ground truth of the pairs among them; and the protocol of layouts."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from jaxtyping import Float, UInt8

from ....geometry.cameras import Camera
from ....geometry.correspondence import PairTruth
from ....image.picture import read_picture
from ....registry import Registry

Size = tuple[int, int]
"""Width and height in pixels."""

TruthMap = Callable[[Float[np.ndarray, "rows columns 2"]], PairTruth]
"""Maps uv of picture a to uv of picture b, both in pixels of the original pictures, and their status."""


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """Ground truth of a pair, in pixels of the original pictures. `homography` and `cameras` are None where a pair has none."""

    at: TruthMap
    homography: Float[np.ndarray, "3 3"] | None = None
    cameras: tuple[Camera, Camera] | None = None


@dataclass(frozen=True, eq=False)
class RealView:
    """A picture. `size` is the size that its ground truth refers to; None: that of the file."""

    read: Callable[[], UInt8[np.ndarray, "_ _ 3"]]
    size: Size | None = None


@dataclass(frozen=True, eq=False)
class RealPair:
    """Views a and b of a scene. `truth` reads the ground truth; its arguments are the original sizes of both pictures."""

    a: int
    b: int
    truth: Callable[[Size, Size], GroundTruth]


@dataclass(frozen=True, eq=False)
class RealScene:
    """Pictures of one place, pairs among them, and all files that both are read from."""

    name: str
    views: Sequence[RealView]
    pairs: Sequence[RealPair]
    files: Sequence[Path]


class Layout(ABC):
    """How real pairs lie in a folder. Another package adds one with an entry point of the group `pixbench.layouts`.

    `name` is what records store, `title` says by which files the layout is known, and `truth` how ground truth is made. A change of the
    scores that a folder gives is a new `version`.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    truth: ClassVar[str]
    version: ClassVar[int] = 1

    @abstractmethod
    def scenes(self, folder: Path) -> list[RealScene]:
        """The scenes in a folder, none where it has another layout. Raises UserError if a file of this layout is missing or damaged."""


LAYOUTS: Registry[Layout] = Registry("layout", "pixbench.layouts")


def file_view(path: Path, size: Size | None = None) -> RealView:
    """A picture in a file, upright."""
    return RealView(lambda: read_picture(path).rgb, size)


def folders(folder: Path) -> list[Path]:
    """A folder and those in it, by name."""
    return [folder, *sorted(path for path in folder.iterdir() if path.is_dir())]
