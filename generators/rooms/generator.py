"""The generator `3d`: furnished rooms seen by several cameras, with exact ground truth for every ordered pair of views."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Any

import numpy as np

from pixbench.dataset.reader import stored_pairs
from pixbench.generation import MadeScene
from pixbench.generation.components import RENDERERS
from pixbench.geometry.correspondence import PairTruth, View, exact_pair, trace_view
from pixbench.geometry.rays import RayCaster
from pixbench.geometry.selftest import FlatColor, measure_exact
from pixbench.geometry.selftest_result import SelfTest, merge

from ..annotations import light_arrays, object_arrays, pair_arrays, segmentation, view_arrays
from ..renderers.protocol import Renderer
from ..renderers.texture_atlas import AtlasMaker, surface_color, to_srgb
from ..scene import Geometry, Scene
from ..scene_arrays import SceneArrays
from ..tracks import track_points
from .composer import Composer
from .config import Config3D

NAME = "3d"
"""The name that this generator is registered under."""

RENDER, CONTROLS, TRACKS = 3, 4, 5
"""Purposes of random streams; 0 to 2 are those of the composer."""


class Generator3D:
    """Rooms and objects from any source, several cameras, dense sub-pixel truth."""

    version = 3
    config_type = Config3D

    def __init__(self, config: Config3D):
        self.config = config
        self.composer = Composer(config)
        self._renderer: Renderer = RENDERERS.get(config.renderer)(preset=config.preset)
        self._atlases = AtlasMaker(finest_only=True)

    def scene(self, index: int) -> MadeScene:
        """Compose, render and verify scene number `index`."""
        scene, geometry, caster, replaced = self.composer.compose(index)
        views = [trace_view(caster, geometry.corners, geometry.instance, camera) for camera in scene.cameras]
        rgb = self._render(index, scene, geometry, caster, views)
        pairs = list(permutations(range(len(views)), 2))
        truths = [exact_pair(caster, geometry.corners, views[a], views[b]) for a, b in pairs]
        seen = view_arrays(views, rgb, *segmentation(scene, geometry, views, self.composer.categories))
        arrays = SceneArrays(
            views=seen,
            pairs=pair_arrays(pairs, truths, views, rng=self.config.rng(index, CONTROLS)),
            tracks=track_points(views, caster, geometry.corners, geometry.instance, self.config.tracks, rng=self.config.rng(index, TRACKS)),
            objects=object_arrays(scene, seen.instance),
            lights=light_arrays(scene.lights, scene.appearances),
        ).stored()
        self_test = self._self_test(arrays, scene, pairs, truths, views, caster, geometry)
        return MadeScene(arrays, self_test, self._recipe(index, scene, replaced))

    def asset_hashes(self, ids: Sequence[str]) -> dict[str, str | None]:
        """The sha256 of the files of each model, None for a missing one; recipes are checked against it."""
        return self.composer.asset_hashes(list(ids))

    def _render(self, index: int, scene: Scene, geometry: Geometry, caster: RayCaster, views: list[View]) -> np.ndarray:
        noise = self.config.rng(index, RENDER)
        renderer = self._renderer.scene(geometry, caster, scene.lights)
        return np.stack([renderer.draw(view, appearance, rng=noise) for view, appearance in zip(views, scene.appearances, strict=True)])

    def _self_test(
        self,
        arrays: Mapping[str, np.ndarray],
        scene: Scene,
        pairs: list[tuple[int, int]],
        truths: list[PairTruth],
        views: list[View],
        caster: RayCaster,
        geometry: Geometry,
    ) -> SelfTest:
        """Compare every pair, as a reader of the shard gets it, with the triangles that it was computed from."""
        atlas = self._atlases.build(geometry.materials)

        def flat_color(triangle: np.ndarray, barycentric: np.ndarray) -> np.ndarray:
            return to_srgb(surface_color(geometry, atlas, triangle, barycentric))

        flat: FlatColor = flat_color
        stored = stored_pairs(arrays, scene.cameras, pairs, arrays["status"])
        return merge(
            [
                measure_exact(pair, truth, views[a], caster, geometry.corners, flat)
                for pair, (a, _), truth in zip(stored, pairs, truths, strict=True)
            ]
        )

    def _recipe(self, index: int, scene: Scene, replaced: Counter[str]) -> dict[str, Any]:
        models = [(scene.room.id, scene.room.sha256)] + [(placed.asset.id, placed.asset.sha256) for placed in scene.objects]
        return {
            "generator": "3d",
            "generator_version": self.version,
            "config": self.config.model_dump(mode="json"),
            "scene": index,
            "room": scene.room.id,
            "objects": dict(sorted(Counter(placed.asset.category for placed in scene.objects).items())),
            "replaced": dict(sorted(replaced.items())),
            "assets": {model_id: sha256 for model_id, sha256 in models if sha256},
        }
