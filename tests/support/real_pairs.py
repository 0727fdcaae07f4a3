"""Real pairs made by the tests, a model whose predictions are known, and its score computed directly."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from pixbench.dataset.reader import Pair
from pixbench.evaluation.matching.dense_matcher import Matches
from pixbench.evaluation.matching.evaluate import evaluate
from pixbench.evaluation.matching.real.open import open_pairs
from pixbench.evaluation.model import Model
from pixbench.evaluation.record import Record

SHIFT = np.array([3.0, -1.5])


class Shifted(Model):
    """Predicts that every point moved by SHIFT."""

    name = "shifted"

    def match(self, pair: Pair, query_uv: np.ndarray) -> Matches:
        return replace(Matches.only(query_uv + SHIFT), cycle_error_px=np.zeros(len(query_uv)))


def picture(path: Path, width: int = 64, height: int = 48, seed: int = 0) -> None:
    """Writes an image of noise, and creates its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (height, width, 3)).astype(np.uint8)).save(path)


def scored(folder: Path, out: Path, *, stride: int = 4, long_side: int = 0) -> Record:
    """The record of `Shifted` on a folder."""
    return evaluate(Shifted(), open_pairs(folder, "mine", query_stride=stride, long_side=long_side), out)[1]


def grid(width: int, height: int, stride: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Columns and rows of every n-th pixel, half a stride in, in reading order."""
    row, column = np.mgrid[stride // 2 : height : stride, stride // 2 : width : stride]
    return column.ravel(), row.ravel()


def delta_avg(errors: np.ndarray) -> float:
    """The mean over 1, 2, 4, 8, 16 px of the share of errors below."""
    return float(np.mean([np.mean(errors < px) for px in (1, 2, 4, 8, 16)]))
