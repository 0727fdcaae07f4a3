"""Real pairs for evaluation: images downsized to a longer side, with their ground truth scaled accordingly."""

import hashlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import overload

import numpy as np
from jaxtyping import Float, UInt8

from ....dataset.reader import PairKey
from ....geometry.cameras import Camera
from ....geometry.correspondence import PairTruth, Status
from ....geometry.pixels import pixel_centres, resize_uv
from ....image.picture import size_wh
from ....io.files import file_sha256
from ....io.untrusted import LARGEST_PICTURE, check_regular, parsing
from ..pairs import EvaluationPairs, Identity, ScoredPair
from .layout import RealPair, RealScene, RealView, Size, TruthMap

LONG_SIDE = 640
STRIDE = 12
"""Query pixels are farther apart than in synthetic sets, whose images are smaller."""

GROUP_VIEWS = 8
"""Pictures whose descriptors are held in memory at once."""

Image = UInt8[np.ndarray, "_ _ 3"]


class RealPairs(EvaluationPairs):
    """Pairs of scenes, each picture with its longer side at most `long_side` px (0: as it is)."""

    def __init__(self, scenes: Sequence[RealScene], identity: Identity, *, query_stride: int = STRIDE, long_side: int = LONG_SIDE):
        self._scenes, self._side = scenes, long_side
        self.identity, self.query_stride = identity, query_stride
        self._read = lru_cache(GROUP_VIEWS)(self._shrunk)

    def groups(self) -> Sequence[Sequence[PairKey]]:
        """See EvaluationPairs. A scene of many pictures has several groups."""
        return [group for number, scene in enumerate(self._scenes) for group in _groups(number, scene.pairs)]

    def images(self, scene: int) -> Sequence[Image]:
        """See EvaluationPairs. A picture is read when it is asked for."""
        return ScenePictures(self, scene)

    def image(self, scene: int, view: int) -> Image:
        """One picture at evaluation size."""
        return self._read(scene, view)[0]

    def view_count(self, scene: int) -> int:
        """Number of images of a scene."""
        return len(self._scenes[scene].views)

    def pair(self, key: PairKey) -> ScoredPair:
        """See EvaluationPairs."""
        (rgb_a, size_a), (rgb_b, size_b) = (self._read(key.scene, view) for view in (key.a, key.b))
        scene = self._scenes[key.scene]
        with parsing(f"the ground truth of {scene.name}, views {key.a} and {key.b},", "copy its files again"):
            ground = scene.pairs[key.row].truth(size_a, size_b)
            truth = _resized(ground.at, (size_a, size_wh(rgb_a)), (size_b, size_wh(rgb_b)))
        a, b = (None, None) if ground.cameras is None else map(_camera, ground.cameras, (size_wh(rgb_a), size_wh(rgb_b)))
        H = ground.homography
        if H is not None:
            H = _scaling(size_b, size_wh(rgb_b)) @ H @ np.linalg.inv(_scaling(size_a, size_wh(rgb_a)))
        angle = float("nan") if a is None or b is None else _parallax_deg(a, b, truth)
        share = float(np.mean(truth.status == Status.VISIBLE))
        return ScoredPair(key, rgb_a, rgb_b, truth, a, b, H, angle, share, None)

    def _shrunk(self, scene: int, view: int) -> tuple[Image, Size]:
        """A picture at evaluation size, and the size that its ground truth refers to."""
        return shrunk_view(self._scenes[scene].views[view], self._side)


class ScenePictures(Sequence[Image]):
    """The pictures of a scene, read one by one."""

    def __init__(self, source: RealPairs, scene: int):
        self._source, self._scene = source, scene

    def __len__(self) -> int:
        return self._source.view_count(self._scene)

    @overload
    def __getitem__(self, view: int) -> Image: ...

    @overload
    def __getitem__(self, view: slice) -> "list[Image]": ...

    def __getitem__(self, view: int | slice) -> "Image | list[Image]":
        if isinstance(view, slice):
            return [self[k] for k in range(*view.indices(len(self)))]
        return self._source.image(self._scene, range(len(self))[view])


def shrunk_view(view: RealView, long_side: int) -> tuple[Image, Size]:
    """The picture with its longer side at most `long_side` px (0: as it is), by Lanczos, and the size that its ground truth refers to."""
    from PIL import Image as Pillow

    rgb = view.read()
    width, height = original = view.size or size_wh(rgb)
    scale = min(1.0, long_side / max(width, height)) if long_side else 1.0
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if size == size_wh(rgb):
        return rgb, original
    return np.asarray(Pillow.fromarray(rgb).resize(size, Pillow.Resampling.LANCZOS)), original


def contents_sha256(scenes: Sequence[RealScene], folder: Path) -> str:
    """Hash of the names and bytes of all files of scenes. Raises UserError for a file that is too large for a picture or a table."""
    digest = hashlib.sha256()
    for path in dict.fromkeys(path for scene in scenes for path in scene.files):
        named = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name
        check_regular(path, LARGEST_PICTURE)
        digest.update(f"{named} {file_sha256(path)}\n".encode())
    return digest.hexdigest()


def _groups(scene: int, pairs: Sequence[RealPair]) -> Iterator[list[PairKey]]:
    group: list[PairKey] = []
    views: set[int] = set()
    for row, pair in enumerate(pairs):
        if group and len(views | {pair.a, pair.b}) > GROUP_VIEWS:
            yield group
            group, views = [], set()
        group.append(PairKey(scene, row, pair.a, pair.b))
        views |= {pair.a, pair.b}
    if group:
        yield group


def _scaling(old: Size, new: Size) -> Float[np.ndarray, "3 3"]:
    return np.diag([new[0] / old[0], new[1] / old[1], 1.0])


def _camera(camera: Camera, size: Size) -> Camera:
    return Camera(_scaling((camera.width, camera.height), size) @ camera.K, camera.T_world_cam, *size)


def _resized(at: TruthMap, a: tuple[Size, Size], b: tuple[Size, Size]) -> PairTruth:
    """Ground truth at the pixel centres of shrunk pictures; for each picture, its original and its shrunk size."""
    truth = at(resize_uv(pixel_centres(*a[1]), a[1], a[0]))
    return PairTruth(resize_uv(truth.uv_b, *b).astype(np.float32), truth.status)


def _parallax_deg(a: Camera, b: Camera, truth: PairTruth) -> float:
    """Median angle between the rays of both cameras to the points that both see; NaN for none."""
    seen = truth.status == Status.VISIBLE
    if not seen.any():
        return float("nan")
    height, width = seen.shape
    rays = [camera.rays(uv[seen].astype(float)) for camera, uv in ((a, pixel_centres(width, height)), (b, truth.uv_b))]
    first, second = (ray / np.linalg.norm(ray, axis=-1, keepdims=True) for ray in rays)
    return float(np.degrees(np.median(np.arccos(np.clip((first * second).sum(axis=-1), -1, 1)))))
