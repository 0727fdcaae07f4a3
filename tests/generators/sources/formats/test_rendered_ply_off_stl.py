"""PLY, OFF and STL files: corners, size and rendered pixels of a square in every layout."""

import numpy as np
import pytest
from quads import POINTS, QUARTERS, RED, TEXELS, Files, assert_quad, encoded, load, ply_quad, times

KINDS = ("ascii", "binary_little_endian", "binary_big_endian")
TEXTURE = "comment TextureFile t.png\n"
UV = {"s": ("float", TEXELS[:, 0]), "t": ("float", TEXELS[:, 1])}
WEDGES = {"texcoord": ("list uchar float", TEXELS.ravel())}


def _rgb(kind: str, color: tuple[float, ...], count: int = 4, names: tuple[str, ...] = ("red", "green", "blue")):
    return {name: (kind, [value] * count) for name, value in zip(names, color, strict=True)}


@pytest.mark.parametrize("kind", KINDS)
def test_textures_render_with_vertex_or_corner_coordinates(kind, tmp_path):
    assert_quad(load(tmp_path / "a", {"m.ply": ply_quad(UV, head=TEXTURE, kind=kind), "t.png": encoded()}, "?up=y"))
    assert_quad(load(tmp_path / "b", {"m.ply": ply_quad(face=WEDGES, head=TEXTURE, kind=kind), "t.png": encoded()}, "?up=y"))


@pytest.mark.parametrize("kind", KINDS)
def test_face_colour_covers_the_whole_quad(kind, tmp_path):
    assert_quad(load(tmp_path, {"m.ply": ply_quad(face=_rgb("uchar", RED, 1), kind=kind)}, "?up=y"), [RED] * 4)


@pytest.mark.parametrize("names", [("u", "v"), ("texture_u", "texture_v"), ("tex_u", "tex_v"), ("texture_s", "texture_t")])
def test_texture_coordinates_may_have_alternative_names(names, tmp_path):
    uv = dict(zip(names, UV.values(), strict=True))
    assert_quad(load(tmp_path, {"m.ply": ply_quad(uv, head=TEXTURE), "t.png": encoded()}, "?up=y"))


@pytest.mark.parametrize("written", ["C:\\x y\\T.PNG", "tex/t.png", "my t.png"])
def test_texture_paths_of_other_systems_are_resolved(written, tmp_path):
    name = "my t.png" if written == "my t.png" else "t.png"
    assert_quad(load(tmp_path, {"m.ply": ply_quad(UV, head=f"comment TextureFile {written}\n"), name: encoded()}, "?up=y"))


COLORS = {
    "bytes": _rgb("uchar", RED),
    "bytes with alpha": {**_rgb("uchar", RED), "alpha": ("uchar", [0] * 4)},
    "floats": _rgb("float", tuple(value / 255 for value in RED)),
    "16 bits": _rgb("ushort", tuple(257 * value for value in RED)),
    "diffuse colours": _rgb("uchar", RED, names=("diffuse_red", "diffuse_green", "diffuse_blue")),
    "r, g, b": _rgb("float", RED, names=("r", "g", "b")),
    "capitals": _rgb("uchar", RED, names=("Red", "Green", "Blue")),
    "thirteen columns": {
        **{name: ("float", [0.0, 0, 1, 0]) for name in ("nx", "ny", "nz")},
        **_rgb("uchar", RED),
        "alpha": ("uchar", [255] * 4), "label": ("int", [7] * 4), "radius": ("double", [0.5] * 4), "quality": ("short", [-1] * 4),
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("columns", COLORS)
def test_vertex_colours_are_rendered(columns, kind, tmp_path):
    assert columns != "thirteen columns" or len(COLORS[columns]) == 10  # beside x, y and z
    assert_quad(load(tmp_path, {"m.ply": ply_quad(COLORS[columns], kind=kind)}, "?up=y"), [RED] * 4)


def test_float_colours_above_one_are_clipped(tmp_path):
    assert_quad(load(tmp_path, {"m.ply": ply_quad(_rgb("float", (1.3, 0.5, 0)))}, "?up=y"), [(255, 128, 0)] * 4)


def test_out_of_range_colours_are_clipped(tmp_path):
    text = ply_quad(face=_rgb("int", (300, 40, -5), 1)).replace(b"property int", b"property uchar")
    assert_quad(load(tmp_path, {"m.ply": text}, "?up=y"), [(255, 40, 0)] * 4)


def test_vertex_colours_tint_textures_and_override_face_colours(tmp_path):
    tinted = {"m.ply": ply_quad(UV | _rgb("uchar", (255, 0, 128)), head=TEXTURE), "t.png": encoded()}
    assert_quad(load(tmp_path / "a", tinted, "?up=y"), times(QUARTERS, [(255, 0, 128)] * 4))
    both = load(tmp_path / "b", {"m.ply": ply_quad(COLORS["bytes"], _rgb("uchar", (0, 255, 0), 1))}, "?up=y")
    assert both.defects["colours of faces beside those of vertices (left out)"] == 1
    assert_quad(both, [RED] * 4)


def test_distant_coordinates_are_moved_to_the_origin(tmp_path):
    far = ply_quad(UV, head=TEXTURE, coordinate="double", points=POINTS + np.array([500123.25, 4.5e6, 30.5]))
    asset = load(tmp_path, {"m.ply": far, "t.png": encoded()}, "?up=y")
    assert asset.defects["coordinates far from the origin (moved to it)"] == 1
    assert_quad(asset)


ROWS = "\n".join(f"{x} {y} {z}{{}}" for x, y, z in POINTS) + "\n"
OFF: dict[str, str] = {
    "colours of faces": f"OFF\n4 1 0\n{ROWS.replace('{}', '')}4 0 1 2 3 200 40 40\n",
    "line ends of Windows": f"OFF\n4 1 0\n{ROWS.replace('{}', '')}4 0 1 2 3 200 40 40\n".replace("\n", "\r\n"),
    "colours of vertices": f"COFF\n4 1 0\n{ROWS.replace('{}', ' 200 40 40 255')}4 0 1 2 3\n",
    "floats": f"COFF\n4 1 0\n{ROWS.replace('{}', f' {200 / 255} {40 / 255} {40 / 255} 1')}4 0 1 2 3\n",
    "colours without a C in the header": f"OFF\n4 1 0\n{ROWS.replace('{}', ' 200 40 40')}4 0 1 2 3\n",
    "normals and colours": f"CNOFF\n4 1 0\n{ROWS.replace('{}', ' 0 0 1 200 40 40 255')}4 0 1 2 3\n",
}


@pytest.mark.parametrize("way", OFF)
def test_off_colours_are_rendered(way, tmp_path):
    assert_quad(load(tmp_path, {"m.off": OFF[way]}, "?up=y"), [RED] * 4)


def test_undeclared_off_normals_are_not_read_as_colours(tmp_path):
    asset = load(tmp_path, {"m.off": f"OFF\n4 1 0\n{ROWS.replace('{}', ' 0 0 1')}4 0 1 2 3\n"}, "?up=y")
    assert asset.defects["numbers behind vertices (left out)"] == 1
    assert_quad(asset, [(178, 178, 178)] * 4)


def test_uppercase_and_coloured_stl_files_are_rendered(tmp_path):
    corners = POINTS[[[0, 1, 2], [2, 3, 0]]]
    facets = ("FACET NORMAL 0 0 1\nOUTER LOOP\n" + "".join(f"VERTEX {x} {y} {z}\n" for x, y, z in face) for face in corners)
    files: Files = {"m.stl": "SOLID A\n" + "".join(f"{facet}ENDLOOP\nENDFACET\n" for facet in facets) + "ENDSOLID A\n"}
    assert_quad(load(tmp_path / "a", files, "?up=y"), [(178, 178, 178)] * 4)
    record = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    rows = np.zeros(2, record)
    rows["corners"], rows["attribute"] = corners, 0x8000 | 31 << 10 | 8
    colored = b"VisCAM".ljust(80, b"\0") + np.uint32(2).tobytes() + rows.tobytes()
    assert_quad(load(tmp_path / "b", {"m.stl": colored}, "?up=y"), [(255, 0, 66)] * 4)
