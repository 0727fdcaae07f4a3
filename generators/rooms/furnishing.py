"""Furnishes a room: objects are dropped onto surfaces that rays find, rest there in balance, and collide with nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial import ConvexHull, QhullError

from pixbench.geometry.cameras import inverse_rigid, transform_points
from pixbench.geometry.rays import hit_normals

from ..scene import Asset, Placed
from .collision import box_of, boxes_overlap, meets_object, meets_room
from .scene_cache import CachedAsset, CachedRoom, CasterType, LRUCache

ROOM = -1
WALL_GAP_M = 0.03
"""Distance of an object's back from the wall: space for the skirting board."""

LIFT_M = 0.002
"""Objects are lifted by this much for collision tests, because they touch their support."""

REST_M = 0.012
"""A contact point supports an object if the surface below is at most this far away: scans are uneven."""

LEVEL_COSINE = 0.96
REGION_M = 2.6
"""Objects of a scene stand within this distance of its middle, so that cameras in a large room see several."""


@dataclass(frozen=True, eq=False)
class Below:
    """The surfaces below points: height in metres (-inf: none), whether the surface is level, and its owner (ROOM or an object)."""

    height: Float[np.ndarray, " points"]
    level: Bool[np.ndarray, " points"]
    owner: Int[np.ndarray, " points"]


class Furnishing:
    """The state of a room that is being furnished."""

    def __init__(
        self,
        room: CachedRoom,
        shapes: LRUCache[CachedAsset],
        caster: CasterType,
        *,
        stacked_share: float,
        rng: np.random.Generator,
        tries: int = 24,
    ):
        self.objects: list[Placed] = []
        self._room, self._caster_type, self._kept = room, caster, shapes
        self._shapes: list[CachedAsset] = []
        self._stacked_share, self._rng, self._tries = stacked_share, rng, tries
        self.floor_m, self.middle = self._survey()

    def _survey(self) -> tuple[float, Float[np.ndarray, "2"]]:
        """Height of the floor in metres (the level surface that most downward rays hit) and a random free position on it."""
        low, high = self._room.room.inner
        xy = low[:2] + self._rng.random((512, 2)) * (high - low)[:2]
        below = self.below(np.column_stack([xy, np.full(512, low[2] + 0.55 * (high[2] - low[2]))]))
        heights = below.height[below.level]
        if not len(heights):
            return float(low[2]), (low + high)[:2] / 2
        # The lowest of the levels that many rays hit: a large table is not the floor.
        bins = np.round((heights - low[2]) / 0.04).astype(int)
        values, counts = np.unique(bins, return_counts=True)
        floor = float(np.median(heights[bins == values[counts > 0.35 * counts.max()][0]]))
        free = xy[below.level & (np.abs(below.height - floor) < 0.05)]
        if not len(free):
            return floor, (low + high)[:2] / 2
        # In a small room the position moves towards the mean of all free positions.
        place: Float[np.ndarray, 2] = free[self._rng.integers(len(free))]
        away = np.linalg.norm(place - free.mean(axis=0))
        return floor, place + (free.mean(axis=0) - place) * min(1.0, 1.2 / max(float(away), 1e-6))

    @property
    def shapes(self) -> tuple[CachedAsset, ...]:
        """The cached assets of the placed objects, in order."""
        return tuple(self._shapes)

    def below(self, points: Float[np.ndarray, "points 3"]) -> Below:
        """What vertical rays from points hit, among the room and all objects placed so far."""
        down = np.broadcast_to(np.array([0.0, 0.0, -1.0]), points.shape)
        triangle, t = self._room.caster.first_hit(points, down)
        normal_z = np.abs(np.nan_to_num(hit_normals(self._room.corners, triangle)[:, 2]))
        height = points[:, 2] - t
        owner = np.full(len(points), ROOM)
        for index, (placed, shape) in enumerate(zip(self.objects, self._shapes, strict=True)):
            low, high = box_of(shape.bounds, placed.T_world_obj)
            over = np.flatnonzero((points[:, :2] > low[:2]).all(axis=1) & (points[:, :2] < high[:2]).all(axis=1) & (points[:, 2] > low[2]))
            if not len(over):
                continue
            local = transform_points(inverse_rigid(placed.T_world_obj), points[over])
            triangle, t = shape.caster.first_hit(local, down[over])
            found = points[over, 2] - t
            higher = found > height[over]
            corners = placed.asset.mesh.vertices[placed.asset.mesh.faces[np.maximum(triangle, 0)]]
            normals = hit_normals(corners, np.arange(len(over), dtype=np.int32))
            height[over[higher]], owner[over[higher]] = found[higher], index
            normal_z[over[higher]] = np.abs(normals[higher, 2])
        return Below(height, normal_z > LEVEL_COSINE, owner)

    def place(self, asset: Asset) -> bool:
        """Try to place an asset according to its `placement`; returns whether it was placed."""
        shape = self._kept.get(asset.id, lambda: CachedAsset(asset, self._caster_type))
        for x, y, z, yaw in self._proposals(asset, shape):
            placed = self._dropped(asset, shape, x, y, z, yaw)
            if placed is not None:
                self.objects.append(placed)
                self._shapes.append(shape)
                return True
        return False

    def _proposals(self, asset: Asset, shape: CachedAsset) -> Iterator[tuple[float, float, float, float]]:
        """Poses to try: x, y and height of the surface in metres, and yaw in radians."""
        if asset.placement == "surface":
            if self._rng.random() < self._stacked_share:
                yield from self._on_surfaces(asset, shape)
            yield from self._on_floor()
        elif asset.placement == "wall":
            yield from self._at_walls(shape)
            yield from self._on_floor()
        else:
            if asset.category == "chair" and self._rng.random() < 0.8:
                yield from self._at_tables(shape)
            yield from self._on_floor()

    def _on_floor(self) -> Iterator[tuple[float, float, float, float]]:
        for xy in self._around(self._tries):
            yield (*xy, self.floor_m, self._rng.uniform(0, 2 * np.pi))

    def _around(self, count: int) -> Float[np.ndarray, "count 2"]:
        """Random positions near the middle of the scene, inside the room's box."""
        low, high = self._room.room.inner[:, :2]
        reach = np.minimum(REGION_M, (high - low) / 2)
        near = self.middle + self._rng.uniform(-1, 1, (count, 2)) * reach
        return np.clip(near, low + 0.05, high - 0.05)

    def _at_walls(self, shape: CachedAsset) -> Iterator[tuple[float, float, float, float]]:
        """Poses with the back to a vertical surface that horizontal rays hit at two heights."""
        count = 3 * self._tries
        angle = self._rng.integers(0, 4, count) * np.pi / 2 + self._rng.choice([0.0, 0.0, 0.0, 0.4], count)
        directions = np.column_stack([np.cos(angle), np.sin(angle), np.zeros(count)])
        start = np.column_stack([self._around(count), np.full(count, self.floor_m + 0.45)])
        triangle, t = self._room.caster.first_hit(start, directions)
        _, higher = self._room.caster.first_hit(start + np.array([0, 0, 0.9]), directions)
        t, higher = np.minimum(t, 1e3), np.minimum(higher, 1e6)
        normal = hit_normals(self._room.corners, triangle)
        normal *= -np.sign(np.einsum("ij,ij->i", normal, directions))[:, None]
        upright = (triangle >= 0) & (np.abs(normal[:, 2]) < 0.2) & (np.abs(t - higher) < 0.06) & (t < 4.0)
        for k in np.flatnonzero(upright)[: self._tries]:
            away = normal[k, :2] / np.linalg.norm(normal[k, :2])
            # The gap also absorbs noise in the normals of a scan.
            x, y = start[k, :2] + t[k] * directions[k, :2] + away * (shape.bounds[1, 1] + WALL_GAP_M)
            yield x, y, self.floor_m, float(np.arctan2(away[0], -away[1]))

    def _at_tables(self, shape: CachedAsset) -> Iterator[tuple[float, float, float, float]]:
        """Poses in front of a side of a table, facing it, with random yaw and partly pushed under it."""
        tables = [(placed, base) for placed, base in zip(self.objects, self._shapes, strict=True) if placed.asset.category == "table"]
        for _ in range(self._tries if tables else 0):
            table, base = tables[int(self._rng.integers(len(tables)))]
            size = (base.bounds[1] - base.bounds[0])[:2]
            side = int(self._rng.integers(4))
            across, along = size[(1, 0, 1, 0)[side]], size[(0, 1, 0, 1)[side]]
            depth = -shape.bounds[0, 1]
            reach = across / 2 + depth * self._rng.uniform(0.35, 1.15) + self._rng.uniform(0.02, 0.15)
            slide = along * self._rng.uniform(-0.3, 0.3)
            # A chair faces -y: without rotation it stands on the table's +y side.
            turn = side * np.pi / 2
            dx, dy = _turned(turn) @ np.array([slide, reach])
            place = table.T_world_obj @ pose(dx, dy, 0.0, turn + self._rng.uniform(-0.2, 0.2))
            yield float(place[0, 3]), float(place[1, 3]), self.floor_m, float(np.arctan2(place[1, 0], place[0, 0]))

    def _on_surfaces(self, asset: Asset, shape: CachedAsset) -> Iterator[tuple[float, float, float, float]]:
        """Poses on level surfaces above the floor, of objects and of the room, that rays from free space hit."""
        count = 10 * self._tries
        xy = self._around(count)
        carriers = [(placed, base) for placed, base in zip(self.objects, self._shapes, strict=True)]
        if carriers:
            # Half of the rays start above objects, where surfaces are likely.
            for k in range(0, count, 2):
                placed, base = carriers[int(self._rng.integers(len(carriers)))]
                local = base.bounds[0, :2] + self._rng.random(2) * (base.bounds[1] - base.bounds[0])[:2]
                xy[k] = transform_points(placed.T_world_obj, np.array([*local, 0.0]))[:2]
        z = self.floor_m + self._rng.uniform(0.35, 2.0, count)
        start = np.column_stack([xy, z])
        below = self.below(start)
        height_m = float(shape.bounds[1, 2])
        raised = below.level & (below.height > self.floor_m + 0.15) & (below.height < self.floor_m + 1.6)
        raised &= (z - below.height > 0.02) & (z - below.height < max(1.0, 2 * height_m)) & self._airy(start)
        for k in np.flatnonzero(raised)[: self._tries]:
            yield float(xy[k, 0]), float(xy[k, 1]), float(below.height[k]), self._facing(int(below.owner[k]))

    def _facing(self, owner: int) -> float:
        """A yaw: about that of the supporting object, so that objects on a shelf face out of it."""
        if owner == ROOM:
            return float(self._rng.uniform(0, 2 * np.pi))
        T = self.objects[owner].T_world_obj
        return float(np.arctan2(T[1, 0], T[0, 0]) + self._rng.normal(0.0, 0.35))

    def _airy(self, points: Float[np.ndarray, "points 3"]) -> Bool[np.ndarray, " points"]:
        """Whether points are in free space, not inside an object: at least two of eight rays in random directions are unobstructed."""
        directions = self._rng.normal(size=(8, 3))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        far = np.zeros(len(points), int)
        for direction in directions:
            rays = np.broadcast_to(direction, points.shape)
            hidden = self._room.caster.occluded(points, rays, np.full(len(points), 0.8))
            for placed, shape in zip(self.objects, self._shapes, strict=True):
                T = inverse_rigid(placed.T_world_obj)
                hidden |= shape.caster.occluded(transform_points(T, points), rays @ T[:3, :3].T, np.full(len(points), 0.8))
            far += ~hidden
        return far >= 2

    def _dropped(self, asset: Asset, shape: CachedAsset, x: float, y: float, z: float, yaw: float) -> Placed | None:
        """The asset, dropped at a position until it rests; None if it would tip over or collide."""
        T = pose(x, y, z - shape.bounds[0, 2], yaw)
        contacts = transform_points(T, shape.contacts)
        below = self.below(contacts + np.array([0, 0, 0.06]))
        # It rests on the highest surface below its contact points.
        rise = below.height - contacts[:, 2]
        if not np.isfinite(rise).any() or abs(rise.max()) > 0.06:
            return None
        T[2, 3] += rise.max()
        resting = rise > rise.max() - REST_M
        if not _carries(contacts[resting, :2], transform_points(T, shape.centre_of_mass)[:2]):
            return None
        support = _most_common(below.owner[resting])
        if self._blocked(shape, T, support):
            return None
        return Placed(asset, T, support)

    def _blocked(self, shape: CachedAsset, T: Float[np.ndarray, "4 4"], support: int) -> bool:
        """Whether the object would block a door, leave the room, or collide with anything."""
        low, high = box_of(shape.bounds, T)
        inner, keep_clear = self._room.room.inner, self._room.room.keep_clear
        if (low[:2] < inner[0, :2]).any() or (high[:2] > inner[1, :2]).any() or high[2] > inner[1, 2]:
            return True
        if support == ROOM and any(x0 < high[0] and low[0] < x1 and y0 < high[1] and low[1] < y1 for x0, y0, x1, y1 in keep_clear):
            return True
        lifted = T.copy()
        lifted[2, 3] += LIFT_M
        near = [
            (other, placed.T_world_obj)
            for placed, other in zip(self.objects, self._shapes, strict=True)
            if boxes_overlap(shape.bounds, lifted, other.bounds, placed.T_world_obj)
        ]
        if any(meets_object(shape, lifted, other, T_other) for other, T_other in near) or meets_room(shape, lifted, self._room):
            return True
        # An object that intersects nothing may still be inside a closed one.
        above = np.array([[*(low + high)[:2] / 2, high[2] + 0.02]])
        return not self._airy(above)[0]


def _carries(contacts: Float[np.ndarray, "contacts 2"], centre: Float[np.ndarray, "2"]) -> bool:
    """Whether the centre of mass is above the convex hull of the contact points."""
    if len(contacts) < 3:
        return False
    try:
        hull = ConvexHull(contacts)
    except QhullError:
        return False
    return bool((hull.equations[:, :2] @ centre + hull.equations[:, 2] < 1e-4).all())


def _most_common(values: Int[np.ndarray, " values"]) -> int:
    found, counts = np.unique(values, return_counts=True)
    return int(found[np.argmax(counts)])


def _turned(angle_rad: float) -> Float[np.ndarray, "2 2"]:
    return np.array([[np.cos(angle_rad), -np.sin(angle_rad)], [np.sin(angle_rad), np.cos(angle_rad)]])


def pose(x: float, y: float, z: float, yaw_rad: float) -> Float[np.ndarray, "4 4"]:
    """T_world_obj of an upright object, from its position in metres and its yaw."""
    T = np.eye(4)
    T[:2, :2] = _turned(yaw_rad)
    T[:3, 3] = x, y, z
    return T


def furnish(furnishing: Furnishing, assets: Sequence[Asset], *, most: int) -> tuple[Placed, ...]:
    """Place at most `most` of the assets: those along walls first, then free-standing ones, then small ones. Skips what does not fit."""
    order = {"wall": 0, "floor": 1, "surface": 2}
    for asset in sorted(assets, key=lambda asset: (order[asset.placement], asset.category != "table")):
        if len(furnishing.objects) < most:
            furnishing.place(asset)
    return tuple(furnishing.objects)
