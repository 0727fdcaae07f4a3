"""`pixbench verify`: repeats the proof on the files alone, and names file, scene and field of whatever does not hold."""

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import h5py
import numpy as np

from ..errors import UserError, VerificationError
from ..geometry.selftest import SelfTest, measure_files, merge
from ..io.files import file_sha256
from ..io.hdf5 import member, values
from ..io.outside import reason
from .compression import open_shard, require
from .contents import Contents
from .manifest import Manifest, Recipe, ShardEntry, read_manifest
from .reader import StoredScene
from .schema import FIELDS
from .writer import field_sha256


def verify(folder: Path, *, sample: int | None = None, progress: Callable[[int], None] = lambda done: None) -> SelfTest:
    """Check hashes, fields and truth of a data set; returns the self-test of its scenes, measured from the files.

    With `sample` that many scenes are drawn, anew each time: these are proved, with the hashes of their shards. `progress` is called
    with the number of scenes done since the last call. Raises VerificationError with one line a fault.
    """
    manifest = read_manifest(folder)
    # A missing package is no fault of the data.
    require(str(manifest.recipe.config.get("compression")))
    faults: list[str] = []
    tests: list[SelfTest] = []
    contents = Contents()
    chosen = _chosen(manifest, sample)
    if not manifest.complete:
        faults.append(f"{folder}: the run that made it did not finish; run the same 'pixbench generate' command again")
    for entry, names in zip(manifest.shards, chosen, strict=True):
        if names:
            now, wrong = _verify_shard(folder / "shards" / entry.file, entry, names, manifest.recipe, contents)
            tests, faults = tests + now, faults + wrong
        progress(len(names))
    listed = {entry.file for entry in manifest.shards}
    for path in sorted((folder / "shards").glob("*.h5")):
        if manifest.complete and path.name not in listed:
            faults.append(f"{path}: not listed in dataset.json")
    if manifest.complete and not faults and sample is None:
        faults += [f"{folder}: {name.replace('_', '-')} in dataset.json is not that of its shards" for name in contents.differing(manifest)]
    if faults:
        raise VerificationError("\n".join(faults))
    return merge(tests)


def _chosen(manifest: Manifest, sample: int | None) -> list[list[str]]:
    """The scenes of each shard that are checked."""
    count = sum(len(entry.scenes) for entry in manifest.shards)
    drawn = range(count) if sample is None else np.random.default_rng().choice(count, min(sample, count), replace=False)
    index, numbers = frozenset(map(int, drawn)), itertools.count()
    return [[name for name in entry.scenes if next(numbers) in index] for entry in manifest.shards]


def _verify_shard(
    path: Path, entry: ShardEntry, names: Sequence[str], recipe: Recipe, contents: Contents
) -> tuple[list[SelfTest], list[str]]:
    """Self-tests of some of a shard's scenes from the files, and its faults. Scenes are added to `contents`."""
    where = f"{path}: scenes {entry.scenes[0]} to {entry.scenes[-1]}, all fields"
    if not path.is_file():
        return [], [f"{where}: the shard is missing"]
    if path.stat().st_size != entry.bytes:
        return [], [f"{where}: the shard has {path.stat().st_size} bytes, {entry.bytes} were written (truncated or replaced)"]
    changed = file_sha256(path) != entry.sha256
    try:
        with open_shard(path) as file:
            results = [_verify_scene(path, file, name, index, recipe, contents) for index, name in enumerate(names)]
    except Exception as error:  # whatever a damaged file makes HDF5 say
        return [], [f"{where}: the shard cannot be opened ({reason(error)})"]
    faults = [fault for _, scene_faults in results for fault in scene_faults]
    if changed and not faults:
        faults.append(f"{where}: sha256 differs from dataset.json, yet every field reads as written (a byte outside the fields changed)")
    return [tests for tests, _ in results if tests], faults


def shard_faults(path: Path, names: Sequence[str], recipe: Recipe) -> list[str]:
    """What is wrong with a shard that no manifest lists yet: it must hold these scenes, made by this recipe, as they were written."""
    try:
        with open_shard(path) as file:
            if list(file) != list(names):
                return [f"{path}: it holds other scenes than {names[0]} to {names[-1]}"]
            scenes = [StoredScene(member(file, name), index) for index, name in enumerate(names)]
            wrong = (
                fault for scene in scenes for fault in (*(_field_fault(scene, field) for field in FIELDS), _recipe_fault(scene, recipe))
            )
            return [f"{path}: {fault}" for fault in wrong if fault]
    except Exception as error:  # whatever a damaged file makes HDF5 say
        return [f"{path}: {reason(error)}"]


def _verify_scene(
    path: Path, file: h5py.File, name: str, index: int, recipe: Recipe, contents: Contents
) -> tuple[SelfTest | None, list[str]]:
    try:
        scene = StoredScene(member(file, name), index)
    except Exception as error:  # as above
        return None, [f"{path}: scene {name}, all fields: the group cannot be read ({reason(error)})"]
    faults = [f"{path}: scene {name}, field {field}: {fault}" for field in FIELDS if (fault := _field_fault(scene, field))]
    for attribute in ("recipe", "self_test"):
        try:
            scene.json(attribute)
        except UserError as error:
            faults.append(str(error))
    if faults:
        return None, faults
    if fault := _recipe_fault(scene, recipe):
        return None, [f"{path}: scene {name}, field recipe: {fault}"]
    try:
        at_generation = SelfTest(**scene.json("self_test"))
    except TypeError as error:
        return None, [f"{path}: scene {name}, field self_test: {reason(error)}"]
    try:
        now = measure_scene(scene)
        contents.add(scene)
    except Exception as error:  # values that no camera and no surface has
        return None, [f"{path}: scene {name}, all fields: the truth cannot be measured ({reason(error)})"]
    for label, test in (("at generation", at_generation), ("from files", now)):
        faults += [f"{path}: scene {name}, field status and depth_m, self-test {label}: {fault}" for fault in test.failures()]
    return now, faults


def _recipe_fault(scene: StoredScene, recipe: Recipe) -> str:
    """Why a scene is not one of the recipe in dataset.json, empty if it is: its own was written with its arrays."""
    stored = scene.json("recipe")
    try:
        made = Recipe.model_validate({name: stored[name] for name in Recipe.model_fields})
    except (KeyError, ValueError) as error:
        return f"does not say how the scene was made ({reason(error)})"
    if made != recipe:
        return f"it was made otherwise than dataset.json says ({made.difference(recipe, 'in the scene', 'in dataset.json')})"
    if stored.get("scene") != int(scene.name):
        return f"it is scene {stored.get('scene')} of its set, not {scene.name}"
    return ""


def _field_fault(scene: StoredScene, field: str) -> str | None:
    """Why a field is not what was written, or None."""
    try:
        dataset = scene.stored(field)
        array = values(dataset)
        expected = dataset.attrs["sha256"]
        for attribute in ("axes", "unit", "meaning"):
            dataset.attrs[attribute]
    except Exception as error:  # as above
        return f"cannot be read ({reason(error)})"
    if field_sha256(array) != expected:
        return "its values differ from those written"
    return None


def measure_scene(scene: StoredScene) -> SelfTest:
    """The self-test of one scene from its stored arrays."""
    control_pixel, control_uv = scene.controls()
    return merge([measure_files(pair, control_pixel[row], control_uv[row]) for row, pair in enumerate(scene.stored_pairs())])
