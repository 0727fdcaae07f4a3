import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from pixbench.dataset.reader import Dataset
from pixbench.errors import UserError
from pixbench.generation import generate
from pixbench.generators.rooms.config import Config3D
from pixbench.generators.rooms.generator import Generator3D
from pixbench.io.processes import interrupts_held

CONFIG = Config3D(scenes=4, views=2, size=32, seed=3, scenes_per_shard=1, object_count=(4, 6))


def _hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted((folder / "shards").glob("*"))}


def _command(scenes: int) -> list[str]:
    """The command line of CONFIG, with another number of scenes and two workers."""
    options = f"--scenes {scenes} --views 2 --size 32 --seed 3 --workers 2 --set scenes_per_shard=1 --set object_count=[4,6]"
    return ["generate", "3d", "--out", "data", *options.split()]


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("reference") / "data"
    generate("3d", CONFIG, folder)
    return _hashes(folder)


def test_two_workers_write_the_same_bytes(reference: dict[str, str], tmp_path: Path) -> None:
    ticks: list[int] = []
    generate("3d", CONFIG, tmp_path / "data", workers=2, progress=ticks.append)
    assert _hashes(tmp_path / "data") == reference
    assert len(reference) == sum(ticks) == 4


@pytest.mark.slow
def test_killed_run_resumes_to_the_same_bytes(reference: dict[str, str], tmp_path: Path) -> None:
    command = _command(scenes=4)
    run = subprocess.Popen([sys.executable, "-m", "pixbench", *command], cwd=tmp_path, stderr=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("data/shards/*.h5")) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    assert not (tmp_path / "data/dataset.json").read_text().count('"complete": true')
    subprocess.run([sys.executable, "-m", "pixbench", *command], cwd=tmp_path, check=True, capture_output=True)
    assert _hashes(tmp_path / "data") == reference


@pytest.mark.parametrize(
    "damage", ["missing", pytest.param("truncated", marks=pytest.mark.slow), pytest.param("changed", marks=pytest.mark.slow)]
)
def test_damaged_shards_of_a_finished_set_are_regenerated(reference: dict[str, str], tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "data"
    generate("3d", CONFIG, folder)
    shard = folder / "shards/00002.h5"
    raw = shard.read_bytes()
    if damage == "missing":
        shard.unlink()
    else:
        shard.write_bytes(raw[:-50] if damage == "truncated" else raw[:500] + bytes([raw[500] ^ 1]) + raw[501:])
    generate("3d", CONFIG, folder)
    assert _hashes(folder) == reference


@pytest.mark.slow
def test_interrupt_stops_workers_and_prints_one_line(reference: dict[str, str], tmp_path: Path) -> None:
    command = _command(scenes=40)
    run = subprocess.Popen(
        [sys.executable, "-m", "pixbench", *command], cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("data/shards/*.h5")) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(run.pid, signal.SIGINT)
    _, errors = run.communicate(timeout=60)
    assert run.returncode == 130
    assert errors.strip().splitlines()[-1].startswith("stopped; finished work is kept")
    assert "Traceback" not in errors
    assert len(list(tmp_path.glob("data/shards/*.h5"))) < 40


def test_interrupt_during_worker_start_is_deferred() -> None:
    child_output = []

    def start_workers() -> None:
        with interrupts_held():
            os.kill(os.getpid(), signal.SIGINT)
            script = "import os, signal; os.kill(os.getpid(), signal.SIGINT); print('lives')"
            child_output.append(subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout)

    with pytest.raises(KeyboardInterrupt):
        start_workers()
    assert child_output == ["lives\n"]


def test_scenes_are_independent_of_each_other() -> None:
    alone = Generator3D(CONFIG).scene(2).arrays
    generator = Generator3D(CONFIG)
    generator.scene(0)
    after = generator.scene(2).arrays
    assert all(alone[name].tobytes() == after[name].tobytes() for name in alone)


def test_splits_and_seeds_give_different_scenes() -> None:
    scenes = [Generator3D(CONFIG.model_copy(update=change)).composer.compose(0)[0] for change in ({}, {"split": "test"}, {"seed": 4})]
    assert len({scene.room.id for scene in scenes}) == 3


def test_cameras_have_valid_heights_baselines_and_overlap(tiny: Path) -> None:
    dataset = Dataset(tiny)
    for stored in dataset.scenes():
        cameras = [stored.camera(view) for view in range(3)]
        for k, camera in enumerate(cameras):
            assert 0.9 <= camera.centre[2] <= 1.9
            assert all(np.linalg.norm(camera.centre - other.centre) >= 0.35 for other in cameras[:k])
        # Overlap is chosen on small probes; at full size it may lie a little lower.
        assert ((stored.read("status") == 1).mean(axis=(1, 2)) > 0.1).all()
        assert (stored.read("object_visible_pixels").sum(axis=0) > 0.08 * 48 * 48).all()
    dataset.close()


def test_views_have_contrast_and_different_lighting(tiny: Path) -> None:
    dataset = Dataset(tiny)
    for stored in dataset.scenes():
        rgb = stored.read("rgb")
        assert (rgb.reshape(3, -1).std(axis=1) > 20).all()
        assert ((rgb.reshape(3, -1).mean(axis=1) > 40) & (rgb.reshape(3, -1).mean(axis=1) < 215)).all()
        assert len(np.unique(stored.read("light_gain")[:, 0, 0])) == 3
        assert stored.read("semantic_names")[0] == b"none"
    dataset.close()


def test_invalid_configurations_are_rejected() -> None:
    with pytest.raises(UserError, match="unknown object category 'chiar': did you mean 'chair'"):
        Generator3D(Config3D(categories=("chiar",)))
    with pytest.raises(ValueError, match="object_count is 5 to 2: expected a range within 1 to 60, the lowest first"):
        Config3D(object_count=(5, 2))


def test_other_data_set_in_the_output_folder_is_rejected_and_unchanged(tiny: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in tiny.rglob("*")}
    with pytest.raises(UserError, match=r"holds another data set \(object_count .* seed 7 there, 3 asked for"):
        generate("3d", CONFIG, tiny)
    assert {path: path.stat().st_mtime_ns for path in tiny.rglob("*")} == before
