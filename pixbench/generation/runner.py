"""`generate`: opens or begins a data set, has its missing shards made, and writes its manifest."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import h5py

from ..dataset.compression import require
from ..dataset.manifest import MANIFEST, Manifest, Recipe, ShardEntry, read_manifest, write_manifest
from ..dataset.pair_histogram import pair_histogram
from ..dataset.reader import StoredScene, open_shard
from ..errors import UserError
from ..geometry.selftest import SelfTest, merge
from ..io.files import file_sha256
from ..io.processes import in_processes
from .job import Job
from .protocol import GENERATORS, GeneratorConfig
from .software import software

Maker = Callable[[Job, Sequence[int], Callable[[int], None]], None]
"""Makes the shards with these numbers, and reports the scenes done."""


def generate(
    generator_name: str,
    config: GeneratorConfig,
    folder: Path,
    *,
    workers: int = 1,
    cluster: str | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Manifest:
    """Make a data set in `folder`, or finish one that was stopped there.

    The shards are made on `workers` processes, or on the Dask cluster whose address or scheduler file is `cluster`.
    `progress` is called with the number of scenes done since its last call (those found on disk included). Raises UserError
    where the folder holds anything but this data set, and where the cluster cannot do the work.
    """
    require(config.compression)
    with _maker(workers, cluster, config) as make:
        manifest = _open(generator_name, config, folder)
        job = Job(generator_name, config, folder.resolve())
        (folder / "shards").mkdir(exist_ok=True)
        _remove_leftovers(folder / "shards")
        missing = _missing(job, manifest)
        progress(config.scenes - sum(len(job.scenes(shard)) for shard in missing))
        if missing:
            make(job, missing, progress)
    if manifest.complete and not missing:
        return manifest
    # A worker that was killed has left its temporary file.
    _remove_leftovers(folder / "shards")
    return _finish(manifest, job)


@contextmanager
def _maker(workers: int, cluster: str | None, config: GeneratorConfig) -> Iterator[Maker]:
    """What makes the shards. Entered before anything is written, because a cluster may not be there."""
    if cluster is not None:
        from .cluster import connected, make_on_cluster

        with connected(cluster, config.compression) as client:
            yield partial(make_on_cluster, client)
    elif workers > 1:
        yield partial(_make_in_processes, workers)
    else:
        yield _make_here


def _make_in_processes(workers: int, job: Job, shards: Sequence[int], progress: Callable[[int], None]) -> None:
    for _ in in_processes(job.make, shards, workers, progress):
        pass


def _make_here(job: Job, shards: Sequence[int], progress: Callable[[int], None]) -> None:
    for shard in shards:
        job.make(shard, progress)


def _missing(job: Job, manifest: Manifest) -> list[int]:
    """The shards to be made. A damaged one is deleted: from here on a shard that is there is whole."""
    listed = {entry.file: entry for entry in manifest.shards}
    missing = [shard for shard in job.shards if not _intact(job, shard, listed)]
    for shard in missing:
        job.path(shard).unlink(missing_ok=True)
    return missing


def _intact(job: Job, shard: int, listed: Mapping[str, ShardEntry]) -> bool:
    """Whether a shard is there and whole: by its hash where the data set was finished, else by its scenes."""
    path = job.path(shard)
    if not path.is_file():
        return False
    if path.name in listed:
        return file_sha256(path) == listed[path.name].sha256
    try:
        with open_shard(path) as file:
            return list(file) == job.scene_names(shard)
    except OSError:
        return False


def _remove_leftovers(shards: Path) -> None:
    """Delete the temporary files of workers that no longer run."""
    for leftover in shards.glob(".*.tmp"):
        # On Windows a file that is open elsewhere cannot be deleted.
        with suppress(OSError):
            if not _is_being_written(leftover):
                leftover.unlink()


def _is_being_written(path: Path) -> bool:
    """Whether another process has an HDF5 file open for writing: HDF5 locks a file until it is closed."""
    try:
        h5py.File(path, "r+").close()
    except BlockingIOError:
        return True
    except OSError:
        # A file that was never finished cannot be read.
        return False
    return False


def _open(generator_name: str, config: GeneratorConfig, folder: Path) -> Manifest:
    """The manifest of the data set in `folder`, begun if the folder is new or empty."""
    recipe = recipe_of(generator_name, config)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file: --out must name a folder")
    if (folder / MANIFEST).exists():
        manifest = read_manifest(folder)
        if manifest.recipe == recipe:
            return manifest
        if manifest.shards or any((folder / "shards").glob("*.h5")):
            raise UserError(f"{folder} holds another data set ({manifest.recipe.difference(recipe)}): choose another --out")
        # One that was begun and has no shard yet: a first try with settings that did not work.
    elif folder.exists() and any(folder.iterdir()):
        raise UserError(f"{folder} is not empty and is not a data set: choose a new or empty folder for --out")
    folder.mkdir(parents=True, exist_ok=True)
    manifest = Manifest(
        complete=False,
        recipe=recipe,
        recipe_sha256=recipe.sha256(),
        seed=config.seed,
        split=config.split,
        scenes=config.scenes,
        software=software(config.compression),
    )
    write_manifest(folder, manifest)
    return manifest


def recipe_of(generator_name: str, config: GeneratorConfig) -> Recipe:
    """What decides the contents of the data set that a generator makes from a configuration."""
    return Recipe(
        generator=generator_name,
        generator_version=GENERATORS.get(generator_name).version,
        config=config.model_dump(mode="json"),
    )


def _finish(manifest: Manifest, job: Job) -> Manifest:
    entries, tests, pairs = [], [], []
    assets: dict[str, str] = {}
    replaced: Counter[str] = Counter()
    for shard in job.shards:
        path, names = job.path(shard), job.scene_names(shard)
        entries.append(ShardEntry(file=path.name, sha256=file_sha256(path), bytes=path.stat().st_size, scenes=names))
        for scene in _read_scenes(path, names):
            tests.append(SelfTest(**scene.json("self_test")))
            pairs.append((scene.read("pair_overlap"), scene.read("pair_angle_deg")))
            _add_assets(assets, scene.json("recipe").get("assets", {}), path)
            replaced.update(scene.json("recipe").get("replaced", {}))
    finished = manifest.model_copy(
        update={
            "complete": True,
            "shards": entries,
            "self_test": merge(tests).as_dict(),
            "pair_histogram": pair_histogram(pairs),
            "assets": dict(sorted(assets.items())),
            "replaced": dict(sorted(replaced.items())),
        }
    )
    write_manifest(job.folder, finished)
    return finished


def _add_assets(assets: dict[str, str], more: Mapping[str, str], shard: Path) -> None:
    """UserError for an asset that is known with another hash: somebody changed a model after other shards were made with it."""
    for asset, sha256 in more.items():
        if assets.setdefault(asset, sha256) != sha256:
            raise UserError(
                f"asset {asset} was changed while the set was made: {shard} has it with sha256 {sha256[:12]}…, shards before it with "
                f"{assets[asset][:12]}…; restore the model, delete the shards made with the changed one, and run the same command again"
            )


def _read_scenes(path: Path, names: list[str]) -> Iterator[StoredScene]:
    with open_shard(path) as file:
        for index, name in enumerate(names):
            yield StoredScene(file[name], index)
