"""Photographs with ground truth: two of a wall (graf) and two stereo pairs (motorcycle, aloe).

The ground truth is that of their authors: a fitted homography, and disparities from structured light. Both have integer pixel centres.
"""

import hashlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from pixbench.assets.paths import pack_folder
from pixbench.errors import UserError
from pixbench.evaluation.matching.pairs import EvaluationPairs, Identity
from pixbench.evaluation.matching.real.layout import GroundTruth, RealPair, RealScene, RealView, Size
from pixbench.evaluation.matching.real.pairs import LONG_SIDE, STRIDE, RealPairs
from pixbench.evaluation.matching.real.truth import disparity_truth, plane
from pixbench.evaluation.suite import MatchingSuite, Opening
from pixbench.image.homography import homography_to_uv
from pixbench.image.picture import opened_image
from pixbench.io.untrusted import parse_xml, parsing, read_text

PACK = "opencv-photos"
AGAIN = f"run 'pixbench assets fetch --force {PACK}'"

Image = UInt8[np.ndarray, "_ _ 3"]


@dataclass(frozen=True)
class PhotoSuite(MatchingSuite):
    """Photographs at a longer side of at most `longer_side` px: graf both ways, and the two stereo pairs from left to right."""

    longer_side: int = LONG_SIDE
    query_stride: int = STRIDE

    @property
    def work(self) -> int:
        """Scenes."""
        return 3

    def open(self, opening: Opening, progress: Callable[[int], None] = lambda done: None) -> EvaluationPairs:
        """See MatchingSuite."""
        if opening.sources:
            raise UserError(f"suite {self.name} is fixed: --{next(iter(opening.sources))} cannot change it; leave it out")
        scenes = [_graf(), _motorcycle(), _aloe()]
        source = RealPairs(
            scenes, Identity(self.full_name, "", "", "test", 0, len(scenes)), query_stride=self.query_stride, long_side=self.longer_side
        )
        content = _contents_sha256(scenes, source)
        recipe = hashlib.sha256(f"{self.full_name} {self.longer_side} {self.query_stride} {content}".encode())
        source.identity = Identity(self.full_name, recipe.hexdigest(), content, "test", 0, len(scenes))
        progress(self.work)
        return source


def _contents_sha256(scenes: list[RealScene], source: RealPairs) -> str:
    """Hash of pictures and ground truth, whatever files they came in."""
    digest = hashlib.sha256()
    keys = [key for group in source.groups() for key in group]
    for number, scene in enumerate(scenes):
        for view in scene.views:
            digest.update(view.read().tobytes())
        for key in keys:
            if key.scene == number:
                digest.update(np.nan_to_num(source.pair(key).truth.uv_b).tobytes())
    return digest.hexdigest()


def _scene(name: str, pictures: tuple[Image, Image], *truths: tuple[int, int, Callable[[Size, Size], GroundTruth]]) -> RealScene:
    views = [RealView(partial(np.asarray, rgb)) for rgb in pictures]
    return RealScene(name, views, [RealPair(*truth) for truth in truths], [])


def _graf() -> RealScene:
    with parsing(path := _file("H1to3p.xml"), AGAIN):
        text = parse_xml(read_text(path)).findtext(".//data") or ""
        H = homography_to_uv(np.array(text.split(), float).reshape(3, 3))

    def truth(H: Float[np.ndarray, "3 3"], size_a: Size, size_b: Size) -> GroundTruth:
        del size_a
        return plane(H, size_b)

    return _scene("graf", (_read("graf1.png"), _read("graf3.png")), (0, 1, partial(truth, H)), (1, 0, partial(truth, np.linalg.inv(H))))


def _stereo(name: str, left: Image, right: Image, disparity: Float[np.ndarray, "height width"]) -> RealScene:
    truth = GroundTruth(disparity_truth(disparity))
    return _scene(name, (left, right), (0, 1, lambda size_a, size_b: truth))


def _motorcycle() -> RealScene:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from skimage.data import stereo_motorcycle
    except ImportError:
        raise UserError("suite photos needs scikit-image, which contains one of its pairs: install pixbench[classic]") from None
    left, right, disparity = stereo_motorcycle()  # type: ignore[no-untyped-call]
    return _stereo("motorcycle", left, right, np.where(np.isfinite(disparity), disparity, np.nan).astype(float))


def _aloe() -> RealScene:
    levels = _read("aloeGT.png")[..., 0].astype(float)
    # One grey level is a disparity of one pixel; zero is unknown.
    return _stereo("aloe", _read("aloeL.jpg"), _read("aloeR.jpg"), np.where(levels > 0, levels, np.nan))


def _file(name: str) -> Path:
    folder = pack_folder(PACK)
    found = sorted(folder.rglob(name)) if folder.is_dir() else []
    if not found:
        raise UserError(f"suite photos needs its photographs: run 'pixbench assets fetch {PACK}'")
    return found[0]


def _read(name: str) -> Image:
    path = _file(name)
    with opened_image(path) as image, parsing(path, AGAIN):
        return np.asarray(image.convert("RGB"))
