"""Shards on the workers of a Dask cluster that the user already has. They see the data set's folder under the same path."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..dataset.compression import Compression
from ..dataset.manifest import MANIFEST
from ..errors import UserError
from ..io.untrusted import read_text
from .job import Job
from .software import differing, packages, release

if TYPE_CHECKING:
    from distributed import Client

Result = TypeVar("Result")

TIMEOUT_S = 10
IN_FLIGHT = 10_000
"""Tasks handed to the scheduler at once; the shards of a set of millions would burden it."""

RESUMES = "finished work is kept, and the same command resumes"


@contextmanager
def connected(cluster: str, compression: Compression) -> Iterator["Client"]:
    """A client of the cluster with this address or scheduler file, whose workers have the software of this process.

    On closing, pending work is cancelled. Raises UserError if the cluster cannot be reached or used.
    """
    try:
        from distributed import Client
    except ImportError:
        raise UserError("--cluster needs the package distributed: pip install 'pixbench[cluster]'") from None
    # Errors are reported in one line by this module instead.
    for name in ("distributed.client", "tornado.application"):  # the second reports callbacks that Ctrl-C interrupted
        logging.getLogger(name).setLevel(logging.CRITICAL)
    address = _address(cluster)
    _check_scheduler(address)
    client = Client(address, timeout=TIMEOUT_S, set_as_default=False)
    try:
        _check_workers(client, address, _versions(compression))
        yield client
    finally:
        # An error of closing, seen after Ctrl-C on a busy machine, would hide why the work ended.
        with suppress(Exception, asyncio.CancelledError):
            client.close()


def make_on_cluster(client: "Client", job: Job, shards: Sequence[int], progress: Callable[[int], None]) -> None:
    """Make shards of a job on a cluster's workers; `progress` gets the scenes of each shard done.

    Only the current shard of a lost worker is repeated. Raises UserError if the cluster, or several workers in a row, are lost.
    """
    versions = _versions(job.config.compression)
    for shard in on_cluster(client, _make, ((job, shard, versions) for shard in shards), "shard"):
        progress(len(job.scenes(shard)))


def on_cluster(client: "Client", work: Callable[..., Result], arguments: Iterable[tuple[Any, ...]], noun: str) -> Iterator[Result]:
    """The results of `work` with each of these arguments, in order of completion, from a cluster's workers. `noun` is what one makes.

    Raises UserError if the cluster, or several workers in a row, are lost.
    """
    from distributed import Future, KilledWorker, as_completed
    from distributed.client import FutureCancelledError

    def submit(count: int) -> list["Future[Result]"]:
        return [client.submit(work, *some, pure=False) for some in islice(waiting, count)]

    waiting = iter(arguments)
    running = as_completed(submit(IN_FLIGHT), loop=client.loop)
    try:
        for future in running:
            yield future.result()
            running.update(submit(1))
    except KilledWorker as error:
        lost = f"a {noun} was lost with every worker that tried it, last {error.last_worker.address} (its log may say why: memory?)"
        raise UserError(f"{lost}; {RESUMES}") from None
    except FutureCancelledError:
        raise UserError(f"the connection to the cluster was lost; {RESUMES}") from None


def _make(job: Job, shard: int, versions: dict[str, str]) -> int:
    """Make a shard on a worker, unless it exists: a worker may be lost after it wrote a shard and before it reported that."""
    # Checked on each worker, because some join late.
    here = {name: release(version(name)) for name in versions}
    if here != versions:
        raise UserError(_other_versions("a worker", here, versions))
    if not (job.folder / MANIFEST).is_file():
        raise UserError(f"a worker does not see {job.folder}: --out must lie on a file system that all workers share, under the same path")
    if not job.path(shard).is_file():
        job.make(shard, lambda done: None)
    return shard


def _address(cluster: str) -> str:
    """The scheduler's address, which may be in a scheduler file."""
    if "://" in cluster:
        return cluster
    try:
        address = json.loads(read_text(Path(cluster)))["address"]
    except (UserError, ValueError, KeyError, TypeError, RecursionError):
        raise UserError(f"--cluster {cluster}: expected an address such as tcp://host:8786, or the file a scheduler wrote") from None
    return str(address)


def _check_scheduler(address: str) -> None:
    """Raises UserError unless a scheduler answers. Tested without a client, because one that cannot connect does not close cleanly."""
    try:
        found = asyncio.run(_kind_of_server(address))
    except Exception as error:  # any error that an unknown service at this address may cause
        reason = str(error) or f"no answer in {TIMEOUT_S} s"
        raise UserError(f"--cluster {address} cannot be reached ({reason}): is the scheduler running, and is this its address?") from None
    if found != "Scheduler":
        raise UserError(f"--cluster {address} is a {found}: give the scheduler's address")


async def _kind_of_server(address: str) -> str:
    from distributed import rpc
    from distributed.security import Security

    async with rpc(address, timeout=TIMEOUT_S, connection_args=Security().get_connection_args("client")) as server:
        identity = await asyncio.wait_for(server.identity(), TIMEOUT_S)
    return str(identity["type"])


def _versions(compression: Compression) -> dict[str, str]:
    return {name: release(version(name)) for name in packages(compression)}


def _check_workers(client: "Client", address: str, versions: dict[str, str]) -> None:
    """Raises UserError unless there are workers, each with the software of this process."""
    # Uses the standard library alone, so that a worker without PixBench can answer.
    found = {name: client.run(version, name, on_error="return") for name in versions}
    workers = sorted(found["pixbench"])
    if not workers:
        raise UserError(f"the cluster {address} has no workers: start some with 'dask worker {address}'")
    for worker in workers:
        installed = {name: found[name].get(worker, wanted) for name, wanted in versions.items()}
        installed = {name: "none" if isinstance(got, Exception) else release(got) for name, got in installed.items()}
        if installed != versions:
            raise UserError(_other_versions(f"worker {worker}", installed, versions))


def _other_versions(worker: str, installed: dict[str, str], here: dict[str, str]) -> str:
    return f"{worker} has {differing(installed, here)}: install the same versions everywhere, or the bytes would differ"
