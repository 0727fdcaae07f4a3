"""Statistics over the scenes of a data set: written into `dataset.json` when a set is finished, and compared by `pixbench verify`."""

import json
from collections import Counter
from typing import Any

import numpy as np

from ..errors import UserError
from ..geometry.correspondence import Status
from ..geometry.selftest_result import SelfTest, merge
from .manifest import Manifest
from .pair_histogram import Pairs, pair_histogram
from .reader import StoredScene

SUMMED = ("self_test", "pair_histogram", "assets", "replaced", "contents")
"""Fields of a manifest with statistics of its scenes."""


class Contents:
    """Sums over scenes that are added one after another."""

    def __init__(self) -> None:
        self._tests: list[SelfTest] = []
        self._pairs: list[Pairs] = []
        self._assets: dict[str, str] = {}
        self._replaced: Counter[str] = Counter()
        self._status = np.zeros(256, np.int64)
        self._objects: Counter[str] = Counter()
        self._size: tuple[int, ...] = ()

    def add(self, scene: StoredScene) -> None:
        """Add a scene. Raises UserError if one of its assets has another hash than before: a model file was changed in between."""
        recipe = scene.json("recipe")
        self._tests.append(SelfTest(**scene.json("self_test")))
        self._pairs.append((scene.read("pair_overlap"), scene.read("pair_angle_deg")))
        self._add_assets(recipe.get("assets", {}), scene)
        self._replaced.update(recipe.get("replaced", {}))
        self._status += np.bincount(scene.read("status").ravel(), minlength=256)
        self._objects.update(name.decode() for name in scene.read("object_category"))
        self._size = self._size or scene.shape("depth_m")

    def fields(self) -> dict[str, Any]:
        """The fields of a manifest, as plain JSON values."""
        views, height, width = self._size
        found = {
            "self_test": merge(self._tests).as_dict(),
            "pair_histogram": pair_histogram(self._pairs),
            "assets": dict(sorted(self._assets.items())),
            "replaced": dict(sorted(self._replaced.items())),
            "contents": {
                **{"views": views, "height": height, "width": width, "pairs": sum(len(overlap) for overlap, _ in self._pairs)},
                "pixels": {code.name.lower(): int(self._status[code]) for code in Status},
                "objects": dict(sorted(self._objects.items())),
            },
        }
        plain: dict[str, Any] = json.loads(json.dumps(found))
        return plain

    def differing(self, manifest: Manifest) -> list[str]:
        """Names of the manifest's fields that differ from the scenes' contents; sets of older versions lack some fields."""
        mine = self.fields()
        return [name for name in SUMMED if getattr(manifest, name) != mine[name] and (name != "contents" or manifest.contents)]

    def _add_assets(self, more: dict[str, str], scene: StoredScene) -> None:
        for asset, sha256 in more.items():
            if self._assets.setdefault(asset, sha256) != sha256:
                raise UserError(
                    f"asset {asset} was changed while the set was made: {scene.file_name} has it with sha256 {sha256[:12]}…, shards before "
                    f"it with {self._assets[asset][:12]}…; restore the model, delete the shards made with the changed one, and run the "
                    "same command again"
                )
