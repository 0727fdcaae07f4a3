"""`pixbench train` against the loop that a user would write: on a quiet machine, beside busy programs, and where its time goes.

    python benchmarks/train.py --json

Both train the same network with the same loss, augmentation, batches and schedule, each in processes of its own. The plain loop reads its
data in the same process, computes in float32 and leaves threads, memory and optimizer as torch has them. Busy programs are one
process for two cores. Times are medians of steps; the two loops take turns, and ratios are medians over the rounds. The last line is one
JSON object: `speedup_quiet` and `speedup_contended`; of `pixbench train` `data_share`, the share of time that steps wait for data,
`search_share`, that of a step's search for hard negatives (objective paper-hard, p = inf), and `peak_mb`. --tiny is a size for CI, whose
figures mean nothing.
"""

import argparse
import contextlib
import json
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

WARM_UP = 2
"""Steps that are not counted: they load and compile."""

FULL = {"scenes": 8, "size": 128, "batch": 6, "points": 1024, "steps": 12, "contended_steps": 4, "rounds": 3}
TINY = {"scenes": 3, "size": 48, "batch": 2, "points": 128, "steps": 4, "contended_steps": 2, "rounds": 1}


class EnoughError(Exception):
    """Ends the training after the number of steps that is measured."""


def ours(data: Path, config: Any, steps: int) -> dict[str, float]:
    """Seconds a step of `pixbench train`, and where its time goes."""
    import torch

    from pixbench.training.data.prefetch import Pace
    from pixbench.training.train import train

    ends: list[float] = []
    paces: list[Pace] = []
    restart = Pace.restart

    def noted(pace: Pace) -> None:
        paces.append(pace)
        restart(pace)

    Pace.restart = noted  # type: ignore[method-assign]

    def progress(done: int, loss: float) -> None:
        ends.append(time.perf_counter())
        if len(ends) == WARM_UP:
            paces[0].restart()
        if len(ends) == WARM_UP + steps:
            raise EnoughError

    searched = time_search()
    with tempfile.TemporaryDirectory() as out, contextlib.suppress(EnoughError):
        train(data, Path(out) / "run", config, progress=progress)
    taken = [b - a for a, b in zip(ends[WARM_UP - 1 :], ends[WARM_UP:], strict=False)]
    return {
        "step_s": statistics.median(taken),
        "data_share": paces[0].report(0)["data_share"],
        "search_share": sum(searched[-2 * steps :]) / sum(taken),
        "threads": torch.get_num_threads(),
        "peak_mb": peak_mb(),
    }


def time_search() -> list[float]:
    """Record the seconds of each search for hard negatives: the only part of the objective's module that runs without gradient."""
    import torch

    from pixbench.training.objectives import hard_negatives

    seconds: list[float] = []

    class Timed:
        def __getattr__(self, name: str) -> Any:
            return getattr(torch, name)

        @contextlib.contextmanager
        def no_grad(self) -> Iterator[None]:
            began = time.perf_counter()
            with torch.no_grad():
                yield
            seconds.append(time.perf_counter() - began)

    hard_negatives.torch = Timed()  # type: ignore[assignment]
    return seconds


def plain(data: Path, config: Any, steps: int) -> dict[str, float]:
    """Seconds a step of the loop that a user would write."""
    import torch
    from torch.utils.data import DataLoader

    from pixbench.image.photometric import photometric
    from pixbench.models.unet import UNet
    from pixbench.training.data.pairs import PairDataset, PointDataset
    from pixbench.training.data.sampler import StepSampler
    from pixbench.training.objectives.base import OBJECTIVES, DescriptorBatch

    source = PairDataset(data)
    dataset = PointDataset(source, points=config.points, keep=config.keep, seed=config.seed)
    batches = StepSampler(list(source.groups), batch=config.batch, steps=WARM_UP + steps, seed=config.seed)
    network, objective = UNet(config.network), OBJECTIVES.get(config.objective)(config)
    optimizer = torch.optim.AdamW(network.parameters(), lr=config.learning_rate, betas=(0.9, 0.99), weight_decay=config.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, config.learning_rate, total_steps=config.steps + 1, cycle_momentum=False)
    augment, began, taken = photometric(config.jitter, config.jitter_kind), time.perf_counter(), []
    for batch in DataLoader(dataset, batch_sampler=batches):
        images = augment(torch.cat([batch["image_a"], batch["image_b"]])).clamp(0, 1)
        a, b = network(images).chunk(2)
        points = {name: batch[name] for name in ("uv_a", "uv_b", "uv_random", "positive", "matched")}
        loss = objective(DescriptorBatch(a, b, a.detach(), b.detach(), **points))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_value_(network.parameters(), config.clip_value)
        optimizer.step()
        schedule.step()
        assert math.isfinite(loss.item())
        now = time.perf_counter()
        taken.append(now - began)
        began = now
    return {"step_s": statistics.median(taken[WARM_UP:]), "threads": torch.get_num_threads(), "peak_mb": peak_mb()}


def peak_mb() -> float:
    """Peak memory of this process. Not by getrusage, whose peak is inherited from the process that started this one."""
    return int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024  # type: ignore[index]


def run(role: str, data: Path, config: Any, steps: int) -> dict[str, float]:
    """The figures of a loop in a process of its own, whose environment does not set the number of threads."""
    command = [sys.executable, __file__, "--role", role, "--data", str(data), "--config", config.model_dump_json(), "--steps", str(steps)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_", "KMP_", "PIXBENCH_M"))}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


@contextlib.contextmanager
def busy(processes: int) -> Iterator[None]:
    """Run processes that use a core each."""
    started = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def compare(data: Path, config: Any, size: dict[str, int], contended: bool) -> tuple[float, list[dict[str, float]]]:
    """How many times faster ours is, and all its figures."""
    steps, ratios, found = size["contended_steps" if contended else "steps"], [], []
    with busy(max(len(os.sched_getaffinity(0)) // 2, 1) if contended else 0):
        for _ in range(size["rounds"]):
            slow, fast = (run(role, data, config, steps) for role in ("plain", "ours"))
            words = (
                f"{name} {each['step_s']:.3f} s a step on {each['threads']} threads" for name, each in (("plain", slow), ("ours", fast))
            )
            print("beside busy processes:" if contended else "quiet:", ", ".join(words), f"load {os.getloadavg()[0]:.1f}", flush=True)
            ratios.append(slow["step_s"] / fast["step_s"])
            found.append(fast)
    return statistics.median(ratios), found


def measure(size: dict[str, int]) -> dict[str, Any]:
    """All figures."""
    from pixbench.generation import generate
    from pixbench.generation.protocol import GENERATORS
    from pixbench.training.config import TrainConfig
    from pixbench.training.precision import hardware_precision

    config = TrainConfig(batch=size["batch"], points=size["points"])
    hard = config.model_copy(update={"objective": "paper-hard"})
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        options = {"scenes": size["scenes"], "size": size["size"], "views": 2, "split": "train"}
        generate("3d", GENERATORS.get("3d").config_type(**options), data, workers=len(os.sched_getaffinity(0)))
        quiet, found = compare(data, config, size, contended=False)
        beside, _ = compare(data, config, size, contended=True)
        search = statistics.median(run("ours", data, hard, size["steps"])["search_share"] for _ in range(size["rounds"]))
    return {
        "speedup_quiet": quiet,
        "speedup_contended": beside,
        "data_share": statistics.median(each["data_share"] for each in found),
        "search_share": search,
        "peak_mb": max(each["peak_mb"] for each in found),
        "step_s": statistics.median(each["step_s"] for each in found),
        "precision": hardware_precision("cpu"),
        "cores": len(os.sched_getaffinity(0)),
        "load": os.getloadavg()[0],
    }


def main() -> None:
    """Print what is measured, and with --json one JSON object last."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    parser.add_argument("--tiny", action="store_true", help="a size for CI")
    for name in ("--role", "--data", "--config"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    parser.add_argument("--steps", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.role:
        loop = {"ours": ours, "plain": plain}[arguments.role]
        if arguments.role == "ours":
            # Before torch is loaded, as the command does it.
            from pixbench.io.threads import bound_spinning, use_threads

            bound_spinning()
            use_threads()
        from pixbench.training.config import TrainConfig

        print(json.dumps(loop(Path(arguments.data), TrainConfig.model_validate_json(arguments.config), arguments.steps)))
        return
    figures = measure(TINY if arguments.tiny else FULL)
    print(*(f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}" for name, value in figures.items()), sep="\n")
    if arguments.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
