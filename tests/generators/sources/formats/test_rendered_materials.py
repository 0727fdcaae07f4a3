"""OBJ files and their materials: corners, size and rendered pixels of a square, for every way of writing its texture and colours."""

import numpy as np
import pytest
from quads import (
    BLUE,
    GREEN,
    MIRRORED,
    QUARTERS,
    RED,
    TURNED,
    YELLOW,
    Files,
    assert_quad,
    encoded,
    load,
    obj_quad,
    rendered_colors,
    times,
    with_material,
)

from pixbench.generators.meshes.contact_sheet import flat_picture

TEXTURE = "map_Kd t.png\n"
HALF = [(128, 128, 128)] * 4
GREY = [(178, 178, 178)] * 4


def _named(written: str, name: str) -> Files:
    """A square whose texture file has the name, and whose material refers to it as `written`."""
    return {"m.obj": obj_quad(), "m.mtl": f"newmtl a\nmap_Kd {written}\n", name: encoded()}


WAYS: dict[str, tuple[Files, object]] = {
    "no Kd": (with_material(TEXTURE), QUARTERS),
    "a black Kd": (with_material("Kd 0 0 0\n" + TEXTURE), QUARTERS),
    "a grey Kd": (with_material("Kd .5 .5 .5\n" + TEXTURE), times(QUARTERS, HALF)),
    "texture coordinates, no material": ({"m.obj": obj_quad("")}, GREY),
    "texture coordinates, no library": ({"m.obj": obj_quad("usemtl gone\n")}, GREY),
    "an empty map": (with_material("map_Kd\n"), GREY),
    "-s": (with_material("map_Kd -s -1 1 1 t.png\n"), MIRRORED),
    "-o": (with_material("map_Kd -o 0.5 0 0 t.png\n"), MIRRORED),
    "-o with one number": (with_material("map_Kd -o .5 t.png\n"), MIRRORED),
    "-o with two": (with_material("map_Kd -o 0.5 0.5 t.png\n"), TURNED),
    "-bm and others": (with_material("map_Kd -bm 0.8 -blendu off -boost 1 -texres 64 -imfchan l t.png\n"), QUARTERS),
    "-mm": (with_material("map_Kd -mm 0 0.5 t.png\n"), np.array(QUARTERS) / 2),
    "a second library": (
        with_material(TEXTURE, "mtllib gone.mtl\nmtllib n.mtl\nmtllib m.mtl\nusemtl a\n", **{"n.mtl": "newmtl b\n"}),
        QUARTERS,
    ),
    "two libraries in quotes": (with_material(TEXTURE, 'mtllib "n n.mtl" "m.mtl"\nusemtl a\n', **{"n n.mtl": "newmtl b\n"}), QUARTERS),
    "a library on Windows": (with_material(TEXTURE, "mtllib C:\\My Things\\m.mtl\nusemtl a\n"), QUARTERS),
    "the library behind usemtl": (with_material(TEXTURE, "usemtl a\nmtllib m.mtl\n"), QUARTERS),
    "a comment that ends with a backslash": (with_material("# C:\\x\\\n" + TEXTURE, "# D:\\y\\\nmtllib m.mtl\nusemtl a\n"), QUARTERS),
    "capitals": (with_material("MAP_KD T.PNG\nKD 1 1 1\n", "MTLLIB M.MTL\nUSEMTL A\n"), QUARTERS),
    "tabs": (with_material("\tKd\t1 1 1\n\tmap_Kd\tt.png\t\n", "mtllib\tm.mtl\nusemtl\ta\n"), QUARTERS),
    "UTF-16": ({"m.obj": obj_quad(), "m.mtl": f"newmtl a\n{TEXTURE}".encode("utf-16"), "t.png": encoded()}, QUARTERS),
    "line ends of old Macs": ({"m.obj": obj_quad(), "m.mtl": b"\xef\xbb\xbfnewmtl a\rmap_Kd t.png\r", "t.png": encoded()}, QUARTERS),
    "a blank": (_named("my t.png", "my t.png"), QUARTERS),
    "a number sign": (_named("wood #2.png", "wood #2.png"), QUARTERS),
    "a comment": (_named("t.png # the wood", "t.png"), QUARTERS),
    "another letter case": (_named("TEXTURES/T.PNG", "textures/t.png"), QUARTERS),
    "backslashes": (_named("tex\\t.png", "tex/t.png"), QUARTERS),
    "an absolute path on Windows": (_named("C:\\My Files\\my t.png", "my t.png"), QUARTERS),
    "a path on Windows behind options": (_named("-s 1 1 1 C:\\My Files\\my t.png", "my t.png"), QUARTERS),
    "a path in a network": (_named("\\\\server\\share\\t.png", "t.png"), QUARTERS),
    "a path on an old Mac": (_named("Macintosh HD:things:t.png", "t.png"), QUARTERS),
    "an address": (_named("file:///C:/x/my%20t.png", "my t.png"), QUARTERS),
    "colours of vertices beside a texture": (
        {**with_material(TEXTURE), "m.obj": obj_quad(colors=["1 0 0.5"] * 4)},
        times(QUARTERS, [(255, 0, 128)] * 4),
    ),
    "colours of vertices beside texture coordinates": ({"m.obj": obj_quad("", colors=["255 0 128"] * 4)}, [(255, 0, 128)] * 4),
    "colours of ZBrush": ({"m.obj": obj_quad("#MRGB " + "ff0a141e" * 4)}, [(10, 20, 30)] * 4),
    "emission alone": (with_material("Kd 0 0 0\nKe 1 0.2 0\n"), [(255, 51, 0)] * 4),
    "coordinates of a country": (
        {**with_material(TEXTURE), "m.obj": obj_quad().replace("v -0.5 ", "v 500122.75 ").replace("v 0.5 ", "v 500123.75 ")},
        QUARTERS,
    ),
    "an object in millimetres": ({**with_material(TEXTURE), "m.obj": obj_quad(scale=1000)}, QUARTERS),
}


@pytest.mark.parametrize("way", WAYS)
def test_square_renders_with_expected_colours(way, tmp_path):
    files, colors = WAYS[way]
    assert_quad(load(tmp_path, files, "?unit=mm" if "millimetres" in way else ""), colors)


def test_textures_in_the_layout_of_google_scanned_objects_are_found(tmp_path):
    files = {"meshes/m.obj": obj_quad(), "meshes/m.mtl": "newmtl a\nmap_Kd t.png\n", "materials/textures/t.png": encoded()}
    assert_quad(load(tmp_path, files))


@pytest.mark.parametrize(("first", "second"), [("Material #25", "Material #26"), ("wood 1", "wood 2"), ("a # x", "b # y")])
def test_each_material_colours_its_own_faces(first, second, tmp_path):
    mtl = f"newmtl {first}\nKd 0.8 0.2 0\nnewmtl {second}\nKd 0 0.2 0.8\n"
    text = obj_quad(f"mtllib m.mtl\nusemtl {first}\n").replace("f 1/1 2/2 3/3 4/4", f"f 1 2 4\nusemtl {second}\nf 2 3 4")
    picture = flat_picture(load(tmp_path, {"m.obj": text, "m.mtl": mtl}).mesh, 64, np.array([0.0, -1, 0]))
    assert (picture[38, 26].tolist(), picture[26, 38].tolist()) == ([204, 51, 0], [0, 51, 204])


def test_libraries_in_two_folders_may_have_textures_of_the_same_name(tmp_path):
    text = obj_quad("mtllib p/m.mtl\nmtllib q/n.mtl\nusemtl a\n").replace("f 1/1 2/2 3/3 4/4", "f 1/1 2/2 4/4\nusemtl b\nf 2/2 3/3 4/4")
    files: Files = {"m.obj": text}
    for folder, library, material, color in (("p", "m.mtl", "a", RED), ("q", "n.mtl", "b", BLUE)):
        files[f"{folder}/{library}"] = f"newmtl {material}\nmap_Kd t.png\n"
        files[f"{folder}/t.png"] = encoded(np.full((4, 4, 3), color, np.uint8))
    first = load(tmp_path / "a", files)
    assert [rendered_colors(first.mesh)[k] for k in (2, 1)] == [RED, BLUE]
    second = load(tmp_path / "b", {**files, "q/t.png": encoded(np.full((4, 4, 3), GREEN, np.uint8))})
    assert second.sha256 != first.sha256
    assert rendered_colors(second.mesh)[1] == GREEN


def test_negative_indices_in_several_blocks_give_each_square_its_place_and_colour(tmp_path):
    colors = (RED, GREEN, BLUE)
    mtl = "".join(f"newmtl c{k}\nKd {r / 255} {g / 255} {b / 255}\n" for k, (r, g, b) in enumerate(colors))
    square = "".join(f"v {{{axis}}}\n" for axis in range(4)) + "f -4 -3 -2 -1\n"
    blocks = (square.format(*(f"{x + 1.5 * k} {y} 0" for x, y in ((0, 0), (1, 0), (1, 1), (0, 1)))) for k in range(3))
    text = "mtllib m.mtl\n" + "".join(f"usemtl c{k}\n{block}" for k, block in enumerate(blocks))
    mesh = load(tmp_path, {"m.obj": text, "m.mtl": mtl}).mesh
    assert np.ptp(mesh.bounds, axis=0).tolist() == [4, 0, 1]
    assert len(mesh.faces) == 6
    row = flat_picture(mesh, 96, np.array([0.0, -1, 0]))[48]
    # The squares are at -1.5, 0 and 1.5 m; one metre is 96 * 2.7 / (6 * radius) pixels.
    metre = 96 * 2.7 / (3 * np.hypot(4, 1))
    assert [row[round(48 + x * metre)].tolist() for x in (-1.5, 0, 1.5)] == [list(color) for color in colors]
    assert (row[[round(48 + x * metre) for x in (-0.75, 0.75)]] == 245).all()


@pytest.mark.parametrize("name", ["l.obj", "l.ply", "l.off"])
def test_notch_of_a_concave_polygon_is_empty(name, tmp_path):
    points = [(2, 0, 0), (2, 1, 0), (1, 1, 0), (1, 2, 0), (0, 2, 0), (0, 0, 0)]
    rows = "".join(f"{x} {y} {z}\n" for x, y, z in points)
    xyz = "".join(f"property float {axis}\n" for axis in "xyz")
    head = f"ply\nformat ascii 1.0\nelement vertex 6\n{xyz}element face 1\nproperty list uchar int vertex_index\n"
    rgb = "".join(f"property uchar {channel}\n" for channel in ("red", "green", "blue"))
    color = "{} {} {}".format(*YELLOW)
    texts = {
        "l.obj": "mtllib m.mtl\nusemtl a\n" + "".join(f"v {row}\n" for row in rows.splitlines()) + "f 1 2 3 4 5 6\n",
        "l.ply": f"{head}{rgb}end_header\n{rows}6 0 1 2 3 4 5 {color}\n",
        "l.off": f"OFF\n6 1 0\n{rows}6 0 1 2 3 4 5 {color}\n",
    }
    mtl = "newmtl a\nKd {} {} {}\n".format(*(value / 255 for value in YELLOW))
    asset = load(tmp_path, {name: texts[name], "m.mtl": mtl}, "?up=y")
    picture = flat_picture(asset.mesh, 64, np.array([0.0, -1, 0]))
    assert [tuple(picture[row, column].tolist()) for row, column in ((22, 22), (42, 22), (42, 42))] == [YELLOW] * 3
    assert picture[22, 42].tolist() == [245, 245, 245]
    assert asset.defects["concave polygons (cut into triangles)"] == 1


COUNTED = {
    "map_Kd -clamp on -o 0.5 0 0 t.png\n": "clamped or mirrored textures (repeated)",
    "d 0.5\n": "half-transparent parts (shown opaque)",
    "map_Ks t.png\n": "maps of gloss and metal (left out)",
    "refl -type sphere t.png\n": "reflection maps (left out)",
    "Ke 1 0 0\n": "emission beside a base colour (left out)",
    "map_Kd gone.png\n": "missing file (material or texture)",
}


@pytest.mark.parametrize("line", COUNTED)
def test_unsupported_features_are_counted(line, tmp_path):
    assert COUNTED[line] in load(tmp_path, with_material(TEXTURE + line)).defects


def test_valid_square_counts_only_its_polygon(tmp_path):
    assert load(tmp_path, with_material(TEXTURE)).defects == {"polygons (triangulated)": 1}
