"""KITTI 2012 and 2015: stereo and flow, ground truth as PNG of 16 bits with hidden pixels (occ) and without (noc)."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from .....errors import UserError
from ..files import one_size, read_disparity, read_flow, same_size
from ..layout import GroundTruth, Layout, RealPair, RealScene, Size, file_view
from ..truth import disparity_truth, flow_truth

CAMERAS = (("image_2", "image_3"), ("colored_0", "colored_1"), ("image_0", "image_1"))
"""Folders of left and right pictures; the first that exist are used: 2015 in colour, 2012 in colour and grey."""

DISPARITIES = (("disp_occ_0", "disp_noc_0"), ("disp_occ", "disp_noc"))
FLOWS = (("flow_occ", "flow_noc"),)


class Kitti(Layout):
    """See Layout. A scene has the left picture, the right one, and the left one a tenth of a second later."""

    name = "kitti"
    title = "training/ or its contents: image_2 (or colored_0, image_0) with 000000_10.png, and disp_occ_0 (or disp_occ) or flow_occ"
    truth = "the authors' disparities and flow, stored to 1/256 and 1/64 px; hidden where occ has a value and noc has none"

    def scenes(self, folder: Path) -> list[RealScene]:
        """See Layout."""
        root = folder / "training" if (folder / "training").is_dir() else folder
        cameras = next((pair for pair in CAMERAS if (root / pair[0]).is_dir()), None)
        disparity, flow = (_first_folders(root, names) for names in (DISPARITIES, FLOWS))
        if cameras is None or disparity is flow is None:
            return []
        found = [_scene(root, cameras, path.stem, disparity, flow) for path in sorted((root / cameras[0]).glob("*_10.png"))]
        return [scene for scene in found if scene.pairs]


def _first_folders(root: Path, names: Sequence[tuple[str, str]]) -> tuple[Path, Path] | None:
    return next(((root / occ, root / noc) for occ, noc in names if (root / occ).is_dir()), None)


def _scene(
    root: Path, cameras: tuple[str, str], stem: str, disparity: tuple[Path, Path] | None, flow: tuple[Path, Path] | None
) -> RealScene:
    left = root / cameras[0]
    pictures, pairs, files = [left / f"{stem}.png"], [], []
    later = left / f"{stem.removesuffix('_10')}_11.png"
    for folders, other, truth in ((disparity, root / cameras[1] / f"{stem}.png", _stereo_truth), (flow, later, _flow_truth)):
        occ, noc = (None, None) if folders is None else (each / f"{stem}.png" for each in folders)
        if occ is None or noc is None or not occ.is_file():
            continue
        for path in (other, noc):
            if not path.is_file():
                raise UserError(f"{path} is missing: {occ} needs it")
        pairs.append(RealPair(0, len(pictures), partial(truth, occ, noc)))
        pictures.append(other)
        files += [occ, noc]
    return RealScene(stem.removesuffix("_10"), [file_view(path) for path in pictures], pairs, [*pictures, *files])


def _stereo_truth(occ: Path, noc: Path, size_a: Size, size_b: Size) -> GroundTruth:
    disparity = read_disparity(occ)
    same_size(disparity, size_a, occ)
    one_size(size_a, size_b, occ)
    return GroundTruth(disparity_truth(disparity, _known(read_disparity(noc))))


def _flow_truth(occ: Path, noc: Path, size_a: Size, size_b: Size) -> GroundTruth:
    flow = read_flow(occ)
    same_size(flow, size_a, occ)
    return GroundTruth(flow_truth(flow, size_b, _known(read_flow(noc)[..., 0])))


def _known(values: np.ndarray) -> Bool[np.ndarray, "height width"]:
    return np.isfinite(values)


KITTI = Kitti()
