"""`generate`: creates or opens a data set, makes its missing shards, and writes its manifest."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import h5py

from ..dataset.compression import open_shard, require
from ..dataset.contents import Contents
from ..dataset.manifest import MANIFEST, Manifest, Recipe, ShardEntry, read_manifest, write_manifest
from ..dataset.reader import StoredScene
from ..dataset.verify import shard_faults
from ..errors import UserError
from ..io.files import file_sha256, has_contents
from ..io.hdf5 import WITHOUT_LOCKS
from ..io.lock import holds_nothing, locked
from ..io.processes import in_processes
from .job import Job, recipe_of
from .protocol import GeneratorConfig
from .software import differing, packages, software

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
    where the folder holds anything but this data set, where shards are missing and the others were made with other versions of
    the software, and where the cluster cannot do the work.
    """
    require(config.compression)
    _check_place(recipe_of(generator_name, config), folder)
    with _maker(workers, cluster, config) as make, locked(folder):
        manifest = _open_manifest(generator_name, config, folder)
        job = Job(generator_name, config, folder.resolve())
        (folder / "shards").mkdir(exist_ok=True)
        _remove_leftovers(folder / "shards")
        missing = _missing(job, manifest)
        if missing and (other := _other_software(manifest, config)):
            raise UserError(
                f"{folder} was begun with {other}: install the versions that it was begun with, or the bytes would differ, "
                "or choose another --out"
            )
        for shard in missing:
            job.path(shard).unlink(missing_ok=True)
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
    """Context that yields a maker of shards. It is entered before anything is written, because a cluster may be unreachable."""
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
    """The numbers of the shards that are missing or damaged."""
    listed = {entry.file: entry for entry in manifest.shards}
    return [shard for shard in job.shards if not _intact(job, shard, listed)]


def _other_software(manifest: Manifest, config: GeneratorConfig) -> str:
    """The packages whose version is not that of the manifest, in words. Python's own is recorded, but does not change the bytes."""
    here = software(config.compression)
    return differing(manifest.software, {name: here[name] for name in packages(config.compression)})


def _intact(job: Job, shard: int, listed: Mapping[str, ShardEntry]) -> bool:
    """Whether a shard is there and whole: by its hash where the data set was finished, else by its scenes."""
    path = job.path(shard)
    if not path.is_file():
        return False
    if path.name in listed:
        return has_contents(path, listed[path.name].bytes, listed[path.name].sha256)
    # Not listed in the manifest yet: only the hashes of its fields are known.
    return not shard_faults(path, job.scene_names(shard), job.recipe())


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
    except OSError as error:
        # An unfinished file cannot be read; on file systems without locks it is unknown whether somebody writes it.
        return error.errno in WITHOUT_LOCKS
    return False


def _check_place(recipe: Recipe, folder: Path) -> Manifest | None:
    """The manifest of this data set in `folder`, None for a new one. Raises UserError if the folder holds something else."""
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file: --out must name a folder")
    if (folder / MANIFEST).exists():
        manifest = read_manifest(folder)
        if manifest.recipe == recipe:
            return manifest
        if manifest.shards or any((folder / "shards").glob("*.h5")):
            raise UserError(f"{folder} holds another data set ({manifest.recipe.difference(recipe)}): choose another --out")
        # A data set without a shard yet may be replaced: its settings did not work.
    elif not holds_nothing(folder, "shards"):
        raise UserError(f"{folder} is not empty and is not a data set: choose a new or empty folder for --out")
    return None


def _open_manifest(generator_name: str, config: GeneratorConfig, folder: Path) -> Manifest:
    """The manifest of the data set in `folder`; a new one if the folder is new or empty, or there was no shard with other software."""
    recipe = recipe_of(generator_name, config)
    manifest = _check_place(recipe, folder)
    if manifest is not None and (manifest.shards or any((folder / "shards").glob("*.h5")) or not _other_software(manifest, config)):
        return manifest
    folder.mkdir(parents=True, exist_ok=True)
    begun = Manifest(
        complete=False,
        recipe=recipe,
        recipe_sha256=recipe.sha256(),
        seed=config.seed,
        split=config.split,
        scenes=config.scenes,
        software=software(config.compression),
    )
    return write_manifest(folder, begun)


def _finish(manifest: Manifest, job: Job) -> Manifest:
    entries, contents = [], Contents()
    for shard in job.shards:
        path, names = job.path(shard), job.scene_names(shard)
        entries.append(ShardEntry(file=path.name, sha256=file_sha256(path), bytes=path.stat().st_size, scenes=names))
        for scene in _read_scenes(path, names):
            contents.add(scene)
    return write_manifest(job.folder, manifest.model_copy(update={"complete": True, "shards": entries, **contents.fields()}))


def _read_scenes(path: Path, names: list[str]) -> Iterator[StoredScene]:
    with open_shard(path) as file:
        for index, name in enumerate(names):
            yield StoredScene(file[name], index)
