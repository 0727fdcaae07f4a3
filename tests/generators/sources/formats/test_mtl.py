"""OBJ materials: options of texture maps, spellings of file names, and material libraries."""

import time

import numpy as np
import pytest
from mesh_files import image, write

from pixbench.generators.sources.formats.companions import uncommented
from pixbench.generators.sources.formats.mesh_file import read_model
from pixbench.generators.sources.formats.mtl import TextureMap, texture_map
from pixbench.generators.sources.loading.archive import FolderFiles, ZipFiles

GREEN = (10, 200, 30)
OBJ = "v 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 0 1\n"
FACE = "f 1/1 2/2 3/3\n"
PNG = image(GREEN, kind="PNG")


def _read(root, mtl: str, files=None, *, obj=f"mtllib m.mtl\n{OBJ}usemtl a\n{FACE}", path="m.obj"):
    return read_model(FolderFiles(write(root, {path: obj, "m.mtl": mtl, **(files or {"t.png": PNG})})), path)


@pytest.mark.parametrize("colour", ["", "Kd 0 0 0\n", "Kd 1 1 1\n", "Kd 1\n", "Kd xyz 1 1 1\n"])
def test_texture_without_a_colour_uses_white(colour, tmp_path):
    (material,) = _read(tmp_path, f"newmtl a\n{colour}map_Kd t.png\n").materials
    assert material.color == (1.0, 1.0, 1.0)
    assert material.texture[0, 0].tolist() == list(GREEN)


@pytest.mark.parametrize("obj", [f"{OBJ}{FACE}", f"{OBJ}usemtl gone\n{FACE}", f"mtllib m.mtl\n{OBJ}usemtl gone\n{FACE}"])
def test_missing_material_is_grey(obj, tmp_path):
    assert _read(tmp_path, "newmtl a\nKd 1 0 0\n", obj=obj).materials[0].color == (0.7, 0.7, 0.7)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("t.png", TextureMap("t.png")),
        ("-s 2 3 1 t.png", TextureMap("t.png", scale=(2, 3))),
        ("-s 2 t.png", TextureMap("t.png", scale=(2, 1))),
        ("-o 0.25 0.5 my wood.png", TextureMap("my wood.png", offset=(0.25, 0.5))),
        ("-blendu on -blendv off -clamp on -cc off t.png", TextureMap("t.png", repeats=False)),
        ("-bm 0.8 -boost 2 -texres 512 -imfchan l t.png", TextureMap("t.png")),
        ("-mm 0.1 0.5 t.png", TextureMap("t.png", base=0.1, gain=0.5)),
        ("-t 1 1 1 -type sphere t.png", TextureMap("t.png")),
        ("-S 2 2 -O .1 .2 1.png", TextureMap("1.png", scale=(2, 2), offset=(0.1, 0.2))),
        ("-s 1 1 1 12", TextureMap("12")),
        ('"my wood.png"', TextureMap("my wood.png")),
        ("-dash.png", TextureMap("-dash.png")),
    ],
)
def test_texture_map_options_are_parsed(written, expected):
    assert texture_map(written) == expected


def test_scale_offset_and_levels_of_a_texture_map_are_applied(tmp_path):
    model = _read(tmp_path, "newmtl a\nKd 1 1 1\nmap_Kd -s 2 4 1 -o 0.5 0.25 0 -mm 0.2 0.5 t.png\n")
    # u * 2 + 0.5; v * 4 + 0.25 upwards, which is negative v here.
    assert model.uv[0].tolist() == [[0.5, -0.25], [2.5, -0.25], [0.5, -4.25]]
    assert model.materials[0].texture[0, 0].tolist() == [round(0.5 * value + 51) for value in GREEN]


NAMES = {
    "a blank": ("my wood.png", "my wood.png"),
    "another letter case": ("Textures/WOOD.PNG", "textures/wood.png"),
    "backslashes": (r"textures\wood.png", "textures/wood.png"),
    "a path on Windows": (r"C:\Users\me\models\textures\wood.png", "textures/wood.png"),
    "a path elsewhere": ("/home/me/models/wood.png", "wood.png"),
    "a path above": ("../models/wood.png", "wood.png"),
    "a folder textures": ("wood.png", "textures/wood.png"),
    "a folder images": (r"D:\x\wood.png", "images/wood.png"),
    "percent signs": ("my%20wood.png", "my wood.png"),
    "a decomposed umlaut": ("Ho\u0308lzer.png", "H\u00f6lzer.png"),
    "a dot": ("./wood.png", "wood.png"),
    "a comment behind": ("wood.png # the top", "wood.png"),
}


@pytest.mark.parametrize("way", NAMES)
def test_file_name_variants_are_resolved(way, tmp_path):
    written, name = NAMES[way]
    model = _read(tmp_path, f"newmtl a\nmap_Kd {written}\n", {name: PNG})
    assert model.materials[0].texture[0, 0].tolist() == list(GREEN)
    assert not model.defects


def test_textures_in_the_layout_of_google_scanned_objects_are_found(tmp_path):
    files = {"shoe/meshes/model.mtl": "newmtl a\nmap_Kd texture.png\n", "shoe/materials/textures/texture.png": PNG}
    obj = f"mtllib model.mtl\n{OBJ}usemtl a\n{FACE}"
    root = write(tmp_path, {**files, "shoe/meshes/model.obj": obj})
    for top, path in ((root, "shoe/meshes/model.obj"), (root / "shoe", "meshes/model.obj")):
        assert read_model(FolderFiles(top), path).materials[0].texture[0, 0].tolist() == list(GREEN)


@pytest.mark.parametrize(
    "written", ["../../secret.mtl", "..\\..\\secret.mtl", "{}/secret.mtl", "file://{}/secret.mtl", "%2e%2e/%2e%2e/secret.mtl"]
)
def test_files_outside_the_source_folder_are_not_read(written, tmp_path):
    """Neither as material library nor as texture: an untrusted model could copy the user's files into rendered images."""
    outside = write(tmp_path / "outside", {"secret.mtl": "newmtl a\nKd 1 0 0\n", "secret.png": PNG, "secret.bin": b""})
    for of, files in {
        "m/a.obj": {"m/a.obj": f"mtllib {written.format(outside)}\n{OBJ}usemtl a\n{FACE}"},
        "m/b.obj": {
            "m/b.obj": f"mtllib b.mtl\n{OBJ}usemtl a\n{FACE}",
            "m/b.mtl": f"newmtl a\nmap_Kd {written.format(outside).replace('.mtl', '.png')}\n",
        },
    }.items():
        files = FolderFiles(write(outside / "source", files))
        model = read_model(files, of)
        assert model.defects["missing file (material or texture)"] == 1
        assert model.materials[0].texture is None
        assert model.materials[0].color != (1, 0, 0)
        assert not files.has("../secret.mtl")
        assert not files.listing("..")
        with pytest.raises(FileNotFoundError):
            files.read("../secret.mtl")


def test_files_in_an_archive_are_found(tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a/m.obj", f"mtllib M.MTL\n{OBJ}usemtl a\n{FACE}")
        archive.writestr("a/m.mtl", "newmtl a\nmap_Kd T.PNG\n")
        archive.writestr("a/tex/t.png", "no")
        archive.writestr("a/textures/t.png", PNG)
    assert read_model(ZipFiles(tmp_path / "x.zip"), "a/m.obj").materials[0].texture[0, 0].tolist() == list(GREEN)


@pytest.mark.parametrize("lines", ["mtllib m.mtl\nmtllib n.mtl", "mtllib m.mtl n.mtl", "mtllib m.mtl\nmtllib gone.mtl\nmtllib n.mtl"])
def test_all_material_libraries_are_read(lines, tmp_path):
    obj = f"{lines}\n{OBJ}usemtl a\n{FACE}usemtl b\nf 1/1 3/3 2/2\n"
    model = _read(tmp_path, "newmtl a\nKd 1 0 0\n", {"n.mtl": "newmtl b\nKd 0 0 1\n"}, obj=obj)
    assert sorted(material.color for material in model.materials) == [(0, 0, 1), (1, 0, 0)]


def test_library_name_with_a_space_and_default_library_are_found(tmp_path):
    obj = f"mtllib my things.mtl\n{OBJ}usemtl a\n{FACE}"
    assert _read(tmp_path / "x", "", {"my things.mtl": "newmtl a\nKd 0 1 0\n"}, obj=obj).materials[0].color == (0, 1, 0)
    assert _read(tmp_path / "y", "newmtl a\nKd 0 1 0\n", obj=obj).materials[0].color == (0, 1, 0)


@pytest.mark.parametrize("name", ["a b", "a#1", "A"])
def test_material_names_are_case_insensitive_and_may_contain_special_characters(name, tmp_path):
    obj = f"mtllib m.mtl\n{OBJ}usemtl {name.lower()} # a comment\n{FACE}"
    assert _read(tmp_path, f"newmtl other\nKd 1 1 1\nnewmtl {name}\nKd 0 1 0\n", obj=obj).materials[0].color == (0, 1, 0)


def test_ambient_map_and_emission_are_fallbacks(tmp_path):
    assert _read(tmp_path / "x", "newmtl a\nmap_Ka t.png\n").materials[0].texture[0, 0].tolist() == list(GREEN)
    shining = _read(tmp_path / "y", "newmtl a\nKd 0 0 0\nKe 1 0.2 0\n").materials[0]
    assert (shining.color, shining.emission) == ((1.0, 0.2, 0.0), 1.0)


def test_unsupported_maps_are_counted(tmp_path):
    model = _read(tmp_path, "newmtl a\nKd 1 1 1\nmap_d t.png\nmap_Bump -bm 0.3 t.png\ndisp t.png\n")
    assert set(model.defects) == {"opacity maps (left out)", "bump and normal maps (left out)", "displacement maps (left out)"}


def test_missing_texture_falls_back_to_the_colour_and_is_counted(tmp_path):
    model = _read(tmp_path, "newmtl a\nKd 0 1 0\nmap_Kd gone.png\n")
    assert model.materials[0].color == (0, 1, 0)
    assert model.materials[0].texture is None
    assert model.defects == {"missing file (material or texture)": 1}


def test_requested_alpha_is_blended_over_white(tmp_path):
    half = {"t.png": image((0, 0, 0, 0), kind="PNG")}
    asked = _read(tmp_path / "x", "newmtl a\nmap_Kd t.png\nmap_d t.png\n", half)
    assert np.array_equal(asked.materials[0].texture[0, 0], [255, 255, 255])
    assert asked.defects["transparent textures (laid over white)"] == 1


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        *(("1 0 0 # red", "1 0 0"), ("a.png", "a.png"), ("a#b.png \t# c # d", "a#b.png"), (" # all", "# all"), ("#1", "#1"), ("", "")),
        *(("a #b\nc", "a #b\nc"), ("a #b\nc #d", "a #b\nc"), ("a \n#b", "a"), ("a \n #b\n", "a"), ("1  1", "1  1")),
    ],
)
def test_text_before_a_comment(written, meant):
    assert uncommented(written) == meant


@pytest.mark.parametrize("text", ["1" + " " * 200_000 + "1", "1" + " #" * 100_000 + "\n1"])
def test_long_blanks_take_linear_time(text):
    started = time.process_time()
    assert uncommented(text) == text
    assert time.process_time() - started < 5
