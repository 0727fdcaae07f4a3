"""Commands that are killed at random moments and before their first renames, and started again, give identical bytes."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from forked import Forked, forked

RENAMES, MOMENTS, AGAIN = 4, 8, 6
"""Kills of each command: before the first renames, at random moments of its run, and of one run that is started again and again."""

VOLATILE = ("created", "timing", "sha256", "environment", "seconds", "train_seconds", "cpu_seconds", "curve")
"""Fields that differ between runs: time, place and speed."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kills")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Forked]:
    with forked(folder, "toys") as made:
        assert made.run(f"generate 2d --scenes 6 {DIGITS}".format("data"))["code"] == 0
        yield made


def contents(place: Path) -> dict[str, str]:
    """A hash of each file, without fields that differ between runs. Logs and loss curves are not compared."""
    found = {}
    for path in sorted(place.rglob("*")):
        parts = path.relative_to(place).parts
        if not path.is_file() or "logs" in parts or path.suffix in (".log", ".png") or path.name.startswith("."):
            continue
        found["/".join(parts)] = hashlib.sha256(_reproducible_bytes(path)).hexdigest()
    return found


def _reproducible_bytes(path: Path) -> bytes:
    if path.suffix == ".pt":
        return repr(_plain(torch.load(path, weights_only=True))).encode()
    data = path.read_bytes()
    return json.dumps(_plain(json.loads(data))).encode() if path.suffix == ".json" else data


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items() if name not in VOLATILE}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return hashlib.sha256(value.numpy().tobytes()).hexdigest() if isinstance(value, torch.Tensor) else value


DIGITS = "--size 16 --workers 1 --set digits=npz:digits.npz --set scenes_per_shard=2 --out {}"
ROOMS = "--views 2 --size 16 --seed 1 --workers 1 --set scenes_per_shard=1 --set object_count=[2,3] --out {}"
NETWORK = "--set points=16 --set network.widths=[8,8] --set network.blocks=[1,1]"
COMMANDS = {
    "generate 3d": f"generate 3d --scenes 2 {ROOMS}",
    "generate 2d": f"generate 2d --scenes 6 {DIGITS}",
    "train": f"train --data data --steps 4 --batch 2 --accelerator cpu --threads 1 {NETWORK} --out {{}}",
    "evaluate": "evaluate --model baseline:rgb-patch --data data --out {}",
    "sweep": "sweep experiment1 --preset toy --workers 1 --out {}",
    "assets fetch": "assets fetch toy",
}


def run(server: Forked, command: str, out: str, **kill: Any) -> dict[str, Any]:
    """A command that writes to `out`."""
    return server.run(COMMANDS[command].format(out), environment={"PIXBENCH_CACHE": out} if command == "assets fetch" else {}, **kill)


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_killed_commands_resume_to_identical_files(command: str, server: Forked, folder: Path) -> None:
    stem = command.replace(" ", "-")
    whole = run(server, command, f"{stem}-whole")
    assert whole["code"] == 0, whole["output"]
    wanted = contents(folder / f"{stem}-whole")
    assert wanted
    rng = np.random.default_rng(len(command))
    kills: list[dict[str, Any]] = [{"rename": number} for number in range(min(RENAMES, whole["renames"]))]
    kills += [{"limit": float(moment)} for moment in rng.uniform(0.0, whole["seconds"], RENAMES + MOMENTS - len(kills))]
    died = 0
    for number, kill in enumerate(kills):
        out = f"{stem}-{number}"
        died += run(server, command, out, **kill)["code"] == -9
        again = run(server, command, out)
        assert again["code"] == 0, (kill, again["output"])
        assert contents(folder / out) == wanted, kill
    print(f"{command}: {died} of {len(kills)} runs were killed before their end")
    assert died > len(kills) // 2


@pytest.mark.slow
def test_repeatedly_killed_run_resumes_to_identical_files(server: Forked, folder: Path) -> None:
    command = COMMANDS["generate 3d"].replace("--scenes 2", "--scenes 4")
    whole = server.run(command.format("long-whole"))
    rng = np.random.default_rng(5)
    for _ in range(AGAIN):
        server.run(command.format("long"), limit=float(rng.uniform(0.3, 0.9) * whole["seconds"]))
    assert server.run(command.format("long"))["code"] == 0
    assert contents(folder / "long") == contents(folder / "long-whole")
