"""The oracle: answers with the ground truth. It must score exactly 1 in every metric but pose; otherwise the evaluation is wrong.

Pose is the exception, because an estimator stands between: OpenCV's MAGSAC turns the exact matches of one pair of cameras of `standard`
version 1 (scene 33, views 1 and 2) into a pose that is 97 degrees off, both ways; PoseLib's error there is below 1e-5 degrees.
"""

from typing import Any

import numpy as np
from jaxtyping import Float

from pixbench.dataset.reader import Pair
from pixbench.evaluation.matching.dense_matcher import Matches
from pixbench.evaluation.model import Model
from pixbench.geometry.correspondence import Status
from pixbench.geometry.pixels import pixel_index


class Oracle(Model):
    """Answers with the ground truth: scores exactly 1.0 in every metric but pose, which validates the evaluation."""

    name = "oracle"
    asks_for = ("truth",)

    @property
    def info(self) -> dict[str, Any]:
        """See Model."""
        return {"kind": "oracle", "channels": None}

    def match(self, pair: Pair, query_uv: Float[np.ndarray, "queries 2"]) -> Matches:
        """The stored ground truth at each query's pixel; without a return match where the target does not see the point."""
        column, row = pixel_index(query_uv).T
        uv = pair.truth.uv_b[row, column].astype(np.float64)
        hidden = pair.truth.status[row, column] != Status.VISIBLE
        # Full confidence where the point is visible, none elsewhere.
        return Matches(uv, hidden.astype(float), hidden.astype(float), np.where(hidden, np.inf, 0.0), np.where(hidden, np.nan, 0.0))
