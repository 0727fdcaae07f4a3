"""Which pairs each step sees: a pure function of seed and step, so that a resumed run sees what an unbroken one would."""

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler

BATCHES, POINTS, VALIDATION = range(3)
"""What random numbers are for; part of their key, so that no two uses share a stream."""


class StepSampler(Sampler[list[int]]):
    """Batches for steps `first` to `steps`, each of `batch` different scenes where there are that many.

    Pairs of different scenes make the between-image term true: two views of one scene would show the same points. An index
    is draw * pairs + pair, so that a pair's random points differ each time. Each process draws its own batches by its `rank`.
    """

    def __init__(
        self,
        scene_of_pair: list[int],
        *,
        batch: int,
        steps: int,
        seed: int,
        first: int = 0,
        rank: int = 0,
        world: int = 1,
    ):
        self._pairs_of_scene = [np.flatnonzero(np.array(scene_of_pair) == scene) for scene in sorted(set(scene_of_pair))]
        self._pairs = len(scene_of_pair)
        self._batch, self._steps, self._first, self._seed = batch, steps, first, seed
        self._rank, self._world = rank, world

    def __len__(self) -> int:
        return self._steps - self._first

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(self._first, self._steps):
            rng = np.random.default_rng(np.random.SeedSequence(self._seed, spawn_key=(BATCHES, step, self._rank)))
            scenes = len(self._pairs_of_scene)
            order = np.concatenate([rng.permutation(scenes) for _ in range(-(-self._batch // scenes))])[: self._batch]
            pairs = [int(rng.choice(self._pairs_of_scene[scene])) for scene in order]
            yield [(step * self._world + self._rank) * self._pairs + pair for pair in pairs]
