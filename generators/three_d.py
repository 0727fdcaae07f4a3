"""The generator `3d`: furnished rooms seen by several cameras, with exact truth between every ordered pair of views."""

from collections import Counter
from itertools import permutations
from typing import Any

import numpy as np
from pydantic import Field, model_validator

from pixbench.errors import UserError, unknown_name
from pixbench.generation import GeneratorConfig, MadeScene
from pixbench.geometry import Camera
from pixbench.selftest import SelfTest, measure_exact, merge
from pixbench.shards.reader import stored_pair
from pixbench.truth import PairTruth, Status, View, exact_pair, trace_view

from .embree import EmbreeCaster
from .layout import furnish
from .procedural import objects as procedural_objects
from .procedural import room as procedural_room
from .raycast import RaycastRenderer
from .scene import Geometry, Light, Placed, Room, Scene, ViewLook, flatten
from .viewpoints import Viewpoints, choose_cameras

LAYOUT, CAMERAS, LOOKS, RENDER, CONTROLS = range(5)
CONTROL_POINTS = 64
LAYOUTS = 20
FURNITURE = ("bed", "bookshelf", "cabinet", "chair", "sofa", "table")


class Config3D(GeneratorConfig):
    """Options of the generator `3d`. Lengths in metres, angles in degrees.

    `light_variation` is the sd of the log gain of each light in each view, `exposure_variation_ev` that of the exposure in
    stops, `color_variation` that of the log white balance: views of one scene differ as photographs do.
    """

    objects: tuple[int, int] = (7, 14)
    categories: tuple[str, ...] = ()
    supersampling: int = Field(2, ge=1, le=4)
    fov_deg: tuple[float, float] = (55.0, 70.0)
    camera_height_m: tuple[float, float] = (0.9, 1.9)
    min_baseline_m: float = Field(0.35, ge=0, le=3)
    min_overlap: float = Field(0.15, ge=0, le=0.9)
    max_roll_deg: float = Field(8.0, ge=0, le=180)
    light_variation: float = Field(0.45, ge=0, le=2)
    exposure_variation_ev: float = Field(0.4, ge=0, le=3)
    color_variation: float = Field(0.12, ge=0, le=1)

    @model_validator(mode="after")
    def _possible(self) -> "Config3D":
        for name, (least, most) in (("fov_deg", (5, 150)), ("camera_height_m", (0.3, 2.2)), ("objects", (1, 60))):
            low, high = getattr(self, name)
            if not least <= low <= high <= most:
                raise ValueError(f"{name} is {low} to {high}: expected a range within {least} to {most}")
        return self


class Generator3D:
    """Procedural rooms and objects, several cameras, dense sub-pixel truth."""

    version = 1
    config_type = Config3D

    def __init__(self, config: Config3D):
        known = procedural_objects.CATEGORIES
        for name in config.categories:
            if name not in known:
                raise unknown_name("object category", name, known)
        self.config = config
        self._renderer = RaycastRenderer(supersampling=config.supersampling)

    def scene(self, index: int) -> MadeScene:
        """Lay out, light, render and prove scene number `index`."""
        scene, geometry = self.compose(index)
        caster = EmbreeCaster(geometry.corners)
        views = [trace_view(caster, geometry.corners, geometry.instance, camera) for camera in scene.cameras]
        noise = self.config.rng(index, RENDER)
        rgb = np.stack(
            [
                self._renderer.render(geometry, caster, scene.room.lights, camera, look, rng=noise)
                for camera, look in zip(scene.cameras, scene.looks, strict=True)
            ]
        )
        pairs = list(permutations(range(len(views)), 2))
        truths = [exact_pair(caster, geometry.corners, views[a], views[b]) for a, b in pairs]
        arrays = _view_arrays(scene, geometry, views, rgb) | _tables(scene, views, geometry)
        arrays |= _pair_arrays(pairs, truths, rng=self.config.rng(index, CONTROLS))
        self_test = _self_test(arrays, scene.cameras, pairs, truths, views, caster, geometry)
        return MadeScene(arrays, self_test, self._recipe(index, scene))

    def compose(self, index: int) -> tuple[Scene, Geometry]:
        """Room, objects, cameras and looks of scene `index`; tried anew until cameras find enough shared surface."""
        layout_rng, camera_rng = self.config.rng(index, LAYOUT), self.config.rng(index, CAMERAS)
        for _ in range(LAYOUTS):
            room, objects = self._furnished_room(rng=layout_rng)
            if len(objects) < self.config.objects[0]:
                continue
            geometry = flatten(room, objects)
            cameras = choose_cameras(room, objects, geometry, EmbreeCaster(geometry.corners), self._viewpoints(), rng=camera_rng)
            if cameras:
                looks = self._looks(len(room.lights), rng=self.config.rng(index, LOOKS))
                return Scene(room, objects, cameras, looks), geometry
        raise UserError(
            f"scene {index}: no layout in {LAYOUTS} lets {self.config.views} cameras share {self.config.min_overlap:.0%} of their pixels: "
            "ask for fewer views or a lower min_overlap, or fewer objects"
        )

    def _furnished_room(self, *, rng: np.random.Generator) -> tuple[Room, tuple[Placed, ...]]:
        room = procedural_room.build(int(rng.integers(2**63)))
        count = int(rng.integers(self.config.objects[0], self.config.objects[1] + 1))
        # A few are drawn in excess, for those that find no place.
        assets = [procedural_objects.build(name, int(rng.integers(2**63))) for name in self._categories(count + 2, rng=rng)]
        return room, furnish(room, assets, rng=rng)[:count]

    def _categories(self, count: int, *, rng: np.random.Generator) -> list[str]:
        """Categories of a room: about a third furniture that carries things, at least one table where tables are allowed."""
        names = sorted(self.config.categories or procedural_objects.CATEGORIES)
        furniture = [name for name in names if name in FURNITURE] or names
        small = [name for name in names if name not in FURNITURE] or names
        chosen = ["table"] if "table" in names else []
        chosen += list(rng.choice(furniture, size=max(1, round(count * 0.4) - len(chosen))))
        # Small things are drawn without repeats as long as there are any, so that a room shows many kinds.
        pool: list[str] = []
        while len(chosen) + len(pool) < count:
            pool += list(rng.permutation(small))
        return [str(name) for name in (chosen + pool)[:count]]

    def _viewpoints(self) -> Viewpoints:
        config = self.config
        return Viewpoints(
            config.views,
            (config.size, config.size),
            config.fov_deg,
            config.camera_height_m,
            config.min_baseline_m,
            config.min_overlap,
            config.max_roll_deg,
        )

    def _looks(self, lights: int, *, rng: np.random.Generator) -> tuple[ViewLook, ...]:
        config = self.config

        def look() -> ViewLook:
            gain = np.exp(rng.normal(0, config.light_variation, (lights, 1)) * np.ones((1, 3)))
            return ViewLook(
                gain,
                float(np.clip(rng.normal(0, config.exposure_variation_ev), -1.0, 1.0)),
                np.exp(rng.normal(0, config.color_variation, 3)),
            )

        return tuple(look() for _ in range(config.views))

    def _recipe(self, index: int, scene: Scene) -> dict[str, Any]:
        return {
            "generator": "3d",
            "generator_version": self.version,
            "config": self.config.model_dump(mode="json"),
            "scene": index,
            "room": scene.room.id,
            "objects": dict(sorted(Counter(placed.asset.category for placed in scene.objects).items())),
        }


def _semantic_names(scene: Scene) -> list[str]:
    """Names of the semantic classes: none, the room's parts, then every object category."""
    return ["none", *scene.room.part_names, *sorted(procedural_objects.CATEGORIES)]


def _view_arrays(scene: Scene, geometry: Geometry, views: list[View], rgb: np.ndarray) -> dict[str, np.ndarray]:
    triangle = np.stack([view.triangle for view in views])
    hit, safe = triangle >= 0, np.maximum(triangle, 0)
    names = _semantic_names(scene)
    of_instance = np.array([0, 0] + [names.index(placed.asset.category) for placed in scene.objects])
    semantic = np.where(geometry.instance == 1, 1 + geometry.part, of_instance[geometry.instance])
    return {
        "rgb": rgb,
        "depth_m": np.stack([view.depth_m for view in views]).astype(np.float32),
        "normal_world": np.stack([view.normal for view in views]).astype(np.float16),
        "instance": np.where(hit, geometry.instance[safe], 0).astype(np.uint16),
        "semantic": np.where(hit, semantic[safe], 0).astype(np.uint16),
        "triangle": triangle.astype(np.int32),
        "K": np.stack([camera.K for camera in scene.cameras]),
        "T_world_cam": np.stack([camera.T_world_cam for camera in scene.cameras]),
        "semantic_names": np.array(names, "S64"),
    }


def _pair_arrays(pairs: list[tuple[int, int]], truths: list[PairTruth], *, rng: np.random.Generator) -> dict[str, np.ndarray]:
    controls = [_controls(truth, rng=rng) for truth in truths]
    return {
        "pairs": np.array(pairs, np.int32),
        "status": np.stack([truth.status for truth in truths]),
        "control_pixel": np.stack([pixel for pixel, _ in controls]).astype(np.int32),
        "control_uv": np.stack([uv for _, uv in controls]),
    }


def _controls(truth: PairTruth, *, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Random source pixels (column, row) that land in the target, with their exact uv; NaN where none does."""
    landed = np.argwhere(np.isin(truth.status, (Status.VISIBLE, Status.OCCLUDED, Status.AMBIGUOUS)))
    if not len(landed):
        return np.zeros((CONTROL_POINTS, 2), int), np.full((CONTROL_POINTS, 2), np.nan)
    row, column = landed[rng.integers(len(landed), size=CONTROL_POINTS)].T
    return np.stack([column, row], axis=1), truth.uv_b[row, column]


def _tables(scene: Scene, views: list[View], geometry: Geometry) -> dict[str, np.ndarray]:
    """The tables of objects and lights, and how each view was developed."""
    objects, lights, looks = scene.objects, scene.room.lights, scene.looks
    seen = [np.bincount(geometry.instance[view.triangle[view.triangle >= 0]], minlength=len(objects) + 2)[2:] for view in views]
    return {
        "object_id": np.array([placed.asset.id for placed in objects], "S96"),
        "object_category": np.array([placed.asset.category for placed in objects], "S64"),
        "object_synset": np.array([placed.asset.synset for placed in objects], "S16"),
        "object_T_world_obj": np.stack([placed.T_world_obj for placed in objects]).astype(np.float64),
        "object_support": np.array([placed.support for placed in objects], np.int32),
        "object_visible_pixels": np.stack(seen, axis=1).astype(np.int32),
        **_light_tables(lights, looks),
    }


def _light_tables(lights: tuple[Light, ...], looks: tuple[ViewLook, ...]) -> dict[str, np.ndarray]:
    return {
        "light_kind": np.array([light.kind for light in lights], "S16"),
        "light_position_m": np.stack([light.position for light in lights]).astype(np.float64),
        "light_axes_m": np.stack([[light.u, light.v] for light in lights]).astype(np.float64),
        "light_radiance": np.stack([light.radiance for light in lights]).astype(np.float64),
        "light_gain": np.stack([look.light_gain for look in looks]).astype(np.float64),
        "exposure_ev": np.array([look.exposure_ev for look in looks], np.float64),
        "white_balance": np.stack([look.white_balance for look in looks]).astype(np.float64),
    }


def _self_test(
    arrays: dict[str, np.ndarray],
    cameras: tuple[Camera, ...],
    pairs: list[tuple[int, int]],
    truths: list[PairTruth],
    views: list[View],
    caster: EmbreeCaster,
    geometry: Geometry,
) -> SelfTest:
    """Every pair as a reader will get it, against the triangles it came from."""
    return merge(
        [
            measure_exact(stored_pair(arrays, list(cameras), a, b, truth.status), truth, views[a], caster, geometry.corners)
            for (a, b), truth in zip(pairs, truths, strict=True)
        ]
    )
