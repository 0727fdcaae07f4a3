"""Furnishes a room: furniture on the floor and along walls, small things on furniture, nothing floating or intersecting."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float

from .scene import Asset, Placed, Room, Support

FLOOR = -1
GAP = 0.02
"""Free space that is kept between neighbours, in metres."""

WALL_GAP = 0.04
"""Distance of a piece's back from the wall: room for the skirting board."""


@dataclass(frozen=True, eq=False)
class Footprint:
    """An upright box: centre and half axes of its base in world xy, and its extent in z, in metres."""

    centre: Float[np.ndarray, "2"]
    axes: Float[np.ndarray, "2 2"]
    z: tuple[float, float]

    def corners(self) -> Float[np.ndarray, "4 2"]:
        """The four corners of the base."""
        signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
        return self.centre + signs @ self.axes

    def overlaps(self, other: "Footprint") -> bool:
        """Whether two boxes share space (separating axes in the plane, intervals in z)."""
        if self.z[1] <= other.z[0] or other.z[1] <= self.z[0]:
            return False
        mine, theirs = self.corners(), other.corners()
        for axis in np.concatenate([self.axes, other.axes]):
            first, second = mine @ axis, theirs @ axis
            if first.max() <= second.min() or second.max() <= first.min():
                return False
        return True


def pose(x: float, y: float, z: float, yaw_rad: float) -> Float[np.ndarray, "4 4"]:
    """T_world_obj of an upright object."""
    T = np.eye(4)
    T[:2, :2] = [[np.cos(yaw_rad), -np.sin(yaw_rad)], [np.sin(yaw_rad), np.cos(yaw_rad)]]
    T[:3, 3] = x, y, z
    return T


def footprint(asset: Asset, T: Float[np.ndarray, "4 4"], margin: float = 0.0) -> Footprint:
    """The upright box around a placed asset, grown by `margin` metres on each side of its base."""
    low, high = asset.mesh.bounds
    centre = T[:2, :2] @ ((low + high) / 2)[:2] + T[:2, 3]
    half = (high - low)[:2] / 2 + margin
    return Footprint(centre, (T[:2, :2] * half).T, (low[2] + T[2, 3], high[2] + T[2, 3]))


class Layout:
    """A room that is being furnished. Every placing method returns whether a free place was found."""

    def __init__(self, room: Room, *, rng: np.random.Generator, tries: int = 40):
        self.room = room
        self.objects: list[Placed] = []
        self._boxes: list[Footprint] = []
        self._rng = rng
        self._tries = tries
        corners = room.mesh.vertices[room.mesh.faces]
        self._room_boxes = np.stack([corners.min(axis=1), corners.max(axis=1)], axis=1)

    def place(self, asset: Asset) -> bool:
        """Place an asset where its kind belongs."""
        if asset.placement == "surface":
            return self._on_support(asset)
        if asset.placement == "wall":
            return self._try(asset, self._at_wall, FLOOR)
        if asset.category == "chair" and self._tables() and self._rng.random() < 0.8:
            return self._try(asset, self._at_table, FLOOR) or self._try(asset, self._on_floor, FLOOR)
        return self._try(asset, self._on_floor, FLOOR)

    def _try(self, asset: Asset, propose: Callable[[Asset], Float[np.ndarray, "4 4"]], support: int) -> bool:
        for _ in range(self._tries):
            T = propose(asset)
            if self._free(asset, T, support):
                self.objects.append(Placed(asset, T, support))
                self._boxes.append(footprint(asset, T))
                return True
        return False

    def _free(self, asset: Asset, T: Float[np.ndarray, "4 4"], support: int) -> bool:
        """Inside the room, clear of its doors and fittings, and apart from all objects but the one that carries it."""
        box = footprint(asset, T, GAP)
        corners = box.corners()
        if (corners < 0).any() or (corners > np.array(self.room.size[:2])).any() or box.z[1] > self.room.size[2]:
            return False
        if support == FLOOR and any(box.overlaps(_rectangle(area)) for area in self.room.keep_clear):
            return False
        low = np.array([*corners.min(axis=0), box.z[0] + 0.005])
        high = np.array([*corners.max(axis=0), box.z[1]])
        if ((self._room_boxes[:, 0] < high) & (self._room_boxes[:, 1] > low)).all(axis=1).any():
            return False
        return not any(box.overlaps(other) for index, other in enumerate(self._boxes) if index != support)

    def _on_floor(self, asset: Asset) -> Float[np.ndarray, "4 4"]:
        """Anywhere, rather in the middle than along the walls."""
        x, y = (self._rng.beta(2, 2) * extent for extent in self.room.size[:2])
        return pose(x, y, 0.0, self._rng.uniform(0, 2 * np.pi))

    def _at_wall(self, asset: Asset) -> Float[np.ndarray, "4 4"]:
        """Back to one of the four walls."""
        width, depth = self.room.size[:2]
        high = asset.mesh.bounds[1]
        wall = int(self._rng.integers(4))
        along = self._rng.random()
        off = high[1] + WALL_GAP
        x = (width * along, off, width * along, width - off)[wall]
        y = (depth - off, depth * along, off, depth * along)[wall]
        return pose(x, y, 0.0, wall * np.pi / 2)

    def _tables(self) -> list[Placed]:
        return [placed for placed in self.objects if placed.asset.category == "table"]

    def _at_table(self, asset: Asset) -> Float[np.ndarray, "4 4"]:
        """Before one side of a table, looking at it, turned a little."""
        table = self._tables()[int(self._rng.integers(len(self._tables())))]
        low, high = table.asset.mesh.bounds
        own = float(-asset.mesh.bounds[0][1])
        side = int(self._rng.integers(4))
        reach = (high - low)[(1, 0, 1, 0)[side]] / 2 + own + self._rng.uniform(0.03, 0.2)
        slide = (high - low)[(0, 1, 0, 1)[side]] * self._rng.uniform(-0.3, 0.3)
        # A chair's front is -y: unturned it stands on the table's +y side.
        turn = side * np.pi / 2
        local = pose(0, 0, 0, turn)[:2, :2] @ np.array([slide, reach])
        T = table.T_world_obj @ pose(local[0], local[1], 0.0, turn + self._rng.uniform(-0.2, 0.2))
        return np.asarray(T)

    def _on_support(self, asset: Asset) -> bool:
        """On a random support that is large enough; on the floor where none is."""
        height = float(asset.mesh.bounds[1][2])
        options = [
            (index, support)
            for index, placed in enumerate(self.objects)
            for support in placed.asset.supports
            if height < support.clearance - GAP
        ]
        self._rng.shuffle(options)
        for index, support in options[:6]:
            if self._fits(asset, support) and self._try(asset, partial(self._on, index=index, support=support), index):
                return True
        return self._try(asset, self._on_floor, FLOOR)

    @staticmethod
    def _fits(asset: Asset, support: Support) -> bool:
        low, high = asset.mesh.bounds
        return bool(np.hypot(*(high - low)[:2]) < min(support.size_xy) or ((high - low)[:2] < np.array(support.size_xy)).all())

    def _on(self, asset: Asset, index: int, support: Support) -> Float[np.ndarray, "4 4"]:
        """Within a support's rectangle, its front roughly where the carrier's front is."""
        low, high = asset.mesh.bounds
        yaw = self._rng.normal(0.0, 0.35)
        turned = np.abs(pose(0, 0, 0, yaw)[:2, :2]) @ (high - low)[:2]
        room = np.maximum(np.array(support.size_xy) - turned, 0.0)
        if (np.array(support.size_xy) < turned).any():
            yaw = 0.0
        x, y = np.array(support.centre_xy) + room * (self._rng.random(2) - 0.5)
        return np.asarray(self.objects[index].T_world_obj @ pose(x, y, support.height, yaw))


def _rectangle(area: tuple[float, float, float, float]) -> Footprint:
    x0, y0, x1, y1 = area
    return Footprint(np.array([x0 + x1, y0 + y1]) / 2, np.diag([(x1 - x0) / 2, (y1 - y0) / 2]), (0.0, 2.2))


def furnish(room: Room, assets: Sequence[Asset], *, rng: np.random.Generator) -> tuple[Placed, ...]:
    """Place what finds a place: along walls first, then free-standing, then small things. Skips an asset without a free place."""
    order = {"wall": 0, "floor": 1, "surface": 2}
    layout = Layout(room, rng=rng)
    for asset in sorted(assets, key=lambda asset: (order[asset.placement], asset.category != "table")):
        layout.place(asset)
    return tuple(layout.objects)
