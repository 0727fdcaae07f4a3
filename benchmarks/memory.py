"""Whether a worker's memory stays flat over many scenes.

    python benchmarks/memory.py --scenes 1000 --json

The views of procedural rooms are small: a leak would be in what is kept between scenes, not in the memory of one picture. The last line
is one JSON object: resident memory in MB after a tenth of the scenes and after all of them, and seconds a scene.
"""

import argparse
import json
import os
import time

os.environ.update(dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import psutil

from pixbench.generators.rooms.config import Config3D
from pixbench.generators.rooms.generator import Generator3D


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=1000)
    parser.add_argument("--objects", default="procedural")
    parser.add_argument("--rooms", default="procedural")
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    arguments = parser.parse_args()
    generator = Generator3D(Config3D(objects=(arguments.objects,), rooms=(arguments.rooms,), views=2, size=32, scenes=arguments.scenes))
    process, early, started = psutil.Process(), 0.0, time.perf_counter()
    for index in range(arguments.scenes):
        generator.scene(index)
        if (index + 1) % max(arguments.scenes // 10, 1) == 0:
            resident = process.memory_info().rss / 2**20
            early = early or resident
            print(f"{index + 1:6} scenes {resident:8.0f} MB {(time.perf_counter() - started) / (index + 1):6.2f} s a scene", flush=True)
    if arguments.json:
        seconds = (time.perf_counter() - started) / arguments.scenes
        print(json.dumps({"early_mb": early, "late_mb": resident, "growth_mb": resident - early, "seconds_a_scene": seconds}))


if __name__ == "__main__":
    main()
