"""Random pairs a second that one core reads: RGB and instance of both views, dense truth and status; file cache warm.

64 scenes of 4 views, 256 x 256 pixels, made by the generator `3d`. Only a few are rendered, and these are repeated: rendering all
would take an hour and would not change the time of reading.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np

from pixbench.dataset.reader import Dataset, Pair, PairKey
from pixbench.generation import GeneratorConfig, MadeScene, generate
from pixbench.generation.protocol import GENERATORS

RENDERED = 4


@GENERATORS.add("repeated")
class Repeated:
    """The first scenes of the generator `3d`, again and again."""

    version = 1
    config_type = GeneratorConfig
    made: dict[int, MadeScene] = {}  # noqa: RUF012  shared by the two data sets, which hold the same scenes

    def __init__(self, config: GeneratorConfig):
        kind = GENERATORS.get("3d")
        self.rendered = kind(kind.config_type(views=config.views, size=config.size, seed=config.seed))

    def scene(self, index: int) -> MadeScene:
        which = index % RENDERED
        if which not in self.made:
            self.made[which] = self.rendered.scene(which)
        return self.made[which]


def pairs_per_s(folder: Path) -> float:
    """The best of forty quarter seconds, after a pass over all pairs that warms the cache: others may use the machine meanwhile."""
    dataset = Dataset(folder)
    keys = dataset.pair_keys()
    for index in range(len(keys)):
        _read(dataset, keys[index])
    rng = np.random.default_rng(0)
    rates = [_rate(dataset, keys, rng) for _ in range(40)]
    dataset.close()
    return max(rates)


def _rate(dataset: Dataset, keys: list[PairKey], rng: np.random.Generator) -> float:
    done, start = 0, time.perf_counter()
    while time.perf_counter() - start < 0.25:
        _read(dataset, keys[int(rng.integers(len(keys)))])
        done += 1
    return done / (time.perf_counter() - start)


def _read(dataset: Dataset, key: PairKey) -> tuple[Pair, np.ndarray, np.ndarray]:
    scene = dataset.scene(key.scene)
    return scene.pair(key), scene.read("instance", key.a), scene.read("instance", key.b)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    parser.add_argument("--folder", type=Path, help="keep the data sets here, and use those that are there")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    result: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for compression in ("gzip", "zstd"):
            folder = (arguments.folder or Path(temporary)) / compression
            manifest = generate("repeated", GeneratorConfig(scenes=64, views=4, size=256, compression=compression), folder)
            result[f"pairs_per_s_{compression}"] = round(pairs_per_s(folder), 1)
            result[f"mb_{compression}"] = round(sum(shard.bytes for shard in manifest.shards) / 1e6, 1)
            print(f"{compression}: {result[f'pairs_per_s_{compression}']} pairs/s, {result[f'mb_{compression}']} MB", flush=True)
    if arguments.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
