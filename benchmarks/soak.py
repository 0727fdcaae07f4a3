"""Whether memory and open files grow while data sets are generated and verified again and again in one process.

    python benchmarks/soak.py --seconds 1800 --json

Each cycle generates a small set of rooms and one of warped digits, verifies both and removes them. Growth is that of the last quarter of
the cycles over the second quarter, medians of each: the first quarter imports, compiles and fills caches of a bounded size.
"""

import argparse
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

os.environ.update(dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import numpy as np
import psutil

from pixbench.dataset.verify import verify
from pixbench.generation import generate
from pixbench.generation.protocol import GENERATORS

SETS: Mapping[str, Mapping[str, Any]] = {
    "3d": {"scenes": 2, "views": 2, "size": 32, "object_count": (3, 5), "scenes_per_shard": 1},
    "2d": {"scenes": 8, "size": 16, "scenes_per_shard": 2},
}


def measurements() -> dict[str, float]:
    """Resident memory in MB, open files and sockets, and threads of this process."""
    process = psutil.Process()
    return {"rss_mb": process.memory_info().rss / 2**20, "handles": process.num_fds(), "threads": process.num_threads()}


def cycle(folder: Path, digits: Path, seed: int) -> None:
    """Generate, verify and remove one set of each generator."""
    for name, config in SETS.items():
        own = {"digits": f"npz:{digits}"} if name == "2d" else {}
        generate(name, GENERATORS.get(name).config_type(**config, **own, seed=seed), folder / name)
        verify(folder / name)
        shutil.rmtree(folder / name)


def growth(values: list[float]) -> float:
    """Difference between the medians of the last and of the second quarter."""
    quarter = max(len(values) // 4, 1)
    return median(values[-quarter:]) - median(values[quarter : 2 * quarter] or values[:1])


def soak(seconds: float, report: Callable[[str], None]) -> dict[str, float]:
    """Run cycles until the time is over; `report` gets a line of progress now and then."""
    found: dict[str, list[float]] = {name: [] for name in measurements()}
    with tempfile.TemporaryDirectory() as name:
        root, started, reported = Path(name), time.monotonic(), 0.0
        images = np.random.default_rng(0).integers(0, 256, (40, 28, 28), dtype=np.uint8)
        np.savez(root / "digits.npz", images=images, classes=np.arange(40, dtype=np.uint8) % 10)
        while (passed := time.monotonic() - started) < seconds:
            cycle(root, root / "digits.npz", len(found["handles"]))
            for key, value in measurements().items():
                found[key].append(value)
            if passed - reported >= seconds / 20:
                reported = passed
                report(
                    f"{passed:6.0f} s {len(found['handles']):6} cycles "
                    + ", ".join(f"{values[-1]:.0f} {key}" for key, values in found.items())
                )
    grown = {f"{key}_growth": growth(values) for key, values in found.items()}
    return {"seconds": seconds, "cycles": len(found["handles"]), **{key: values[-1] for key, values in found.items()}, **grown}


def main() -> None:
    """Soak and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1800.0)
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    options = parser.parse_args()
    found = soak(options.seconds, lambda line: print(line, flush=True))
    print(", ".join(f"{key} {value:.1f}" for key, value in found.items()))
    if options.json:
        print(json.dumps({"benchmark": "soak", **found}))


if __name__ == "__main__":
    main()
