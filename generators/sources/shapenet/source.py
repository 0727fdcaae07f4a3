"""ShapeNetCore: the user's own copy, version 1 or 2, extracted or zipped."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np

from ...scene import Asset
from ..base import BadModelError, Listed, ModelEntry, own_part
from ..loading.cache import converted
from ..loading.frames import Y_UP_FRONT_MINUS_Z, longest_edge, rotate_and_scale, stand_on_floor
from ..location import parsed
from .classes import class_of
from .lists import Taxonomy, read_splits, read_taxonomy
from .tree import Tree


class ShapeNet(Listed):
    """ShapeNetCore 1 or 2: your copy, extracted or in zips. Things found in rooms; `?classes=all` adds cars, airplanes and the rest.

    Ids are `shapenet/SYNSET/MODEL`. Models are turned upright, scaled from their unit box to the size that things of their
    class have (`classes.py`), varied by the id, and stand on z = 0 with the front along -y.
    """

    def __init__(self, location: str | None):
        path, options = parsed("shapenet", location, {"classes": ("indoor", "all")})
        self._all_classes = options.get("classes") == "all"
        self._tree = Tree(path)

    @cached_property
    def _taxonomy(self) -> Taxonomy:
        return read_taxonomy(self._tree.list_file("taxonomy.json"))

    @cached_property
    def _listing(self) -> tuple[Sequence[ModelEntry], Mapping[str, int]]:
        models: dict[str, set[str]] = {}
        for home in self._tree.homes:
            for synset, names in home.models().items():
                models.setdefault(synset, set()).update(names)
        splits, defects = self._official_splits(models)
        entries = [
            ModelEntry(f"shapenet/{synset}/{name}", self._name(synset), synset, splits.get((synset, name)))
            for synset in sorted(models)
            for name in sorted(models[synset])
        ]
        return entries, defects

    def _official_splits(self, models: Mapping[str, set[str]]) -> tuple[dict[tuple[str, str], str], Counter[str]]:
        splits: dict[tuple[str, str], str] = {}
        read = read_splits(self._tree.list_file("all.csv"))
        defects = Counter({"rows of all.csv without a split (skipped)": read.unclear})
        for written, name, split in read.rows:
            synset = self._taxonomy.climb(written, models)
            if synset is None or name not in models[synset]:
                defects["ids in all.csv without a model (skipped)"] += 1
            else:
                splits[synset, name] = split
        return splits, +defects

    def _name(self, synset: str) -> str:
        return class_of(synset, self._taxonomy.names.get(synset, "")).name

    @property
    def entries(self) -> Sequence[ModelEntry]:
        """See Collection."""
        return self._listing[0]

    def defects(self) -> Mapping[str, int]:
        """See Collection."""
        return self._listing[1]

    def categories(self, split: str) -> Mapping[str, int | None]:
        """See ObjectSource. Indoor classes, unless the location asks for all."""
        offered = {entry.category for entry in self.entries if self._all_classes or class_of(entry.synset).indoor}
        return {name: count for name, count in super().categories(split).items() if name in offered}

    def draw(self, category: str, split: str, *, rng: np.random.Generator) -> str:
        """See ObjectSource."""
        return self.drawn(category, split, rng=rng)

    def load(self, model_id: str) -> Asset:
        """See ObjectSource."""
        synset, name = own_part(model_id, "shapenet/").split("/")
        found = self._tree.find(synset, name)
        if found is None:
            raise BadModelError("no mesh file", model_id)
        model = converted(*found)
        kind = class_of(synset)
        scale = kind.longest_m * size_jitter(model_id, kind.spread) / longest_edge(model.mesh)
        mesh = stand_on_floor(rotate_and_scale(model.mesh, Y_UP_FRONT_MINUS_Z, scale))
        return Asset(model_id, self._name(synset), synset, mesh, kind.placement, model.sha256, model.defects)


def size_jitter(model_id: str, spread: float) -> float:
    """A factor of the size, without unit, in [1 / (1 + spread), 1 + spread]. It depends only on the id, so that a model always has the same
    size.
    """
    digest = hashlib.sha256(f"size {model_id}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    return float((1 + spread) ** (2 * place - 1))
