"""Commands that are killed at random moments and before their first renames, and started again: not a byte is lost or different."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SERVER = Path(__file__).parents[1] / "support" / "kill_server.py"
RENAMES, MOMENTS = 4, 8
"""Kills of each command: before the first renames, and at random moments of its run."""

VOLATILE = ("created", "timing", "sha256", "environment")
"""Of a record: when and how fast it was made."""


class Server:
    """The process that forks for each command."""

    def __init__(self, folder: Path):
        self._process = subprocess.Popen(
            [sys.executable, str(SERVER)], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._read() == "ready"

    def run(self, argv: list[str], **kill: Any) -> dict[str, Any]:
        """A command, killed or not."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"argv": argv, **kill}) + "\n")
        self._process.stdin.flush()
        told: dict[str, Any] = json.loads(self._read())
        return told

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kills")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    rng = np.random.default_rng(0)
    digits = {"images": rng.integers(0, 256, (60, 28, 28), dtype=np.uint8), "classes": np.arange(60, dtype=np.uint8) % 10}
    np.savez(folder / "digits.npz", **digits)
    made = Server(folder)
    yield made
    made.close()


def contents(place: Path) -> dict[str, str]:
    """A hash of each file; of a record without what differs from run to run. Logs and pictures of losses are not compared."""
    found = {}
    for path in sorted(place.rglob("*")):
        name = path.relative_to(place).as_posix()
        if not path.is_file() or name.startswith("logs/") or path.suffix in (".log", ".png") or path.name.startswith("."):
            continue
        data = path.read_bytes()
        if path.suffix == ".json" and b"pixbench-record" in data:
            data = json.dumps({name: value for name, value in json.loads(data).items() if name not in VOLATILE}).encode()
        found[name] = hashlib.sha256(data).hexdigest()
    return found


DIGITS = "--size 16 --workers 1 --set digits=npz:digits.npz --set scenes_per_shard=2 --out {}"
ROOMS = "--views 2 --size 16 --seed 1 --workers 1 --set scenes_per_shard=1 --set object_count=[2,3] --out {}"
NETWORK = "--set points=16 --set network.widths=[8,8] --set network.blocks=[1,1]"
COMMANDS = {
    "generate 3d": f"generate 3d --scenes 2 {ROOMS}",
    "generate 2d": f"generate 2d --scenes 6 {DIGITS}",
    "train": f"train --data data --steps 10 --batch 2 --accelerator cpu --threads 1 {NETWORK} --out {{}}",
    "evaluate": "evaluate --model baseline:rgb-patch --data data --out {}",
}


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_is_lost_or_different_after_kills(command: str, server: Server, folder: Path) -> None:
    if command in ("train", "evaluate"):
        server.run(f"generate 2d --scenes 6 {DIGITS}".format("data").split())
    stem = command.replace(" ", "-")
    whole = server.run(COMMANDS[command].format(f"{stem}-whole").split())
    assert whole["code"] == 0, (folder / "kill_server.log").read_text()
    wanted = contents(folder / f"{stem}-whole")
    assert wanted
    rng = np.random.default_rng(len(command))
    kills = [{"rename": number} for number in range(min(RENAMES, whole["renames"]))]
    kills += [{"after": float(moment)} for moment in rng.uniform(0.0, whole["seconds"], MOMENTS)]
    died = 0
    for number, kill in enumerate(kills):
        out = f"{stem}-{number}"
        died += server.run(COMMANDS[command].format(out).split(), **kill)["code"] == -9
        again = server.run(COMMANDS[command].format(out).split())
        assert again["code"] == 0, (kill, (folder / "kill_server.log").read_text()[-2000:])
        assert contents(folder / out) == wanted, kill
    assert died > len(kills) // 2


@pytest.mark.slow
def test_one_run_that_is_killed_again_and_again_ends_as_an_unbroken_one(server: Server, folder: Path) -> None:
    command = COMMANDS["generate 3d"].replace("--scenes 2", "--scenes 4")
    whole = server.run(command.format("long-whole").split())
    rng = np.random.default_rng(5)
    for _ in range(MOMENTS):
        server.run(command.format("long").split(), after=float(rng.uniform(0.3, 0.9) * whole["seconds"]))
    assert server.run(command.format("long").split())["code"] == 0
    assert contents(folder / "long") == contents(folder / "long-whole")
