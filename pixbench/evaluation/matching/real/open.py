"""Opens a folder of pairs by what lies in it: a PixBench data set, or one of the layouts of real pairs."""

import hashlib
from collections.abc import Collection
from pathlib import Path

from ....dataset.manifest import MANIFEST
from ....errors import UserError
from ....io.untrusted import parsing
from ...record import LayoutPart
from ...suite import STRIDE as SYNTHETIC_STRIDE
from ..pairs import DatasetPairs, EvaluationPairs, Identity
from .layout import LAYOUTS, Layout, RealScene
from .pairs import LONG_SIDE, STRIDE, RealPairs, contents_sha256


def open_pairs(
    folder: Path,
    name: str,
    *,
    query_stride: int | None = None,
    long_side: int | None = None,
    trained_on: Collection[str] | None = None,
) -> EvaluationPairs:
    """The pairs in a folder, called `name`. Raises UserError for a folder in no known layout, and for options that do not apply to it."""
    if not folder.is_dir() or (folder / MANIFEST).exists():
        if long_side is not None:
            raise UserError("--long-side: a PixBench data set is scored at its own size; leave it out")
        return DatasetPairs(folder, name, query_stride or SYNTHETIC_STRIDE, trained_on)
    if trained_on is not None:
        raise UserError("--trained-on: real pairs name no rooms and objects to look for in a training set; leave it out")
    layout, scenes = recognised(folder)
    side, stride = LONG_SIDE if long_side is None else long_side, query_stride or STRIDE
    content = contents_sha256(scenes, folder)
    recipe = hashlib.sha256(f"{layout.name} {layout.version} {side} {stride} {content}".encode()).hexdigest()
    part = LayoutPart(name=layout.name, version=layout.version, long_side_px=side, ground_truth=layout.truth)
    identity = Identity(name, recipe, content, "test", 0, len(scenes), part)
    return RealPairs(scenes, identity, query_stride=stride, long_side=side)


def recognised(folder: Path) -> tuple[Layout, list[RealScene]]:
    """The layout of a folder, and what it finds there. Raises UserError for none, and for several."""
    found = []
    for layout in LAYOUTS.values():
        with parsing(f"{folder} ({layout.name})", f"expected {layout.title}"):
            if scenes := layout.scenes(folder):
                found.append((layout, scenes))
    if len(found) > 1:
        names = " and ".join(layout.name for layout, _ in found)
        raise UserError(f"{folder} has the files of {names}: give the folder of one of them")
    if not found:
        known = "; ".join(f"{layout.name} ({layout.title})" for layout in LAYOUTS.values())
        raise UserError(f"{folder} is in no layout that can be read: expected a PixBench data set ({MANIFEST}); {known}")
    return found[0]
