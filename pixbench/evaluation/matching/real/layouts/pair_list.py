"""A user's list of pairs, `pairs.json` or `pairs.csv`: each names two images and the source of its ground truth."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from .....errors import UserError, unknown_name
from .....io.documents import read_json
from .....io.untrusted import check_shown, inside, parsing, read_text
from ..layout import Layout, RealPair, RealScene, file_view
from ..listed_truth import Centres, ListedDepth, ListedPair, ListPart, listed_truth
from ..truth import DEPTH_TOLERANCE


class PairList(ListPart):
    """`pairs.json`."""

    pairs: list[ListedPair]
    pixel_centres: Centres = "whole"
    """In homographies and intrinsics the first pixel's centre is at 0 (whole, as in OpenCV) or at 0.5 (half, as in COLMAP)."""


class PairListLayout(Layout):
    """See Layout."""

    name = "pair-list"
    title = "pairs.json, or pairs.csv with image_a, image_b and h11 to h33"
    truth = f"as listed; depth by reprojection, hidden where b's depth is nearer by more than {DEPTH_TOLERANCE:.0%}"

    def scenes(self, folder: Path) -> list[RealScene]:
        """See Layout."""
        files = [folder / name for name in ("pairs.json", "pairs.csv") if (folder / name).is_file()]
        if len(files) > 1:
            raise UserError(f"{folder} has both pairs.json and pairs.csv: leave one of them")
        if not files:
            return []
        listed = _read_json(files[0]) if files[0].suffix == ".json" else _read_csv(files[0])
        if not listed.pairs:
            raise UserError(f"{files[0]} lists no pair")
        by_scene: dict[str, list[ListedPair]] = {}
        for number, pair in enumerate(listed.pairs):
            by_scene.setdefault(pair.scene if pair.scene is not None else f"pair {number}", []).append(pair)
        return [_scene(folder, files[0], name, pairs, listed.pixel_centres) for name, pairs in by_scene.items()]


def _read_json(file: Path) -> PairList:
    return _checked(file, read_json(file, "write it as docs/real-pairs.md says"))


def _read_csv(file: Path) -> PairList:
    """A header and one line per pair: image_a, image_b, h11 to h33 (row by row), and maybe scene."""
    cells = [f"h{row}{column}" for row in "123" for column in "123"]
    pairs: list[dict[str, Any]] = []
    with parsing(file, "expected a table of pairs"):
        reader = csv.DictReader(io.StringIO(read_text(file).removeprefix("\ufeff"), newline=""))
        missing = [name for name in ("image_a", "image_b", *cells) if name not in (reader.fieldnames or ())]
        unknown = set(reader.fieldnames or ()) - {"image_a", "image_b", "scene", *cells}
        if missing or unknown:
            what = f"lacks the column {missing[0]}" if missing else f"has the column {min(map(str, unknown))}"
            raise UserError(f"{file} {what}: expected image_a, image_b, h11 to h33, and maybe scene")
        header = len(reader.fieldnames or ())
        for line in reader:
            extra = line.pop(None, [])  # the key of cells beyond the header
            filled = sum(cell is not None for cell in line.values())
            if extra or any(line[name] is None for name in ("image_a", "image_b", *cells)):
                raise UserError(f"{file}: line {reader.line_num} has {filled + len(extra)} cells, the header {header}")
            H = [line.pop(name) for name in cells]
            pairs.append({**line, "scene": line.get("scene") or None, "homography": [H[:3], H[3:6], H[6:]]})
        check_shown(pairs)
        return _checked(file, {"pairs": pairs})


def _checked(file: Path, raw: Any) -> PairList:
    """The list that `file` held as `raw`. UserError where it is none."""
    if not isinstance(raw, dict):
        raise UserError(f"{file} holds a value of type {type(raw).__name__}: expected an object with 'pairs', the list")
    try:
        return PairList.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] == "extra_forbidden":
            *parents, name = first["loc"]
            part = ListedDepth if "depth" in parents else ListedPair if parents else PairList
            place = ".".join(map(str, parents)) or "the list"
            raise UserError(f"{file}: {unknown_name(f'field of {place}', str(name), part.model_fields)}") from None
        raise UserError(f"{file}: field '{'.'.join(map(str, first['loc'])) or 'file'}': {first['msg']}") from None


def _scene(folder: Path, file: Path, name: str, pairs: Sequence[ListedPair], centres: Centres) -> RealScene:
    views = list(dict.fromkeys(image for pair in pairs for image in (pair.image_a, pair.image_b)))
    with parsing(file, "put what it names below its folder"):
        used = [inside(folder, path) for pair in pairs for path in _paths(pair)]
    missing = [path for path in used if not path.is_file()]
    if missing:
        raise UserError(f"{file} names {missing[0]}, which does not exist: paths are relative to the list's folder")
    return RealScene(
        name,
        [file_view(folder / view) for view in views],
        [RealPair(views.index(pair.image_a), views.index(pair.image_b), listed_truth(folder, file, pair, centres)) for pair in pairs],
        [file, *used],
    )


def _paths(pair: ListedPair) -> list[str]:
    depth = [] if pair.depth is None else [pair.depth.depth_a, pair.depth.depth_b]
    return [pair.image_a, pair.image_b, *depth, *(path for path in (pair.flow, pair.disparity, pair.seen) if path is not None)]


PAIR_LIST = PairListLayout()
