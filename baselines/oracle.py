"""The oracle: answers with the truth. It must score exactly 1; if it does not, the harness is wrong."""

from typing import Any

import numpy as np
from jaxtyping import Float

from pixbench.evaluation.model import Model
from pixbench.geometry import pixel_index
from pixbench.shards.reader import Pair


class Oracle(Model):
    """Reads the truth: scores exactly 1.0, which shows that the harness is right."""

    name = "oracle"

    @property
    def info(self) -> dict[str, Any]:
        """See Model."""
        return {"kind": "oracle", "p": None, "channels": None}

    def match(self, pair: Pair, query_uv: Float[np.ndarray, "queries 2"]) -> Float[np.ndarray, "queries 2"]:
        """The stored truth at each query's pixel."""
        column, row = pixel_index(query_uv).T
        return pair.truth.uv_b[row, column].astype(np.float64)
