"""Shards compressed with gzip and zstd hold the same data; chunks that are read directly equal what HDF5 reads."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from pixbench.dataset import chunks, reader
from pixbench.dataset.compression import open_shard
from pixbench.dataset.manifest import read_manifest
from pixbench.dataset.reader import Dataset
from pixbench.dataset.schema import FIELDS
from pixbench.dataset.verify import verify
from pixbench.errors import UserError, VerificationError
from pixbench.generation import generate
from pixbench.generation.protocol import GENERATORS


def _config(compression: str) -> Any:
    kind = GENERATORS.get("3d").config_type
    return kind(scenes=2, views=3, size=33, seed=3, scenes_per_shard=1, object_count=(4, 6), compression=compression)


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same scenes, compressed with gzip and with zstd; images are 33 x 33 pixels, so that views have an odd number of bytes."""
    folder = tmp_path_factory.mktemp("sets")
    for compression in ("gzip", "zstd"):
        generate("3d", _config(compression), folder / compression)
    return {compression: folder / compression for compression in ("gzip", "zstd")}


VIEWS = [name for name, field in FIELDS.items() if field.chunk_first_axis]


def test_gzip_and_zstd_data_sets_have_equal_fields_and_pass_verification(sets: dict[str, Path]) -> None:
    one, other = Dataset(sets["gzip"]), Dataset(sets["zstd"])
    for scene, twin in zip(one.scenes(), other.scenes(), strict=True):
        for name in FIELDS:
            assert scene.read(name).tobytes() == twin.read(name).tobytes()
    one.close()
    other.close()
    assert verify(sets["zstd"]).as_dict() == verify(sets["gzip"]).as_dict()


def test_zstd_generation_is_deterministic_and_recorded_in_the_manifest(sets: dict[str, Path], tmp_path: Path) -> None:
    manifest = generate("3d", _config("zstd"), tmp_path / "again")
    assert manifest.content_sha256() == read_manifest(sets["zstd"]).content_sha256()
    assert manifest.recipe.config["compression"] == "zstd"
    assert "hdf5plugin" in manifest.software
    assert "hdf5plugin" not in read_manifest(sets["gzip"]).software


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_direct_chunk_reads_match_hdf5(sets: dict[str, Path], compression: str) -> None:
    dataset = Dataset(sets[compression])
    for scene in dataset.scenes():
        for name in VIEWS:
            assert chunks.find_chunks(scene.group[name]) is not None
            for view, expected in enumerate(scene.group[name][()]):
                got = scene.read(name, view)
                assert got.dtype == expected.dtype
                assert got.flags.writeable
                assert got.tobytes() == expected.tobytes()
    dataset.close()


def test_reader_falls_back_to_hdf5_without_zstandard(sets: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    dataset = Dataset(sets["zstd"])
    scene = dataset.scene(0)
    assert chunks.find_chunks(scene.group["rgb"]) is None
    assert scene.read("rgb", 1).tobytes() == scene.group["rgb"][1].tobytes()
    dataset.close()


def test_other_storage_layouts_are_not_read_directly(tmp_path: Path) -> None:
    data = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    ours: dict[str, Any] = {"chunks": (1, 3, 4), "shuffle": True, "compression": "gzip", "fletcher32": True}
    with h5py.File(tmp_path / "other.h5", "w") as file:
        assert chunks.find_chunks(file.create_dataset("ours", data=data, **ours)) is not None
        for name, change in {
            "unchecked": {"fletcher32": False},
            "unshuffled": {"shuffle": False},
            "whole": {"chunks": (2, 3, 4)},
            "other": {"compression": "lzf"},
            "swapped": {"dtype": ">f4"},
            "double": {"dtype": "f8"},
        }.items():
            assert chunks.find_chunks(file.create_dataset(name, data=data, **{**ours, **change})) is None, name
        assert chunks.find_chunks(file.create_dataset("empty", (2, 3, 4), "f4", **ours)) is None


def test_checksums_match_hdf5(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    with h5py.File(tmp_path / "sums.h5", "w") as file:
        for size in (*range(1, 20), 719, 720, 721, 100_001):
            data = rng.integers(0, 256, size, dtype=np.uint8) if size % 3 else np.full(size, 255, np.uint8)
            dataset = file.create_dataset(str(size), data=data, chunks=(size,), fletcher32=True)
            stored = np.frombuffer(bytearray(dataset.id.read_direct_chunk((0,))[1]), np.uint8)
            assert chunks._checksum_holds(stored)
            stored[size // 2] ^= 1
            assert not chunks._checksum_holds(stored)


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_corrupted_view_is_rejected_and_named_by_verify(sets: dict[str, Path], tmp_path: Path, compression: str) -> None:
    import shutil

    shutil.copytree(sets[compression], tmp_path / "copy")
    path = tmp_path / "copy/shards/00000.h5"
    with open_shard(path) as file:
        place = file["000000"]["rgb"].id.get_chunk_info(1)
    raw = bytearray(path.read_bytes())
    raw[place.byte_offset + place.size // 2] ^= 1
    path.write_bytes(bytes(raw))
    with pytest.raises(UserError, match=r"00000\.h5 was changed"):
        Dataset(tmp_path / "copy").scene(0)
    dataset = Dataset(tmp_path / "copy", check=False)
    with pytest.raises(UserError, match=r"00000\.h5: a view cannot be read \(its checksum is wrong\)"):
        dataset.scene(0).read("rgb", 1)
    assert dataset.scene(0).read("rgb", 0).any()
    dataset.close()
    with pytest.raises(VerificationError, match=r"00000\.h5: scene 000000, field rgb: cannot be read"):
        verify(tmp_path / "copy")


def test_open_files_are_limited_and_earlier_scenes_stay_readable(sets: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "OPEN_SHARDS", 1)
    dataset = Dataset(sets["gzip"])
    first = dataset.scene(0)
    before = first.read("rgb", 0)
    second = dataset.scene(1)
    assert len(dataset._open) == 1
    assert first.read("rgb", 0).tobytes() == before.tobytes()
    assert first.read("rgb", 1).tobytes() == first.read("rgb")[1].tobytes()
    assert second.read("rgb", 0).tobytes() != before.tobytes()
    dataset.close()


WITHOUT = "import sys; sys.modules['hdf5plugin'] = None; sys.argv[0] = 'pixbench'; from pixbench.cli import main; main()"


@pytest.mark.parametrize("command", ["verify {zstd}", "generate 3d --out new --set compression=zstd"])
def test_missing_hdf5plugin_error_names_the_package_to_install(sets: dict[str, Path], tmp_path: Path, command: str) -> None:
    arguments = command.format(**sets).split()
    run = subprocess.run([sys.executable, "-c", WITHOUT, *arguments], capture_output=True, text=True, cwd=tmp_path)
    assert run.returncode == 2
    assert len(run.stderr.strip().splitlines()) == 1, run.stderr
    assert run.stderr.startswith("error: ")
    assert "compression zstd needs the package hdf5plugin: pip install 'pixbench[zstd]'" in run.stderr
    assert not list(tmp_path.iterdir())


def test_shards_and_manifest_record_the_compression(sets: dict[str, Path]) -> None:
    for compression, folder in sets.items():
        with h5py.File(folder / "shards/00000.h5") as file:
            assert file.attrs["compression"] == compression
        assert json.loads((folder / "dataset.json").read_text())["recipe"]["config"]["compression"] == compression
