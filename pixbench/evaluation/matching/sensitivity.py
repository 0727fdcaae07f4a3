"""Sensitivity of scores to the protocol: the same predictions under common variants of each definition."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from .metrics import TAPVID_SIZE, delta_avg, mma, pose_error, share
from .metrics.pair_result import PairResult, joined, pair_result
from .metrics.pose import area_under_recall
from .pairs import EvaluationPairs
from .predictions import Predictions

RATIO = 0.9


@dataclass(frozen=True)
class Variant:
    """One way to compute a number; the first of each family is PixBench's. `mutual_px` None: the record's tolerance of mutual matches."""

    family: str
    words: str
    compute: Callable[[Sequence[PairResult]], float]
    mutual_px: float | None = None


def _mean(value: Callable[[PairResult], float]) -> Callable[[Sequence[PairResult]], float]:
    """Mean over the pairs that have a value; NaN if none has."""

    def compute(results: Sequence[PairResult]) -> float:
        values = np.array([value(each) for each in results])
        known = values[~np.isnan(values)]
        return float(np.mean(known)) if len(known) else np.nan

    return compute


def _pooled(value: Callable[[PairResult], float]) -> Callable[[Sequence[PairResult]], float]:
    return lambda results: value(joined(results))


def _pose(estimator: str, threshold_px: float, failed_deg: float = np.inf) -> Callable[[Sequence[PairResult]], float]:
    def compute(results: Sequence[PairResult]) -> float:
        errors = np.array([pose_error(each, estimator, threshold_px) for each in results])
        return area_under_recall(np.minimum(errors[~np.isnan(errors)], failed_deg), 10)

    return compute


def _some(hits: np.ndarray) -> float:
    """Mean of `hits`, NaN for a pair without matches, which leaves it out of the mean; the metric counts such a pair as 0."""
    return share(hits)


VARIANTS: Sequence[Variant] = (
    Variant("PCK@1", "<= 1 px, mean over pairs", _mean(lambda o: share(o.error_px <= 1))),
    Variant("PCK@1", "< 1 px, mean over pairs", _mean(lambda o: share(o.error_px < 1))),
    Variant("PCK@1", "<= 1 px, all points pooled", _pooled(lambda o: share(o.error_px <= 1))),
    Variant("PCK@1", "<= 1 px, errors rounded down to whole pixels (targets by index)", _mean(lambda o: share(np.floor(o.error_px) <= 1))),
    Variant("PCK@0.05", "<= 0.05 of the longer side", _mean(lambda o: share(o.error_px <= 0.05 * max(o.width, o.height)))),
    Variant("δ_avg", "1 to 16 px of the evaluated image", _mean(delta_avg)),
    Variant("δ_avg", "1 to 16 px of an image scaled to 256 px (TAP-Vid)", _mean(partial(delta_avg, size=TAPVID_SIZE))),
    Variant("δ_avg", "1 to 16 px, all points pooled", _pooled(delta_avg)),
    Variant("MMA@3", "mutual, none is 0, mean over pairs", _mean(partial(mma, px=3))),
    Variant("MMA@3", "mutual to the very pixel", _mean(partial(mma, px=3)), 0.0),
    Variant("MMA@3", "mutual within 4 px", _mean(partial(mma, px=3)), 4.0),
    Variant("MMA@3", "mutual, pairs without matches left out", _mean(lambda o: _some(o.match_error_px <= 3))),
    Variant("MMA@3", "mutual, all matches pooled", _pooled(lambda o: share(o.match_error_px <= 3))),
    Variant("MMA@3", f"mutual and ratio < {RATIO}, pooled", _pooled(lambda o: share(o.match_error_px[o.ratio < RATIO] <= 3))),
    Variant(
        "MMA@3", "mutual, hidden points left out, pooled", _pooled(lambda o: share(o.match_error_px[np.isfinite(o.match_error_px)] <= 3))
    ),
    Variant("pose AUC@10°", "MAGSAC, 1 px, failed is infinite", _pose("magsac", 1.0)),
    Variant("pose AUC@10°", "MAGSAC, 0.5 px", _pose("magsac", 0.5)),
    Variant("pose AUC@10°", "MAGSAC, 3 px", _pose("magsac", 3.0)),
    Variant("pose AUC@10°", "PoseLib, 1 px", _pose("poselib", 1.0)),
    Variant("pose AUC@10°", "PoseLib, 3 px", _pose("poselib", 3.0)),
    Variant("pose AUC@10°", "PoseLib, 1 px, mutual to the very pixel", _pose("poselib", 1.0), 0.0),
    Variant("pose AUC@10°", "PoseLib, 1 px, mutual within 4 px", _pose("poselib", 1.0), 4.0),
    Variant("endpoint error", "median, mean over pairs", _mean(lambda o: float(np.median(o.error_px)) if len(o.error_px) else np.nan)),
    Variant("endpoint error", "mean, mean over pairs", _mean(lambda o: float(np.mean(o.error_px)) if len(o.error_px) else np.nan)),
    Variant("endpoint error", "mean, all points pooled", _pooled(lambda o: float(np.mean(o.error_px)) if len(o.error_px) else np.nan)),
)


def sensitivity(predictions: Predictions, source: EvaluationPairs, mutual_px: float) -> list[float]:
    """The number of each of VARIANTS for one model, whose matches are mutual within `mutual_px`."""
    tolerances = {mutual_px, *(variant.mutual_px for variant in VARIANTS if variant.mutual_px is not None)}
    results: dict[float, list[PairResult]] = {px: [] for px in tolerances}
    keys = [key for group in source.groups() for key in group]
    for key, answers in zip(keys, predictions.answers, strict=True):
        pair = source.pair(key)
        for px, found in results.items():
            found.append(pair_result(pair, answers, mutual_px=px))
    return [variant.compute(results[mutual_px if variant.mutual_px is None else variant.mutual_px]) for variant in VARIANTS]


def sensitivity_table(rows: Sequence[tuple[str, Sequence[float]]]) -> str:
    """Variants down, models across, as Markdown."""
    lines = ["| metric | variant | " + " | ".join(name for name, _ in rows) + " |", "|---|---|" + "---|" * len(rows)]
    for number, variant in enumerate(VARIANTS):
        cells = (f"{numbers[number]:.2f}" if "error" in variant.family else f"{numbers[number]:.3f}" for _, numbers in rows)
        lines.append(f"| {variant.family} | {variant.words} | {' | '.join(cells)} |")
    return "\n".join(lines)
