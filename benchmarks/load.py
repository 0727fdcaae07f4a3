"""How long a data set of many small scenes takes to open and to describe: CPU seconds, beside those of a set of a tenth.

python benchmarks/load.py --scenes 10000 --json
"""

import argparse
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pixbench.dataset.manifest import ShardEntry, read_manifest, write_manifest
from pixbench.dataset.reader import Dataset
from pixbench.dataset.summary import dataset_lines
from pixbench.generation import generate, scene_name
from pixbench.generation.protocol import GENERATORS

PER_SHARD = 4


def cpu_seconds(action: Callable[[], Any]) -> float:
    """Of one call."""
    started = time.process_time()
    action()
    return time.process_time() - started


def many(folder: Path, scenes: int, first: Path) -> Path:
    """A set of that many scenes: names of one shard, which is all that opening looks at."""
    manifest, shards = read_manifest(first), []
    data = (first / "shards/00000.h5").read_bytes()
    (folder / "shards").mkdir(parents=True)
    for shard in range(scenes // PER_SHARD):
        name = f"{shard:05d}.h5"
        os.link(first / "shards/00000.h5", folder / "shards" / name)
        names = [scene_name(shard * PER_SHARD + index) for index in range(PER_SHARD)]
        shards.append(ShardEntry(file=name, sha256=hashlib.sha256(data).hexdigest(), bytes=len(data), scenes=names))
    recipe = manifest.recipe.model_copy(update={"config": {**manifest.recipe.config, "scenes": scenes}})
    changes = {"recipe": recipe, "recipe_sha256": recipe.sha256(), "scenes": scenes, "shards": shards}
    write_manifest(folder, manifest.model_copy(update=changes))
    return folder


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=10_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        noise = np.random.default_rng(0).integers(0, 256, (40, 28, 28), dtype=np.uint8)
        digits = {"images": noise, "classes": np.arange(40, dtype=np.uint8) % 10}
        np.savez(root / "digits.npz", **digits)
        config = {"scenes": PER_SHARD, "size": 16, "scenes_per_shard": PER_SHARD, "digits": f"npz:{root / 'digits.npz'}"}
        generate("2d", GENERATORS.get("2d").config_type(**config), root / "first")
        sets = {count: many(root / str(count), count, root / "first") for count in (options.scenes // 10, options.scenes)}
        found = {
            str(count): {
                "open_s": min(cpu_seconds(lambda folder=folder: Dataset(folder).close()) for _ in range(3)),
                "info_s": min(cpu_seconds(lambda folder=folder: list(dataset_lines(folder))) for _ in range(3)),
            }
            for count, folder in sets.items()
        }
    for count, times in found.items():
        print(f"{count} scenes: opened in {times['open_s']:.2f} s, described in {times['info_s']:.2f} s of CPU")
    if options.json:
        print(json.dumps({"benchmark": "load", **found}))


if __name__ == "__main__":
    main()
