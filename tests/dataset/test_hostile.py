"""Untrusted data sets: nothing outside their folder is read, and each error is one line."""

import hashlib
import json
import shutil
import time
import zlib
from pathlib import Path

import h5py
import numpy as np
import psutil
import pytest
from hostile_hdf5 import HOSTILE, SECRET, packed_zeros

from pixbench.cli import app
from pixbench.dataset.manifest import read_manifest, write_manifest
from pixbench.dataset.reader import Dataset
from pixbench.dataset.recipe import recipe_file, write_recipe_file
from pixbench.dataset.verify import verify
from pixbench.errors import UserError, VerificationError
from pixbench.training.data.pairs import PairDataset


@pytest.fixture
def copy(tiny: Path, tmp_path: Path) -> Path:
    shutil.copytree(tiny, tmp_path / "copy")
    return tmp_path / "copy"


def rehash(folder: Path) -> None:
    """Update sizes and hashes in the manifest after a change, as an attacker would."""
    manifest = read_manifest(folder)
    shards = [
        shard.model_copy(update={"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()})
        for shard in manifest.shards
        for data in [(folder / "shards" / shard.file).read_bytes()]
    ]
    write_manifest(folder, manifest.model_copy(update={"shards": shards}))


def read_all(folder: Path) -> None:
    """Read everything that commands read from a data set."""
    pairs = PairDataset(folder)
    for index in range(len(pairs)):
        pairs[index]
    for scene in pairs.dataset.scenes():
        for field in ("rgb", "status", "object_id"):
            scene.read(field)
        scene.json("recipe")


def test_packed_zeros_is_a_valid_zlib_stream() -> None:
    assert zlib.decompress(packed_zeros(3)) == bytes(3 * 2**24)


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_shards_are_rejected_within_memory_and_time_limits(kind: str, copy: Path, tmp_path: Path) -> None:
    secret = tmp_path / "elsewhere" / "secret"
    secret.parent.mkdir()
    secret.write_bytes(SECRET * 10_000)
    with h5py.File(secret.with_suffix(".h5"), "w") as file:
        file["rgb"] = np.zeros((3, 48, 48, 3), np.uint8)
    with h5py.File(copy / "shards/00000.h5", "r+") as file:
        HOSTILE[kind](file["000000"], secret)
    rehash(copy)
    before, started = psutil.Process().memory_info().rss, time.perf_counter()
    with pytest.raises(UserError, match=r"00000\.h5.*(scene 000000|cannot be read)") as exc_info:
        read_all(copy)
    assert "\n" not in str(exc_info.value)
    with pytest.raises(VerificationError, match=r"00000\.h5: scene 000000"):
        verify(copy)
    assert psutil.Process().memory_info().rss - before < 2**30
    assert time.perf_counter() - started < 10


def test_modified_shard_is_rejected_on_open(copy: Path) -> None:
    path = copy / "shards/00000.h5"
    with h5py.File(path, "r+") as file:
        file["000000"]["K"][...] += 1
    manifest = read_manifest(copy)
    entry = manifest.shards[0].model_copy(update={"bytes": path.stat().st_size})
    write_manifest(copy, manifest.model_copy(update={"shards": [entry, *manifest.shards[1:]]}))
    with pytest.raises(UserError, match=r"00000\.h5 was changed"):
        Dataset(copy).scene(0)
    assert Dataset(copy).scene(2)
    assert Dataset(copy, check=False).scene(0).read("K").shape == (3, 3, 3)


@pytest.mark.parametrize("name", ["../copy/shards/00000.h5", "/etc/passwd", "..", ".", "", "a/b.h5", "..\\b.h5", "a\0b"])
def test_path_traversal_in_manifest_shard_names_is_rejected(name: str, copy: Path) -> None:
    raw = json.loads((copy / "dataset.json").read_text())
    raw["shards"][0]["file"], raw["sha256"] = name, ""
    (copy / "dataset.json").write_text(json.dumps(raw))
    for read in (Dataset, verify):
        with pytest.raises(UserError, match=r"leads elsewhere|control characters"):
            read(copy)


def test_manifest_hash_covers_all_fields(copy: Path) -> None:
    text = (copy / "dataset.json").read_text()
    for old, new in (('"visible": ', '"visible": 1'), ('"numpy": "', '"numpy": "9'), ('"blind": ', '"blind": 1')):
        assert old in text
        (copy / "dataset.json").write_text(text.replace(old, new, 1))
        with pytest.raises(UserError, match="sha256 is not the hash of the rest"):
            read_manifest(copy)


def test_edited_seed_with_updated_hash_fails_verification(copy: Path) -> None:
    manifest = read_manifest(copy)
    recipe = manifest.recipe.model_copy(update={"config": {**manifest.recipe.config, "seed": 8}})
    write_manifest(copy, manifest.model_copy(update={"recipe": recipe, "recipe_sha256": recipe.sha256(), "seed": 8}))
    with pytest.raises(VerificationError, match=r"made otherwise than dataset\.json says \(seed 7 in the scene, 8 in dataset\.json\)"):
        verify(copy)


def test_scenes_with_another_seed_fail_verification(copy: Path, tmp_path: Path) -> None:
    from pixbench.generation import generate
    from pixbench.generation.protocol import GENERATORS

    config = {**read_manifest(copy).recipe.config, "seed": 8, "scenes": 2}
    generate("3d", GENERATORS.get("3d").config_type(**config), tmp_path / "other")
    shutil.copy(tmp_path / "other/shards/00000.h5", copy / "shards/00000.h5")
    rehash(copy)
    with pytest.raises(VerificationError, match=r"seed 8 in the scene, 7 in dataset\.json"):
        verify(copy)


@pytest.mark.parametrize("change", [{"objects": ["folder:/etc"]}, {"locations": {"procedural": "/etc"}}, {"rooms": ["scenenn:/etc"]}])
def test_recipe_with_paths_outside_its_folder_is_rejected(
    change: dict[str, object], tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    recipe = recipe_file(read_manifest(tiny), tiny)
    hostile = recipe.recipe.model_copy(update={"config": {**recipe.recipe.config, **change}})
    write_recipe_file(tmp_path / "recipe.json", recipe.model_copy(update={"recipe": hostile}))
    monkeypatch.setattr(Path, "rglob", lambda *_: pytest.fail("it searched"))
    done = CliRunner().invoke(app, ["generate", "3d", "--from-recipe", str(tmp_path / "recipe.json"), "--out", str(tmp_path / "out")])
    assert isinstance(done.exception, UserError)
    assert "names places outside its folder" in str(done.exception)
    assert not (tmp_path / "out").exists()


def test_control_characters_are_escaped_in_error_messages(copy: Path) -> None:
    manifest = read_manifest(copy)
    write_manifest(copy, manifest.model_copy(update={"replaced": {"\x1b]0;owned\x07": 1}}))
    with pytest.raises(UserError, match=r"control characters in '\\x1b\]0;owned\\x07'") as exc_info:
        read_manifest(copy)
    assert "\x1b" not in str(exc_info.value)
