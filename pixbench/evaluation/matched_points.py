"""Output of matchers in the supported layouts: two arrays of points, or dictionaries as of kornia, LoFTR and LightGlue."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

LAYOUTS = (
    "two arrays (matches, 2) of x and y, or (matches, 3) with a score, or a dictionary with keypoints0 and keypoints1 "
    "(and maybe matches, matches0, confidence, scores)"
)
POINTS = (("keypoints0", "keypoints1"), ("mkpts0_f", "mkpts1_f"), ("mkpts0", "mkpts1"))
SCORES = ("confidence", "mconf", "scores", "matching_scores", "matching_scores0")
PER_POINT = ("matching_scores0",)
"""Scores of which there is one per point of the first image, also with a list of matches."""


@dataclass(frozen=True, eq=False)
class MatchedPoints:
    """Matched points of both images, in pixels, and the confidence of each match (None: the matcher gives none)."""

    a: Float[np.ndarray, "matches 2"]
    b: Float[np.ndarray, "matches 2"]
    score: Float[np.ndarray, " matches"] | None = None

    def at(self, kept: np.ndarray) -> "MatchedPoints":
        """A subset of the matches."""
        return MatchedPoints(self.a[kept], self.b[kept], None if self.score is None else self.score[kept])


def matched_points(found: Any) -> MatchedPoints:
    """Convert the output of a matcher. Matches with points that are not finite are dropped. Raises ValueError for any other layout."""
    points = _of_dictionary(found) if isinstance(found, Mapping) else _of_arrays(found)
    return points.at(np.isfinite(points.a).all(axis=1) & np.isfinite(points.b).all(axis=1))


def _of_arrays(found: Any) -> MatchedPoints:
    if not isinstance(found, list | tuple) or len(found) not in (2, 3):
        raise ValueError(f"a {_named(found)}: expected {LAYOUTS}")
    a, b = (_array(points, f"points {number}") for number, points in enumerate(found[:2]))
    for number, points in enumerate((a, b)):
        if points.ndim != 2 or points.shape[1] not in (2, 3):
            raise ValueError(f"points {number} of shape {points.shape}: expected {LAYOUTS}")
    if a.shape[1] == 3 and len(found) == 3:
        raise ValueError(f"points with scores, and a third array of scores: expected {LAYOUTS}")
    score = a[:, 2] if a.shape[1] == 3 else None if len(found) == 2 else _array(found[2], "scores").reshape(-1)
    return _scored(a[:, :2], b[:, :2], score)


def _of_dictionary(found: Mapping[str, Any]) -> MatchedPoints:
    names = next((pair for pair in POINTS if pair[0] in found and pair[1] in found), None)
    if names is None:
        raise ValueError(f"a dictionary with {', '.join(sorted(map(str, found)))}: expected {LAYOUTS}")
    a, b = (_one(_array(found[name], name)) for name in names)
    for name, points in zip(names, (a, b), strict=True):
        if points.ndim != 2 or points.shape[1] != 2:
            raise ValueError(f"{name} of shape {points.shape}: expected {LAYOUTS}")
    scored = next((name for name in SCORES if found.get(name) is not None), None)
    score = None if scored is None else _array(found[scored], scored)
    score = score if score is None else score[0] if score.ndim == 2 and len(score) == 1 else score
    pairs = _pairs(found)
    if pairs is not None:
        _check_indices(pairs, (len(a), len(b)))
        # With one score per point of the first image, as SuperGlue's: the scores of the matched points.
        per_point = scored in PER_POINT or (score is not None and len(score) == len(a) != len(pairs))
        score = score[pairs[:, 0]] if score is not None and per_point and len(score) == len(a) else score
        a, b = a[pairs[:, 0]], b[pairs[:, 1]]
    return _scored(a, b, score)


def _pairs(found: Mapping[str, Any]) -> Int[np.ndarray, "matches 2"] | None:
    """Index pairs of matched points: LightGlue's `matches`, or SuperGlue's `matches0` with -1 for none; None: all, in order."""
    if found.get("matches") is not None:
        pairs = found["matches"]
        # LightGlue lists one tensor per image pair; a list of one list is a single match.
        listed = isinstance(pairs, list | tuple) and len(pairs) == 1 and isinstance(pairs[0], Tensor)
        pairs = _one(_array(pairs[0] if listed else pairs, "matches"))
        if pairs.ndim != 2 or pairs.shape[1] != 2:
            raise ValueError(f"matches of shape {pairs.shape}: expected (matches, 2), the indices of the two points of each match")
        return pairs.astype(np.int64)
    if found.get("matches0") is not None:
        partner = _array(found["matches0"], "matches0").reshape(-1).astype(np.int64)
        first = np.flatnonzero(partner >= 0)
        return np.stack([first, partner[first]], axis=1)
    return None


def _check_indices(pairs: Int[np.ndarray, "matches 2"], points: tuple[int, int]) -> None:
    """Raises ValueError for an index of no point: NumPy would count a negative one from the end."""
    wrong = np.argwhere((pairs < 0) | (pairs >= points))
    if len(wrong):
        match, image = wrong[0]
        raise ValueError(f"matches with the index {pairs[match, image]}, of {points[image]} points: expected indices from 0")


def _scored(a: np.ndarray, b: np.ndarray, score: np.ndarray | None) -> MatchedPoints:
    if len(a) != len(b):
        raise ValueError(f"{len(a)} points of the first image and {len(b)} of the second: expected {LAYOUTS}")
    if score is not None and score.shape != (len(a),):
        raise ValueError(f"scores of shape {score.shape} for {len(a)} matches: expected one a match")
    return MatchedPoints(a, b, score)


def _one(points: np.ndarray) -> np.ndarray:
    """The array without a batch axis of size 1."""
    return points[0] if points.ndim == 3 and len(points) == 1 else points


def _array(item: Any, name: str) -> Float[np.ndarray, "..."]:
    try:
        return np.asarray(_plain(item), np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} that are not numeric ({error}): expected {LAYOUTS}") from None


def _plain(item: Any) -> Any:
    """Tensors of any device and type, also those in a list (LightGlue has one for each pair of images), as NumPy arrays."""
    if isinstance(item, Tensor):
        return item.detach().double().cpu().numpy()
    return [_plain(each) for each in item] if isinstance(item, list | tuple) else item


def _named(item: Any) -> str:
    shape = getattr(item, "shape", None)
    return f"{type(item).__name__} of shape {tuple(shape)}" if shape is not None else type(item).__name__
