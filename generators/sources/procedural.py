"""Procedural objects and rooms: generated from seeds, unlimited in number, without any files."""

from collections.abc import Callable, Mapping

import numpy as np

from pixbench.errors import UserError

from ..procedural import objects as procedural_objects
from ..procedural import room as procedural_room
from ..scene import Asset, Room
from .base import own_part, split_of


class ProceduralObjects:
    """Eighteen categories of furniture and small things, with ShapeNet synsets and real sizes, varied by their seed."""

    def __init__(self, location: str | None = None):
        _refuse(location)

    def categories(self, split: str) -> Mapping[str, int | None]:
        """See ObjectSource."""
        return dict.fromkeys(sorted(procedural_objects.CATEGORIES))

    def draw(self, category: str, split: str, *, rng: np.random.Generator) -> str:
        """See ObjectSource."""
        return _drawn(lambda seed: procedural_objects.object_id(category, seed), split, rng=rng)

    def load(self, model_id: str) -> Asset:
        """See ObjectSource."""
        category, seed = own_part(model_id, "procedural/").split("/")
        return procedural_objects.build(category.replace("-", " "), int(seed, 16))


class ProceduralRooms:
    """Furnished-room shells with windows, doors, textures and lights, varied by their seed."""

    def __init__(self, location: str | None = None):
        _refuse(location)

    def draw(self, split: str, *, rng: np.random.Generator) -> str:
        """See RoomSource."""
        return _drawn(procedural_room.room_id, split, rng=rng)

    def load(self, room_id: str) -> Room:
        """See RoomSource."""
        return procedural_room.build(int(own_part(room_id, "procedural/room/"), 16))


def _refuse(location: str | None) -> None:
    if location:
        raise UserError(f"'procedural' reads nothing and has no options, got '{location}': write it alone")


def _drawn(name: Callable[[int], str], split: str, *, rng: np.random.Generator) -> str:
    """The id of the first random seed that belongs to the split, so that no model is in two splits."""
    while True:
        model_id = name(int(rng.integers(2**63)))
        if split_of(model_id) == split:
            return model_id
