"""Scenes from user meshes: unusable models are replaced and counted, splits share no model, recipes verify the assets."""

import json
from collections import Counter
from pathlib import Path

import pytest
import trimesh
from mesh_files import write
from scans import ply, room
from shapes import box

from pixbench.assets.check import check_models, open_sources
from pixbench.cli import main
from pixbench.dataset.manifest import read_manifest
from pixbench.errors import UserError
from pixbench.generation import generate
from pixbench.generators.rooms.config import Config3D
from pixbench.generators.rooms.generator import Generator3D
from pixbench.generators.sources.base import split_of
from pixbench.generators.sources.scenenn.source import SceneNN

SMALL = {"views": 2, "size": 32, "object_count": (3, 5), "min_overlap": 0.05, "scenes": 2, "scenes_per_shard": 1}


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Boxes of two categories, mixed with files that cannot be parsed."""
    monkeypatch.setenv("PIXBENCH_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "models"
    for category, size in (("crate", (0.5, 0.4, 0.3)), ("cup", (0.09, 0.08, 0.1))):
        (root / category).mkdir(parents=True)
        for k in range(12):
            box(*(side * (1 + 0.05 * k) for side in size)).export(root / category / f"{k}.stl")
        for k in range(6):
            (root / category / f"broken{k}.ply").write_text("this is no mesh")
    return root


def test_unusable_models_are_replaced_and_counted(models: Path) -> None:
    generator = Generator3D(Config3D(**SMALL, objects=(f"folder:{models}",)))
    replaced: Counter[str] = Counter()
    for index in range(3):
        made = generator.scene(index)
        replaced.update(made.recipe["replaced"])
        assert set(made.recipe["objects"]) <= {"crate", "cup"}
        assert all(len(sha256) == 64 for sha256 in made.recipe["assets"].values())
        assert not any("broken" in model_id for model_id in made.recipe["assets"])
    assert replaced["object: cannot be parsed"] > 0


@pytest.mark.slow
def test_splits_share_no_model(models: Path) -> None:
    used = {}
    for split in ("train", "test"):
        generator = Generator3D(Config3D(**SMALL, split=split, objects=(f"folder:{models}",)))
        used[split] = {model_id for index in range(3) for model_id in generator.scene(index).recipe["assets"]}
    assert used["train"]
    assert not used["train"] & used["test"]


def test_source_without_usable_models_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIXBENCH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "bad").mkdir()
    for k in range(40):
        (tmp_path / "bad" / f"{k}.ply").write_text("this is no mesh")
    with pytest.raises(UserError, match=r"models in a row cannot be used \(most often object: cannot be parsed\); see 'pixbench"):
        Generator3D(Config3D(**SMALL, objects=(f"folder:{tmp_path / 'bad'}",))).scene(0)


def test_single_mesh_belongs_to_one_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIXBENCH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "one").mkdir()
    trimesh.creation.box((0.3, 0.3, 0.3)).export(tmp_path / "one" / "a.stl")
    mine = split_of("folder/one/a.stl")
    options = {**SMALL, "objects": (f"folder:{tmp_path / 'one'}",)}
    assert Generator3D(Config3D(**options, split=mine)).composer.categories == ("object",)
    other = next(split for split in ("train", "val", "test") if split != mine)
    with pytest.raises(UserError, match=f"no objects in split '{other}'"):
        Generator3D(Config3D(**options, split=other))
    whole = {**SMALL, "objects": (f"folder:{tmp_path / 'one'}?splits=one",)}
    assert Generator3D(Config3D(**whole, split=other)).composer.categories == ("object",)


def test_sources_of_rooms_without_a_room_in_the_split_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIXBENCH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "one").mkdir()
    box(4, 4, 2.5).export(tmp_path / "one" / "a.stl")
    split = next(split for split in ("train", "val", "test") if split != split_of("folder/one/a.stl"))
    mixed = Config3D(**SMALL, split=split, rooms=(f"folder:{tmp_path / 'one'}@9", "procedural"))
    alone = Config3D(**SMALL, split=split, rooms=("procedural",))
    rooms = [Generator3D(config).scene(0).recipe["room"] for config in (mixed, alone)]
    assert rooms[0] == rooms[1]
    with pytest.raises(UserError, match=f"no rooms in split '{split}'; use another split or source"):
        Generator3D(Config3D(**SMALL, split=split, rooms=(f"folder:{tmp_path / 'one'}",)))


def test_recipe_reproduces_with_copied_assets_and_rejects_changed_ones(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    generate("3d", Config3D(**SMALL, objects=(f"folder:{models}",)), tmp_path / "data")
    assets = read_manifest(tmp_path / "data").assets
    assert assets
    assert str(tmp_path) not in (tmp_path / "data/dataset.json").read_text()
    elsewhere = tmp_path / "elsewhere" / "models"
    elsewhere.parent.mkdir()
    models.rename(elsewhere)

    def run(*words: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["pixbench", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        output = capsys.readouterr()
        return int(ended.value.code or 0), output.out + output.err

    assert run("recipe", str(tmp_path / "data"), "--out", str(tmp_path / "recipe.json"))[0] == 0
    recipe = json.loads((tmp_path / "recipe.json").read_text())
    assert recipe["assets"] == assets
    again = ("generate", "3d", "--from-recipe", str(tmp_path / "recipe.json"), "--workers", "1", "--objects", f"folder:{elsewhere}")
    code, output = run(*again, "--out", str(tmp_path / "again"))
    assert code == 0, output
    assert f"{len(assets)} assets are the same to the byte" in output
    changed = elsewhere / next(iter(assets)).split("/", 2)[2]
    box(0.2, 0.2, 0.2).export(changed)
    code, output = run(*again, "--out", str(tmp_path / "other"))
    assert (code, "assets are missing or differ" in output, (tmp_path / "other").exists()) == (2, True, False)


def test_assets_of_a_recipe_are_hashed_by_their_own_source(models: Path, tmp_path: Path) -> None:
    scan = room()
    copy = write(
        tmp_path / "scans",
        {"005/005.ply": ply(scan, color=scan.instance_colors()), "contrib/color_ply/005_color.ply": ply(scan, color=scan.photo_colors())},
    )
    config = Config3D(**SMALL, objects=("procedural", f"folder:{models}"), rooms=("procedural", f"scenenn:{copy}"))
    # The number of a scanned room is also a seed of a procedural one.
    found = Generator3D(config).asset_hashes(["scenenn/005", "folder/models/crate/0.stl", "scenenn/006", "folder/models/crate/99.stl"])
    assert found["scenenn/005"] == SceneNN(str(copy)).load("scenenn/005").sha256
    assert found["scenenn/006"] is found["folder/models/crate/99.stl"] is None
    assert len(found["folder/models/crate/0.stl"] or "") == 64


@pytest.mark.parametrize("damage", ["lost", "cut", "altered"])
def test_damaged_mesh_cache_is_rebuilt(models: Path, damage: str) -> None:
    config = Config3D(**SMALL, objects=(f"folder:{models}",))
    before = Generator3D(config).scene(0).arrays
    for array in (models.parent / "cache").rglob("normals.npy"):
        kept = array.read_bytes()
        array.unlink()
        if damage != "lost":
            array.write_bytes(kept[:-8] if damage == "cut" else kept[:-8] + bytes(8))
    after = Generator3D(config).scene(0).arrays
    assert all(before[name].tobytes() == after[name].tobytes() for name in before)


def test_unwritable_cache_is_reported_and_not_counted_as_a_model_defect(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = models.parent / "no folder"
    cache.write_text("")
    monkeypatch.setenv("PIXBENCH_CACHE", str(cache))
    with pytest.raises(UserError, match=r"cache .*no folder cannot be written \(Not a directory\): free space, or set PIXBENCH_CACHE"):
        Generator3D(Config3D(**SMALL, objects=(f"folder:{models}",))).scene(0)
    ((_, source), *_) = open_sources(f"folder:{models}")
    with pytest.raises(UserError, match="cannot be written"):
        check_models(source)
