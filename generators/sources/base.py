"""The protocols of sources of objects and of rooms, and what finite collections share."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

import numpy as np

from pixbench.errors import UserError

from ..scene import Asset, Room

SPLIT_SHARES = (("train", 0.8), ("val", 0.1), ("test", 0.1))


class BadModelError(Exception):
    """A model that cannot be used. Defects are counted by their `kind`; `detail` describes this one."""

    def __init__(self, kind: str, detail: str = ""):
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind = kind
        self.detail = detail


@dataclass(frozen=True)
class ModelEntry:
    """A model of a finite source: its id, category and synset (both empty for a room), and its official split if it has one."""

    id: str
    category: str = ""
    synset: str = ""
    split: str | None = None

    @property
    def in_split(self) -> str:
        """The official split if there is one, otherwise `split_of` the id."""
        return self.split or split_of(self.id)


@runtime_checkable
class ObjectSource(Protocol):
    """Objects by category. `draw` and `load` are pure functions of their arguments and of the files of the source."""

    def categories(self, split: str) -> Mapping[str, int | None]:
        """Category names and the number of models of each in a split; None means unlimited."""
        ...

    def draw(self, category: str, split: str, *, rng: np.random.Generator) -> str:
        """The id of a random model of a category and split."""
        ...

    def load(self, model_id: str) -> Asset:
        """The model with an id. Raises BadModelError if it cannot be used."""
        ...


@runtime_checkable
class RoomSource(Protocol):
    """Rooms. `draw` and `load` are pure functions of their arguments and of the files of the source."""

    def draw(self, split: str, *, rng: np.random.Generator) -> str:
        """The id of a random room of a split."""
        ...

    def load(self, room_id: str) -> Room:
        """The room with an id. Raises BadModelError if it cannot be used."""
        ...


@runtime_checkable
class Collection(Protocol):
    """A finite source, which can list its models, so that `pixbench assets check` can read all of them."""

    @property
    def entries(self) -> Sequence[ModelEntry]:
        """All models, sorted by id; no mesh is read."""
        ...

    def defects(self) -> Mapping[str, int]:
        """Number of defects that were found while listing, by kind."""
        ...


def load_usable(source: Any, model_id: str) -> Any:
    """The model of a source with an id. Any error that its files cause is raised as BadModelError.

    UserError (a cache that cannot be written) and MemoryError are passed on.
    """
    try:
        return source.load(model_id)
    except (BadModelError, UserError, MemoryError):
        raise
    except Exception as error:
        raise BadModelError("cannot be read", f"{model_id}: {type(error).__name__}: {error}") from error


def own_part(model_id: str, prefix: str) -> str:
    """An id without the `prefix` of its source. Raises BadModelError for an id of another source."""
    if not model_id.startswith(prefix):
        raise BadModelError("of another source", f"{model_id} does not begin with {prefix}")
    return model_id[len(prefix) :]


def split_of(model_id: str) -> str:
    """The split of an id, with shares of 80 : 10 : 10: a pure function of the id."""
    place = int.from_bytes(hashlib.sha256(model_id.encode()).digest()[:8], "big") / 2**64
    for name, share in SPLIT_SHARES[:-1]:
        if place < share:
            return name
        place -= share
    return SPLIT_SHARES[-1][0]


class Listed(ABC):
    """Base class of finite sources: draws from a list of entries."""

    @property
    @abstractmethod
    def entries(self) -> Sequence[ModelEntry]:
        """See Collection."""

    _options: Mapping[str, str] = MappingProxyType({})

    @property
    def one_split(self) -> bool:
        """Whether every model belongs to every split (`?splits=one`): for collections that are too small to be divided."""
        return "splits" in self._options

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
        """The id of a random model of a category (empty for rooms) and split. Raises UserError if there is none."""
        ids = self._by_split_and_category.get((split, category))
        if ids is None:
            raise UserError(f"there is no {category or 'room'} in split '{split}': add some, or choose another split")
        return ids[int(rng.integers(len(ids)))]
