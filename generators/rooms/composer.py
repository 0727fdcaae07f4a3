"""Composes scenes: draws a room and objects from their sources, furnishes the room, and chooses lights and cameras."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from pixbench.errors import UserError, unknown_name
from pixbench.generation.components import OBJECT_SOURCES, ROOM_SOURCES
from pixbench.geometry.rays import CASTERS, RayCaster

from ..scene import Asset, BorrowedGeometry, Light, Scene
from ..sources.base import BadModelError, Listed, load_usable
from ..sources.spec import Mix
from .appearance import draw_appearances
from .cameras import CameraConstraints, choose_cameras
from .config import Config3D
from .furnishing import Furnishing, furnish
from .scene_cache import CachedAsset, CachedRoom, LRUCache

FURNISHING, CAMERAS, APPEARANCE = range(3)
FURNISHINGS = 20
REDRAWS = 60
REDRAWS_OF_A_CATEGORY = 4
MOST_LIGHTS = 5
ROOM_BYTES = 400 * 2**20
SHAPE_TRIANGLES = 800_000
"""Limits of the caches of rooms (bytes) and of models (triangles)."""

ELSEWHERE = "use another split or source, or ?splits=one for a folder"

FURNITURE = ("bed", "bench", "bookshelf", "cabinet", "chair", "desk", "sofa", "table")


class Composer:
    """Composes scenes from a configuration. Rooms and models are cached between scenes; the cache does not change the scenes.

    Sources without models in the split are left out. Raises UserError if none is left.
    """

    def __init__(self, config: Config3D):
        self._config = config
        self._objects = Mix(config.objects, config.locations, OBJECT_SOURCES)
        self._rooms = Mix(config.rooms, config.locations, ROOM_SOURCES)
        self._caster: Callable[..., RayCaster] = CASTERS.get(config.caster)
        self._with_rooms = [k for k, one in enumerate(self._rooms.sources) if not isinstance(one, Listed) or one.categories(config.split)]
        if not self._with_rooms:
            raise UserError(f"{', '.join(config.rooms)}: no rooms in split '{config.split}'; {ELSEWHERE}")
        offered = [source.categories(config.split) for source in self._objects.sources]
        self.categories = tuple(sorted({name for one in offered for name in one}))
        for name in config.categories:
            if name not in self.categories:
                raise unknown_name("object category", name, self.categories)
        wanted = config.categories or self.categories
        if not wanted:
            raise UserError(f"{', '.join(config.objects)}: no objects in split '{config.split}'; {ELSEWHERE}")
        self._sources_of = {name: [k for k, one in enumerate(offered) if name in one] for name in sorted(wanted)}
        self._kept_rooms: LRUCache[CachedRoom] = LRUCache(ROOM_BYTES, lambda room: room.nbytes)
        self._kept_assets: LRUCache[Asset | BadModelError] = LRUCache(64)
        self._shapes: LRUCache[CachedAsset] = LRUCache(SHAPE_TRIANGLES, lambda shape: shape.triangles)

    def compose(self, index: int) -> tuple[Scene, BorrowedGeometry, RayCaster, Counter[str]]:
        """Scene number `index`, its triangles, a caster into them, and the number of models that were replaced, by kind of defect.

        The geometry is valid until the next call (see BorrowedGeometry). Raises UserError if no furnishing satisfies the configuration.
        """
        config, replaced, rejected = self._config, Counter[str](), Counter[str]()
        furnishing_rng, camera_rng = config.rng(index, FURNISHING), config.rng(index, CAMERAS)
        for _ in range(FURNISHINGS):
            room = self._room(replaced, rng=furnishing_rng)
            count = int(furnishing_rng.integers(config.object_count[0], config.object_count[1] + 1))
            # Two more than needed are drawn, because some may not fit.
            assets = [
                self._object(category, replaced, rng=furnishing_rng) for category in self._draw_categories(count + 2, rng=furnishing_rng)
            ]
            furnishing = Furnishing(room, self._shapes, self._caster, stacked_share=config.stacked_share, rng=furnishing_rng)
            objects = furnish(furnishing, assets, most=count)
            if len(objects) < config.object_count[0]:
                rejected[f"fewer than {config.object_count[0]} objects found a place (ask for fewer or smaller ones)"] += 1
                continue
            geometry, caster = room.furnished(objects, furnishing.shapes)
            cameras = choose_cameras(room.room, furnishing.floor_m, objects, geometry, caster, self._camera_constraints(), rng=camera_rng)
            if cameras:
                lights = _strongest(room.room.lights, furnishing.middle)
                appearances = draw_appearances(config, len(lights), rng=config.rng(index, APPEARANCE))
                return Scene(room.room, objects, lights, cameras, appearances), geometry, caster, replaced
            rejected[
                f"no {config.views} cameras shared {config.min_overlap:.0%} of their pixels (ask for fewer views or partners, a lower "
                "min_overlap, or wider spans for the cameras)"
            ] += 1
        raise UserError(
            f"scene {index}: {FURNISHINGS} furnishings were tried; "
            + "; ".join(f"in {n} of them {why}" for why, n in rejected.most_common())
        )

    def asset_hashes(self, ids: list[str]) -> dict[str, str | None]:
        """The sha256 of the files of each model; None for a model that is missing or cannot be used."""
        return {model_id: self._hash(model_id) for model_id in ids}

    def _hash(self, model_id: str) -> str | None:
        for source in (*self._objects.sources, *self._rooms.sources):
            try:
                sha256 = str(load_usable(source, model_id).sha256)
            except BadModelError:
                continue
            if sha256:  # empty for what is made without files, which no recipe lists
                return sha256
        return None

    def _room(self, replaced: Counter[str], *, rng: np.random.Generator) -> CachedRoom:
        config = self._config
        for _ in range(REDRAWS):
            source = self._rooms.choose(self._with_rooms, rng=rng)
            try:
                return self._cached_room(source, source.draw(config.split, rng=rng))
            except BadModelError as error:
                replaced[f"room: {error.kind}"] += 1
        raise UserError(
            f"{', '.join(config.rooms)}: {REDRAWS} rooms in a row cannot be used ({_most(replaced)}); see 'pixbench assets check'"
        )

    def _cached_room(self, source: Any, room_id: str) -> CachedRoom:
        def load() -> CachedRoom:
            return CachedRoom(load_usable(source, room_id), self._caster)

        return self._kept_rooms.get(room_id, load) if _is_finite(source) else load()

    def _object(self, category: str, replaced: Counter[str], *, rng: np.random.Generator) -> Asset:
        """A random model of a category. A model that cannot be used is replaced by another draw from the same random stream.

        After several failures in a row another category is drawn: all models of a small category may be unusable.
        """
        for attempt in range(REDRAWS):
            if attempt and attempt % REDRAWS_OF_A_CATEGORY == 0:
                category = str(rng.choice(list(self._sources_of)))
            source = self._objects.choose(self._sources_of[category], rng=rng)
            found = self._loaded(source, source.draw(category, self._config.split, rng=rng))
            if isinstance(found, Asset):
                return found
            replaced[f"object: {found.kind}"] += 1
        raise UserError(
            f"{', '.join(self._config.objects)}: {REDRAWS} models in a row cannot be used ({_most(replaced)}); see 'pixbench assets check'"
        )

    def _loaded(self, source: Any, model_id: str) -> Asset | BadModelError:
        def load() -> Asset | BadModelError:
            try:
                asset: Asset = load_usable(source, model_id)
            except BadModelError as error:
                return error
            return asset

        return self._kept_assets.get(model_id, load) if _is_finite(source) else load()

    def _draw_categories(self, count: int, *, rng: np.random.Generator) -> list[str]:
        """Random categories of objects for a room: about 40 % furniture, which other objects can stand on, with a table if possible."""
        names = list(self._sources_of)
        furniture = [name for name in names if name in FURNITURE] or names
        small = [name for name in names if name not in FURNITURE] or names
        chosen = ["table"] if "table" in names else []
        chosen += list(rng.choice(furniture, size=max(1, round(count * 0.4) - len(chosen))))
        # Small objects are drawn without replacement as long as possible, so that a room has many categories.
        pool: list[str] = []
        while len(chosen) + len(pool) < count:
            pool += list(rng.permutation(small))
        return [str(name) for name in (chosen + pool)[:count]]

    def _camera_constraints(self) -> CameraConstraints:
        config = self._config
        return CameraConstraints(
            views=config.views,
            size_wh=(config.size, config.size),
            fov_deg=config.fov_deg,
            height_m=config.camera_height_m,
            pitch_deg=config.camera_pitch_deg,
            baseline_m=config.baseline_m,
            min_overlap=config.min_overlap,
            partners=config.partners,
            max_roll_deg=config.max_roll_deg,
        )


def _most(replaced: Counter[str]) -> str:
    return f"most often {replaced.most_common(1)[0][0]}"


def _is_finite(source: Any) -> bool:
    """Whether a source is a finite collection, so that the same model may be drawn again (see Collection)."""
    return hasattr(type(source), "entries")


def _strongest(lights: tuple[Light, ...], middle: np.ndarray) -> tuple[Light, ...]:
    """The MOST_LIGHTS lights that are strongest at the objects, in the room's order: a whole home has dozens of lights."""

    def strength(light: Light) -> float:
        if light.kind == "sun":
            return float("inf")
        area = float(np.linalg.norm(np.cross(light.u, light.v)))
        return area * float(light.radiance.mean()) / max(float(np.linalg.norm(light.position[:2] - middle)), 0.5) ** 2

    kept = sorted(range(len(lights)), key=lambda k: -strength(lights[k]))[:MOST_LIGHTS]
    return tuple(lights[k] for k in sorted(kept))
