"""Runs a model on every pair. Finished scenes are kept, so that an interrupted run resumes."""

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Int, UInt8
from torch import Tensor

from ...dataset.reader import PairKey
from ...errors import UserError
from ...geometry.pixels import index_to_uv
from ...io.files import write_whole
from ..model import DescriptorModel, Model, failure, image_batch
from ..record_writer import Timing
from .dense_matcher import Matches, Search
from .pairs import EvaluationPairs, ScoredPair, describe_source
from .predictions import PairPredictions, Predictions, read_predictions, write_predictions


def predict(
    model: Model,
    source: EvaluationPairs,
    work: Path,
    *,
    search: Search = Search(),  # noqa: B008  (frozen)
    batch: int = 4,
    model_hash: str = "",
    force: bool = False,
    progress: Callable[[int], None] = lambda done: None,
) -> tuple[Predictions, Timing]:
    """Run a model on every pair. Finished scenes are kept in the folder `work`, from which an equal run resumes. A pair on which the model
    fails has a reason instead of answers. Raises UserError if it fails on all pairs, with the first reason.
    """
    _claim_folder(work, model, model_hash, source, search, force)
    timing, pairs, answers = Timing(), [], []
    for number, keys in enumerate(source.groups()):
        part = work / f"{number:06}.h5"
        kept = _kept(part, keys)
        if kept is None:
            found, spent = _answer_group(model, source, keys, search, batch, progress)
            timing = timing.plus(spent)
            write_predictions(part, Predictions(_key_table(keys), found, model.name, source.identity.content_sha256))
        else:
            found = kept
            progress(len(keys))
        pairs.append(_key_table(keys))
        answers += found
    if answers and all(answer.reason for answer in answers):
        shutil.rmtree(work)
        raise UserError(f"{model.name} failed on every pair; the first time with: {answers[0].reason}")
    return Predictions(np.concatenate(pairs), answers, model.name, source.identity.content_sha256), timing


def _kept(part: Path, keys: Sequence[PairKey]) -> list[PairPredictions] | None:
    """The answers of a finished scene; None where it is not finished, or damaged."""
    try:
        found = read_predictions(part)
    except UserError:
        return None
    return list(found.answers) if np.array_equal(found.pairs, _key_table(keys)) else None


def _claim_folder(work: Path, model: Model, model_hash: str, source: EvaluationPairs, search: Search, force: bool) -> None:
    """Create or reuse the folder of this run. Raises UserError if it holds another interrupted run; with `force` that one is removed."""
    identity = json.dumps(
        {"model": model.name, "hash": model_hash, "source": describe_source(source), "search": repr(search)}, sort_keys=True
    )
    mark = work / "run.json"
    if mark.is_file() and mark.read_text(encoding="utf-8") == identity:
        return
    if mark.is_file() and not force:
        raise UserError(
            f"{work} holds an interrupted run of another model or with other options (its source, weights or protocol differ): "
            "finish that one, give this one its own --name, or start again with --force"
        )
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    write_whole(mark, identity)


def _answer_group(
    model: Model, source: EvaluationPairs, keys: Sequence[PairKey], search: Search, batch: int, progress: Callable[[int], None]
) -> tuple[list[PairPredictions], Timing]:
    described: dict[int, Tensor] | None = None
    found, reason, timing, started = [], "", Timing(), time.perf_counter()
    if isinstance(model, DescriptorModel):
        try:
            images, views = source.images(keys[0].scene), sorted({view for key in keys for view in (key.a, key.b)})
            described = dict(zip(views, _describe_images(model, [images[view] for view in views], batch), strict=True))
            timing = Timing(time.perf_counter() - started, len(views))
        except Exception as error:
            reason = failure(error)
    started = time.perf_counter()
    for key in keys:
        pair = source.pair(key)
        found.append(_answer(model, pair, source.queries(pair), described, search, reason))
        progress(1)
    return found, timing.plus(Timing(match_s=time.perf_counter() - started, pairs=len(keys)))


def _describe_images(model: DescriptorModel, images: Sequence[UInt8[np.ndarray, "_ _ 3"]], batch: int) -> Iterator[Tensor]:
    """Descriptors of images, in batches of consecutive images of one size."""
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
    queries = pixel.astype(np.uint16)
    if not reason:
        try:
            uv = index_to_uv(pixel)
            if described is not None and isinstance(model, DescriptorModel):
                # The base class's method is called even if the model overrides it: it gets the ground truth, which a model must not see.
                matches = DescriptorModel.match_described(model, pair, described[pair.key.a], described[pair.key.b], uv, search)
            else:
                matches = model.answer(pair, uv)
            if matches.uv.shape != uv.shape:
                raise ValueError(f"{len(matches.uv)} answers for {len(uv)} queries")
            return PairPredictions(queries, matches)
        except Exception as error:
            reason = failure(error)
    return PairPredictions(queries, Matches.only(np.full(pixel.shape, np.nan)), reason)


def _key_table(keys: Sequence[PairKey]) -> Int[np.ndarray, "pairs 3"]:
    return np.array([(key.scene, key.a, key.b) for key in keys], np.int32).reshape(-1, 3)


def discard(work: Path) -> None:
    """Remove a run's folder of finished scenes."""
    shutil.rmtree(work, ignore_errors=True)


def work_folder(out: Path, stem: str) -> Path:
    """Where a run keeps its finished scenes."""
    return out / f".{stem}.scenes"
