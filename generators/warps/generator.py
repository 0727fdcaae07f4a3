"""The generator `2d`: images under known homographies.

An image is a plane in space, so that ground truth, files and readers are the same as those of `3d`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from itertools import permutations
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch.nn import functional

from pixbench.dataset.reader import stored_pairs
from pixbench.dataset.schema import FIELDS
from pixbench.errors import UserError
from pixbench.generation import MadeScene
from pixbench.geometry.correspondence import PairTruth, View, exact_pair, trace_view
from pixbench.geometry.instances import NO_INSTANCE, ROOM_INSTANCE
from pixbench.geometry.pixels import normalised_grid
from pixbench.geometry.selftest import FlatColor, measure_exact
from pixbench.geometry.selftest_result import SelfTest, merge
from pixbench.image.homography import WARPS, Homography, warped
from pixbench.image.photometric import photometric

from ..annotations import pair_arrays, stacked_triangles, view_arrays
from ..casters.embree import EmbreeCaster
from ..scene_arrays import LightArrays, ObjectArrays, SceneArrays
from ..tracks import track_points
from .config import Config2D
from .images import BadPictureError, SourcePicture, is_plain, open_pictures
from .plane_camera import picture_camera, picture_corners

WARP, JITTER, CONTROLS, TRACKS, REDRAW = range(5)
"""Purposes of random streams."""

REDRAWS = 60

Table = TypeVar("Table", ObjectArrays, LightArrays)


class Generator2D:
    """Pictures under perspective or affine warps, dense sub-pixel truth."""

    version = 1
    config_type = Config2D

    def __init__(self, config: Config2D):
        self.config = config
        self._pictures = open_pictures(config)
        self._corners = picture_corners()
        self._caster = EmbreeCaster(self._corners)
        self._instance = np.full(len(self._corners), ROOM_INSTANCE)
        self._photometric = photometric(config.jitter, "2d")

    def scene(self, index: int) -> MadeScene:
        """Warp picture number `index` and verify its ground truth. A picture that cannot be used is replaced by another one.

        Raises UserError if too many in a row cannot be used.
        """
        replaced: Counter[str] = Counter()
        for picture in self._candidates(index, replaced):
            made = self._warped(index, picture, replaced)
            # On a plain picture a wrong map fits as well as the true one: it cannot verify the ground truth.
            if made.self_test.photometric_correlation > made.self_test.photometric_shifted or not is_plain(picture.rgb, self.config.size):
                return made
            replaced["picture without structure"] += 1
        most = ", ".join(f"{kind} {count}" for kind, count in replaced.most_common())
        raise UserError(f"scene {index}: {REDRAWS} pictures of {self.config.pictures} in a row cannot be used ({most}): repair them")

    def _candidates(self, index: int, replaced: Counter[str]) -> Iterator[SourcePicture]:
        """Picture number `index`, then random ones, first those that no scene uses; unusable ones are counted."""
        count, spare, rng = len(self._pictures), self.config.scenes, self.config.rng(index, REDRAW)
        for attempt in range(REDRAWS):
            number = index if attempt == 0 else int(rng.integers(spare if spare < count else 0, count))
            try:
                yield self._pictures[number]
            except BadPictureError as error:
                replaced[error.kind] += 1

    def _warped(self, index: int, picture: SourcePicture, replaced: Counter[str]) -> MadeScene:
        size = self.config.size
        rgb = torch.from_numpy(picture.rgb.transpose(2, 0, 1).copy()).float() / 255
        warps = WARPS[self.config.warps](self.config.rng(index, WARP), size, self.config.views)
        cameras = [picture_camera(H, size, size, size) for H in warps]
        views = [trace_view(self._caster, self._corners, self._instance, camera) for camera in cameras]
        pairs = list(permutations(range(len(views)), 2))
        truths = [exact_pair(self._caster, self._corners, views[a], views[b]) for a, b in pairs]
        hit = stacked_triangles(views) >= 0
        instance = np.where(hit, ROOM_INSTANCE, NO_INSTANCE)
        tracks_rng = self.config.rng(index, TRACKS)
        arrays = SceneArrays(
            views=view_arrays(views, self._render(index, rgb, warps), instance, hit.astype(np.int64), ["none", "picture"]),
            pairs=pair_arrays(pairs, truths, views, rng=self.config.rng(index, CONTROLS)),
            tracks=track_points(views, self._caster, self._corners, self._instance, self.config.tracks, rng=tracks_rng),
            objects=_empty(ObjectArrays, len(views)),
            lights=replace(_empty(LightArrays, len(views)), white_balance=np.ones((len(views), 3))),
        ).stored()
        return MadeScene(arrays, self._self_test(arrays, rgb, pairs, truths, views), self._recipe(index, picture, replaced))

    def asset_hashes(self, ids: Sequence[str]) -> dict[str, str | None]:
        """The sha256 of digits or picture files, None for a missing one; recipes are checked against it."""
        here = self._pictures.hashes()
        return {name: here.get(name) for name in ids}

    def _render(
        self, index: int, rgb: Float[torch.Tensor, "3 rows columns"], warps: Sequence[Homography]
    ) -> UInt8[np.ndarray, "views h w 3"]:
        size, scale = self.config.size, np.diag([self.config.size / rgb.shape[-1]] * 2 + [1.0])
        seen = torch.stack([warped(rgb, H @ scale, size, size) for H in warps])
        if self.config.jitter:
            seed = int(self.config.rng(index, JITTER).integers(2**62))
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                seen = self._photometric(seen).clamp(0, 1)
        return (seen * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()

    def _self_test(
        self,
        arrays: Mapping[str, np.ndarray],
        rgb: Float[torch.Tensor, "3 rows columns"],
        pairs: list[tuple[int, int]],
        truths: list[PairTruth],
        views: list[View],
    ) -> SelfTest:
        flat: FlatColor = self._flat_color(rgb)
        stored = stored_pairs(arrays, [view.camera for view in views], pairs, arrays["status"])
        return merge(
            [
                measure_exact(pair, truth, views[a], self._caster, self._corners, flat)
                for pair, (a, _), truth in zip(stored, pairs, truths, strict=True)
            ]
        )

    def _flat_color(self, rgb: Float[torch.Tensor, "3 rows columns"]) -> FlatColor:
        """A function that gives the colour of the picture at points of its plane."""
        rows, columns = rgb.shape[-2:]

        def color(triangle: Int[np.ndarray, " points"], barycentric: Float[np.ndarray, "points 2"]) -> Float[np.ndarray, "points 3"]:
            corners = self._corners[triangle].astype(np.float64)
            edges = corners[:, 1:] - corners[:, :1]
            point = corners[:, 0] + np.einsum("ij,ijk->ik", barycentric, edges)
            grid = torch.from_numpy(normalised_grid((point[:, :2] + 0.5) * [columns, rows], columns, rows)).float()
            return functional.grid_sample(rgb[None], grid[None, None], align_corners=False, padding_mode="border")[0, :, 0].T.numpy()

        return color

    def _recipe(self, index: int, picture: SourcePicture, replaced: Counter[str]) -> dict[str, object]:
        return {
            "generator": "2d",
            "generator_version": self.version,
            "config": self.config.model_dump(mode="json"),
            "scene": index,
            "picture": picture.id,
            **picture.facts,
            "assets": {picture.id: picture.sha256},
        } | ({"replaced": dict(sorted(replaced.items()))} if replaced else {})


def _empty(kind: type[Table], views: int) -> Table:
    """Arrays without objects and lights: a scene of the generator `2d` has none."""
    sizes = {"V": views, "O": 0, "L": 0}
    shapes = {
        field.name: [sizes[axis] if axis in sizes else int(axis) for axis in FIELDS[field.name].axes.split()] for field in fields(kind)
    }
    return kind(**{name: np.zeros(shape, FIELDS[name].dtype) for name, shape in shapes.items()})
