"""Variants of OBJ syntax: every way of writing a box gives the same mesh."""

import time

import numpy as np
import pytest
from mesh_files import BOX, QUADS, image, write

from pixbench.generators.sources.base import BadModelError
from pixbench.generators.sources.formats.mesh_file import read_model
from pixbench.generators.sources.formats.obj import text_of
from pixbench.generators.sources.loading.archive import FolderFiles

VERTICES = "".join(f"v {x} {y} {z}\n" for x, y, z in BOX)
FACES = "".join(f"f {' '.join(map(str, quad))}\n" for quad in QUADS)
PLAIN = VERTICES + FACES


def _read(root, text: str | bytes, **files: str | bytes):
    return read_model(FolderFiles(write(root, {"m.obj": text, **files})), "m.obj")


def _negative(text: str) -> str:
    """Three boxes side by side, each with negative face indices, relative to the last vertex."""
    faces = "".join(f"f {' '.join(str(v - 9) for v in quad)}\n" for quad in QUADS)
    moved = ("".join(f"v {x + 1.5 * k} {y} {z}\n" for x, y, z in BOX) for k in range(3))
    return "".join(block + faces for block in moved)


WAYS = {
    "comments behind lines": "".join(f"{line} # side\n" for line in PLAIN.splitlines()),
    "comments without a blank": PLAIN.replace("\n", "#side\n"),
    "continued lines": FACES.join([VERTICES, ""]).replace("f 1 2 4 ", "f 1 2 4 \\\n  ").replace("f 5 7", "f 5 \\\n7"),
    "continued lines of Windows": PLAIN.replace("f 1 2 4 ", "f 1 2 4 \\\n").replace("\n", "\r\n"),
    "tabs": PLAIN.replace(" ", "\t"),
    "leading blanks": PLAIN.replace("f ", "  f ").replace("v ", "\t v "),
    "byte order mark": b"\xef\xbb\xbf" + PLAIN.encode(),
    "UTF-16": PLAIN.encode("utf-16"),
    "line ends of old Macs": PLAIN.replace("\n", "\r"),
    "line ends of Windows": PLAIN.replace("\n", "\r\n"),
    "capitals": PLAIN.replace("f ", "F ").replace("v ", "V "),
    "fo": PLAIN.replace("f ", "fo "),
    "normals": VERTICES + "vn 0 0 1\n" + FACES.replace(" ", "//1 ").replace("f//1", "f").replace("\n", "//1\n"),
    "odd exponents": PLAIN.replace("0.5", "5.0+e-1").replace("0.3", "3.0-e-01"),
    "a weight": PLAIN.replace("\nf", " 1.0\nf", 1),
    "other statements": f"o box\ng all\ns off\n{PLAIN}s 1\nvp 1 2 3\n",
    "no last line end": PLAIN.rstrip("\n"),
    "comments in another alphabet": "# Stühle\n".encode("latin-1") + PLAIN.encode(),
    "trailing slashes": PLAIN.replace("f 1 2 4 3", "f 1/ 2// 4 3/"),
}


@pytest.mark.parametrize("way", WAYS)
def test_syntax_variants_give_the_same_box(way, tmp_path):
    model = _read(tmp_path, WAYS[way])
    assert len(model.faces) == 12
    assert sorted(map(tuple, np.unique(model.vertices, axis=0).tolist())) == sorted(BOX)
    corners = model.vertices[model.faces]
    volume = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6
    assert abs(volume) == pytest.approx(1.0 * 0.6 * 0.4)
    assert model.materials[0].color == (0.7, 0.7, 0.7)


def test_negative_indices_are_relative_to_their_line(tmp_path):
    model = _read(tmp_path, _negative(PLAIN))
    assert len(model.faces) == 36
    assert np.ptp(model.vertices, axis=0) == pytest.approx([4.0, 0.6, 0.4])
    assert not model.defects["coincident faces (dropped)"]


def test_texture_coordinate_indices_may_be_negative(tmp_path):
    model = _read(tmp_path, "v 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 0 .5\nf -3/-3 -2/-2 -1/-1\nvt 9 9\n")
    assert model.uv[0].tolist() == [[0, 0], [1, 0], [0, -0.5]]


@pytest.mark.parametrize(
    ("line", "reason"),
    [("f 1 2 99", "not there"), ("f 0 1 2", "not there"), ("f -99 1 2", "not there"), ("f 1 2 x", "'x'"), ("v 1 2,5 3\nf 1 2 3", "2,5")],
)
def test_invalid_lines_are_rejected_with_the_reason(line, reason, tmp_path):
    with pytest.raises(BadModelError, match=rf"cannot be parsed: m\.obj.*{reason}"):
        _read(tmp_path, f"{PLAIN}{line}\n")


def test_texture_coordinates_may_have_one_or_three_components(tmp_path):
    one = _read(tmp_path / "a", "v 0 0 0\nv 1 0 0\nv 0 1 0\nvt .5\nf 1/1 2/1 3/1\n")
    assert (one.uv == [0.5, 0]).all()
    three = _read(tmp_path / "b", "v 0 0 0\nv 1 0 0\nv 0 1 0\nvt .5 .25 9\nf 1/1 2/1 3/1\n")
    assert (three.uv == [0.5, -0.25]).all()


def test_lines_points_and_incomplete_faces_are_counted(tmp_path):
    model = _read(tmp_path, f"{PLAIN}l 1 2 3\np 4\nf 1 2\nf # none\n")
    assert len(model.faces) == 12
    assert model.defects["lines and points (left out)"] == 1
    assert model.defects["faces with fewer than three corners (left out)"] == 2
    with pytest.raises(BadModelError, match="no faces"):
        _read(tmp_path, VERTICES)


@pytest.mark.parametrize("full", [1, 255])
def test_vertex_colours_are_read_with_texture_coordinates_and_material(full, tmp_path):
    colors = [(full * (x > 0), full * (y > 0), 0) for x, y, _ in BOX]
    vertices = "".join(f"v {x} {y} {z} {r} {g} {b}\n" for (x, y, z), (r, g, b) in zip(BOX, colors, strict=True))
    faces = FACES.replace(" ", "/1 ").replace("f/1", "f").replace("\n", "/1\n")
    files = {"m.mtl": "newmtl a\nKd 1 1 1\nmap_Kd t.png\n", "t.png": image((255, 128, 255), kind="PNG")}
    model = _read(tmp_path, f"mtllib m.mtl\n{vertices}vt .5 .5\nusemtl a\n{faces}", **files)
    assert model.materials[0].texture[0, 0].tolist() == [255, 128, 255]
    wanted = np.where(model.vertices[model.faces] > 0, 255, 0)
    wanted[..., 2] = 0
    assert np.array_equal(model.color, wanted)


def test_vertices_without_a_colour_default_to_white(tmp_path):
    model = _read(tmp_path, "v 0 0 0 1 0 0\nv 1 0 0 0 1 0\nv 0 1 0\nf 1 2 3\n")
    assert model.color[0].tolist() == [[255, 0, 0], [0, 255, 0], [255, 255, 255]]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("f 1 2 \\\n3\n", "f 1 2  3\n"),
        ("f 1 \\ \t\r\n2 \\\r\n3\n", "f 1  2  3\n"),
        ("# C:\\models\\\nv 1 2 3\n", "# C:\\models\nv 1 2 3\n"),
        ("# C:\\\\ \t\nv 1 2 3\n", "# C:\nv 1 2 3\n"),
        ("f 1 \\\n2 # two\\\nv 1\n", "f 1  2 # two\nv 1\n"),
        ("map_Kd a\\b.png\n", "map_Kd a\\b.png\n"),
        ("g a\\\\\nb\n", "g a\\ b\n"),
        ("f 1 2 3\\", "f 1 2 3\\"),
    ],
)
def test_continued_lines_are_joined_but_for_comments(written, meant):
    assert text_of(written.encode()) == meant


@pytest.mark.parametrize("line", ["#" * 200_000 + "\\ x\n", "#" + "\\" * 200_000 + "x\n", "#" + "\\ " * 100_000 + "x\n"])
def test_long_comments_with_backslashes_take_linear_time(line):
    started = time.process_time()
    assert text_of(line.encode()) == line
    assert time.process_time() - started < 5
