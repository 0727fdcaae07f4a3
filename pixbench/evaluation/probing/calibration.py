"""Expected calibration error: confidence against accuracy."""

import numpy as np
from jaxtyping import Bool, Float

BINS = 15


def binned_gap(confidence: Float[np.ndarray, " cases"], right: Bool[np.ndarray, " cases"], bins: int = BINS) -> float:
    """Mean gap between confidence and accuracy over equal bins of confidence, weighted by their numbers of cases (Guo et al., 2017)."""
    # Bins are open below and closed above, as in the reference code.
    number = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = [abs(float(np.sum(right[number == k].astype(float) - confidence[number == k]))) for k in range(bins)]
    return float(sum(gaps) / len(right))
