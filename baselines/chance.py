"""Chance: random answers, the lower reference of tables."""

from typing import Any

import numpy as np
from jaxtyping import Float

from pixbench.dataset.reader import Pair
from pixbench.evaluation.matching.dense_matcher import Matches
from pixbench.evaluation.model import Model
from pixbench.geometry.pixels import snap_to_centre


class Chance(Model):
    """Uniformly random matches, confidences and return matches: the score of a model without any information."""

    name = "chance"
    asks_for = ("which pair it is",)

    @property
    def info(self) -> dict[str, Any]:
        """See Model."""
        return {"kind": "chance", "channels": None, "seed": 0}

    def match(self, pair: Pair, query_uv: Float[np.ndarray, "queries 2"]) -> Matches:
        """Random pixels, the same at each call. The return match is random too, so that matches are mutual by chance only."""
        key = pair.key
        rng = np.random.default_rng(np.random.SeedSequence(0, spawn_key=(key.scene, key.a, key.b)))
        (rows_a, columns_a), (rows, columns) = pair.rgb_a.shape[:2], pair.rgb_b.shape[:2]
        uv = snap_to_centre(rng.random(query_uv.shape) * [columns, rows])
        back = snap_to_centre(rng.random(query_uv.shape) * [columns_a, rows_a])
        distance, ratio, closer = rng.random((3, len(query_uv)))
        return Matches(uv, distance, ratio, np.linalg.norm(back - query_uv, axis=1), closer)
