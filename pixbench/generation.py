"""Runs a generator: scenes into shards, on one process or many, resumable, the same bytes whatever the way."""

import fcntl
import multiprocessing
import os
import platform
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from .errors import UserError
from .registry import GENERATORS
from .selftest import SelfTest, merge
from .shards.manifest import MANIFEST, Manifest, Recipe, ShardEntry, file_sha256, read_manifest, write_manifest
from .shards.reader import StoredScene
from .shards.writer import write_shard

SPLITS = ("train", "val", "test")
SOFTWARE = ("pixbench", "numpy", "h5py", "embreex", "trimesh")


class GeneratorConfig(BaseModel):
    """What every generator's configuration holds. `size` is width and height in pixels."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    split: str = Field("train", pattern="^(train|val|test)$")
    scenes: int = Field(24, ge=1, le=10_000_000)
    views: int = Field(4, ge=2, le=16)
    size: int = Field(256, ge=16, le=4096)
    seed: int = Field(0, ge=0, lt=2**63)
    scenes_per_shard: int = Field(4, ge=1)
    locations: dict[str, str] = Field(default_factory=dict, exclude=True)

    def rng(self, scene: int, purpose: int) -> np.random.Generator:
        """The random numbers of one scene for one purpose, whatever else is made."""
        key = (SPLITS.index(self.split), scene, purpose)
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))


@dataclass(frozen=True, eq=False)
class MadeScene:
    """One scene as a generator gives it: the arrays of the schema, its self-test, and how to make it again."""

    arrays: Mapping[str, np.ndarray]
    self_test: SelfTest
    recipe: Mapping[str, Any]


class Generator(Protocol):
    """A pure function of configuration and scene index. A change of its output is a new `version`."""

    version: int
    config_type: type[GeneratorConfig]

    def __init__(self, config: Any): ...

    def scene(self, index: int) -> MadeScene:
        """Make scene number `index`."""
        ...


def scene_name(index: int) -> str:
    """The name of a scene's group."""
    return f"{index:06d}"


def _shard_name(shard: int) -> str:
    return f"{shard:05d}.h5"


def _shard_scenes(config: GeneratorConfig, shard: int) -> range:
    first = shard * config.scenes_per_shard
    return range(first, min(first + config.scenes_per_shard, config.scenes))


_ticks: Any = None


def _start_worker(ticks: Any) -> None:
    """Runs first in each worker process: where to report, and to end with the process that started it."""
    global _ticks
    _ticks = ticks
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _make_shard(generator_name: str, config: GeneratorConfig, folder: Path, shard: int, tick: Callable[[int], None] | None = None) -> int:
    """Make one shard of a data set; also what a worker process runs."""
    report: Callable[[int], None] = tick or _ticks.put
    generator = GENERATORS.get(generator_name)(config)

    def scenes() -> Iterator[tuple[str, Mapping[str, np.ndarray], SelfTest, Mapping[str, Any]]]:
        for index in _shard_scenes(config, shard):
            made = generator.scene(index)
            failures = made.self_test.failures()
            if failures:
                raise RuntimeError(f"scene {index} fails its self-test: {'; '.join(failures)}")
            yield scene_name(index), made.arrays, made.self_test, made.recipe
            report(1)

    write_shard(folder / "shards" / _shard_name(shard), scenes())
    return shard


def generate(
    generator_name: str,
    config: GeneratorConfig,
    folder: Path,
    *,
    workers: int = 1,
    progress: Callable[[int], None] = lambda done: None,
) -> Manifest:
    """Make a data set in `folder`, or finish one that was stopped there.

    `progress` is called with the number of scenes done since its last call (those found on disk included). Raises UserError
    where the folder holds anything but this data set.
    """
    manifest = _open(generator_name, config, folder)
    shards = folder / "shards"
    shards.mkdir(exist_ok=True)
    _remove_leftovers(shards)
    count = -(-config.scenes // config.scenes_per_shard)
    listed = {entry.file: entry for entry in manifest.shards}
    missing = [shard for shard in range(count) if not _intact(shards / _shard_name(shard), config, shard, listed)]
    progress(config.scenes - sum(len(_shard_scenes(config, shard)) for shard in missing))
    if manifest.complete and not missing:
        return manifest
    if workers <= 1:
        for shard in missing:
            _make_shard(generator_name, config, folder, shard, progress)
    else:
        _make_in_pool(generator_name, config, folder, missing, min(workers, max(len(missing), 1)), progress)
    return _finish(manifest, config, folder, count)


def _intact(path: Path, config: GeneratorConfig, shard: int, listed: Mapping[str, ShardEntry]) -> bool:
    """Whether a shard is there and whole: by its hash where the data set was finished, else by its scenes."""
    if not path.is_file():
        return False
    if path.name in listed:
        return file_sha256(path) == listed[path.name].sha256
    try:
        with h5py.File(path, "r") as file:
            return list(file) == [scene_name(index) for index in _shard_scenes(config, shard)]
    except OSError:
        return False


def _remove_leftovers(shards: Path) -> None:
    """Delete temporary files that nobody is writing any more: HDF5 holds a lock on a file as long as it is open."""
    for leftover in shards.glob(".*.tmp"):
        with suppress(OSError), leftover.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            leftover.unlink()


def _make_in_pool(
    name: str, config: GeneratorConfig, folder: Path, shards: list[int], workers: int, progress: Callable[[int], None]
) -> None:
    # Spawned, not forked: the caster's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    ticks = context.SimpleQueue()
    with _one_thread_each(), ProcessPoolExecutor(workers, context, _start_worker, (ticks,)) as pool:
        with _interrupts_ignored():
            # The workers start here and inherit this: Ctrl-C is for the parent, which then ends them.
            waiting: set[Future[int]] = {pool.submit(_make_shard, name, config, folder, shard) for shard in shards}
        try:
            while waiting:
                done, waiting = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
                while not ticks.empty():
                    progress(ticks.get())
                for future in done:
                    future.result()
        except BaseException:
            # What is queued would still run, and what runs would be waited for.
            for worker in multiprocessing.active_children():
                worker.terminate()
            raise
        while not ticks.empty():
            progress(ticks.get())


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Workers share the cores already; threads of their linear algebra only get in each other's way."""
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _open(generator_name: str, config: GeneratorConfig, folder: Path) -> Manifest:
    """The manifest of the data set in `folder`, begun if the folder is new or empty."""
    recipe = Recipe(
        generator=generator_name,
        generator_version=GENERATORS.get(generator_name).version,
        config=config.model_dump(mode="json"),
    )
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file: --out must name a folder")
    if (folder / MANIFEST).exists():
        manifest = read_manifest(folder)
        if manifest.recipe != recipe:
            raise UserError(f"{folder} holds another data set ({_difference(manifest.recipe, recipe)}): choose another --out")
        return manifest
    if folder.exists() and any(folder.iterdir()):
        raise UserError(f"{folder} is not empty and is not a data set: choose a new or empty folder for --out")
    folder.mkdir(parents=True, exist_ok=True)
    manifest = Manifest(
        complete=False,
        recipe=recipe,
        recipe_sha256=recipe.sha256(),
        seed=config.seed,
        split=config.split,
        scenes=config.scenes,
        software={name: version(name) for name in SOFTWARE} | {"python": platform.python_version()},
    )
    write_manifest(folder, manifest)
    return manifest


def _difference(there: Recipe, wanted: Recipe) -> str:
    old, new = ({"generator": r.generator, "generator_version": r.generator_version, **r.config} for r in (there, wanted))
    different = [name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
    return ", ".join(f"{name} {old.get(name)} there, {new.get(name)} asked for" for name in different)


def _finish(manifest: Manifest, config: GeneratorConfig, folder: Path, count: int) -> Manifest:
    entries, tests, assets = [], [], {}
    for shard in range(count):
        path = folder / "shards" / _shard_name(shard)
        names = [scene_name(index) for index in _shard_scenes(config, shard)]
        entries.append(ShardEntry(file=path.name, sha256=file_sha256(path), bytes=path.stat().st_size, scenes=names))
        for scene in _read_scenes(path, names):
            tests.append(SelfTest(**scene.json("self_test")))
            assets.update(scene.json("recipe").get("assets", {}))
    finished = manifest.model_copy(
        update={
            "complete": True,
            "shards": entries,
            "self_test": merge(tests).as_dict(),
            "assets": dict(sorted(assets.items())),
        }
    )
    write_manifest(folder, finished)
    return finished


def _read_scenes(path: Path, names: list[str]) -> Iterator[StoredScene]:
    with h5py.File(path, "r") as file:
        for index, name in enumerate(names):
            yield StoredScene(file[name], index)
