import json
import math
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from pixbench.dataset import writer
from pixbench.dataset.manifest import read_manifest
from pixbench.dataset.reader import Dataset
from pixbench.dataset.schema import FIELDS
from pixbench.dataset.verify import verify
from pixbench.dataset.writer import write_shard
from pixbench.errors import UserError, VerificationError
from pixbench.geometry.correspondence import Status
from pixbench.geometry.selftest import measure_files
from pixbench.geometry.selftest_result import SelfTest, merge
from pixbench.training.data.pairs import PairDataset


@pytest.fixture
def copy(tiny: Path, tmp_path: Path) -> Path:
    shutil.copytree(tiny, tmp_path / "copy")
    return tmp_path / "copy"


def test_self_test_passes_at_generation_and_on_stored_files(tiny: Path) -> None:
    now, made = verify(tiny), read_manifest(tiny).self_test
    assert made["map_max_px"] <= 5e-3
    assert made["map_median_px"] <= 1e-4
    assert made["cycle_over"] <= 1e-3 * made["cycle_pixels"]
    assert made["cycle_over_grazing"] == made["cycle_over"]
    assert now.map_max_px <= 5e-3
    assert now.visible == made["visible"] > 0
    assert now.pairs == 3 * 6


def test_shards_are_readable_with_plain_h5py(tiny: Path) -> None:
    with h5py.File(tiny / "shards" / "00000.h5") as file:
        assert list(file) == ["000000", "000001"]
        for name, field in FIELDS.items():
            dataset = file["000000"][name]
            assert dataset.dtype == np.dtype(field.dtype)
            assert dataset.attrs["unit"] == field.unit
            assert dataset.attrs["meaning"]
        assert json.loads(file.attrs["status_codes"])["1"].startswith("visible")


def test_shard_bytes_do_not_depend_on_garbage_collection(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = Dataset(tiny)
    scenes = [
        (s.name, {name: s.read(name) for name in FIELDS}, SelfTest(**s.json("self_test")), s.json("recipe")) for s in dataset.scenes()
    ]
    dataset.close()
    write_shard(tmp_path / "at once.h5", scenes)
    held, create = [], h5py.Group.create_dataset

    def hold(*arguments: Any, **options: Any) -> h5py.Dataset:
        held.append(create(*arguments, **options))
        return held[-1]

    monkeypatch.setattr(h5py.Group, "create_dataset", hold)
    write_shard(tmp_path / "late.h5", scenes)
    assert held
    assert (tmp_path / "late.h5").read_bytes() == (tmp_path / "at once.h5").read_bytes()


@pytest.mark.parametrize("error", [OSError(28, "x"), RuntimeError("Can't decrement id ref count\n (file write failed)")])
def test_full_disk_error_is_one_line_and_leaves_no_files(error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(writer, "_write_header", fails)
    with pytest.raises(UserError, match=r"00000\.h5 cannot be written \((No space left|Can't decrement id ref count \(file)"):
        writer.write_shard(tmp_path / "00000.h5", [])
    assert not list(tmp_path.iterdir())


def test_generator_errors_are_not_reported_as_disk_errors(tmp_path: Path) -> None:
    def scenes() -> Iterator[writer.SceneToWrite]:
        raise RuntimeError("of the generator")
        yield  # type: ignore[unreachable]

    with pytest.raises(RuntimeError, match="of the generator"):
        writer.write_shard(tmp_path / "00000.h5", scenes())
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_verify_locates_any_changed_byte(copy: Path) -> None:
    path = copy / "shards" / "00000.h5"
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for offset in [0, 200, *rng.integers(len(whole), size=40), len(whole) - 1]:
        changed = bytearray(whole)
        changed[offset] ^= 0x40
        path.write_bytes(bytes(changed))
        with pytest.raises(VerificationError, match=r"00000\.h5: scene.*(field|all fields)"):
            verify(copy)
    path.write_bytes(whole)
    verify(copy)


def test_verify_sample_checks_the_requested_number_of_scenes(copy: Path) -> None:
    ticks: list[int] = []
    few, whole = verify(copy, sample=1, progress=ticks.append), verify(copy)
    assert sum(ticks) == 1
    assert few != whole
    assert verify(copy, sample=50) == whole
    path = copy / "shards" / "00001.h5"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(VerificationError, match=r"00001\.h5"):
        verify(copy, sample=50)


def test_verify_names_the_changed_field(copy: Path) -> None:
    path = copy / "shards" / "00000.h5"
    with h5py.File(path) as file:
        chunk = file["000001"]["depth_m"].id.get_chunk_info(1)
    raw = bytearray(path.read_bytes())
    raw[chunk.byte_offset + chunk.size // 2] ^= 1
    path.write_bytes(bytes(raw))
    with pytest.raises(VerificationError, match=r"00000\.h5: scene 000001, field depth_m: cannot be read"):
        verify(copy)


def test_verify_detects_wrong_ground_truth_with_valid_hashes(copy: Path) -> None:
    from pixbench.dataset.manifest import write_manifest
    from pixbench.dataset.writer import field_sha256
    from pixbench.io.files import file_sha256

    path = copy / "shards" / "00000.h5"
    with h5py.File(path, "r+") as file:
        depth = file["000000"]["depth_m"]
        depth[...] = depth[()] * np.float32(1.001)
        depth.attrs["sha256"] = field_sha256(depth[()])
    manifest = read_manifest(copy)
    entry = manifest.shards[0].model_copy(update={"sha256": file_sha256(path), "bytes": path.stat().st_size})
    write_manifest(copy, manifest.model_copy(update={"shards": [entry, *manifest.shards[1:]]}))
    with pytest.raises(VerificationError, match="scene 000000, field status and depth_m, self-test from files: map from depth is off"):
        verify(copy)


@pytest.mark.parametrize("damage", ["missing", "truncated", "stray"])
def test_verify_detects_missing_truncated_and_unlisted_shards(copy: Path, damage: str) -> None:
    path = copy / "shards" / "00001.h5"
    if damage == "missing":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(path.read_bytes()[:-100])
    else:
        shutil.copy(path, path.with_name("00009.h5"))
    message = {
        "missing": r"00001\.h5: scenes 000002 to 000002, all fields: the shard is missing",
        "truncated": "truncated",
        "stray": r"00009\.h5: not listed",
    }
    with pytest.raises(VerificationError, match=message[damage]):
        verify(copy)


def test_newer_format_and_unfinished_data_sets_are_rejected(copy: Path) -> None:
    path = copy / "dataset.json"
    raw = json.loads(path.read_text())
    path.write_text(json.dumps({**raw, "complete": False, "sha256": ""}))
    with pytest.raises(UserError, match="not finished"):
        Dataset(copy)
    path.write_text(json.dumps({**raw, "format_version": 4}))
    with pytest.raises(UserError, match="format version 4, this PixBench reads version 3"):
        read_manifest(copy)
    path.write_text(json.dumps({**raw, "colour": "red"}))
    with pytest.raises(UserError, match="field 'colour'"):
        read_manifest(copy)


def test_pair_dataset_returns_torch_tensors(tiny: Path) -> None:
    pairs = PairDataset(tiny)
    assert len(pairs) == 3 * 6
    sample = pairs[4]
    assert [tuple(tensor.shape) for tensor in sample[:5]] == [(3, 48, 48), (3, 48, 48), (48, 48, 2), (48, 48), (48, 48)]
    assert 0 <= float(sample.image_a.min()) < float(sample.image_a.max()) <= 1
    scene = pairs.dataset.scene(0)
    key = pairs.keys[4]
    assert (sample.uv_b.numpy() == scene.uv(key.a, key.b)).sum() > 0


@pytest.mark.parametrize(
    ("mutation", "message"),
    [
        ("none", None),
        ("noise", "pictures fit the map less well"),
        ("moved", "pictures fit the map less well"),
        ("hidden", "no pixel of any view is visible"),
        ("half hidden", "pixels called occluded are seen by the target"),
        ("shown", "a depth test calls"),
    ],
)
def test_self_test_from_files_detects_wrong_images_and_visibility(tiny: Path, mutation: str, message: str | None) -> None:
    rng = np.random.default_rng(0)
    dataset = Dataset(tiny)
    scene = dataset.scene(0)
    pixel, uv = scene.controls()
    tests = []
    for row, pair in enumerate(scene.stored_pairs()):
        status, rgb = pair.status.copy(), pair.rgb_a
        if mutation == "noise":
            rgb = rng.integers(0, 256, rgb.shape, dtype=np.uint8)
        elif mutation == "moved":
            rgb = np.roll(rgb, 3, axis=1)
        elif mutation == "hidden":
            status[status == Status.VISIBLE] = Status.OCCLUDED
        elif mutation == "half hidden":
            status[(status == Status.VISIBLE) & (rng.random(status.shape) < 0.5)] = Status.OCCLUDED
        elif mutation == "shown":
            status[status == Status.OCCLUDED] = Status.VISIBLE
        tests.append(measure_files(replace(pair, status=status, rgb_a=rgb), pixel[row], uv[row]))
    failures = merge(tests).failures()
    dataset.close()
    assert failures == [] if message is None else any(message in failure for failure in failures)


def test_self_test_fails_on_nan() -> None:
    assert len(SelfTest(visible=1, photometric_correlation=1.0, map_max_px=math.nan, map_median_px=math.nan).failures()) == 2


def test_inconsistent_manifest_is_rejected(copy: Path) -> None:
    path = copy / "dataset.json"
    raw = json.loads(path.read_text())
    for change, message in (
        ({"recipe_sha256": "abc"}, "recipe_sha256 is not the hash of recipe"),
        ({"split": "test"}, "seed, split and scenes differ"),
        ({"shards": raw["shards"][:1]}, "do not hold the 3 scenes"),
    ):
        path.write_text(json.dumps({**raw, **change}))
        with pytest.raises(UserError, match=message):
            read_manifest(copy)
    path.write_text(json.dumps({**raw, "self_test": {**raw["self_test"], "visible": 1}, "sha256": ""}))
    with pytest.raises(VerificationError, match=r"self-test in dataset\.json is not that of its shards"):
        verify(copy)
