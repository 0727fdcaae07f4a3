"""Predictions of models for pairs: stored answers, and descriptors from which the page computes distances."""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Float, Int8

from ..evaluation.matching.pairs import EvaluationPairs
from ..evaluation.matching.predictions import PairPredictions, read_predictions
from ..evaluation.model import DescriptorModel, image_batch, norm_name
from ..evaluation.record import Record, StoredRecord
from ..evaluation.task import METRICS
from ..leaderboard.entries import seed_of
from .site import PagePart, packed

MODELS = 4
"""Largest number of models shown side by side."""

KEPT_SCENES = 8
SCORES = {"delta_avg": "δ_avg", "pck@4": "PCK@4"}
"""Statistics shown for a model: means over pairs, as in the table."""

LEVELS = 127


@dataclass(frozen=True, eq=False)
class Shown:
    """A model of the page: its record, if it has one, and the model itself, if it can describe images."""

    name: str
    stored: StoredRecord | None = None
    model: DescriptorModel | None = None


class MatchesPart(PagePart):
    """Pairs of one source, and up to four models. With a limit they are spread evenly from the worst to the best of the first."""

    name = "matches"

    def __init__(self, source: EvaluationPairs, shown: Sequence[Shown], limit: int | None = None):
        self._source, self._shown = source, list(shown)
        self._keys = {(key.scene, key.a, key.b): key for group in source.groups() for key in group}
        self._answers = [_answers(each) for each in shown]
        self._rows = [_pair_rows(each) for each in shown]
        self._described = lru_cache(KEPT_SCENES * MODELS)(self._describe)
        self._images = lru_cache(KEPT_SCENES)(source.images)
        ordered = sorted(self._keys, key=lambda key: next((row[key]["delta_avg"] or 0.0 for row in self._rows if key in row), 2.0))
        if limit is not None and limit < len(ordered):
            ordered = [ordered[index] for index in np.linspace(0, len(ordered) - 1, limit).round().astype(int)]
        self._ordered = ordered

    def index(self) -> dict[str, Any]:
        """The models, and every pair with each model's scores, the worst of the first model first."""
        pairs = [{"scene": s, "a": a, "b": b, "scores": [rows.get((s, a, b)) for rows in self._rows]} for s, a, b in self._ordered]
        return {"suite": self._source.identity.suite, "models": [_about(each) for each in self._shown], "pairs": pairs}

    def files(self) -> Iterator[str]:
        """See PagePart."""
        views: dict[tuple[int, int], None] = {}
        for s, a, b in self._ordered:
            yield f"pair-{s}-{a}-{b}"
            yield from (f"answers-{number}-{s}-{a}-{b}" for number, each in enumerate(self._shown) if each.stored)
            views |= dict.fromkeys(((s, a), (s, b)))
        for s, view in views:
            yield f"view-{s}-{view}"
            yield from (f"descriptors-{number}-{s}-{view}" for number, each in enumerate(self._shown) if each.model)

    def read(self, name: str) -> dict[str, Any]:
        """`view-S-V`, `pair-S-A-B`, `answers-M-S-A-B` or `descriptors-M-S-V`. Raises KeyError for another name."""
        kind, *numbers = name.split("-")
        place = [int(number) for number in numbers if number.isdecimal()]
        readers: dict[str, tuple[Callable[..., dict[str, Any]], int]] = {
            "view": (self._view, 2),
            "pair": (self._pair, 3),
            "answers": (self._answer, 4),
            "descriptors": (self._descriptor, 3),
        }
        if kind not in readers or len(place) != readers[kind][1]:
            raise KeyError(name)
        try:
            return readers[kind][0](*place)
        except IndexError:
            raise KeyError(name) from None

    def _view(self, scene: int, view: int) -> dict[str, Any]:
        return {"rgb": packed(np.asarray(self._images(scene)[view]))}

    def _pair(self, scene: int, a: int, b: int) -> dict[str, Any]:
        pair = self._source.pair(self._keys[scene, a, b])
        known = None if np.isnan(pair.angle_deg) else float(pair.angle_deg)
        uv = np.nan_to_num(pair.truth.uv_b.astype(np.float32), nan=-1e6)
        return {"uv": packed(uv), "status": packed(pair.truth.status), "angle_deg": known, "share": float(pair.overlap)}

    def _answer(self, number: int, scene: int, a: int, b: int) -> dict[str, Any]:
        answers = self._answers[number][scene, a, b]
        uv = np.nan_to_num(answers.matches.uv.astype(np.float32), nan=-1e6)
        return {"pixel": packed(answers.pixel.astype(np.uint16)), "uv": packed(uv), "reason": answers.reason}

    def _descriptor(self, number: int, scene: int, view: int) -> dict[str, Any]:
        levels, step = self._described(number, scene)
        return {"levels": packed(levels[view]), "step": step}

    def _describe(self, number: int, scene: int) -> tuple[list[Int8[np.ndarray, "rows columns channels"]], float]:
        model = self._shown[number].model
        if model is None:
            raise KeyError(number)
        dense = [model.dense(image_batch(image))[0].cpu().numpy().transpose(1, 2, 0) for image in self._images(scene)]
        if model.p == "cosine":
            dense = [each / np.maximum(np.linalg.norm(each, axis=2, keepdims=True), 1e-12) for each in dense]
        return quantised(dense)


def quantised(views: Sequence[Float[np.ndarray, "_ _ channels"]]) -> tuple[list[Int8[np.ndarray, "_ _ channels"]], float]:
    """Descriptors of a scene's views in 255 levels, and the size of a step.

    Each channel is shifted by its middle value, which changes no difference; the step is one for all channels and views, so that distances
    in any norm are those of the levels times the step, off by at most half a step a channel and descriptor.
    """
    low = np.min([each.min(axis=(0, 1)) for each in views], axis=0)
    high = np.max([each.max(axis=(0, 1)) for each in views], axis=0)
    step = max(float((high - low).max()) / (2 * LEVELS), 1e-12)
    return [np.round((each - (low + high) / 2) / step).astype(np.int8) for each in views], step


def _answers(shown: Shown) -> dict[tuple[int, int, int], PairPredictions]:
    if shown.stored is None:
        return {}
    found = read_predictions(shown.stored.beside("predictions"))
    return {(int(s), int(a), int(b)): answers for (s, a, b), answers in zip(found.pairs, found.answers, strict=True)}


def _pair_rows(shown: Shown) -> dict[tuple[int, int, int], dict[str, float | None]]:
    if shown.stored is None:
        return {}
    with shown.stored.beside("pairs").open(newline="", encoding="utf-8") as file:
        return {
            (int(row["scene"]), int(row["a"]), int(row["b"])): {
                name: float(row[name]) if row.get(name, "") not in ("", "inf") else None for name in ("delta_avg", "epe_median")
            }
            for row in csv.DictReader(file)
        }


def _about(shown: Shown) -> dict[str, Any]:
    record = None if shown.stored is None else shown.stored.record
    p = None if shown.model is None else norm_name(shown.model.p)
    return {
        "name": shown.name,
        "p": p if p is not None else None if record is None else record.model_info.get("p"),
        "described": shown.model is not None,
        "answers": shown.stored is not None,
        "file": None if shown.stored is None else shown.stored.path.name,
        "seed": None if record is None else seed_of(record),
        "scores": {} if record is None else {name: _score(record, name, words) for name, words in SCORES.items() if name in record.metrics},
    }


def _score(record: Record, name: str, words: str) -> dict[str, Any]:
    return {"words": words, "value": record.value(name), "digits": METRICS.get(name).digits}
