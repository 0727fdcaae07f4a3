"""Pairs of views of a flat image: every point moves by the same shift, and has the status that a test gives it."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pixbench.dataset.reader import Pair, PairKey
from pixbench.evaluation.matching.dense_matcher import Matches
from pixbench.evaluation.matching.pairs import EvaluationPairs, Identity, ScoredPair
from pixbench.evaluation.matching.predictions import PairPredictions, Predictions
from pixbench.geometry.correspondence import PairTruth, Status
from pixbench.geometry.pixels import pixel_centres

MOVE = np.array([1.0, 0.5])
"""How far all points move, in pixels."""


def flat_pair(status: Any = Status.VISIBLE, width: int = 8, height: int = 6, scene: int = 0, row: int = 0, **given: Any) -> ScoredPair:
    """A pair whose ground truth is a shift by MOVE; `status` is an image, or one status for all pixels."""
    image = np.zeros((height, width, 3), np.uint8)
    truth = PairTruth(
        (pixel_centres(width, height) + MOVE).astype(np.float32), np.broadcast_to(np.asarray(status, np.uint8), (height, width)).copy()
    )
    facts: dict[str, Any] = {"camera_a": None, "camera_b": None, "homography": None, "angle_deg": 20.0, "overlap": 0.5, "on_object": None}
    return ScoredPair(PairKey(scene, row, 0, 1), image, image, truth, **{**facts, **given})


def answered(pixel: Any, off: Any, **fields: Any) -> PairPredictions:
    """Predictions for some pixels, with an error of `off` px in x and y."""
    asked = np.asarray(pixel, np.uint16).reshape(-1, 2)
    matches = Matches.only(asked + 0.5 + MOVE + np.broadcast_to(np.asarray(off, float), asked.shape))
    values = {name: np.asarray(value, float) for name, value in fields.items()}
    return PairPredictions(asked, Matches(**{**matches.__dict__, **values}))


class FlatPairs(EvaluationPairs):
    """A source of such pairs, each in its own group; queries are every second pixel unless a pair names them."""

    def __init__(self, *pairs: ScoredPair, content_sha256: str = "0" * 64):
        self._pairs = {pair.key: pair for pair in pairs}
        self.identity = Identity("flat", "1" * 64, content_sha256, "test", 0, len(pairs))
        self.query_stride = 2

    def groups(self) -> Sequence[Sequence[PairKey]]:
        return [[key] for key in self._pairs]

    def images(self, scene: int) -> Sequence[np.ndarray]:
        raise NotImplementedError

    def pair(self, key: PairKey) -> ScoredPair:
        return self._pairs[key]

    def queries(self, pair: Pair) -> np.ndarray:
        asked = self._pairs[pair.key].asked
        return super().queries(pair) if asked is None else asked.pixel

    def predicted(self, *answers: PairPredictions) -> Predictions:
        """The predictions of all pairs, in their order."""
        keys = np.array([(key.scene, key.a, key.b) for key in self._pairs])
        return Predictions(keys, answers, "flat", self.identity.content_sha256)
