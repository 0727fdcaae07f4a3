"""Matching accuracy on a fixed held-out set of pairs, measured while a network is trained."""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..evaluation.matching.metrics import THRESHOLDS_PX
from ..evaluation.matching.nearest import Norm, nearest
from ..geometry.pixels import pixel_centre
from .data.pairs import TrainingPairs, Views
from .data.sampler import VALIDATION

PAIRS = 32
QUERIES = 256

Describe = Callable[[Float[Tensor, "batch 3 height width"]], Float[Tensor, "batch channels height width"]]


@torch.no_grad()
def matching_accuracy(describe: Describe, source: TrainingPairs, *, p: Norm, seed: int, device: torch.device) -> float:
    """delta_avg as in the benchmark (TAP-Vid; Doersch et al., 2022): the mean over 1, 2, 4, 8, 16 px of the share of matches with an
    endpoint error below it.

    `PAIRS` pairs spread over the source, `QUERIES` matched pixels of each, searched in the whole other view in the norm `p`; the same
    pairs and pixels at each call. NaN where no pair has a match.
    """
    chosen = np.unique(np.linspace(0, len(source.groups) - 1, PAIRS).astype(int))
    rngs = (np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(VALIDATION, int(index)))) for index in chosen)
    errors = [_errors_px(describe, source.views(int(index), rng=rng), p, rng, device) for index, rng in zip(chosen, rngs, strict=True)]
    shares = [np.mean([np.mean(error < px) for px in THRESHOLDS_PX]) for error in errors if len(error)]
    return float(np.mean(shares)) if shares else float("nan")


def _errors_px(describe: Describe, views: Views, p: Norm, rng: np.random.Generator, device: torch.device) -> Float[np.ndarray, " queries"]:
    found = np.argwhere(views.matched)
    if not len(found):
        return np.zeros(0)
    row, column = found[rng.choice(len(found), size=min(QUERIES, len(found)), replace=False)].T
    a, b = describe(torch.stack([views.image_a, views.image_b]).to(device)).float()
    index = nearest(a[:, row, column].T.contiguous(), b.flatten(1).T.contiguous(), p=p).index.cpu().numpy()
    uv = pixel_centre(index % b.shape[2], index // b.shape[2])
    truth = views.uv_b[row, column]
    return np.linalg.norm(uv - truth, axis=1)
