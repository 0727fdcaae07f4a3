"""A metric: an id, a version, a definition in words, and a hash of them with its parameters."""

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

Values = Float[np.ndarray, " pairs"]


@dataclass(frozen=True)
class Metric:
    """A metric of a task; of matching, a function of the result of one pair. A changed definition or parameter is a new version.

    `task` names the evaluation task, and so what `value` is a function of. `per_pair` names the values that `value` computes:
    metrics that summarise the same per-pair values in different ways share it. `by_pixel` metrics can be computed for some of a pair's
    pixels, and pooled over pairs. Tables show `digits` decimal places.
    """

    id: str
    version: int
    definition: str
    value: Callable[[Any], float]
    higher_is_better: bool = True
    parameters: Mapping[str, Any] = field(default_factory=dict)
    unit: str = ""
    per_pair: str = ""
    summary: Callable[[Values], float] | None = None
    by_pixel: bool = True
    task: str = "matching"
    digits: int = 3

    @property
    def column(self) -> str:
        """The column of its per-pair values."""
        return self.per_pair or self.id

    def __call__(self, result: Any) -> float:
        """The value for one pair, or one unit of another task; NaN where it is not defined."""
        return float(self.value(result))

    def over(self, values: Values) -> float:
        """Aggregate the values of pairs; NaN if no pair has a value."""
        known = values[~np.isnan(values)]
        if not len(known):
            return math.nan
        return float(self.summary(known)) if self.summary else float(np.mean(known))

    def sha256(self) -> str:
        """Hash of id, version, definition and parameters: numbers with equal hashes are comparable."""
        hashed = {"id": self.id, "version": self.version, "definition": self.definition, "parameters": dict(self.parameters)}
        return hashlib.sha256(json.dumps(hashed, sort_keys=True).encode()).hexdigest()
