"""Training in two processes that torchrun starts, with gloo on the CPU: the losses of one process with the same global batch."""

import math
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import torch
from lightning_fabric import Fabric

from pixbench.errors import UserError
from pixbench.generation import generate
from pixbench.generation.protocol import GENERATORS
from pixbench.image.photometric import Kind, augmented_share, photometric
from pixbench.training.config import TrainConfig
from pixbench.training.data.sampler import StepSampler
from pixbench.training.precision import FLOAT32, FLOAT64
from pixbench.training.run_folder import check_shared, held, save_run
from pixbench.training.state import State
from pixbench.training.train import train

STEPS = 20
NETWORK = {"widths": (8, 8), "blocks": (1, 1)}
OPTIONS = f"--steps {STEPS} --accelerator cpu --threads 1 --set points=128 --set network.widths=[8,8] --set network.blocks=[1,1]"


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "rooms"
    kind = GENERATORS.get("3d").config_type
    settings: dict[str, Any] = {"scenes": 4, "views": 2, "size": 32, "seed": 3, "object_count": (3, 5)}
    generate("3d", kind(**settings), folder)
    return folder


def _losses(out: Path) -> torch.Tensor:
    return torch.tensor(torch.load(out / "state.pt", weights_only=True)["losses"], dtype=torch.float64)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("objective", "p", "precision", "bound"),
    [
        ("paper", 2.0, FLOAT32, 1e-4),
        ("pixel-byol", None, FLOAT32, 1e-4),
        ("paper", 1.0, FLOAT64, 1e-9),
        ("paper", math.inf, FLOAT64, 1e-9),
        ("pixel-byol", None, FLOAT64, 1e-9),
    ],
)
def test_two_processes_match_the_loss_curve_of_one(
    objective: str, p: float | None, precision: str, bound: float, rooms: Path, tmp_path: Path
) -> None:
    # The processes' sums over images are rounded differently. With p = inf, where only the largest difference has a gradient, the last
    # bit can decide which one that is: in float32 the curves then differ by up to 1e-3.
    norm = {} if p is None else {"p": p}  # else the objective's own
    given = "" if p is None else f"--p {p:g}"
    own = f"{given} --objective {objective} --precision {precision} --batch 2 --devices 2 --out {tmp_path / 'two'}"
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "pixbench", "train"]
    command = [*torchrun, "--data", str(rooms), "--validation", str(rooms), *own.split(), *OPTIONS.split()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("next: pixbench evaluate") == 1
    assert done.stderr.count("the validation set is the training set") == 1
    settings: dict[str, Any] = {"objective": objective, **norm, "points": 128, "network": NETWORK}
    config, options = TrainConfig(batch=4, steps=STEPS, **settings), {"accelerator": "cpu", "threads": 1, "precision": precision}
    train(rooms, tmp_path / "one", config, validation=rooms, **options)
    one, two = _losses(tmp_path / "one"), _losses(tmp_path / "two")
    difference = float((one - two).abs().max())
    print(f"{objective}, p = {p}, {precision}: {difference:.1e}; losses from {float(one.max()):.3f} to {float(one.min()):.3f}")
    assert len(one) == len(two) == STEPS
    assert float(one.max() - one.min()) > 1e-3
    assert difference < bound


def test_processes_split_the_global_batch() -> None:
    scenes = [scene for scene in range(6) for _ in range(3)]
    whole = list(StepSampler(scenes, batch=4, steps=5, seed=1))
    parts = [list(StepSampler(scenes, batch=2, steps=5, seed=1, rank=rank, world=2)) for rank in range(2)]
    assert [one + other for one, other in zip(*parts, strict=True)] == whole


@pytest.mark.parametrize("kind", ["3d", "2d"])
@pytest.mark.parametrize("seed", range(3))
def test_augmentation_matches_the_whole_batch(kind: Kind, seed: int) -> None:
    images = torch.rand(8, 3, 12, 10, generator=torch.Generator().manual_seed(7))
    augment, rows = photometric(1.0, kind), torch.tensor([2, 3, 6, 7])
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        whole, after = augment(images), torch.rand(1)
        torch.manual_seed(seed)
        share = augmented_share(augment, images[rows], rows, 8)
        assert torch.rand(1) == after
    torch.testing.assert_close(share, whole[rows], rtol=0, atol=1e-6)
    assert not torch.equal(whole, images)


def test_global_batch_larger_than_the_number_of_scenes_is_rejected(rooms: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--batch 3 on 2 processes with 4 scenes: .*; use at most 2"):
        train(rooms, tmp_path / "run", TrainConfig(batch=3, steps=1, points=8), devices=2, accelerator="cpu")


def test_torchrun_with_another_number_of_devices_is_rejected(rooms: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Each process would train alone, into the same folder.
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "a")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UserError, match="torchrun started 2 processes, --devices 1 on --nodes 1 are 1"):
        train(rooms, tmp_path / "run", TrainConfig(batch=2, steps=1, points=8), accelerator="cpu")
    assert not (tmp_path / "run").exists()


def test_several_nodes_without_a_launcher_are_rejected(rooms: Path, tmp_path: Path) -> None:
    # The process would wait for the other node for ever.
    with pytest.raises(UserError, match="--nodes 2: nothing tells this process which node it is; start it on each node with torchrun"):
        train(rooms, tmp_path / "run", TrainConfig(batch=2, steps=1, points=8), nodes=2, accelerator="cpu")
    assert not (tmp_path / "run").exists()


def test_only_the_first_process_locks_the_folder(tmp_path: Path) -> None:
    first, second = (Mock(Fabric, global_rank=rank) for rank in (0, 1))
    with held(tmp_path / "run", first):
        with held(tmp_path / "run", second):
            pass
        with pytest.raises(UserError, match="being written by another process"), held(tmp_path / "run", first):
            pass


def test_processes_that_loaded_different_steps_are_rejected(tmp_path: Path) -> None:
    def gathered(step: torch.Tensor) -> torch.Tensor:
        return torch.stack([step, torch.tensor(0)])

    fabric = Mock(Fabric, all_gather=gathered)
    check_shared(fabric, tmp_path, 0)
    with pytest.raises(UserError, match=r"states of different steps, \[8, 0\]; --out must lie on a file system that all nodes share"):
        check_shared(fabric, tmp_path, 8)


def test_failed_save_is_reported_by_all_processes(tmp_path: Path) -> None:
    # Another process failed: its 1 is added to this one's 0.
    fabric = Mock(Fabric, is_global_zero=False, all_reduce=lambda value, reduce_op: value + 1)
    with pytest.raises(UserError, match="cannot be written: free space"):
        save_run(fabric, tmp_path, Mock(State), TrainConfig(), {})


@pytest.mark.slow
def test_processes_of_slurm_share_a_run_that_keeps_their_number(rooms: Path, tmp_path: Path) -> None:
    slurm = {"JOB_ID": 1, "NTASKS": 2, "NTASKS_PER_NODE": 2, "NODEID": 0, "JOB_NAME": "train", "NODELIST": "localhost"}
    shared = {**os.environ, "OMP_NUM_THREADS": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port())}
    own = f"--data {rooms} --batch 2 --devices 2 --out {tmp_path / 'run'} {OPTIONS}"
    command = [sys.executable, "-m", "pixbench", "train", *own.split()]
    processes = []
    for rank in (0, 1):
        settings = {f"SLURM_{name}": str(value) for name, value in {**slurm, "PROCID": rank, "LOCALID": rank}.items()}
        processes.append(subprocess.Popen(command, env={**shared, **settings}, stderr=subprocess.PIPE, text=True))
    ends = [process.communicate(timeout=300)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], ends
    assert len(_losses(tmp_path / "run")) == STEPS
    config = TrainConfig(batch=2, steps=STEPS, points=128, network=NETWORK)
    with pytest.raises(UserError, match=r"was started with 2 processes, this is 1: --batch counts pairs per process"):
        train(rooms, tmp_path / "run", config, accelerator="cpu", threads=1)
