"""How long a data set of many small scenes takes to open and to describe, and whether memory is flat over epochs with two loader workers.

    python benchmarks/load.py --scenes 10000 --json

Prints CPU seconds, also for a set of a tenth of the size, and the memory of this process and its workers at the end of each epoch, in MB
without shared pages.
"""

import argparse
import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import psutil

from pixbench.dataset.manifest import ShardEntry, read_manifest, write_manifest
from pixbench.dataset.reader import Dataset
from pixbench.dataset.summary import dataset_lines
from pixbench.generation import generate, scene_name
from pixbench.generation.protocol import GENERATORS
from pixbench.training.data.pairs import PairDataset

PER_SHARD = 4


def cpu_seconds(action: Callable[[], Any]) -> float:
    """CPU time of one call."""
    started = time.process_time()
    action()
    return time.process_time() - started


def many(folder: Path, scenes: int, first: Path) -> Path:
    """A set of that many scenes: copies of one shard, with scenes of other names."""
    manifest, shards = read_manifest(first), []
    (folder / "shards").mkdir(parents=True)
    for shard in range(scenes // PER_SHARD):
        path = folder / "shards" / f"{shard:05d}.h5"
        shutil.copyfile(first / "shards/00000.h5", path)
        names = [scene_name(shard * PER_SHARD + index) for index in range(PER_SHARD)]
        with h5py.File(path, "r+") as file:
            for index, name in enumerate(names):
                if shard:
                    file.move(scene_name(index), name)
        data = path.read_bytes()
        shards.append(ShardEntry(file=path.name, sha256=hashlib.sha256(data).hexdigest(), bytes=len(data), scenes=names))
    recipe = manifest.recipe.model_copy(update={"config": {**manifest.recipe.config, "scenes": scenes}})
    changes = {"recipe": recipe, "recipe_sha256": recipe.sha256(), "scenes": scenes, "shards": shards}
    write_manifest(folder, manifest.model_copy(update=changes))
    return folder


def memory_of_epochs(folder: Path, epochs: int) -> list[dict[str, float]]:
    """Memory of this process and of two loader workers, and open files, at the end of each epoch."""
    pairs, found = PairDataset(folder), []
    for _ in range(epochs):
        for number, _ in enumerate(loader := pairs.loader(64, workers=2)):
            if number == len(loader) - 3:
                processes = [psutil.Process(), *psutil.Process().children()]
                own = [process.memory_full_info().uss / 2**20 for process in processes]
                handles = sum(process.num_fds() for process in processes)
                found.append({"main_mb": own[0], "workers_mb": sum(own[1:]), "handles": handles})
    pairs.close()
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
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
        epochs = memory_of_epochs(sets[options.scenes], options.epochs)
    for count, times in found.items():
        print(f"{count} scenes: opened in {times['open_s']:.2f} s, described in {times['info_s']:.2f} s of CPU")
    for number, epoch in enumerate(epochs):
        numbers = ", ".join(f"{value:.0f} {name}" for name, value in epoch.items())
        print(f"{options.scenes} scenes, epoch {number + 1}: {numbers}")
    if options.json:
        print(json.dumps({"benchmark": "load", **found, "epochs": epochs}))


if __name__ == "__main__":
    main()
