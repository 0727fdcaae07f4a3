"""Ground truth of real pairs: from a homography, disparities, optical flow, or depth and cameras."""

import numpy as np
from jaxtyping import Bool, Float

from ....geometry.cameras import Camera
from ....geometry.correspondence import PairTruth, Status
from ....geometry.pixels import in_image, nearest_pixel_index, pixel_centres
from ....image.homography import apply_homography
from ..pairs import plane_homography
from .layout import GroundTruth, Size, TruthMap

NEARER_PX = 1.0
"""A point is occluded if another one falls on the same target pixel with a disparity that is larger by more than this."""

DEPTH_TOLERANCE = 0.05
"""Depths that differ by more than this share belong to two surfaces (RoMa's bound; LoFTR's, for training, is .2)."""

Grid = Float[np.ndarray, "rows columns 2"]
DepthMap = Float[np.ndarray, "_ _"]
"""z-depth in metres; each picture has one of its own size."""


def homography_truth(H: Float[np.ndarray, "3 3"], width: int, height: int) -> TruthMap:
    """A plane under H: visible inside the image of width x height, out of frame elsewhere."""

    def at(uv: Grid) -> PairTruth:
        moved = apply_homography(H, uv)
        status = np.where(in_image(np.nan_to_num(moved, nan=-1.0), width, height), Status.VISIBLE, Status.OUT_OF_FRAME)
        return PairTruth(moved.astype(np.float32), status.astype(np.uint8))

    return at


def plane(H: Float[np.ndarray, "3 3"], size_b: Size) -> GroundTruth:
    """The ground truth of a pair that a homography of uv joins."""
    return GroundTruth(homography_truth(H, *size_b), homography=H)


def disparity_truth(
    disparity: Float[np.ndarray, "height width"], seen: Bool[np.ndarray, "height width"] | None = None, *, direction: int = 1
) -> TruthMap:
    """From a left to a right rectified image: x moves left by the disparity of the pixel that covers it, NaN where unknown.

    A point is occluded where `seen` is False; without `seen`, where another one, nearer, falls on the same pixel of the other image.
    `direction` -1 is from right to left.
    """
    height, width = disparity.shape
    shift = np.where(np.isfinite(disparity), disparity, np.nan)
    nearest = _nearest(shift, direction)

    def at(uv: Grid) -> PairTruth:
        column, row = np.moveaxis(nearest_pixel_index(uv, width, height), -1, 0)
        d = shift[row, column]
        moved = uv - np.stack([direction * d, np.where(np.isnan(d), np.nan, 0.0)], axis=-1)
        x, y = np.moveaxis(nearest_pixel_index(moved, width, height), -1, 0)
        hidden = nearest[y, x] > d + NEARER_PX if seen is None else ~seen[row, column]
        return _truth_of_targets(moved, hidden, (width, height))

    return at


def _nearest(disparity: Float[np.ndarray, "height width"], direction: int) -> Float[np.ndarray, "height width"]:
    """The largest disparity that falls on each pixel of the other image; -inf for none."""
    height, width = disparity.shape
    centres = pixel_centres(width, height)
    moved = np.stack([centres[..., 0] - direction * np.nan_to_num(disparity), centres[..., 1]], axis=-1)
    inside = np.isfinite(disparity) & in_image(moved, width, height)
    column, row = np.moveaxis(nearest_pixel_index(moved, width, height), -1, 0)
    nearest = np.full((height, width), -np.inf)
    np.maximum.at(nearest, (row[inside], column[inside]), disparity[inside])
    return nearest


def flow_truth(flow: Float[np.ndarray, "height width 2"], size_b: Size, seen: Bool[np.ndarray, "height width"] | None = None) -> TruthMap:
    """uv moves by the flow of the pixel that covers it, NaN where unknown; occluded where `seen` is False."""
    height, width = flow.shape[:2]

    def at(uv: Grid) -> PairTruth:
        column, row = np.moveaxis(nearest_pixel_index(uv, width, height), -1, 0)
        hidden = np.zeros(column.shape, bool) if seen is None else ~seen[row, column]
        return _truth_of_targets(uv + flow[row, column], hidden, size_b)

    return at


def _truth_of_targets(moved: Grid, hidden: Bool[np.ndarray, "rows columns"], size_b: Size) -> PairTruth:
    known = np.isfinite(moved).all(axis=-1)
    status = np.where(hidden, Status.OCCLUDED, Status.VISIBLE)
    status = np.where(in_image(np.nan_to_num(moved, nan=-1.0), *size_b), status, Status.OUT_OF_FRAME)
    uv_b = np.where(known[..., None], moved, np.nan).astype(np.float32)
    return PairTruth(uv_b, np.where(known, status, Status.NO_SURFACE).astype(np.uint8))


def depth_truth(depth_a: DepthMap, depth_b: DepthMap, a: Camera, b: Camera) -> GroundTruth:
    """Ground truth by reprojection. The depth at uv is that of the depth map's covering pixel; it is unknown unless positive and finite.

    A point is occluded where b's depth map is nearer by more than `DEPTH_TOLERANCE`; ambiguous where it is farther by more, since the two
    maps then disagree, or unknown. A depth map may be of another size than its picture.
    """

    def at(uv: Grid) -> PairTruth:
        z_a = _depth_at(depth_a, uv, a)
        uv_b, z = b.project(a.unproject(uv, z_a))
        seen = _depth_at(depth_b, np.nan_to_num(uv_b, nan=-1.0), b)
        status = np.where(np.abs(z - seen) <= DEPTH_TOLERANCE * seen, Status.VISIBLE, Status.AMBIGUOUS)
        status = np.where(z > (1 + DEPTH_TOLERANCE) * seen, Status.OCCLUDED, status)
        status = np.where(in_image(np.nan_to_num(uv_b, nan=-1.0), b.width, b.height), status, Status.OUT_OF_FRAME)
        status = np.where(z <= 0, Status.BEHIND_CAMERA, status)
        return PairTruth(uv_b.astype(np.float32), np.where(np.isnan(z_a), Status.NO_SURFACE, status).astype(np.uint8))

    return GroundTruth(at, plane_homography(a, b), (a, b))


def _depth_at(depth: DepthMap, uv: Grid, camera: Camera) -> Float[np.ndarray, "rows columns"]:
    """The depth of the pixels that cover uv, NaN where it is unknown."""
    height, width = depth.shape
    column, row = np.moveaxis(nearest_pixel_index(uv * (width / camera.width, height / camera.height), width, height), -1, 0)
    found = depth[row, column].astype(np.float64)
    return np.where(np.isfinite(found) & (found > 0), found, np.nan)
