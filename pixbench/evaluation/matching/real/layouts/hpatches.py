"""HPatches (Balntas et al., 2017): a folder per sequence, pictures 1.ppm to 6.ppm, and H_1_k from the first to each other one."""

from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float

from .....errors import UserError
from .....image.homography import homography_to_uv
from .....io.untrusted import parsing, read_text
from ..files import check_invertible
from ..layout import GroundTruth, Layout, RealPair, RealScene, Size, file_view, folders
from ..truth import plane

LARGEST_MATRIX = 10_000
"""Bytes of a file with a matrix."""

SUFFIXES = (".ppm", ".png", ".jpg", ".jpeg")


class HPatches(Layout):
    """See Layout. Pairs are (1, k), as in the authors' protocol; the homographies have whole pixel centres, as OpenCV has them."""

    name = "hpatches"
    title = "sequences with 1.ppm, 2.ppm, ... and H_1_2, ..."
    truth = "the authors' homographies; whole pixel centres"

    def scenes(self, folder: Path) -> list[RealScene]:
        """See Layout. The folder of one sequence will do."""
        return [_sequence(each) for each in folders(folder) if any(each.glob("H_1_*"))]


HPATCHES = HPatches()


def _sequence(folder: Path) -> RealScene:
    numbers = sorted(int(path.name[4:]) for path in folder.glob("H_1_*") if path.name[4:].isdecimal())
    pictures = [_picture(folder, number) for number in (1, *numbers)]
    files = [folder / f"H_1_{number}" for number in numbers]
    pairs = [RealPair(0, view, partial(_truth, file)) for view, file in enumerate(files, start=1)]
    return RealScene(folder.name, [file_view(path) for path in pictures], pairs, [*pictures, *files])


def _picture(folder: Path, number: int) -> Path:
    for suffix in SUFFIXES:
        if (folder / f"{number}{suffix}").is_file():
            return folder / f"{number}{suffix}"
    raise UserError(f"{folder} lacks its picture {number}.ppm (or {', '.join(SUFFIXES[1:])}): copy it there, or remove H_1_{number}")


def _truth(file: Path, size_a: Size, size_b: Size) -> GroundTruth:
    del size_a
    H = read_matrix(file, 3)
    with parsing(file, "expected a homography"):
        check_invertible(H, "it")
    return plane(homography_to_uv(H), size_b)


def read_matrix(file: Path, size: int) -> Float[np.ndarray, "size size"]:
    """A square matrix of numbers in a text file. Raises UserError for anything else."""
    text = read_text(file, LARGEST_MATRIX)
    try:
        found = np.array(text.split(), float).reshape(size, size)
    except ValueError as error:
        raise UserError(f"{file} does not hold {size} x {size} numbers ({' '.join(str(error).split())})") from None
    if not np.isfinite(found).all():
        raise UserError(f"{file} holds a number that is not finite: expected {size} x {size} finite ones")
    return found
