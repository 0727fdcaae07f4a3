"""Pairs of a data set sampled by level, with the strata of each query: computed once, and stored beside the data."""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path

import h5py
import numpy as np
from jaxtyping import Int

from ....dataset.reader import Dataset, Pair, PairKey
from ....geometry.correspondence import Status
from ....geometry.pixels import every_nth, index_to_uv
from ....io.files import written_whole
from ..pairs import QUERY_STATUSES, DatasetPairs, ScoredPair
from .level import Drawn, Level, draw_pairs
from .strata import Queries, Strata, shown, stretch, surface_at, texture_strength

FORMAT_VERSION = 1
"""Version of the file of queries; increased when a measure changes."""


class DrawnPairs(DatasetPairs):
    """`per_level` pairs of each level. Queries are those of DatasetPairs, and ambiguous pixels whose centre is visible in the target.

    The pairs, their queries and the strata of the queries are cached in a file `queries-HASH.h5` in the data set's folder.
    """

    def __init__(
        self,
        folder: Path,
        suite: str,
        query_stride: int,
        levels: Sequence[Level],
        per_level: int,
        trained_on: Collection[str] | None = None,
    ):
        super().__init__(folder, suite, query_stride, trained_on)
        settings = json.dumps([[asdict(level) for level in levels], per_level, query_stride, FORMAT_VERSION])
        drawn_sha256 = hashlib.sha256(settings.encode()).hexdigest()
        self._file = folder / f"queries-{drawn_sha256[:12]}.h5"
        if not self._file.is_file():
            _write(self._file, self._dataset, levels, per_level, query_stride)
        self.levels = {level.name: level.words for level in levels}
        whole = (self.identity.recipe_sha256, self.identity.content_sha256)
        recipe, content = (hashlib.sha256(f"{each} {drawn_sha256}".encode()).hexdigest() for each in whole)
        self.identity = replace(self.identity, recipe_sha256=recipe, content_sha256=content)

    @property
    def count(self) -> int:
        """Number of queries."""
        return sum(len(queries.pixel) for _, queries in self._drawn.values())

    def groups(self) -> Sequence[Sequence[PairKey]]:
        """See EvaluationPairs."""
        scenes: dict[int, list[PairKey]] = {}
        for key in self._drawn:
            scenes.setdefault(key.scene, []).append(key)
        return list(scenes.values())

    def pair(self, key: PairKey) -> ScoredPair:
        """See EvaluationPairs."""
        level, queries = self._drawn[key]
        return replace(super().pair(key), level=level, asked=queries)

    def queries(self, pair: Pair) -> Int[np.ndarray, "queries 2"]:
        """See EvaluationPairs."""
        return self._drawn[pair.key][1].pixel

    @cached_property
    def _drawn(self) -> Drawn:
        with h5py.File(self._file, "r") as file:
            arrays = {name: dataset[()] for name, dataset in file.items()}
            names = json.loads(file.attrs["levels"])
        found = {}
        for number, row in enumerate(arrays["pair"]):
            part = slice(arrays["start"][number], arrays["start"][number + 1])
            scale, anisotropy, texture = (arrays[name][part].astype(np.float64) for name in ("scale", "anisotropy", "texture"))
            strata = Strata(scale, anisotropy, texture, arrays["on_edge"][part].astype(bool))
            found[PairKey(*map(int, row))] = names[arrays["level"][number]], Queries(arrays["pixel"][part].astype(np.int64), strata)
        return found


def _write(path: Path, dataset: Dataset, levels: Sequence[Level], per_level: int, stride: int) -> None:
    """Draw pairs, measure their queries, and write the file."""
    drawn = draw_pairs(dataset, levels, per_level, dataset.manifest.seed, lambda key: measured(dataset, key, stride))
    names = [level.name for level in levels]
    found = [queries for _, queries in drawn.values()]
    arrays = {
        "pair": ("scene, row, view a, view b", np.array([(key.scene, key.row, key.a, key.b) for key in drawn], np.int32)),
        "level": ("index into the attribute `levels`", np.array([names.index(name) for name, _ in drawn.values()], np.uint8)),
        "start": ("first query of each pair, and the end", np.cumsum([0, *(len(queries.pixel) for queries in found)])),
        "pixel": ("column, row in image a", np.concatenate([queries.pixel for queries in found]).astype(np.uint16)),
        "on_edge": ("ambiguous, its centre shown", np.concatenate([queries.strata.on_edge for queries in found]).astype(np.uint8)),
        **{
            name: (unit, np.concatenate([getattr(queries.strata, name) for queries in found]).astype(np.float32))
            for name, unit in (("scale", "size in b / size in a"), ("anisotropy", "1: none"), ("texture", "8-bit levels"))
        },
    }
    with written_whole(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs["levels"] = json.dumps(names)
        for name, (unit, array) in arrays.items():
            file.create_dataset(name, data=array, compression="gzip", shuffle=True).attrs["unit"] = unit


def measured(dataset: Dataset, key: PairKey, stride: int) -> Queries:
    """The queries of a pair, in reading order, and their strata."""
    scene, grid = dataset.scene(key.scene), every_nth(stride)
    pair, a, b = scene.pair(key), scene.camera(key.a), scene.camera(key.b)
    depth, normal = ([scene.read(name, view) for view in (key.a, key.b)] for name in ("depth_m", "normal_world"))
    row, column = np.nonzero(np.isin(pair.truth.status[grid, grid], (*QUERY_STATUSES, Status.AMBIGUOUS)))
    pixel = np.stack([column, row], axis=1) * stride + grid.start
    on_edge = pair.truth.status[pixel[:, 1], pixel[:, 0]] == Status.AMBIGUOUS
    surface = surface_at(a, depth[0], normal[0], pixel)
    asked = ~on_edge | shown(surface.point, b, depth[1], normal[1])
    pixel, on_edge = pixel[asked], on_edge[asked]
    surface = surface_at(a, depth[0], normal[0], pixel)
    texture = texture_strength(pair.rgb_a)[pixel[:, 1], pixel[:, 0]]
    return Queries(pixel, Strata(*stretch(surface, index_to_uv(pixel), a, b), texture, on_edge))
