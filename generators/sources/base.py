"""What a generator asks of a source of objects or of rooms, and what sources of finite collections share."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np

from pixbench.errors import UserError

from ..scene import Asset, Room

SPLIT_SHARES = (("train", 0.8), ("val", 0.1), ("test", 0.1))


class BadModelError(Exception):
    """A model that cannot be used. `kind` is a few words that defects are counted by, `detail` says more about this one."""

    def __init__(self, kind: str, detail: str = ""):
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind = kind
        self.detail = detail


@dataclass(frozen=True)
class ModelEntry:
    """A model of a finite source: its id, category name and synset (empty for a room), and official split where there is one."""

    id: str
    category: str = ""
    synset: str = ""
    split: str | None = None

    @property
    def in_split(self) -> str:
        """The split it belongs to: the official one where there is one, else `split_of` its id."""
        return self.split or split_of(self.id)


@runtime_checkable
class ObjectSource(Protocol):
    """Objects by category. Drawing and loading are pure functions of their arguments and of the files behind them."""

    def categories(self, split: str) -> Mapping[str, int | None]:
        """Category names with the number of models that the split has of each; None is without end."""
        ...

    def draw(self, category: str, split: str, *, rng: np.random.Generator) -> str:
        """The id of a random model."""
        ...

    def load(self, model_id: str) -> Asset:
        """The model; BadModelError where it cannot be used."""
        ...


@runtime_checkable
class RoomSource(Protocol):
    """Rooms. Drawing and loading are pure functions of their arguments and of the files behind them."""

    def draw(self, split: str, *, rng: np.random.Generator) -> str:
        """The id of a random room."""
        ...

    def load(self, room_id: str) -> Room:
        """The room; BadModelError where it cannot be used."""
        ...


@runtime_checkable
class Collection(Protocol):
    """A finite source also lists what it has, so that `pixbench assets check` can read it all."""

    @property
    def entries(self) -> Sequence[ModelEntry]:
        """All models, sorted by id, without reading their meshes."""
        ...

    def defects(self) -> Mapping[str, int]:
        """What was found wrong while listing, by kind, with counts."""
        ...


def split_of(model_id: str) -> str:
    """The split of an id: a pure function of the id alone, the same on every machine, 80 : 10 : 10."""
    place = int.from_bytes(hashlib.sha256(model_id.encode()).digest()[:8], "big") / 2**64
    for name, share in SPLIT_SHARES[:-1]:
        if place < share:
            return name
        place -= share
    return SPLIT_SHARES[-1][0]


class Listed:
    """Drawing from a finite list of entries, by official split where there is one, else by `split_of`."""

    @property
    def entries(self) -> Sequence[ModelEntry]:
        """See Collection."""
        raise NotImplementedError

    @property
    def one_split(self) -> bool:
        """Whether every model is drawn in every split: for collections too small to be divided."""
        return False

    @cached_property
    def _by_split_and_category(self) -> Mapping[tuple[str, str], Sequence[str]]:
        found: dict[tuple[str, str], list[str]] = {}
        for entry in sorted(self.entries, key=lambda entry: entry.id):
            for split in [name for name, _ in SPLIT_SHARES] if self.one_split else [entry.in_split]:
                found.setdefault((split, entry.category), []).append(entry.id)
        return found

    def categories(self, split: str) -> Mapping[str, int | None]:
        """See ObjectSource."""
        return {category: len(ids) for (of, category), ids in sorted(self._by_split_and_category.items()) if of == split}

    def drawn(self, category: str, split: str, *, rng: np.random.Generator) -> str:
        """The id of a random model of a category (empty for rooms) and split. UserError where there is none."""
        ids = self._by_split_and_category.get((split, category))
        if ids is None:
            raise UserError(f"there is no {category or 'room'} in split '{split}': add some, or choose another split")
        return ids[int(rng.integers(len(ids)))]
