"""ScanNet-1500 as LoFTR distributes it: a list of pairs, intrinsics, and a folder per scene with color, depth and pose."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float

from .....errors import UserError
from .....geometry.cameras import Camera
from .....image.picture import opened_image
from .....io.untrusted import inside, parsing
from ..files import check_rigid, read_depth
from ..layout import GroundTruth, Layout, RealPair, RealScene, RealView, Size, file_view
from ..listed_truth import intrinsics
from ..plain_npz import npz_names, read_npz
from ..truth import DEPTH_TOLERANCE, depth_truth
from .hpatches import read_matrix

MILLIMETRES = 0.001


class ScanNet(Layout):
    """See Layout. Pictures are scaled to the size of the depth maps, as in LoFTR's protocol; intrinsics are for that size."""

    name = "scannet-1500"
    title = "test.npz with pairs, intrinsics.npz, and scene0707_00/ with color, depth and pose"
    truth = f"reprojected depth, hidden where b's depth is nearer by more than {DEPTH_TOLERANCE:.0%}; whole pixel centres"

    def scenes(self, folder: Path) -> list[RealScene]:
        """See Layout."""
        lists = [path for path in sorted(folder.glob("*.npz")) if "name" in npz_names(path)]
        if not lists:
            return []
        cameras = folder / "intrinsics.npz"
        if not cameras.is_file():
            raise UserError(f"{folder} lacks intrinsics.npz, which belongs to {lists[0].name}: copy it there")
        by_scene: dict[str, list[tuple[str, str]]] = {}
        for path in lists:
            for scene, part, a, b in np.asarray(read_npz(path, "name")[0]).reshape(-1, 4):
                by_scene.setdefault(f"scene{int(scene):04d}_{int(part):02d}", []).append((str(a), str(b)))
        K = {name: intrinsics(read_npz(cameras, name)[0], "whole") for name in by_scene}
        return [_scene(folder / name, K[name], pairs, [*lists, cameras]) for name, pairs in by_scene.items()]


def _scene(folder: Path, K: Float[np.ndarray, "3 3"], pairs: Sequence[tuple[str, str]], lists: Sequence[Path]) -> RealScene:
    stems = list(dict.fromkeys(stem for pair in pairs for stem in pair))
    files = [path for stem in stems for path in _files(folder, stem)]
    missing = [path for path in files if not path.is_file()]
    if missing:
        raise UserError(f"{missing[0]} is missing, though {lists[0].name} names it: copy the whole set")
    return RealScene(
        folder.name,
        [_view(folder, stem) for stem in stems],
        [RealPair(stems.index(a), stems.index(b), partial(_truth, folder, K, a, b)) for a, b in pairs],
        [*lists, *files],
    )


def _files(folder: Path, stem: str) -> tuple[Path, Path, Path]:
    names = (f"color/{stem}.jpg", f"depth/{stem}.png", f"pose/{stem}.txt")
    color, depth, pose = (inside(folder, name) for name in names)
    return color, depth, pose


def _view(folder: Path, stem: str) -> RealView:
    color, depth, _ = _files(folder, stem)
    with opened_image(depth) as image:
        return file_view(color, image.size)


def _truth(folder: Path, K: Float[np.ndarray, "3 3"], a: str, b: str, size_a: Size, size_b: Size) -> GroundTruth:
    depths, cameras = [], []
    for stem, size in ((a, size_a), (b, size_b)):
        _, depth, pose = _files(folder, stem)
        depths.append(read_depth(depth, MILLIMETRES))
        T_world_cam = read_matrix(pose, 4)
        with parsing(pose, "expected a pose"):
            check_rigid(T_world_cam, "it")
        cameras.append(Camera(K, T_world_cam, *size))
    return depth_truth(depths[0], depths[1], cameras[0], cameras[1])


SCANNET = ScanNet()
