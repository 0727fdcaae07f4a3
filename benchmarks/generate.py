"""Speed and memory of `pixbench generate 3d`, as ratios within one run: against casting the same rays, and against itself.

    python benchmarks/generate.py --json

The last line is one JSON object. Bars: fast_over_floor 3, default_over_floor 1.7, buffers_over_floor 1.2, truth_over_floor 2,
scene_over_sum 1.25 at most; two_workers_speedup 1.9, pairs_per_s_gzip 350, pairs_per_s_zstd 1000 at least; peak_mb 1500 at most.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import permutations
from pathlib import Path

os.environ.update(dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import numpy as np
from heavy_scene import config, write

from pixbench.dataset.writer import write_shard
from pixbench.generators.renderers.raycast import CENTRE_OF_LIGHT, OCCLUSION_REACH_M, OFFSET_M, RaycastRenderer, RaycastScene
from pixbench.generators.renderers.secondary_rays import occlusion_rays, shadow_rays
from pixbench.generators.rooms.generator import Generator3D
from pixbench.geometry.correspondence import Status, View, cast, exact_pair, trace_view
from pixbench.geometry.pixels import pixel_centres
from pixbench.geometry.rays import RayCaster, hit_normals

REPEATS = 9


def median_s(run: Callable[[], object], repeats: int = REPEATS) -> float:
    """Median seconds of a call, after one that does not count."""
    run()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return float(np.median(times))


def interleaved_s(runs: dict[str, Callable[[], object]], repeats: int = REPEATS) -> dict[str, float]:
    """Median seconds of several calls, taken in turn, so that a noisy neighbour disturbs all of them alike."""
    for run in runs.values():
        run()
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            started = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - started)
    return {name: float(np.median(values)) for name, values in times.items()}


def rays32(origins: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rays as the caster wants them, made before the clock runs."""
    return np.ascontiguousarray(np.broadcast_to(origins, directions.shape), np.float32), np.ascontiguousarray(directions, np.float32)


def render_ratios(generator: Generator3D) -> dict[str, float]:
    """Time of buffers, pictures and truth over their lower bounds (floors), the time to cast the same rays; on the first scene."""
    scene, geometry, caster, _ = generator.composer.compose(0)
    views = [trace_view(caster, geometry.corners, geometry.instance, camera) for camera in scene.cameras]
    view, appearance = views[0], scene.appearances[0]
    centres = pixel_centres(view.camera.width, view.camera.height).reshape(-1, 2)
    primary = rays32(view.camera.centre, view.camera.rays(centres))
    runs: dict[str, Callable[[], object]] = {
        "primary": lambda: caster.first_hit(*primary),
        "buffers": lambda: cast(caster, geometry.corners, view.camera, centres),
    }
    for preset in ("fast", "default"):
        drawn = RaycastRenderer(preset=preset).scene(geometry, caster, scene.lights)
        floor = casts(drawn, view, caster, fine=preset == "default")
        runs[f"{preset}_floor"] = lambda floor=floor: [run() for run in floor]  # type: ignore[misc]
        runs[preset] = lambda drawn=drawn, fine=preset == "default": picture(drawn, view, caster, appearance, fine=fine)  # type: ignore[misc]
    a, b = max(permutations(views, 2), key=lambda pair: landing(exact_pair(caster, geometry.corners, *pair).status).sum())
    truth = exact_pair(caster, geometry.corners, a, b)
    towards = rays32(b.camera.centre, b.camera.rays(truth.uv_b[landing(truth.status)]))
    runs["truth_floor"] = lambda: caster.first_hit(*towards)
    runs["truth"] = lambda: exact_pair(caster, geometry.corners, a, b)
    times = interleaved_s(runs)
    return {
        "buffers_over_floor": times["buffers"] / times["primary"],
        "fast_over_floor": times["fast"] / (times["primary"] + times["fast_floor"]),
        "default_over_floor": times["default"] / (times["primary"] + times["default_floor"]),
        "truth_over_floor": times["truth"] / times["truth_floor"],
        **{f"{name}_ms": 1e3 * value for name, value in times.items()},
    }


def landing(status: np.ndarray) -> np.ndarray:
    """Pixels whose point projects into the target: those that need a ray."""
    return np.isin(status, (Status.VISIBLE, Status.OCCLUDED, Status.AMBIGUOUS))


def picture(drawn: RaycastScene, view: View, caster: RayCaster, appearance: object, *, fine: bool) -> None:
    """Compute RGB, depth, normals and ids of a view from scratch, with every ray."""
    camera, corners = view.camera, drawn._geometry.corners
    hits, _ = cast(caster, corners, camera, pixel_centres(camera.width, camera.height).reshape(-1, 2))
    hit_normals(corners, hits.triangle)
    shape = (camera.height, camera.width)
    samples = view.sample_triangle
    if fine:
        from pixbench.geometry.pixels import pixel_samples

        directions = camera.rays(pixel_samples(camera.width, camera.height).reshape(-1, 2))
        samples = caster.first_hit(np.broadcast_to(camera.centre, directions.shape), directions)[0].reshape(samples.shape)
    fresh = replace(view, triangle=hits.triangle.reshape(shape), sample_triangle=samples)
    drawn.draw(fresh, appearance, rng=np.random.default_rng(0))  # type: ignore[arg-type]


def casts(drawn: RaycastScene, view: View, caster: RayCaster, *, fine: bool) -> list[Callable[[], object]]:
    """All rays of a picture but those of the pixels' centres, made beforehand."""
    samples, directions = drawn._samples(view)
    rng = np.random.default_rng(0)
    found: list[Callable[[], object]] = []
    if fine:
        rays = rays32(view.camera.centre, directions)
        found.append(lambda: caster.first_hit(*rays))
        around = occlusion_rays(samples, rng.random((len(directions), 3), np.float32), OCCLUSION_REACH_M, OFFSET_M)
        found.append(lambda: caster.occluded(around.origin, around.direction, around.reach))
    for light in drawn._lights:
        numbers = rng.random((len(directions), 2), np.float32) if fine else CENTRE_OF_LIGHT
        towards = shadow_rays(samples, light, numbers, OFFSET_M)
        found.append(lambda towards=towards: caster.occluded(towards.origin, towards.direction, towards.reach))  # type: ignore[misc]
    return found


def scene_ratio(generator: Generator3D, folder: Path) -> dict[str, float]:
    """Time of a whole scene (placed, rendered, verified, written) over that of rendering and truth alone; median of three scenes."""
    ratios, seconds = [], []
    generator.scene(0)
    for index in (1, 2, 3):
        started = time.perf_counter()
        made = generator.scene(index)
        write_shard(folder / f"{index}.h5", [("000000", made.arrays, made.self_test, made.recipe)])
        whole = time.perf_counter() - started
        scene, geometry, caster, _ = generator.composer.compose(index)
        drawn = RaycastRenderer(preset="default").scene(geometry, caster, scene.lights)
        started = time.perf_counter()
        views = [trace_view(caster, geometry.corners, geometry.instance, camera) for camera in scene.cameras]
        for view, appearance in zip(views, scene.appearances, strict=True):
            drawn.draw(view, appearance, rng=np.random.default_rng(0))
        for a, b in permutations(views, 2):
            exact_pair(caster, geometry.corners, a, b)
        ratios.append(whole / (time.perf_counter() - started))
        seconds.append(whole)
    return {"scene_over_sum": float(np.median(ratios)), "scene_s": float(np.median(seconds))}


def worker(arguments: argparse.Namespace) -> None:
    """Makes scenes on one core and prints seconds and peak memory; waits for a line on stdin before the clock runs."""
    generator = Generator3D(config(Path(arguments.rooms), Path(arguments.models)))
    generator.scene(0)
    print("ready", flush=True)
    sys.stdin.readline()
    started = time.perf_counter()
    for index in range(1, 1 + arguments.scenes):
        generator.scene(index)
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}), flush=True)


def run_workers(cores: list[int], rooms: Path, models: Path, scenes: int) -> list[dict[str, float]]:
    """One worker pinned to each core, all at the same time, each making the same scenes."""
    command = [sys.executable, __file__, "--worker", "--rooms", str(rooms), "--models", str(models), "--scenes", str(scenes)]
    started = [
        subprocess.Popen(["taskset", "-c", str(core), *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for core in cores
    ]
    for process in started:
        process.stdout.readline()  # type: ignore[union-attr]
    for process in started:
        process.stdin.write("\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
    return [json.loads(process.communicate()[0].strip().splitlines()[-1]) for process in started]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    parser.add_argument("--folder", help="where the meshes are kept; default: a temporary folder")
    parser.add_argument("--scenes", type=int, default=4, help="scenes of each worker")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--rooms", help=argparse.SUPPRESS)
    parser.add_argument("--models", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        worker(arguments)
        return
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(arguments.folder or temporary)
        os.environ.setdefault("PIXBENCH_CACHE", str(folder / "cache"))
        rooms, models = write(folder)
        os.sched_setaffinity(0, cores[:1])
        generator = Generator3D(config(rooms, models))
        result = render_ratios(generator)
        result |= scene_ratio(generator, Path(temporary))
        del generator
        os.sched_setaffinity(0, cores)
        alone = run_workers(cores[:1], rooms, models, arguments.scenes)[0]["seconds"]
        if len(cores) > 1:
            together = max(each["seconds"] for each in run_workers(cores[:2], rooms, models, arguments.scenes))
            result["two_workers_speedup"] = 2 * alone / together
        huge, _ = write(folder, room_triangles=2_000_000)
        result["peak_mb"] = run_workers(cores[:1], huge, models, 2)[0]["peak_mb"]
        result |= reading()
    for name, value in result.items():
        print(f"{name:24} {value:.3f}")
    if arguments.json:
        print(json.dumps(result))


def reading() -> dict[str, float]:
    """Random pairs from shards: see read.py."""
    script = Path(__file__).with_name("read.py")
    said = subprocess.run([sys.executable, str(script), "--json"], check=True, capture_output=True, text=True).stdout
    found = json.loads(said.strip().splitlines()[-1])
    return {name: found[name] for name in ("pairs_per_s_gzip", "pairs_per_s_zstd")}


if __name__ == "__main__":
    main()
