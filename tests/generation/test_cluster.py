"""Generation on a local Dask cluster of real processes; two of its three workers are killed."""

import asyncio
import hashlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dask_cluster import Cluster, started
from distributed import Client

from pixbench.errors import UserError
from pixbench.generation import cluster as under_test
from pixbench.generation import generate
from pixbench.generation.job import Job
from pixbench.generation.protocol import GENERATORS

CONFIG = {"scenes": 6, "views": 2, "size": 32, "seed": 3, "scenes_per_shard": 1, "object_count": (4, 6)}


def _config(**changes: Any) -> Any:
    return GENERATORS.get("3d").config_type(**{**CONFIG, **changes})


def _hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted((folder / "shards").glob("*"))}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with started(tmp_path_factory.mktemp("cluster"), 3) as made:
        yield made


@pytest.mark.slow
def test_cluster_output_is_identical_after_losing_two_workers(cluster: Cluster, tmp_path: Path) -> None:
    generate("3d", _config(), tmp_path / "local")
    made_before: dict[Path, int] = {}
    ticks: list[int] = []

    def progress(done: int) -> None:
        ticks.append(done)
        if not made_before:
            made_before.update({path: path.stat().st_mtime_ns for path in tmp_path.glob("cluster/shards/*.h5")})
        if len(ticks) <= 2:
            cluster.workers[len(ticks) - 1].kill()

    generate("3d", _config(), tmp_path / "cluster", cluster=str(cluster.file), progress=progress)
    assert [worker.wait(10) for worker in cluster.workers[:2]] == [-signal.SIGKILL] * 2
    assert _hashes(tmp_path / "cluster") == _hashes(tmp_path / "local")
    assert (tmp_path / "cluster/dataset.json").read_text() == (tmp_path / "local/dataset.json").read_text()
    assert 1 <= len(made_before) < 6
    assert {path: path.stat().st_mtime_ns for path in made_before} == made_before
    assert sum(ticks) == 6


@pytest.mark.slow
def test_ctrl_c_cancels_cluster_tasks_and_prints_one_line(cluster: Cluster, tmp_path: Path) -> None:
    command = "generate 3d --out data --scenes 40 --views 2 --size 32 --seed 3 --set scenes_per_shard=1 --set object_count=[4,6]".split()
    run = subprocess.Popen(
        [sys.executable, "-m", "pixbench", *command, "--cluster", cluster.address], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("data/shards/*.h5")) and time.monotonic() < deadline:
        time.sleep(0.01)
    run.send_signal(signal.SIGINT)
    _, errors = run.communicate(timeout=60)
    assert run.returncode == 130, errors
    assert errors.strip().splitlines()[-1].startswith("stopped; finished work is kept")
    assert "Traceback" not in errors
    with Client(cluster.address, set_as_default=False) as client:
        while client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)) == 0
    assert 1 <= len(list(tmp_path.glob("data/shards/*.h5"))) < 40


def _interrupt_and_fail_to_close(address: str, patch: pytest.MonkeyPatch) -> None:
    with under_test.connected(address, "gzip") as client:
        close: Any = client.close

        def failing() -> None:
            patch.setattr(client, "close", close)
            close()
            raise asyncio.CancelledError

        patch.setattr(client, "close", failing)
        raise KeyboardInterrupt


def test_client_close_error_does_not_mask_keyboard_interrupt(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyboardInterrupt):
        _interrupt_and_fail_to_close(cluster.address, monkeypatch)


def test_worker_with_other_software_versions_is_rejected(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = under_test._versions("gzip")
    monkeypatch.setattr(under_test, "_versions", lambda compression: {**versions, "pixbench": "9.9"})
    with pytest.raises(UserError, match=r"worker tcp://127.0.0.1:\d+ has pixbench \d\S*, here 9.9: install the same versions"):
        generate("3d", _config(), tmp_path / "data", cluster=cluster.address)
    assert not (tmp_path / "data").exists()


def test_late_worker_with_other_software_or_file_system_is_rejected(tmp_path: Path) -> None:
    job = Job("3d", _config(), tmp_path / "elsewhere")
    with pytest.raises(UserError, match=r"a worker has numpy .*, here 0.1"):
        under_test._make(job, 0, {"numpy": "0.1"})
    with pytest.raises(UserError, match=r"a worker does not see .*elsewhere: --out must lie on a file system that all workers share"):
        under_test._make(job, 0, {})


def test_unreachable_cluster_error_is_one_line_and_leaves_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_test, "TIMEOUT_S", 1)
    (tmp_path / "file.json").write_text("{}")
    for place, message in (
        ("tcp://127.0.0.1:1", "tcp://127.0.0.1:1 cannot be reached .*: is the scheduler running"),
        ("tcp://127.0.0.1:word", "cannot be reached"),
        ("udp://127.0.0.1:1", "unknown address scheme"),
        ("127.0.0.1:1", "127.0.0.1:1: expected an address such as tcp://host:8786"),
        (str(tmp_path / "file.json"), r"file.json: expected an address"),
    ):
        with pytest.raises(UserError, match=message):
            generate("3d", _config(), tmp_path / "data", cluster=place)
    assert [path.name for path in tmp_path.iterdir()] == ["file.json"]


def test_worker_address_and_cluster_without_workers_are_rejected(cluster: Cluster, tmp_path: Path) -> None:
    with Client(cluster.address, set_as_default=False) as client:
        worker = next(iter(client.scheduler_info()["workers"]))
    with pytest.raises(UserError, match="is a Worker: give the scheduler's address"):
        generate("3d", _config(), tmp_path / "data", cluster=worker)
    for process in cluster.workers:
        process.kill()
    with Client(cluster.address, set_as_default=False) as client:
        while client.scheduler_info()["workers"]:
            time.sleep(0.05)
    with pytest.raises(UserError, match="has no workers: start some with 'dask worker"):
        generate("3d", _config(), tmp_path / "data", cluster=cluster.address)
    assert not (tmp_path / "data").exists()
