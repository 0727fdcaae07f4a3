"""The furniture library of Sweet Home 3D, on synthetic libraries and, if fetched, on the real one."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from pixbench.assets.paths import pack_folder
from pixbench.errors import UserError
from pixbench.generators.sources.base import BadModelError, split_of
from pixbench.generators.sources.sweethome3d.furniture import PACK, SweetHomeFurniture

# Evaluated before tests redirect the cache: where a fetched copy of the pack lies.
REAL = pack_folder(PACK)

# A step whose low half is at +z, its front: 2 wide (x), 1 high (y), 1 deep (z), two boxes without their inner faces.
STEP = """
v 0 0 0
v 2 0 0
v 2 1 0
v 0 1 0
v 0 1 .5
v 2 1 .5
v 2 .5 .5
v 0 .5 .5
v 0 .5 1
v 2 .5 1
v 2 0 1
v 0 0 1
f 1 2 3 4
f 4 3 6 5
f 5 6 7 8
f 8 7 10 9
f 9 10 11 12
f 12 11 2 1
"""

RECORD = {"name": "Chair", "category": "Living room", "model": "/m/step.obj", "width": "80", "depth": "50", "height": "100"}


def library(folder: Path, *records: dict[str, str], **files: str) -> Path:
    """A library of the records, which change RECORD; returns the folder it lies in."""
    lines = ["name=A library", ""]
    for number, record in enumerate(records, 1):
        lines += [f"{key}#{number}={value}" for key, value in {"id": f"T#{number}", **RECORD, **record}.items()]
    (folder / "usr/share").mkdir(parents=True)
    with zipfile.ZipFile(folder / "usr/share/test.sh3f", "w") as archive:
        archive.writestr("PluginFurnitureCatalog.properties", "\n".join(lines).encode("latin-1"))
        for name, text in {"m/step.obj": STEP, **files}.items():
            archive.writestr(name, text)
    return folder


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIXBENCH_CACHE", str(tmp_path / "cache"))


def test_model_is_upright_and_faces_minus_y(tmp_path: Path) -> None:
    source = SweetHomeFurniture(str(library(tmp_path, {})))
    asset = source.load("sweethome3d/t-1")
    assert np.allclose(asset.mesh.bounds, [[-0.4, -0.25, 0], [0.4, 0.25, 1.0]], atol=1e-6)
    # The low half is in front: at negative y nothing is higher than half the height.
    front = asset.mesh.vertices[asset.mesh.vertices[:, 1] < -0.01]
    assert front[:, 2].max() == pytest.approx(0.5)
    assert np.allclose(np.linalg.norm(asset.mesh.normals, axis=2), 1, atol=1e-5)
    assert (asset.category, asset.synset, asset.placement) == ("chair", "03001627", "floor")
    assert len(asset.sha256) == 64


def test_hash_covers_the_record(tmp_path: Path) -> None:
    changes: list[dict[str, str]] = [
        {}, {"description": "oak"}, {"width": "81"}, {"modelRotation": "1 0 0 0 0 1 0 -1 0"}, {"name": "Desk chair"}, {"category": "Office"}
    ]  # fmt: skip
    found = [SweetHomeFurniture(str(library(tmp_path / f"{k}", change))).load("sweethome3d/t-1").sha256 for k, change in enumerate(changes)]
    # What is not read is not part of it.
    assert found[1] == found[0]
    assert len(set(found)) == 5


def test_catalogue_rotation_is_applied_before_scaling(tmp_path: Path) -> None:
    # z becomes up: the model was lying on its back, its top towards +z.
    source = SweetHomeFurniture(str(library(tmp_path, {"modelRotation": "1 0 0 0 0 1 0 -1 0"})))
    mesh = source.load("sweethome3d/t-1").mesh
    assert np.allclose(mesh.bounds, [[-0.4, -0.25, 0], [0.4, 0.25, 1.0]], atol=1e-6)
    # The low step, previously in front, is now the upper half, and lies in front.
    upper = mesh.vertices[mesh.vertices[:, 2] > 0.51]
    assert (upper[:, 1].min(), upper[:, 1].max()) == pytest.approx((-0.25, 0.0), abs=1e-6)


@pytest.mark.parametrize(
    ("record", "category", "synset", "placement"),
    [
        ({"name": "Corner sofa"}, "sofa", "04256520", "wall"),
        ({"name": "Wardrobe", "category": "Bedroom"}, "cabinet", "02933112", "wall"),
        ({"name": "Desk lamp", "category": "Lights", "height": "40", "width": "20", "depth": "20"}, "lamp", "03636649", "surface"),
        ({"name": "Lamp", "category": "Lights", "height": "142"}, "lamp", "03636649", "floor"),
        ({"name": "Tablet", "category": "Office", "height": "2", "width": "20", "depth": "20"}, "tablet", "", "surface"),
        ({"name": "Table tennis bat", "height": "2", "width": "20", "depth": "20"}, "table tennis bat", "", "surface"),
        ({"name": "Garden chair", "category": "Exterior"}, "chair", "03001627", "floor"),
        ({"name": "Dustbin", "category": "Office"}, "ash bin", "02747177", "floor"),
    ],
)
def test_names_are_mapped_to_categories(tmp_path: Path, record: dict[str, str], category: str, synset: str, placement: str) -> None:
    source = SweetHomeFurniture(str(library(tmp_path, record)))
    (entry,) = source.entries
    assert (entry.category, entry.synset, source.load(entry.id).placement) == (category, synset, placement)
    assert source.categories(split_of(entry.id)) == {category: 1}
    assert source.draw(category, split_of(entry.id), rng=np.random.default_rng(0)) == entry.id


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"category": "Doors and windows"}, "door, window or staircase"),
        ({"name": "Female", "category": "Characters"}, "person or large animal"),
        ({"elevation": "145"}, "hung on a wall or from a ceiling"),
        ({"name": "Fire hydrant", "category": "Exterior"}, "outdoor or part of a building"),
        ({"name": "SUV", "category": "Vehicles", "depth": "463"}, "outdoor or part of a building"),
        ({"width": "999"}, "larger than a room has place for"),
        ({"width": "wide"}, "record without a name, size or model"),
        ({"height": "0"}, "record without a name, size or model"),
        ({"id": "T#1"}, "id given twice"),
    ],
)
def test_unsuitable_furniture_is_skipped_and_counted(tmp_path: Path, record: dict[str, str], reason: str) -> None:
    source = SweetHomeFurniture(str(library(tmp_path, {}, record)))
    assert source.defects() == {f"left out: {reason}": 1}
    assert [entry.id for entry in source.entries] == ["sweethome3d/t-1"]


def test_property_escapes_and_accents_are_decoded(tmp_path: Path) -> None:
    source = SweetHomeFurniture(str(library(tmp_path, {"name": r"Bill 10\u20ac Hôi", "category": "Office"})))
    assert source.entries[0].category == "banknote"
    assert SweetHomeFurniture(str(library(tmp_path / "b", {"name": r"Caf\u00e9 Hôi"}))).entries[0].category == "café hôi"


def test_table_with_glass_top_is_rejected(tmp_path: Path) -> None:
    top = "mtllib t.mtl\nusemtl glass\nv 0 1 0\nv 1 1 0\nv 1 1 1\nv 0 1 1\nf 1 2 3 4\nusemtl steel\n"
    legs = "".join(f"v {x} {y} {z}\n" for x, z in ((0, 0), (1, 1)) for y in (0, 1) for z in (z, z - 0.02 if z else 0.02))
    text = top + legs + "f 5 6 8 7\nf 9 10 12 11\n"
    materials = "newmtl glass\nKd 1 1 1\nd 0.1\nnewmtl steel\nKd .3 .3 .3\n"
    size = dict.fromkeys(("width", "depth", "height"), "80")
    folder = library(tmp_path, {"name": "Table", "model": "/m/t.obj", **size}, **{"m/t.obj": text, "m/t.mtl": materials})
    with pytest.raises(BadModelError, match=r"made of glass: sweethome3d/t-1: only 0%"):
        SweetHomeFurniture(str(folder)).load("sweethome3d/t-1")


def test_unusable_models_are_rejected_with_the_reason(tmp_path: Path) -> None:
    source = SweetHomeFurniture(str(library(tmp_path, {"model": "/m/none.obj"}, {"model": "/m/empty.obj"}, **{"m/empty.obj": "v 0 0 0"})))
    for model_id, kind in (("sweethome3d/t-1", "no mesh file"), ("sweethome3d/t-2", "no faces"), ("sweethome3d/t-9", "no such model")):
        with pytest.raises(BadModelError) as caught:
            source.load(model_id)
        assert caught.value.kind == kind


def test_corrupt_library_is_counted(tmp_path: Path) -> None:
    folder = library(tmp_path, {})
    (folder / "usr/share/other.sh3f").write_bytes(b"no zip")
    source = SweetHomeFurniture(str(folder))
    assert len(source.entries) == 1
    assert source.defects() == {"library that cannot be read": 1}


def test_folder_without_a_library_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds no furniture library"):
        SweetHomeFurniture(str(tmp_path))
    with pytest.raises(UserError, match=r"pixbench assets fetch sweethome3d-furniture"):
        SweetHomeFurniture()


@pytest.mark.skipif(not REAL.is_dir(), reason="sweethome3d-furniture was not fetched")
def test_real_library() -> None:
    source = SweetHomeFurniture(str(REAL))
    assert len(source.entries) + sum(source.defects().values()) == 820
    assert len({entry.synset for entry in source.entries}) > 35
    assert all({"chair", "table", "sofa"} <= set(source.categories(split)) for split in ("train", "val", "test"))
    asset = source.load("sweethome3d/scopia-chair")
    assert np.allclose(np.ptp(asset.mesh.bounds, axis=0), [0.42, 0.474, 0.88], atol=1e-4)
