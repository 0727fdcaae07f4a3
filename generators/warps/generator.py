"""The generator `2d`: pictures under known warps. A picture is a plane in space, so that truth, files and readers are those of `3d`."""

from collections.abc import Sequence
from itertools import permutations

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch.nn import functional

from pixbench.dataset.reader import stored_pairs
from pixbench.dataset.schema import FIELDS, text_array
from pixbench.generation import MadeScene
from pixbench.geometry.correspondence import PairTruth, View, exact_pair, trace_view
from pixbench.geometry.pixels import normalised_grid
from pixbench.geometry.selftest import FlatColor, SelfTest, measure_exact, merge
from pixbench.image.homography import WARPS, Homography, warped
from pixbench.image.photometric import photometric

from ..casters.embree import EmbreeCaster
from ..scene_arrays import Arrays, pair_arrays
from ..tracks import follow
from .config import Config2D
from .images import Picture, open_pictures
from .plane_camera import picture_camera, picture_corners

WARP, JITTER, CONTROLS, TRACKS = range(4)
"""Purposes of random numbers."""

PICTURE = 1
"""The instance of a picture's pixels; there is no other."""


class Generator2D:
    """Pictures under perspective or affine warps, dense sub-pixel truth."""

    version = 1
    config_type = Config2D

    def __init__(self, config: Config2D):
        self.config = config
        self._pictures = open_pictures(config)
        self._corners = picture_corners()
        self._caster = EmbreeCaster(self._corners)
        self._instance = np.full(len(self._corners), PICTURE)
        self._photometric = photometric(config.jitter, "2d")

    def scene(self, index: int) -> MadeScene:
        """Warp picture number `index`, and prove its truth."""
        size, picture = self.config.size, self._pictures[index]
        rgb = torch.from_numpy(picture.rgb.transpose(2, 0, 1).copy()).float() / 255
        warps = WARPS[self.config.warps](self.config.rng(index, WARP), size, self.config.views)
        cameras = [picture_camera(H, size, size, size) for H in warps]
        views = [trace_view(self._caster, self._corners, self._instance, camera) for camera in cameras]
        pairs = list(permutations(range(len(views)), 2))
        truths = [exact_pair(self._caster, self._corners, views[a], views[b]) for a, b in pairs]
        arrays = self._view_arrays(views, self._seen(index, rgb, warps))
        arrays |= pair_arrays(pairs, truths, views, rng=self.config.rng(index, CONTROLS))
        arrays |= follow(views, self._caster, self._corners, self._instance, self.config.tracks, rng=self.config.rng(index, TRACKS))
        arrays |= _nothing_else(len(views))
        return MadeScene(arrays, self._self_test(arrays, rgb, pairs, truths, views), self._recipe(index, picture))

    def asset_hashes(self, ids: Sequence[str]) -> dict[str, str | None]:
        """Hashes of the digits or picture files, None for a missing one: what a recipe is checked against."""
        here = self._pictures.hashes()
        return {name: here.get(name) for name in ids}

    def _seen(
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

    def _view_arrays(self, views: list[View], rgb: UInt8[np.ndarray, "views h w 3"]) -> Arrays:
        triangle = np.stack([view.triangle for view in views])
        hit = triangle >= 0
        return {
            "rgb": rgb,
            "depth_m": np.stack([view.depth_m for view in views]).astype(np.float32),
            "normal_world": np.stack([view.normal for view in views]).astype(np.float16),
            "instance": (hit * PICTURE).astype(np.uint16),
            "semantic": hit.astype(np.uint16),
            "triangle": triangle.astype(np.int32),
            "K": np.stack([view.camera.K for view in views]),
            "T_world_cam": np.stack([view.camera.T_world_cam for view in views]),
            "semantic_names": text_array("semantic_names", ["none", "picture"]),
        }

    def _self_test(
        self,
        arrays: Arrays,
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
        """The picture's own colour at a point of its plane."""
        rows, columns = rgb.shape[-2:]

        def color(triangle: Int[np.ndarray, " points"], barycentric: Float[np.ndarray, "points 2"]) -> Float[np.ndarray, "points 3"]:
            corners = self._corners[triangle].astype(np.float64)
            edges = corners[:, 1:] - corners[:, :1]
            point = corners[:, 0] + np.einsum("ij,ijk->ik", barycentric, edges)
            grid = torch.from_numpy(normalised_grid((point[:, :2] + 0.5) * [columns, rows], columns, rows)).float()
            return functional.grid_sample(rgb[None], grid[None, None], align_corners=False, padding_mode="border")[0, :, 0].T.numpy()

        return color

    def _recipe(self, index: int, picture: Picture) -> dict[str, object]:
        return {
            "generator": "2d",
            "generator_version": self.version,
            "config": self.config.model_dump(mode="json"),
            "scene": index,
            "picture": picture.id,
            **picture.facts,
            "assets": {picture.id: picture.sha256},
        }


def _nothing_else(views: int) -> Arrays:
    """The tables of objects and lights, without rows: a picture is all there is, as it is."""
    sizes = {"V": views, "O": 0, "L": 0}
    names = [name for name in FIELDS if name.startswith(("object_", "light_"))]
    empty = {
        name: np.zeros([sizes[axis] if axis in sizes else int(axis) for axis in FIELDS[name].axes.split()], FIELDS[name].dtype)
        for name in names
    }
    return empty | {"exposure_ev": np.zeros(views), "white_balance": np.ones((views, 3))}
