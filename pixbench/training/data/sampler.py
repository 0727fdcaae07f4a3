"""Batch samplers: no batch has two pairs of one scene. A batch is a pure function of seed and step, so that a run can resume."""

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler

from ...errors import UserError

BATCHES, POINTS, VALIDATION, EPOCHS = range(4)
"""Purposes of random streams; part of their key."""


class StepSampler(Sampler[list[int]]):
    """Batches for steps `first` to `steps`, each of `batch` different scenes where there are that many.

    Pairs of different scenes make the between-image term true: two views of one scene would show the same points. An index
    is draw * pairs + pair, so that a pair's random points differ each time. Of `world` processes each takes its share, by its `rank`, of
    the batch that one process with a batch of `world` * `batch` would take.
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
            rng = np.random.default_rng(np.random.SeedSequence(self._seed, spawn_key=(BATCHES, step, 0)))
            scenes, whole = len(self._pairs_of_scene), self._batch * self._world
            order = np.concatenate([rng.permutation(scenes) for _ in range(-(-whole // scenes))])[:whole]
            pairs = [int(rng.choice(self._pairs_of_scene[scene])) for scene in order]
            yield [step * self._pairs + pair for pair in pairs[self._rank * self._batch : (self._rank + 1) * self._batch]]


class SceneSampler(Sampler[list[int]]):
    """Batches of one epoch: every pair once, in random order, and no two of one scene in a batch.

    `scene_of_pair` has one number per pair. Each epoch has an order of its own, which `seed` decides. The last batches are smaller where
    too few scenes are left. Raises UserError if there are fewer scenes than `batch`.
    """

    def __init__(self, scene_of_pair: list[int], *, batch: int, seed: int):
        scenes = len(set(scene_of_pair))
        if not 1 <= batch <= scenes:
            raise UserError(f"a batch of {batch} pairs of {scenes} scenes: no two may be of one scene; use 1 to {scenes}")
        self._scene_of_pair, self._batch, self._seed, self._epoch = np.array(scene_of_pair), batch, seed, 0

    def __len__(self) -> int:
        return len(self._batches(np.random.default_rng(0)))

    def __iter__(self) -> Iterator[list[int]]:
        rng = np.random.default_rng(np.random.SeedSequence(self._seed, spawn_key=(EPOCHS, self._epoch)))
        self._epoch += 1
        yield from self._batches(rng)

    def _batches(self, rng: np.random.Generator) -> list[list[int]]:
        left = [list(rng.permutation(np.flatnonzero(self._scene_of_pair == scene))) for scene in np.unique(self._scene_of_pair)]
        batches = []
        while any(left):
            # The scenes with most pairs left, so that as few batches as possible come out small.
            fullest = sorted(rng.permutation(len(left)), key=lambda scene: -len(left[scene]))[: self._batch]
            batches.append([int(left[scene].pop()) for scene in fullest if left[scene]])
        return [batches[index] for index in rng.permutation(len(batches))]
