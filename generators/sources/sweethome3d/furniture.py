"""The furniture library of Sweet Home 3D: models with real sizes, from the Debian package sweethome3d-furniture."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float

from pixbench.assets.paths import pack_folder
from pixbench.errors import UserError
from pixbench.io.text import bounded_number

from ...scene import Asset, Mesh
from ..base import BadModelError, Listed, ModelEntry
from ..formats.parts import GLASS_LEFT_OUT
from ..loading.archive import ZipFiles
from ..loading.cache import converted
from ..loading.content_hash import sha256_of
from ..loading.frames import Y_UP_FRONT_Z, fit_box, transform
from .catalogue import read_catalogue, slug
from .categories import CatalogPiece, Kind, kind_of, why_left_out

PACK = "sweethome3d-furniture"
CATALOGUE = "PluginFurnitureCatalog.properties"

FIELDS = ("name", "category", "model", "width", "depth", "height", "elevation", "modelRotation")
"""What is read from a record of the catalogue."""

SHAPE_TOLERANCE = 0.03
"""A model is rejected if its proportions without glass differ from those in the catalogue by more than this share."""

LEAST_TOP = 0.4
"""Share of its footprint that the top of a table must cover after glass was removed."""


@dataclass(frozen=True)
class _Model:
    files: ZipFiles
    record: Mapping[str, str]
    piece: CatalogPiece
    kind: Kind


class SweetHomeFurniture(Listed):
    """820 models of furniture and household things in Debian's sweethome3d-furniture, less what cannot stand in a room.

    Raises UserError if the folder holds no furniture library.
    """

    def __init__(self, location: str | None = None):
        self._folder = Path(location) if location is not None else pack_folder(PACK)
        self._left_out: Counter[str] = Counter()
        if not any(self._folder.rglob("*.sh3f")):
            hint = f"fetch it with 'pixbench assets fetch {PACK}'" if location is None else "give the folder that they lie below"
            raise UserError(f"{self._folder} holds no furniture library (.sh3f): {hint}")

    @cached_property
    def _models(self) -> Mapping[str, _Model]:
        found: dict[str, _Model] = {}
        for path in sorted(self._folder.rglob("*.sh3f"), key=lambda path: path.name):
            for model_id, model in _models_of(ZipFiles(path), self._left_out):
                if model_id in found:
                    self._left_out["left out: id given twice"] += 1
                else:
                    found[model_id] = model
        return found

    @cached_property
    def entries(self) -> Sequence[ModelEntry]:
        """See Collection."""
        return [ModelEntry(model_id, model.kind.category, model.kind.synset) for model_id, model in sorted(self._models.items())]

    def defects(self) -> Mapping[str, int]:
        """See Collection."""
        _ = self._models  # listing counts the defects
        return self._left_out

    def draw(self, category: str, split: str, *, rng: np.random.Generator) -> str:
        """See ObjectSource."""
        return self.drawn(category, split, rng=rng)

    def load(self, model_id: str) -> Asset:
        """See ObjectSource."""
        if model_id not in self._models:
            raise BadModelError("no such model", model_id)
        model = self._models[model_id]
        found = converted(model.files, model.record["model"].lstrip("/"))
        size = np.array([model.piece.width, model.piece.height, model.piece.depth])
        turned = transform(found.mesh, _rotation(model.record), np.zeros(3))
        mesh = transform(fit_box(turned, np.eye(3), size), Y_UP_FRONT_Z, np.array([0, 0, size[1] / 2]))
        if GLASS_LEFT_OUT in found.defects:
            _check_shape(np.ptp(turned.bounds, axis=0) / size, model_id)
            if model.kind.category == "table":
                _check_top(mesh, model_id)
        kind = model.kind
        # The library says how large a model is and which way it faces, so both are part of the content.
        parts = [("files", found.sha256), *((name, model.record.get(name, "")) for name in FIELDS)]
        sha256 = sha256_of((name, text.encode("utf-8", "surrogateescape")) for name, text in parts)
        return Asset(model_id, kind.category, kind.synset, mesh, kind.placement, sha256, found.defects)


def _models_of(files: ZipFiles, defects: Counter[str]) -> Iterator[tuple[str, _Model]]:
    """The usable models of one library; all others are counted in `defects`."""
    try:
        records = read_catalogue(files, CATALOGUE)
    except (OSError, UserError):
        defects["library that cannot be read"] += 1
        return
    for record in records:
        try:
            piece, model_id = _piece(record), f"sweethome3d/{slug(record['id'])}"
        except (KeyError, ValueError):
            defects["left out: record without a name, size or model"] += 1
            continue
        reason = why_left_out(piece)
        if reason:
            defects[f"left out: {reason}"] += 1
        else:
            yield model_id, _Model(files, record, piece, kind_of(piece))


def _piece(record: Mapping[str, str]) -> CatalogPiece:
    """The input of the rules from a record of the catalogue, whose lengths are in centimetres."""
    width, depth, height = (bounded_number(record[key]) / 100 for key in ("width", "depth", "height"))
    if not record["model"] or min(width, depth, height) <= 0:
        raise ValueError(record)
    return CatalogPiece(
        record["name"].lower(), record["category"].lower(), width, depth, height, bounded_number(record.get("elevation", "0")) / 100
    )


def _rotation(record: Mapping[str, str]) -> Float[np.ndarray, "3 3"]:
    return np.array(record.get("modelRotation", "1 0 0 0 1 0 0 0 1").split(), float).reshape(3, 3)


def _check_shape(ratio: Float[np.ndarray, "3"], model_id: str) -> None:
    """Raise BadModelError if the extents along the axes, relative to the catalogue (`ratio`), differ too much."""
    if ratio.min() * (1 + SHAPE_TOLERANCE) < ratio.max():
        raise BadModelError(
            "made of glass", f"{model_id}: without it the extent is {np.round(ratio / np.median(ratio), 2)} of what it should be"
        )


def _check_top(mesh: Mesh, model_id: str) -> None:
    """Raise BadModelError unless horizontal faces near the top of a table cover a sufficient share of its footprint."""
    corners = mesh.vertices[mesh.faces].astype(np.float64)
    area = np.abs(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[:, 2]) / 2
    width, depth, height = np.ptp(mesh.bounds, axis=0)
    covered = area[corners[:, :, 2].min(axis=1) > 0.85 * height].sum() / (width * depth)
    if covered < LEAST_TOP:
        raise BadModelError("made of glass", f"{model_id}: only {covered:.0%} of the top is left")
