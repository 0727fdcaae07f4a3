"""The scenes of a data set: all views with their layers, and the truth between each two."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..dataset.reader import Dataset, StoredScene
from ..geometry.correspondence import STATUS_MEANING
from .site import PagePart, packed

THUMB_PX = 128


class ScenesPart(PagePart):
    """Scenes are read on request, so that the time to open does not depend on their number."""

    name = "scenes"

    def __init__(self, dataset: Dataset, limit: int | None = None):
        self._dataset = dataset
        self._shown = min(len(dataset), limit or len(dataset))

    def index(self) -> dict[str, Any]:
        """Name, size and settings."""
        manifest = self._dataset.manifest
        return {
            "folder": self._dataset.folder.resolve().name,
            "scenes": len(self._dataset),
            "shown": self._shown,
            "split": manifest.split,
            "seed": manifest.seed,
            "statuses": [{"name": status.name.lower().replace("_", " "), "meaning": words} for status, words in STATUS_MEANING.items()],
        }

    def files(self) -> Iterator[str]:
        """See PagePart."""
        for scene in range(self._shown):
            yield f"thumb-{scene}"
            yield f"scene-{scene}"
            for a, b in self._dataset.scene(scene).read("pairs"):
                yield f"truth-{scene}-{a}-{b}"

    def read(self, name: str) -> dict[str, Any]:
        """`thumb-S`, `scene-S` or `truth-S-A-B`. Raises KeyError for another name."""
        kind, *numbers = name.split("-")
        place = [int(number) for number in numbers if number.isdecimal()]
        if (kind, len(place)) not in (("thumb", 1), ("scene", 1), ("truth", 3)) or place[0] >= len(self._dataset):
            raise KeyError(name)
        scene = self._dataset.scene(place[0])
        if kind == "thumb":
            return {"rgb": packed(_small(scene.read("rgb", 0)))}
        return _views(scene) if kind == "scene" else _truth(scene, place[1], place[2])


def _views(scene: StoredScene) -> dict[str, Any]:
    names = [name.decode() if isinstance(name, bytes) else str(name) for name in scene.read("object_category")]
    normal = np.nan_to_num(scene.read("normal_world").astype(np.float32))
    return {
        "rgb": packed(scene.read("rgb")),
        "depth_m": packed(np.nan_to_num(scene.read("depth_m").astype(np.float32))),
        "normal": packed((127 * normal).round().astype(np.int8)),
        "instance": packed(scene.read("instance").astype(np.uint16)),
        "objects": names,
        "pairs": [
            {"a": int(a), "b": int(b), "share": float(share), "angle_deg": None if np.isnan(angle) else float(angle)}
            for (a, b), share, angle in zip(scene.read("pairs"), scene.read("pair_overlap"), scene.read("pair_angle_deg"), strict=True)
        ],
    }


def _truth(scene: StoredScene, a: int, b: int) -> dict[str, Any]:
    rows = [row for row, pair in enumerate(scene.read("pairs")) if tuple(pair) == (a, b)]
    if not rows:
        raise KeyError(f"{a}-{b}")
    return {"uv": packed(np.nan_to_num(scene.uv(a, b), nan=-1e6)), "status": packed(scene.read("status", rows[0]))}


def _small(rgb: np.ndarray) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.fromarray(rgb).resize((THUMB_PX, THUMB_PX * rgb.shape[0] // rgb.shape[1])))
