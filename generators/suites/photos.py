"""Photographs with ground truth: two of a wall (graf) and two stereo pairs (motorcycle, aloe).

The ground truth is that of their authors: a fitted homography, and disparities from structured light. Both have integer pixel centres.
"""

import hashlib
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from jaxtyping import Float, UInt8

from pixbench.assets.paths import pack_folder
from pixbench.dataset.reader import PairKey
from pixbench.errors import UserError
from pixbench.evaluation.matching.pairs import EvaluationPairs, Identity, ScoredPair
from pixbench.evaluation.suite import MatchingSuite, Opening
from pixbench.geometry.correspondence import PairTruth, Status
from pixbench.geometry.pixels import INTEGER_CENTRES_TO_UV, in_image, nearest_pixel_index, pixel_centres, resize_uv
from pixbench.image.homography import apply_homography

PACK = "opencv-photos"
LONGER_SIDE = 640
NEARER_PX = 1.0
"""A point is occluded if another one projects to the same target pixel with a disparity that is larger by more than this."""

Image = UInt8[np.ndarray, "_ _ 3"]


@dataclass(frozen=True, eq=False)
class Photos:
    """Two photographs of one scene, and for the maps between them a function of uv that gives uv and status."""

    rgb: tuple[Image, Image]
    maps: dict[tuple[int, int], Callable[[Float[np.ndarray, "rows columns 2"]], PairTruth]]
    homography: Float[np.ndarray, "3 3"] | None


@dataclass(frozen=True)
class PhotoSuite(MatchingSuite):
    """Photographs at a longer side of at most `longer_side` px."""

    longer_side: int = LONGER_SIDE
    query_stride: int = 12

    @property
    def work(self) -> int:
        """Scenes."""
        return 3

    def open(self, opening: Opening, progress: Callable[[int], None] = lambda done: None) -> EvaluationPairs:
        """See MatchingSuite."""
        if opening.sources:
            raise UserError(f"suite {self.name} is fixed: --{next(iter(opening.sources))} cannot change it; leave it out")
        source = PhotoPairs(self)
        progress(self.work)
        return source


class PhotoPairs(EvaluationPairs):
    """Graf both ways, and the two stereo pairs from left to right."""

    def __init__(self, suite: PhotoSuite):
        self._side = suite.longer_side
        self.query_stride = suite.query_stride
        self._scenes = [_graf(), _motorcycle(), _aloe()]
        contents = hashlib.sha256()
        for photos in self._scenes:
            for rgb in photos.rgb:
                contents.update(rgb.tobytes())
            for key in photos.maps:
                contents.update(np.nan_to_num(self._truth(photos, key).uv_b).tobytes())
        recipe = hashlib.sha256(f"{suite.full_name} {suite.longer_side} {suite.query_stride} {contents.hexdigest()}".encode())
        self.identity = Identity(suite.full_name, recipe.hexdigest(), contents.hexdigest(), "test", 0, len(self._scenes))

    def groups(self) -> Sequence[Sequence[PairKey]]:
        """See EvaluationPairs."""
        return [[PairKey(scene, row, a, b) for row, (a, b) in enumerate(photos.maps)] for scene, photos in enumerate(self._scenes)]

    def images(self, scene: int) -> Sequence[Image]:
        """See EvaluationPairs."""
        return [self._resized(rgb) for rgb in self._scenes[scene].rgb]

    def pair(self, key: PairKey) -> ScoredPair:
        """See EvaluationPairs."""
        photos, images = self._scenes[key.scene], self.images(key.scene)
        truth = self._truth(photos, (key.a, key.b))
        H = photos.homography
        if H is not None:
            S = _scaling(photos.rgb[0], images[0])
            H = S @ (H if key.a == 0 else np.linalg.inv(H)) @ np.linalg.inv(S)
        share = float(np.mean(truth.status == Status.VISIBLE))
        return ScoredPair(key, images[key.a], images[key.b], truth, None, None, H, float("nan"), share, None)

    def _truth(self, photos: Photos, key: tuple[int, int]) -> PairTruth:
        a, b = (self._size(photos.rgb[view]) for view in key)
        old_a, old_b = ((photos.rgb[view].shape[1], photos.rgb[view].shape[0]) for view in key)
        truth = photos.maps[key](resize_uv(pixel_centres(*a), a, old_a))
        return PairTruth(resize_uv(truth.uv_b, old_b, b).astype(np.float32), truth.status)

    def _size(self, rgb: Image) -> tuple[int, int]:
        height, width = rgb.shape[:2]
        scale = min(1.0, self._side / max(height, width))
        return round(width * scale), round(height * scale)

    def _resized(self, rgb: Image) -> Image:
        from PIL import Image as Pillow

        return np.asarray(Pillow.fromarray(rgb).resize(self._size(rgb), Pillow.Resampling.LANCZOS))


def _scaling(old: Image, new: Image) -> Float[np.ndarray, "3 3"]:
    return np.diag([new.shape[1] / old.shape[1], new.shape[0] / old.shape[0], 1.0])


def homography_truth(H: Float[np.ndarray, "3 3"], width: int, height: int) -> Callable[[Float[np.ndarray, "rows columns 2"]], PairTruth]:
    """The ground truth of a plane under H: visible inside the image of width x height, out of frame elsewhere."""

    def truth(uv: Float[np.ndarray, "rows columns 2"]) -> PairTruth:
        moved = apply_homography(H, uv)
        status = np.where(in_image(np.nan_to_num(moved, nan=-1.0), width, height), Status.VISIBLE, Status.OUT_OF_FRAME)
        return PairTruth(moved.astype(np.float32), status.astype(np.uint8))

    return truth


def disparity_truth(
    disparity: Float[np.ndarray, "height width"],
) -> Callable[[Float[np.ndarray, "rows columns 2"]], PairTruth]:
    """The map from a left to a right rectified image: x moves left by the disparity of the pixel that covers it, NaN where unknown.

    A point is occluded where another one, nearer, falls on the same pixel of the right image.
    """
    height, width = disparity.shape
    centres = pixel_centres(width, height)
    known = np.isfinite(disparity)
    column = np.floor(np.where(known, centres[..., 0] - np.where(known, disparity, 0), -1)).astype(int)
    nearest = np.full((height, width), -np.inf)
    inside = known & (column >= 0)
    np.maximum.at(nearest, (np.nonzero(inside)[0], column[inside]), disparity[inside])

    def truth(uv: Float[np.ndarray, "rows columns 2"]) -> PairTruth:
        at = nearest_pixel_index(uv, width, height)
        d = disparity[at[..., 1], at[..., 0]]
        there = np.isfinite(d)
        moved = uv - np.stack([np.where(there, d, 0), np.zeros_like(d)], axis=-1)
        target = nearest_pixel_index(moved, width, height)
        hidden = nearest[target[..., 1], target[..., 0]] > np.where(there, d, np.inf) + NEARER_PX
        status = np.where(hidden, Status.OCCLUDED, Status.VISIBLE)
        status = np.where(moved[..., 0] < 0, Status.OUT_OF_FRAME, status)
        moved[~there] = np.nan
        return PairTruth(moved.astype(np.float32), np.where(there, status, Status.NO_SURFACE).astype(np.uint8))

    return truth


def _graf() -> Photos:
    rgb = (_read("graf1.png"), _read("graf3.png"))
    text = ElementTree.parse(_file("H1to3p.xml")).findtext(".//data") or ""  # noqa: S314
    H = INTEGER_CENTRES_TO_UV @ np.array(text.split(), float).reshape(3, 3) @ np.linalg.inv(INTEGER_CENTRES_TO_UV)
    height, width = rgb[1].shape[:2]
    return Photos(
        rgb,
        {(0, 1): homography_truth(H, width, height), (1, 0): homography_truth(np.linalg.inv(H), rgb[0].shape[1], rgb[0].shape[0])},
        H,
    )


def _motorcycle() -> Photos:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from skimage.data import stereo_motorcycle
    except ImportError:
        raise UserError("suite photos needs scikit-image, which carries one of its pairs: install pixbench[classic]") from None
    left, right, disparity = stereo_motorcycle()  # type: ignore[no-untyped-call]
    return Photos((left, right), {(0, 1): disparity_truth(np.where(np.isfinite(disparity), disparity, np.nan).astype(float))}, None)


def _aloe() -> Photos:
    levels = _read("aloeGT.png")[..., 0].astype(float)
    # One grey level is a disparity of one pixel; zero is unknown.
    return Photos((_read("aloeL.jpg"), _read("aloeR.jpg")), {(0, 1): disparity_truth(np.where(levels > 0, levels, np.nan))}, None)


def _file(name: str) -> Path:
    folder = pack_folder(PACK)
    found = sorted(folder.rglob(name)) if folder.is_dir() else []
    if not found:
        raise UserError(f"suite photos needs its photographs: run 'pixbench assets fetch {PACK}'")
    return found[0]


def _read(name: str) -> Image:
    from PIL import Image as Pillow

    return np.asarray(Pillow.open(_file(name)).convert("RGB"))
