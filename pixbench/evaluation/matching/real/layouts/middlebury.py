"""Middlebury: stereo pairs of 2014 and 2021 (im0, im1, disp0.pfm), and pairs with optical flow (frame10, frame11, flow10.flo)."""

from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from ..files import one_size, read_disparity, read_flow, read_grey, same_size
from ..layout import GroundTruth, Layout, RealPair, RealScene, Size, file_view, folders
from ..truth import NEARER_PX, disparity_truth, flow_truth

SEEN = 255
"""Mask value of pixels that both cameras see; 128 is hidden, 0 unknown."""


class Middlebury(Layout):
    """See Layout. Where disp1.pfm is there, stereo pairs are scored both ways."""

    name = "middlebury"
    title = "scenes with im0.png, im1.png and disp0.pfm, or frame10.png, frame11.png and flow10.flo (maybe in other-data, other-gt-flow)"
    truth = (
        "the authors' disparities and flow; stereo is hidden where mask0nocc.png says so, or else where a point nearer by more than "
        f"{NEARER_PX:g} px of disparity falls on the same pixel; flow has no test, unknown pixels are left out"
    )

    def scenes(self, folder: Path) -> list[RealScene]:
        """See Layout. The folder of one scene will do."""
        stereo = [_stereo(each) for each in folders(folder) if all((each / name).is_file() for name in ("im0.png", "im1.png", "disp0.pfm"))]
        frames = [each for data in (folder, folder / "other-data") if data.is_dir() for each in folders(data)]
        flows = [(each, _flow_file(folder, each)) for each in frames if (each / "frame11.png").is_file()]
        return stereo + [_flow(each, file) for each, file in flows if file is not None]


def _stereo(folder: Path) -> RealScene:
    pictures = [folder / "im0.png", folder / "im1.png"]
    masks = [folder / "mask0nocc.png", folder / "mask1nocc.png"]
    disparities = [folder / "disp0.pfm", folder / "disp1.pfm"]
    ways = [(view, 1 - view) for view in (0, 1) if disparities[view].is_file()]
    pairs = [RealPair(a, b, partial(_stereo_truth, disparities[a], masks[a], 1 if a == 0 else -1)) for a, b in ways]
    files = [*pictures, *(path for path in (*disparities, *masks) if path.is_file())]
    return RealScene(folder.name, [file_view(path) for path in pictures], pairs, files)


def _stereo_truth(file: Path, mask: Path, direction: int, size_a: Size, size_b: Size) -> GroundTruth:
    disparity = read_disparity(file)
    same_size(disparity, size_a, file)
    one_size(size_a, size_b, file)
    seen: Bool[np.ndarray, "height width"] | None = None
    if mask.is_file():
        grey = read_grey(mask, "a mask")
        same_size(grey, size_a, mask)
        disparity, seen = np.where(grey == 0, np.nan, disparity), grey == SEEN
    return GroundTruth(disparity_truth(disparity, seen, direction=direction))


def _flow_file(folder: Path, frames: Path) -> Path | None:
    places = (frames / "flow10.flo", folder / "other-gt-flow" / frames.name / "flow10.flo")
    return next((path for path in places if path.is_file()), None)


def _flow(folder: Path, file: Path) -> RealScene:
    pictures = [folder / "frame10.png", folder / "frame11.png"]
    pairs = [RealPair(0, 1, partial(_flow_truth, file))]
    return RealScene(folder.name, [file_view(path) for path in pictures], pairs, [*pictures, file])


def _flow_truth(file: Path, size_a: Size, size_b: Size) -> GroundTruth:
    flow = read_flow(file)
    same_size(flow, size_a, file)
    return GroundTruth(flow_truth(flow, size_b))


MIDDLEBURY = Middlebury()
