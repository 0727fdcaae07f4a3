"""MegaDepth-1500 as LoFTR distributes it: .npz files with pairs, paths, intrinsics and poses, and the pictures and depth maps."""

from functools import partial
from pathlib import Path

import numpy as np

from .....errors import UserError
from .....geometry.cameras import Camera
from .....io.untrusted import inside
from ..files import check_rigid, read_depth
from ..layout import GroundTruth, Layout, RealPair, RealScene, Size, file_view, folders
from ..listed_truth import intrinsics
from ..plain_npz import npz_names, read_npz
from ..truth import DEPTH_TOLERANCE, depth_truth

KEYS = ("pair_infos", "image_paths", "depth_paths", "intrinsics", "poses")


class MegaDepth(Layout):
    """See Layout. Intrinsics are COLMAP's, with half pixel centres; poses are from the world to the camera."""

    name = "megadepth-1500"
    title = "0015_0.1_0.3.npz, ... with pair_infos, here or one folder below, and the pictures and depth maps that they name"
    truth = f"reprojected depth, hidden where b's depth is nearer by more than {DEPTH_TOLERANCE:.0%}; half pixel centres"

    def scenes(self, folder: Path) -> list[RealScene]:
        """See Layout."""
        lists = [path for each in folders(folder) for path in sorted(each.glob("*.npz")) if npz_names(path).issuperset(KEYS)]
        return [_scene(folder, path) for path in lists]


def _scene(folder: Path, file: Path) -> RealScene:
    infos, images, depths, K, poses = read_npz(file, *KEYS)
    pairs = [(int(info[0][0]), int(info[0][1])) for info in infos]
    used = sorted({number for pair in pairs for number in pair})
    view = {number: row for row, number in enumerate(used)}
    files = {number: (inside(folder, str(images[number])), inside(folder, str(depths[number]))) for number in used}
    missing = [path for both in files.values() for path in both if not path.is_file()]
    if missing:
        raise UserError(f"{missing[0]} is missing, though {file.name} names it: paths are relative to {folder}")
    for number in used:
        check_rigid(np.asarray(poses[number], float), f"pose {number}")
    cameras = {number: (intrinsics(K[number], "half"), np.linalg.inv(np.asarray(poses[number], float))) for number in used}

    def truth(a: int, b: int, size_a: Size, size_b: Size) -> GroundTruth:
        first, second = Camera(*cameras[a], *size_a), Camera(*cameras[b], *size_b)
        return depth_truth(read_depth(files[a][1]), read_depth(files[b][1]), first, second)

    return RealScene(
        file.stem,
        [file_view(files[number][0]) for number in used],
        [RealPair(view[a], view[b], partial(truth, a, b)) for a, b in pairs],
        [file, *(path for both in files.values() for path in both)],
    )


MEGADEPTH = MegaDepth()
