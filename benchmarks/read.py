"""Random pairs a second that one core reads: RGB and instance of both views, dense truth and status; file cache warm.

64 scenes of 4 views, 256 x 256 pixels, made by the generator `3d`: a few are rendered, and these are repeated, because
rendering all would take an hour and reading would not know the difference.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np

from pixbench.generation import GeneratorConfig, MadeScene, generate
from pixbench.registry import GENERATORS
from pixbench.shards.reader import Dataset

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


def pairs_per_s(folder: Path, seconds: float) -> float:
    """Rate over `seconds`, after one pass over all pairs that warms the cache."""
    dataset = Dataset(folder)
    keys = dataset.pair_keys()
    rng = np.random.default_rng(0)

    def read(index: int) -> None:
        key = keys[index]
        pair = dataset.pair(key)
        scene = dataset.scene(key.scene)
        parts = pair.rgb_a, pair.rgb_b, pair.truth.uv_b, pair.truth.status, scene.read("instance", key.a), scene.read("instance", key.b)
        assert all(part.size for part in parts)

    for index in range(len(keys)):
        read(index)
    done, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        read(int(rng.integers(len(keys))))
        done += 1
    rate = done / (time.perf_counter() - start)
    dataset.close()
    return rate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    parser.add_argument("--seconds", type=float, default=5.0, help="time of each measurement")
    parser.add_argument("--folder", type=Path, help="keep the data sets here, and use those that are there")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    result: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for compression in ("gzip", "zstd"):
            folder = (arguments.folder or Path(temporary)) / compression
            manifest = generate("repeated", GeneratorConfig(scenes=64, views=4, size=256, compression=compression), folder)
            result[f"pairs_per_s_{compression}"] = round(pairs_per_s(folder, arguments.seconds), 1)
            result[f"mb_{compression}"] = round(sum(shard.bytes for shard in manifest.shards) / 1e6, 1)
            print(f"{compression}: {result[f'pairs_per_s_{compression}']} pairs/s, {result[f'mb_{compression}']} MB", flush=True)
    if arguments.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
