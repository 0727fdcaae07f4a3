"""Source specs: parsing, mixing by weight, and keeping local paths out of recipes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from mesh_files import write
from scans import ply, room

from pixbench.errors import UserError
from pixbench.generation.components import OBJECT_SOURCES
from pixbench.generators.rooms.config import Config3D
from pixbench.generators.sources.base import BadModelError, split_of
from pixbench.generators.sources.folder import ObjectFolder, RoomFolder
from pixbench.generators.sources.object_sets import Ycb
from pixbench.generators.sources.procedural import ProceduralObjects, ProceduralRooms
from pixbench.generators.sources.scenenn.source import SceneNN
from pixbench.generators.sources.shapenet.source import ShapeNet
from pixbench.generators.sources.spec import Mix, Spec, parse


@pytest.mark.parametrize(
    ("text", "spec", "path"),
    [
        ("procedural", Spec("procedural", 1.0), None),
        ("procedural@0.25", Spec("procedural", 0.25), None),
        ("shapenet:/data/Shape@Net.v2", Spec("shapenet", 1.0), "/data/Shape@Net.v2"),
        ("shapenet:/data/v2@3", Spec("shapenet", 3.0), "/data/v2"),
        ("shapenet:/data/v2?classes=all@3", Spec("shapenet", 3.0, "classes=all"), "/data/v2"),
        ("folder:/a/b/mugs/", Spec("folder/mugs", 1.0), "/a/b/mugs/"),
        ("folder:/a/b/../mugs/.", Spec("folder/mugs", 1.0), "/a/b/../mugs/."),
        ("folder:/a/b?up=y&name=my mugs@2", Spec("folder/my mugs", 2.0, "up=y"), "/a/b"),
    ],
)
def test_parse_splits_specs_into_kind_path_and_weight(text: str, spec: Spec, path: str | None) -> None:
    assert parse(text) == (spec, path)


@pytest.mark.parametrize("text", ["", ":/data", "procedural@0", "procedural@-1", "procedural@inf", "@2"])
def test_invalid_specs_are_rejected(text: str) -> None:
    with pytest.raises(UserError, match="source '"):
        parse(text)


def test_paths_are_excluded_from_the_serialised_config(tmp_path: Path) -> None:
    config = Config3D(objects=(f"folder:{tmp_path}/mugs@2", "procedural"), rooms=(f"scenenn:{tmp_path}/scans",))
    assert config.objects == ("folder/mugs@2", "procedural")
    assert config.rooms == ("scenenn",)
    assert config.locations == {"folder/mugs": f"{tmp_path}/mugs", "scenenn": f"{tmp_path}/scans"}
    assert str(tmp_path) not in config.model_dump_json()
    assert Config3D(**config.model_dump()).objects == config.objects


def test_source_options_are_stored_and_passed_to_the_source() -> None:
    config = Config3D(rooms=("scenenn:/data/scans?up=z@2",))
    assert config.rooms == ("scenenn?up=z@2",)
    spec, _ = parse(config.rooms[0])
    assert spec.location(config.locations) == "/data/scans?up=z"
    assert parse("scenenn")[0].location(config.locations) == "/data/scans"


def test_name_option_renames_a_folder_source(tmp_path: Path) -> None:
    for place in ("a/meshes", "b/meshes"):
        (tmp_path / place / "mug").mkdir(parents=True)
        trimesh.creation.box((0.1, 0.1, 0.1)).export(tmp_path / place / "mug/one.ply")
    config = Config3D(objects=(f"folder:{tmp_path}/a/meshes?splits=one", f"folder:{tmp_path}/b/meshes?name=others&splits=one"))
    assert config.objects == ("folder/meshes?splits=one", "folder/others?splits=one")
    sources = Mix(config.objects, config.locations, OBJECT_SOURCES).sources
    assert [source.entries[0].id for source in sources] == ["folder/meshes/mug/one.ply", "folder/others/mug/one.ply"]
    with pytest.raises(UserError, match=r"two paths, .*: name one of them with \?name=NAME"):
        Config3D(objects=(f"folder:{tmp_path}/a/meshes", f"folder:{tmp_path}/b/meshes"))
    assert Config3D(objects=(f"folder:{tmp_path}/a/meshes",), rooms=(f"folder:{tmp_path}/a/meshes/",)).rooms == ("folder/meshes",)


def test_sources_are_mixed_by_weight() -> None:
    mix = Mix(("procedural@3",), {}, OBJECT_SOURCES)
    mix.specs.append(Spec("other", 1.0))
    mix.sources.append("other")
    rng = np.random.default_rng(0)
    drawn = [mix.choose((0, 1), rng=rng) == "other" for _ in range(2000)]
    assert np.mean(drawn) == pytest.approx(0.25, abs=0.03)
    assert {mix.choose((1,), rng=rng) for _ in range(5)} == {"other"}


@pytest.mark.parametrize(
    ("specs", "message"),
    [((), "no object source given"), (("procedural", "procedural@2"), "named twice"), (("shapnet",), "unknown object source 'shapnet'")],
)
def test_invalid_mixes_are_rejected(specs: tuple[str, ...], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Mix(specs, {}, OBJECT_SOURCES)


def test_procedural_ids_belong_to_one_split_and_are_reproducible() -> None:
    objects, rooms = ProceduralObjects(), ProceduralRooms()
    for split in ("train", "val", "test"):
        rng = np.random.default_rng(3)
        ids = [objects.draw("mug", split, rng=rng) for _ in range(5)] + [rooms.draw(split, rng=rng)]
        assert {split_of(model_id) for model_id in ids} == {split}
    made, again = objects.load(ids[0]), objects.load(ids[0])
    assert made.id == ids[0]
    assert made.category == "mug"
    assert made.mesh.vertices.tobytes() == again.mesh.vertices.tobytes()
    assert rooms.load(ids[-1]).id == ids[-1]


def _foreign(root: Path) -> dict[str, tuple[Callable[[], Any], str]]:
    """A source of each kind, and an id of another source whose last part it knows."""
    mesh = trimesh.creation.box((0.4, 0.4, 0.4)).export(file_type="obj")
    scan = room()
    write(root / "shapenet", {"03001627/a1/model.obj": mesh})
    write(root / "scenenn", {"005/005.ply": ply(scan), "contrib/color_ply/005_color.ply": ply(scan, color=scan.photo_colors())})
    write(root / "ycb", {"003_mug/google_16k/textured.obj": mesh})
    write(root / "x", {"mug/a.obj": mesh})
    return {
        "procedural objects": (ProceduralObjects, "folder/mug/00"),
        "procedural rooms": (ProceduralRooms, "scenenn/005"),
        "shapenet": (lambda: ShapeNet(str(root / "shapenet")), "folder/03001627/a1"),
        "scenenn": (lambda: SceneNN(str(root / "scenenn")), "005"),
        "ycb": (lambda: Ycb(str(root / "ycb")), "003_mug"),
        "objects in a folder": (lambda: ObjectFolder(str(root / "x")), "mug/a.obj"),
        "rooms in a folder": (lambda: RoomFolder(str(root / "x")), "mug/a.obj"),
    }


def test_sources_refuse_ids_of_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIXBENCH_CACHE", str(tmp_path / "cache"))
    for kind, (make, model_id) in _foreign(tmp_path).items():
        source = make()
        with pytest.raises(BadModelError) as found:
            source.load(model_id)
        assert found.value.kind == "of another source", kind


def test_splits_are_about_eighty_ten_ten() -> None:
    found = [split_of(f"model/{k}") for k in range(4000)]
    assert found.count("train") / 4000 == pytest.approx(0.8, abs=0.02)
    assert found.count("test") / 4000 == pytest.approx(0.1, abs=0.015)
