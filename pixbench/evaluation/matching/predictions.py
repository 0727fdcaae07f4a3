"""Predictions of a model before scoring, and their file format."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, UInt16

from ...errors import UserError
from ...io.files import written_whole
from ...io.hdf5 import create_file, member, read_file, values
from ...io.untrusted import check_shown
from .dense_matcher import Matches

FORMAT = "pixbench-predictions"
FORMAT_VERSION = 3

WITHOUT_TIES = 2
"""The format version whose `closer` did not count ties. Such files are read with `closer` unknown (NaN)."""

HALVES: Mapping[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    "distance": ("distance", lambda x: x),
    "ratio": ("ratio", lambda x: np.round(x * 128) / 128),
    "back_px": ("cycle_error_px", np.ceil),
    "closer": ("closer", lambda x: x),
}
"""Datasets in half precision: the field of `Matches`, and the rounding that keeps files small.

`cycle_error_px` is rounded up to whole pixels, because it is only compared with whole numbers of pixels (see `mutual_tolerance`).
"""

MISSES = {"distance": math.inf, "ratio": 1.0, "cycle_error_px": math.inf, "closer": 1.0}
"""Worst value of each field, for queries without an answer."""

ARRAYS = ("pairs", "start", "pixel", "uv", *HALVES)
POINT_ARRAYS = ("points", "points_a", "points_b")
"""Arrays of every file, and those of a matcher's own points."""


@dataclass(frozen=True, eq=False)
class PairPredictions:
    """Predictions of a model for one pair: the query pixels (column, row), and its matches; `reason` says why there are none."""

    pixel: UInt16[np.ndarray, "queries 2"]
    matches: Matches
    reason: str = ""

    @property
    def in_order(self) -> bool:
        """Whether the pixels are unique and in reading order."""
        return bool((np.diff(_reading_order(self.pixel)) > 0).all())

    def among(self, queries: Int[np.ndarray, "_ 2"]) -> "PairPredictions":
        """The answers to those of `queries` that were predicted."""
        index = _rows_among(self.pixel, queries)
        return replace(self, pixel=self.pixel[index], matches=self.matches.at(index))


def _rows_among(pixel: UInt16[np.ndarray, "pixels 2"], queries: Int[np.ndarray, "_ 2"]) -> Int[np.ndarray, " found"]:
    """Indices of the pixels that are among `queries`, in order."""
    return np.flatnonzero(np.isin(_reading_order(pixel), _reading_order(queries)))


def _reading_order(pixel: Int[np.ndarray, "_ 2"] | UInt16[np.ndarray, "_ 2"]) -> Int[np.ndarray, " _"]:
    """A number for each pixel that grows in reading order."""
    return pixel.astype(np.int64) @ [1, 1 << 16]


@dataclass(frozen=True, eq=False)
class Predictions:
    """The answers for each ordered pair (scene, view a, view b)."""

    pairs: Int[np.ndarray, "pairs 3"]
    answers: Sequence[PairPredictions]
    model: str
    content_sha256: str

    def with_misses(self) -> "Predictions":
        """The same predictions, in which queries without an answer have the worst value of each field that the model provides, and in which
        a matcher of points that failed on a pair has no matches there.
        """
        provided = [name for name in MISSES if any(np.isfinite(getattr(answer.matches, name)).any() for answer in self.answers)]
        has_points = any(answer.matches.points_a is not None for answer in self.answers)
        answers = [replace(answer, matches=_with_misses(answer.matches, provided, has_points)) for answer in self.answers]
        return replace(self, answers=answers)


def _with_misses(matches: Matches, provided: Sequence[str], has_points: bool) -> Matches:
    if has_points and matches.points_a is None:
        matches = replace(matches, points_a=np.empty((0, 2)), points_b=np.empty((0, 2)))
    missed = np.isnan(matches.uv).any(axis=1)
    if not missed.any():
        return matches
    return replace(matches, **{name: np.where(missed, MISSES[name], getattr(matches, name)) for name in provided})


def write_predictions(path: Path, predictions: Predictions) -> None:
    """Write to a temporary name, then rename. Answers of all pairs lie one after another; `start` says where each pair's begin."""
    answers, matches = predictions.answers, [answer.matches for answer in predictions.answers]
    points = [(m.points_a, m.points_b) for m in matches if m.points_a is not None and m.points_b is not None]
    none = np.empty((0, 2))
    arrays = {
        "pairs": ("scene, view a, view b", predictions.pairs),
        "start": ("first query of each pair, and the end", _starts([len(answer.pixel) for answer in answers])),
        "pixel": ("column, row in image a", _joined([answer.pixel for answer in answers], np.uint16, 2)),
        "uv": ("px in image b", _joined([m.uv for m in matches], np.float32, 2)),
        **{name: ("", _joined([coarse(getattr(m, of)) for m in matches], np.float16)) for name, (of, coarse) in HALVES.items()},
    }
    if points:
        counts = [-1 if m.points_a is None else len(m.points_a) for m in matches]
        arrays["points"] = ("number of the model's own matches, -1 for none asked", np.array(counts))
        arrays["points_a"] = ("px", _joined([none if m.points_a is None else m.points_a for m in matches], np.float32, 2))
        arrays["points_b"] = ("px", _joined([none if m.points_b is None else m.points_b for m in matches], np.float32, 2))
    with written_whole(path) as temporary, create_file(temporary, libver=("v110", "v110")) as file:
        file.attrs["format"], file.attrs["format_version"] = FORMAT, FORMAT_VERSION
        file.attrs["model"], file.attrs["content_sha256"] = predictions.model, predictions.content_sha256
        file.attrs["reasons"] = json.dumps({str(row): answer.reason for row, answer in enumerate(answers) if answer.reason})
        for name, (unit, array) in arrays.items():
            dataset = file.create_dataset(
                name,
                data=array,
                compression="gzip" if array.size else None,
                compression_opts=9 if array.size else None,
                shuffle=bool(array.size),
                fletcher32=bool(array.size),
            )
            dataset.attrs["unit"] = unit


def _starts(counts: Sequence[int]) -> Int[np.ndarray, " _"]:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _joined(parts: Sequence[np.ndarray], dtype: type, columns: int | None = None) -> np.ndarray:
    shape = (0,) if columns is None else (0, columns)
    # A distance beyond half precision's range is stored as infinite.
    with np.errstate(over="ignore"):
        return np.concatenate([np.empty(shape, dtype), *(np.asarray(part).astype(dtype) for part in parts)])


def _fit_together(arrays: Mapping[str, np.ndarray], counts: np.ndarray) -> bool:
    """Whether arrays have the types and lengths of the format."""
    start, pairs = arrays["start"], len(arrays["pairs"])
    queries = (int(start[-1]),) if start.size else (-1,)
    own = (int(np.maximum(counts, 0).sum()), 2)
    whole = {"pairs": (pairs, 3), "start": (pairs + 1,), "points": (pairs,), "pixel": (*queries, 2)}
    numbers = {"uv": (*queries, 2), "points_a": own, "points_b": own, **dict.fromkeys(HALVES, queries)}
    kinds = {**dict.fromkeys(whole, "iu"), **dict.fromkeys(numbers, "f")}
    if any(array.shape != {**whole, **numbers}[name] or array.dtype.kind not in kinds[name] for name, array in arrays.items()):
        return False
    return bool(start[0] == 0 and (np.diff(start) >= 0).all())


def read_predictions(path: Path) -> Predictions:
    """Read a file that `write_predictions` wrote. Raises UserError if the file is damaged or of another format version."""
    again = "run 'pixbench evaluate' again"
    with read_file(path, f"it is not a predictions file; {again}") as file:
        version = file.attrs.get("format_version")
        if file.attrs.get("format") != FORMAT or version not in (WITHOUT_TIES, FORMAT_VERSION):
            raise UserError(f"{path} is not a predictions file of format version {FORMAT_VERSION}: {again}")
        arrays = {name: values(member(file, name)) for name in (*ARRAYS, *(POINT_ARRAYS if "points" in file else ()))}
        reasons = json.loads(file.attrs["reasons"])
        check_shown(reasons)
        model, content = str(file.attrs["model"]), str(file.attrs["content_sha256"])
        check_shown([model, content])
        start, counts = arrays["start"], arrays.get("points", np.full(len(arrays["pairs"]), -1))
        if not isinstance(reasons, dict) or not _fit_together(arrays, counts):
            raise ValueError("its arrays do not fit together")
        if version == WITHOUT_TIES:
            arrays["closer"] = np.full_like(arrays["closer"], math.nan)
    place = _starts(np.maximum(counts, 0).tolist())
    answers = []
    for row in range(len(arrays["pairs"])):
        part, own = slice(start[row], start[row + 1]), slice(place[row], place[row + 1])
        uv: Float[np.ndarray, "queries 2"] = arrays["uv"][part].astype(np.float64)
        halves = (arrays[name][part].astype(np.float64) for name in HALVES)
        points = (None, None) if counts[row] < 0 else (arrays["points_a"][own].astype(float), arrays["points_b"][own].astype(float))
        answers.append(PairPredictions(arrays["pixel"][part], Matches(uv, *halves, *points), reasons.get(str(row), "")))
    return Predictions(arrays["pairs"], answers, model, content)
