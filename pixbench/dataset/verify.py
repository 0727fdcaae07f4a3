"""`pixbench verify`: repeats the proof on the files alone, and names file, scene and field of whatever does not hold."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from ..errors import VerificationError
from ..geometry.selftest import SelfTest, measure_files, merge
from ..io.files import file_sha256
from .manifest import ShardEntry, read_manifest
from .reader import StoredScene, open_shard
from .schema import FIELDS
from .writer import field_sha256


def verify(folder: Path, *, progress: Callable[[int], None] = lambda done: None) -> SelfTest:
    """Check hashes, fields and truth of a data set; returns the self-test of all its scenes.

    `progress` is called with the number of scenes done since the last call. Raises VerificationError with one line a fault.
    """
    manifest = read_manifest(folder)
    faults: list[str] = []
    tests: list[SelfTest] = []
    stored: list[SelfTest] = []
    if not manifest.complete:
        faults.append(f"{folder}: the run that made it did not finish; run the same 'pixbench generate' command again")
    for entry in manifest.shards:
        shard_tests, shard_faults = _verify_shard(folder / "shards" / entry.file, entry)
        tests += [now for now, _ in shard_tests]
        stored += [then for _, then in shard_tests]
        faults += shard_faults
        progress(len(entry.scenes))
    listed = {entry.file for entry in manifest.shards}
    for path in sorted((folder / "shards").glob("*.h5")):
        if manifest.complete and path.name not in listed:
            faults.append(f"{path}: not listed in dataset.json")
    if manifest.complete and not faults and merge(stored).as_dict() != manifest.self_test:
        faults.append(f"{folder}: the self-test in dataset.json is not that of its shards")
    if faults:
        raise VerificationError("\n".join(faults))
    return merge(tests)


def _verify_shard(path: Path, entry: ShardEntry) -> tuple[list[tuple[SelfTest, SelfTest]], list[str]]:
    """Self-tests (now, at generation) of a shard's scenes, and its faults."""
    where = f"{path}: scenes {entry.scenes[0]} to {entry.scenes[-1]}, all fields"
    if not path.is_file():
        return [], [f"{where}: the shard is missing"]
    if path.stat().st_size != entry.bytes:
        return [], [f"{where}: the shard has {path.stat().st_size} bytes, {entry.bytes} were written (truncated or replaced)"]
    changed = file_sha256(path) != entry.sha256
    try:
        with open_shard(path) as file:
            results = [_verify_scene(path, file, name, index) for index, name in enumerate(entry.scenes)]
    except (OSError, RuntimeError, KeyError) as error:
        return [], [f"{where}: the shard cannot be opened ({_brief(error)})"]
    faults = [fault for _, scene_faults in results for fault in scene_faults]
    if changed and not faults:
        faults.append(f"{where}: sha256 differs from dataset.json, yet every field reads as written (a byte outside the fields changed)")
    return [tests for tests, _ in results if tests], faults


def _verify_scene(path: Path, file: h5py.File, name: str, index: int) -> tuple[tuple[SelfTest, SelfTest] | None, list[str]]:
    try:
        scene = StoredScene(file[name], index)
    except (OSError, RuntimeError, KeyError) as error:
        return None, [f"{path}: scene {name}, all fields: the group cannot be read ({_brief(error)})"]
    faults = [f"{path}: scene {name}, field {field}: {fault}" for field in FIELDS if (fault := _field_fault(scene, field))]
    for attribute in ("recipe", "self_test"):
        try:
            scene.json(attribute)
        except (OSError, RuntimeError, KeyError, ValueError) as error:
            faults.append(f"{path}: scene {name}, field {attribute}: cannot be read ({_brief(error)})")
    if faults:
        return None, faults
    try:
        at_generation = SelfTest(**scene.json("self_test"))
    except TypeError as error:
        return None, [f"{path}: scene {name}, field self_test: {_brief(error)}"]
    now = measure_scene(scene)
    for label, test in (("at generation", at_generation), ("from files", now)):
        faults += [f"{path}: scene {name}, field status and depth_m, self-test {label}: {fault}" for fault in test.failures()]
    return (now, at_generation), faults


def _field_fault(scene: StoredScene, field: str) -> str | None:
    """Why a field is not what was written, or None."""
    try:
        dataset = scene.group[field]
        array = dataset[()]
        expected = dataset.attrs["sha256"]
        for attribute in ("axes", "unit", "meaning"):
            dataset.attrs[attribute]
    except (OSError, RuntimeError, KeyError, UnicodeDecodeError) as error:
        return f"cannot be read ({_brief(error)})"
    if array.dtype != np.dtype(FIELDS[field].dtype):
        return f"has type {array.dtype}, the format says {FIELDS[field].dtype}"
    if field_sha256(array) != expected:
        return "its values differ from those written"
    return None


def measure_scene(scene: StoredScene) -> SelfTest:
    """The self-test of one scene from its stored arrays."""
    control_pixel, control_uv = scene.controls()
    return merge([measure_files(pair, control_pixel[row], control_uv[row]) for row, pair in enumerate(scene.stored_pairs())])


def _brief(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
