"""Options of `folder:`, special characters in names, distant coordinates, content hashes, YCB and Google Scanned Objects."""

import logging
import time
from pathlib import Path

import numpy as np
import pytest
import trimesh
from mesh_files import BOX, QUADS, image, write, zipped
from PIL import Image
from textured_boxes import obj as textured_obj
from textured_boxes import picture, png, sixteen, write_all

from pixbench.errors import UserError
from pixbench.generators.meshes import contact_sheet as sheets
from pixbench.generators.meshes.contact_sheet import contact_sheet, flat_picture
from pixbench.generators.sources.base import load_usable
from pixbench.generators.sources.folder import ON_ITS_SIDE, ObjectFolder, RoomFolder
from pixbench.generators.sources.object_sets import GoogleScannedObjects, Ycb
from pixbench.generators.sources.spec import parse

FACES = "".join(f"f {' '.join(map(str, quad))}\n" for quad in QUADS)
BOX_OBJ = "".join(f"v {x} {y} {z}\n" for x, y, z in BOX) + FACES
MTL = "newmtl skin\nmap_Kd texture.png\n"


def _stl(size, turn=None) -> bytes:
    box = trimesh.creation.box(size)
    if turn is not None:
        box.apply_transform(turn)
    return box.export(file_type="stl")


def _size(mesh) -> list[float]:
    return np.ptp(mesh.bounds, axis=0).round(5).tolist()


@pytest.mark.slow
def test_sixteen_file_variants_render_the_same_box(tmp_path):
    root = write_all(tmp_path / "x")
    seen = {}
    for entry in ObjectFolder(f"{root}?splits=one").entries:
        mesh = ObjectFolder(str(root)).load(entry.id).mesh
        assert _size(mesh) == pytest.approx([0.6, 0.45, 0.9], abs=1e-4)
        seen[entry.category] = flat_picture(mesh, 64)
    assert seen.keys() == sixteen().keys()
    first = seen["obj"].astype(int)
    # The front shows red at the upper left and yellow at the lower right, as the texture does.
    assert first[22, 16].tolist() == picture()[10, 10].tolist()
    assert first[50, 32].tolist() == picture()[-1, -1].tolist()
    for way, other in seen.items():
        assert (np.abs(other - first).max(axis=2) > 8).mean() < 0.01, way
    assert contact_sheet([("a", seen["obj"]), ("b", None)]).size == (880, 254)


@pytest.mark.parametrize(("unit", "factor"), [("mm", 1000), ("cm", 100), ("inch", 1 / 0.0254), ("ft", 1 / 0.3048)])
def test_unit_option_scales_objects_and_rooms(unit, factor, tmp_path):
    files = {"a/m.stl": _stl(np.array([0.4, 0.3, 0.7]) * factor), "r.stl": _stl(np.array([5, 4, 2.5]) * factor)}
    root = write(tmp_path / "x", files)
    asset = ObjectFolder(f"{root}?unit={unit}").load("folder/x/a/m.stl")
    assert _size(asset.mesh) == [0.4, 0.3, 0.7]
    assert not asset.defects
    assert _size(RoomFolder(f"{root}?unit={unit}").load("folder/x/r.stl").mesh) == [5, 4, 2.5]


def test_implausible_size_is_kept_and_counted_with_explicit_unit(tmp_path):
    root = write(tmp_path / "x", {"a/m.stl": _stl((7, 3, 1))})
    asset = ObjectFolder(f"{root}?unit=m").load("folder/x/a/m.stl")
    assert _size(asset.mesh) == [7, 3, 1]
    assert list(asset.defects) == ["longest edge not between 0.02 m and 4 m (kept, as the unit is given)"]


def test_pattern_and_category_options(tmp_path):
    names = ["scans/mug/a/textured.obj", "scans/mug/a/poisson.obj", "scans/bowl/b/textured.obj"]
    root = write(tmp_path / "x", dict.fromkeys(names, BOX_OBJ))
    found = ObjectFolder(f"{root}?pattern=textured.obj&category=2").entries
    assert [(entry.id, entry.category) for entry in found] == [
        ("folder/x/scans/bowl/b/textured.obj", "bowl"),
        ("folder/x/scans/mug/a/textured.obj", "mug"),
    ]
    assert {entry.category for entry in ObjectFolder(f"{root}?category=-1").entries} == {"a", "b"}
    assert len(ObjectFolder(f"{root}?pattern=*/mug/*").entries) == 2
    with pytest.raises(UserError, match="match pattern=no"):
        ObjectFolder(f"{root}?pattern=no")


@pytest.mark.parametrize("up", ["x", "y", "z", "-x", "-y", "-z"])
def test_up_option_accepts_every_axis(up, tmp_path):
    peak = trimesh.creation.box((0.2, 0.2, 0.2))
    axis = "xyz".index(up[-1])
    sign = -1 if up.startswith("-") else 1
    peak.vertices[peak.vertices[:, axis] * sign > 0] *= [0.5 if k != axis else 3.0 for k in range(3)]
    root = write(tmp_path / "x", {"a/m.stl": peak.export(file_type="stl")})
    mesh = ObjectFolder(f"{root}?up={up}").load("folder/x/a/m.stl").mesh
    top = mesh.vertices[mesh.vertices[:, 2] > 0.2]
    assert _size(mesh)[2] == pytest.approx(0.4)
    assert np.ptp(top, axis=0).max() == pytest.approx(0.1)
    corners = mesh.vertices[mesh.faces].astype(float)
    assert np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() > 0


def test_room_on_its_side_is_reported_and_tilted_room_is_levelled(tmp_path, caplog):
    aside = trimesh.transformations.rotation_matrix(np.pi / 2, [1, 0, 0])
    tilted = trimesh.transformations.rotation_matrix(0.1, [0.3, 1, 0])
    turns = {"side": aside, "tilted": tilted, "good": None}
    root = write(tmp_path / "x", {f"{name}.stl": _stl((5, 4, 2.5), turn) for name, turn in turns.items()})
    source = RoomFolder(str(root))
    with caplog.at_level(logging.WARNING, "pixbench"):
        assert source.load("folder/x/side.stl").defects == {ON_ITS_SIDE: 1}
    assert "folder/x/side.stl" in caplog.text
    assert not source.load("folder/x/good.stl").defects
    room = RoomFolder(f"{root}?level=yes").load("folder/x/tilted.stl")
    assert sorted(_size(room.mesh)) == pytest.approx([2.5, 4, 5], abs=1e-3)
    assert room.mesh.bounds[0, 2] == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("source", [ObjectFolder, RoomFolder])
def test_distant_coordinates_keep_precision(source, tmp_path):
    scale = 1.0 if source is ObjectFolder else 5.0
    rows = [f"v {500123.25 + scale * x:.6f} {120.5 + scale * y:.6f} {4500456.75 + scale * z:.6f}\n" for x, y, z in BOX]
    root = write(tmp_path / "x", {"m.obj": "".join(rows) + FACES})
    loaded = source(str(root)).load("folder/x/m.obj")
    assert np.ptp(loaded.mesh.bounds, axis=0) == pytest.approx(np.array([1.0, 0.4, 0.6]) * scale, abs=1e-5)
    assert loaded.defects["coordinates far from the origin (moved to it)"] == 1
    assert flat_picture(loaded.mesh, 32)[16, 16].tolist() == [178, 178, 178]


def test_texture_changes_alter_the_hash_in_every_format(tmp_path):
    for way, files in sixteen().items():
        root = write(tmp_path / way, files)
        name = next(path for path in files if path.endswith((".obj", ".ply", ".glb", ".gltf")))
        before = ObjectFolder(str(root)).load(f"folder/{way}/{name}")
        textures = [path for path in files if path.endswith(".png")]
        for texture in textures:
            write(root, {texture: png(255 - picture())})
            after = ObjectFolder(str(root)).load(f"folder/{way}/{name}")
            assert after.sha256 != before.sha256, way
            assert np.array_equal(after.mesh.materials[0].texture, 255 - picture()), way


def test_folder_names_may_contain_special_characters(tmp_path):
    for name in ("a:b", "what?", "x@2", "m & n"):
        root = write(tmp_path / name, {"c/m.obj": BOX_OBJ})
        spec, path = parse(f"folder:{root}")
        assert path == str(root)
        again, none = parse(str(spec))
        assert (again, none) == (spec, None)
        (entry,) = ObjectFolder(spec.location({spec.name: path})).entries
        assert entry.id == f"{spec.name}/c/m.obj"


def test_unexpected_exceptions_become_model_defects(tmp_path, monkeypatch):
    from pixbench.generators.sources.base import BadModelError
    from pixbench.generators.sources.loading import cache

    source = ObjectFolder(str(write(tmp_path / "x", {"m.obj": BOX_OBJ, "a.fbx": "no", "b.dae": "no"})))
    assert source.defects() == {"format that is not read: .fbx": 1, "format that is not read: .dae": 1}
    monkeypatch.setattr(cache, "cleaned", lambda *_, **__: 1 / 0)
    with pytest.raises(BadModelError, match="cannot be cleaned: ZeroDivisionError"):
        source.load("folder/x/m.obj")
    monkeypatch.setattr(ObjectFolder, "load", lambda *_: [][0])
    with pytest.raises(BadModelError, match=r"cannot be read: folder/x/m\.obj: IndexError"):
        load_usable(source, "folder/x/m.obj")


def test_ycb_is_read_in_its_own_layout(tmp_path):
    model = {"textured.obj": textured_obj(library="mtllib textured.mtl\nusemtl skin\n"), "textured.mtl": MTL, "texture.png": png(picture())}
    files = {f"025_mug/google_16k/{name}": data for name, data in model.items()}
    files |= {f"025_mug/google_64k/{name}": data for name, data in model.items()}
    files |= {f"072-a_toy_airplane/poisson/{name}": data for name, data in model.items()}
    root = write(tmp_path / "ycb", {**files, "900_nothing/clouds/merged_cloud.ply": "no", "readme.txt": "x"})
    source = Ycb(str(root))
    assert [(entry.id, entry.category) for entry in source.entries] == [("ycb/025_mug", "mug"), ("ycb/072-a_toy_airplane", "toy airplane")]
    assert source.defects() == {"folders without a mesh": 1}
    asset = source.load("ycb/025_mug")
    assert asset.synset == "03797390"
    assert _size(asset.mesh) == [0.6, 0.9, 0.45]
    assert np.array_equal(asset.mesh.materials[0].texture, picture())
    assert asset.mesh.materials[0].color == (1, 1, 1)
    rendered = {tuple(color) for color in flat_picture(asset.mesh, 64).reshape(-1, 3).tolist()}
    assert {(200, 40, 40), (40, 160, 60), (40, 70, 190), (220, 190, 50), (255, 255, 255)} <= rendered
    assert [entry.id for entry in Ycb(f"{root}?mesh=poisson").entries] == ["ycb/072-a_toy_airplane"]
    with pytest.raises(UserError, match="is not a copy of ycb"):
        Ycb(str(write(tmp_path / "empty", {"a/b.txt": ""})))


def test_google_scanned_objects_are_read_from_folders_and_zips(tmp_path):
    model = {
        "meshes/model.obj": textured_obj(library="mtllib model.mtl\nusemtl skin\n"),
        "meshes/model.mtl": MTL,
        "materials/textures/texture.png": image((9, 8, 7), kind="PNG"),
        "metadata.pbtxt": 'name: "X"\ncategories {\n  first: "Shoe"\n}\n',
    }
    root = write(tmp_path / "gso", {f"Red_Shoe/{name}": data for name, data in model.items()})
    zipped(root / "Blue_Shoe.zip", dict(model))
    kubric = {"visual_geometry.obj": textured_obj(library="mtllib v.mtl\nusemtl skin\n"), "v.mtl": MTL}
    kubric["texture.png"] = model["materials/textures/texture.png"]
    zipped(root / "Kubric.zip", {f"Kubric/{name}": data for name, data in kubric.items()})
    source = GoogleScannedObjects(str(root))
    found = {entry.id.rpartition("/")[2]: entry.category for entry in source.entries}
    assert found == {"Blue_Shoe": "shoe", "Red_Shoe": "shoe", "Kubric": "object"}
    for entry in source.entries:
        mesh = source.load(entry.id).mesh
        assert mesh.materials[0].texture[0, 0].tolist() == [9, 8, 7]
        assert flat_picture(mesh, 32)[16, 16].tolist() == [9, 8, 7]


@pytest.mark.parametrize("text", ["categories" + " " * 100_000 + "x", "categories{" * 20_000, "categories{" + "first" * 20_000])
def test_long_descriptions_without_a_category_take_linear_time(text, tmp_path):
    root = write(tmp_path, {"Thing/model.obj": textured_obj(), "Thing/metadata.pbtxt": text})
    started = time.process_time()
    (entry,) = GoogleScannedObjects(str(root)).entries
    assert entry.category == "object"
    assert time.process_time() - started < 5


def test_contact_sheet_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PIXBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(sheets, "MOST", 2)

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["contact_sheet", *arguments])
        return sheets.main(), capsys.readouterr().err

    out = tmp_path / "sheet.png"
    assert run("procedural", str(out)) == (0, "")
    with Image.open(out) as sheet:
        assert sheet.size == (880, 254)
    before = out.read_bytes()
    (tmp_path / "empty").mkdir()
    for arguments, message in (
        ((f"folder:{tmp_path}/nope", str(out)), "nope"),
        ((f"folder:{tmp_path}/empty", str(out)), "empty"),
        (("procedural", f"{out}.xyz"), "sheet.png.xyz: expected the name of a .png, .jpg or .webp file"),
        (("procedural", f"{tmp_path}/no/sheet.png"), "does not exist"),
    ):
        code, error = run(*arguments)
        assert (code, error.count("\n"), message in error) == (2, 1, True), error
    assert out.read_bytes() == before
