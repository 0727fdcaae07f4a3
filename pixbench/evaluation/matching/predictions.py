"""Predictions on disk, before they are scored. They are made pair by pair; an interrupted run resumes."""

import json
import math
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np
import torch
from jaxtyping import Float, Int, UInt8, UInt16
from torch import Tensor

from ...dataset.reader import PairKey
from ...errors import UserError
from ...geometry.pixels import index_to_uv
from ...io.files import write_whole, written_whole
from ..model import DescriptorModel, Model, image_batch
from ..record_writer import Timing
from .dense_matcher import Matches, Search
from .pairs import EvaluationPairs, ScoredPair, describe_source

FORMAT = "pixbench-predictions"
FORMAT_VERSION = 3

WITHOUT_TIES = 2
"""The format version whose `closer` did not count ties: it is read as unknown."""

HALVES: Mapping[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    "distance": ("distance", lambda x: x),
    "ratio": ("ratio", lambda x: np.round(x * 128) / 128),
    "back_px": ("cycle_error_px", np.ceil),
    "closer": ("closer", lambda x: x),
}
"""Datasets in half precision: the field of `Matches`, and how much more coarsely it is kept, so that a file stays small.

What counts of `cycle_error_px` is whether it is within a few whole pixels.
"""

MISSES = {"distance": math.inf, "ratio": 1.0, "cycle_error_px": math.inf, "closer": 1.0}
"""The worst that can be said of a match: what a query without an answer counts as."""


@dataclass(frozen=True, eq=False)
class PairPredictions:
    """Predictions of a model for one pair: the query pixels (column, row), and its matches; `reason` says why there are none."""

    pixel: UInt16[np.ndarray, "queries 2"]
    matches: Matches
    reason: str = ""

    @property
    def in_order(self) -> bool:
        """Whether each pixel stands once, in reading order."""
        return bool((np.diff(_place(self.pixel)) > 0).all())

    def among(self, queries: Int[np.ndarray, "_ 2"]) -> "PairPredictions":
        """The answers to those of `queries` that were asked."""
        index = _of_pixels(self.pixel, queries)
        return replace(self, pixel=self.pixel[index], matches=self.matches.at(index))


def _of_pixels(asked: UInt16[np.ndarray, "asked 2"], queries: Int[np.ndarray, "_ 2"]) -> Int[np.ndarray, " found"]:
    """Rows of `asked` that are among `queries`, in their order."""
    return np.flatnonzero(np.isin(_place(asked), _place(queries)))


def _place(pixel: Int[np.ndarray, "_ 2"] | UInt16[np.ndarray, "_ 2"]) -> Int[np.ndarray, " _"]:
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
        """The same, where queries without an answer have the worst value of each field that the model gives for others."""
        given = [name for name in MISSES if any(np.isfinite(getattr(answer.matches, name)).any() for answer in self.answers)]
        return replace(self, answers=[replace(answer, matches=_with_misses(answer.matches, given)) for answer in self.answers])


def _with_misses(matches: Matches, given: Sequence[str]) -> Matches:
    missed = np.isnan(matches.uv).any(axis=1)
    if not missed.any():
        return matches
    return replace(matches, **{name: np.where(missed, MISSES[name], getattr(matches, name)) for name in given})


def predict(
    model: Model,
    source: EvaluationPairs,
    work: Path,
    *,
    search: Search = Search(),  # noqa: B008  (frozen)
    batch: int = 4,
    model_hash: str = "",
    progress: Callable[[int], None] = lambda done: None,
) -> tuple[Predictions, Timing]:
    """Ask a model for every pair. Each finished scene is kept in the folder `work`, which goes on where an equal run was stopped.

    A pair that the model fails on has a reason instead of answers. UserError where it fails on all, with the first reason.
    """
    _open(work, model, model_hash, source, search)
    timing, pairs, answers = Timing(), [], []
    for number, keys in enumerate(source.groups()):
        part = work / f"{number:06}.h5"
        if not part.is_file():
            found, spent = _answer_group(model, source, keys, search, batch, progress)
            timing = timing.plus(spent)
            write_predictions(part, Predictions(_table(keys), found, model.name, source.identity.content_sha256))
        else:
            found = list(read_predictions(part).answers)
            progress(len(keys))
        pairs.append(_table(keys))
        answers += found
    if answers and all(answer.reason for answer in answers):
        shutil.rmtree(work)
        raise UserError(f"{model.name} failed on every pair; the first time with: {answers[0].reason}")
    return Predictions(np.concatenate(pairs), answers, model.name, source.identity.content_sha256), timing


def _open(work: Path, model: Model, model_hash: str, source: EvaluationPairs, search: Search) -> None:
    """A folder for this run; what another run left there is removed."""
    said = json.dumps({"model": model.name, "hash": model_hash, "source": describe_source(source), "search": repr(search)}, sort_keys=True)
    mark = work / "run.json"
    if mark.is_file() and mark.read_text() == said:
        return
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    write_whole(mark, said)


def _answer_group(
    model: Model, source: EvaluationPairs, keys: Sequence[PairKey], search: Search, batch: int, progress: Callable[[int], None]
) -> tuple[list[PairPredictions], Timing]:
    described: dict[int, Tensor] | None = None
    found, reason, timing, started = [], "", Timing(), time.perf_counter()
    if isinstance(model, DescriptorModel):
        try:
            images, views = source.images(keys[0].scene), sorted({view for key in keys for view in (key.a, key.b)})
            described = dict(zip(views, _described(model, [images[view] for view in views], batch), strict=True))
            timing = Timing(time.perf_counter() - started, len(views))
        except Exception as error:
            reason = _reason(error)
    started = time.perf_counter()
    for key in keys:
        pair = source.pair(key)
        found.append(_answer(model, pair, source.queries(pair), described, search, reason))
        progress(1)
    return found, timing.plus(Timing(match_s=time.perf_counter() - started, pairs=len(keys)))


def _described(model: DescriptorModel, images: Sequence[UInt8[np.ndarray, "_ _ 3"]], batch: int) -> Iterator[Tensor]:
    """Descriptors of images, in batches of those of one size."""
    first = 0
    while first < len(images):
        last = first + 1
        while last < len(images) and last - first < batch and images[last].shape == images[first].shape:
            last += 1
        yield from model.dense(image_batch(*images[first:last]))
        first = last


def _answer(
    model: Model, pair: ScoredPair, pixel: Int[np.ndarray, "queries 2"], described: Mapping[int, Tensor] | None, search: Search, reason: str
) -> PairPredictions:
    asked = pixel.astype(np.uint16)
    if not reason:
        try:
            uv = index_to_uv(pixel)
            if described is not None and isinstance(model, DescriptorModel):
                matches = model.match_described(pair, described[pair.key.a], described[pair.key.b], uv, search)
            else:
                matches = model.match(pair, uv)
            if matches.uv.shape != uv.shape:
                raise ValueError(f"{len(matches.uv)} answers for {len(uv)} queries")
            return PairPredictions(asked, matches)
        except Exception as error:
            reason = _reason(error)
    return PairPredictions(asked, Matches.only(np.full(pixel.shape, np.nan)), reason)


def _reason(error: Exception) -> str:
    """One line; out of memory and the like are the machine's fault, and end the run instead."""
    if isinstance(error, UserError | MemoryError | torch.cuda.OutOfMemoryError):
        raise error
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _table(keys: Sequence[PairKey]) -> Int[np.ndarray, "pairs 3"]:
    return np.array([(key.scene, key.a, key.b) for key in keys], np.int32).reshape(-1, 3)


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
    with written_whole(path) as temporary, h5py.File(temporary, "w", libver=("v110", "v110")) as file:
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


def read_predictions(path: Path) -> Predictions:
    """Read a file that `write_predictions` wrote."""
    again = "run 'pixbench evaluate' again"
    try:
        with h5py.File(path, "r") as file:
            version = file.attrs.get("format_version")
            if file.attrs.get("format") != FORMAT or version not in (WITHOUT_TIES, FORMAT_VERSION):
                raise UserError(f"{path} is not a predictions file of format version {FORMAT_VERSION}: {again}")
            arrays = {name: dataset[()] for name, dataset in file.items()}
            reasons = json.loads(file.attrs["reasons"])
            model, content = file.attrs["model"], file.attrs["content_sha256"]
            start, counts = arrays["start"], arrays.get("points", np.full(len(arrays["pairs"]), -1))
            missing = {"pixel", "uv", *HALVES} - arrays.keys()
            if missing or len(start) != len(arrays["pairs"]) + 1 or start[-1] != len(arrays["pixel"]):
                raise ValueError("its datasets do not fit together")
            if version == WITHOUT_TIES:
                arrays["closer"] = np.full_like(arrays["closer"], math.nan)
    except (OSError, KeyError, ValueError) as error:
        raise UserError(f"{path} is not a predictions file ({str(error).splitlines()[0]}): {again}") from None
    place = _starts(np.maximum(counts, 0).tolist())
    answers = []
    for row in range(len(arrays["pairs"])):
        part, own = slice(start[row], start[row + 1]), slice(place[row], place[row + 1])
        uv: Float[np.ndarray, "queries 2"] = arrays["uv"][part].astype(np.float64)
        halves = (arrays[name][part].astype(np.float64) for name in HALVES)
        points = (None, None) if counts[row] < 0 else (arrays["points_a"][own].astype(float), arrays["points_b"][own].astype(float))
        answers.append(PairPredictions(arrays["pixel"][part], Matches(uv, *halves, *points), reasons.get(str(row), "")))
    return Predictions(arrays["pairs"], answers, model, content)


def discard(work: Path) -> None:
    """Remove a run's folder of finished scenes."""
    shutil.rmtree(work, ignore_errors=True)


def work_folder(out: Path, stem: str) -> Path:
    """Where a run keeps its finished scenes."""
    return out / f".{stem}.scenes"
