"""PLY, OFF and STL files: colours of vertices and faces in every type, texture coordinates, byte orders, layouts."""

import struct

import numpy as np
import pytest
from mesh_files import BOX, QUADS, image, write

from pixbench.generators.sources.base import BadModelError
from pixbench.generators.sources.formats.mesh_file import read_model
from pixbench.generators.sources.loading.archive import FolderFiles
from pixbench.generators.sources.scenenn.scan import read_scan

FACES = [[corner - 1 for corner in quad] for quad in QUADS]
COLORS = [(10 * k, 255 - k, k) for k in range(8)]
RED, GREEN = (250, 10, 20), (5, 240, 30)


def _read(root, name, data, **files):
    return read_model(FolderFiles(write(root, {name: data, **files})), name)


def _ply(vertex: str, face: str, rows: list[str], *, head: str = "", end: str = "\n") -> bytes:
    lines = ["ply", "format ascii 1.0", *head.splitlines(), "element vertex 8", *vertex.splitlines(), "element face 6", *face.splitlines()]
    return (end.join([*lines, "end_header", *rows]) + end).encode()


XYZ = "property float x\nproperty float y\nproperty float z"
LIST = "property list uchar int vertex_indices"
RGB = "property uchar red\nproperty uchar green\nproperty uchar blue"
POINTS = [f"{x} {y} {z}" for x, y, z in BOX]
POLYGONS = [f"4 {' '.join(map(str, face))}" for face in FACES]


def test_quad_colours_apply_to_both_triangles(tmp_path):
    rows = [f"{face} {' '.join(map(str, COLORS[k]))}" for k, face in enumerate(POLYGONS)]
    model = _read(tmp_path, "m.ply", _ply(XYZ, f"{LIST}\n{RGB}", POINTS + rows))
    assert len(model.faces) == 12
    for k, face in enumerate(FACES):
        mine = np.isin(model.faces, face).all(axis=1)
        assert mine.sum() == 2
        assert (model.color[mine] == COLORS[k]).all()


@pytest.mark.parametrize(
    ("kind", "names", "scale"),
    [
        ("uchar", ("red", "green", "blue"), 1),
        ("float", ("red", "green", "blue"), 1 / 255),
        ("float", ("r", "g", "b"), 1),
        ("ushort", ("red", "green", "blue"), 257),
        ("uint8", ("diffuse_red", "diffuse_green", "diffuse_blue"), 1),
    ],
)
def test_vertex_colours_of_every_type_are_read_with_texture_coordinates(kind, names, scale, tmp_path):
    columns = "".join(f"\nproperty {kind} {name}" for name in names) + "\nproperty float s\nproperty float t\nproperty uchar alpha"
    rows = [f"{point} {' '.join(f'{value * scale:.9g}' for value in COLORS[k])} 0.5 0.25 255" for k, point in enumerate(POINTS)]
    model = _read(tmp_path, "m.ply", _ply(XYZ + columns, LIST, rows + POLYGONS))
    assert np.array_equal(model.color, np.array(COLORS)[model.faces])
    assert (model.uv == [0.5, -0.25]).all()
    assert model.defects["texture coordinates without a texture"] == 1


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_endings_comments_and_extra_elements_are_accepted(end, tmp_path):
    head = "comment made by hand\nobj_info nothing\nelement camera 1\nproperty list uchar float view\nproperty int n"
    rows = ["2 0.5 0.5 7", *POINTS, *POLYGONS]
    model = _read(tmp_path, "m.ply", _ply(XYZ, LIST, rows, head=head, end=end))
    assert len(model.faces) == 12
    assert np.ptp(model.vertices, axis=0) == pytest.approx([1.0, 0.6, 0.4])


def _binary(order: str, *, mixed: bool) -> bytes:
    """A binary PLY with thirteen vertex columns, as in scans; with `mixed`, a triangle follows the quads."""
    names = ["x", "y", "z", "nx", "ny", "nz"]
    head = [f"format binary_{'little' if order == '<' else 'big'}_endian 1.0", "element vertex 8", *(f"property float {n}" for n in names)]
    head += [f"property uchar {n}" for n in ("red", "green", "blue", "alpha")]
    head += ["property uint label", "property short a", "property double b"]
    head += [f"element face {7 if mixed else 6}", "property list uchar uint vertex_indices", "end_header"]
    body = b"".join(struct.pack(f"{order}6f4BIhd", *point, 0, 0, 1, *COLORS[k], 255, 5, -1, 2.5) for k, point in enumerate(BOX))
    body += b"".join(struct.pack(f"{order}B4I", 4, *face) for face in FACES)
    return ("\n".join(["ply", *head]) + "\n").encode() + body + (struct.pack(f"{order}B3I", 3, 0, 3, 7) if mixed else b"")


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_both_byte_orders_and_lists_of_any_length_are_read(order, mixed, tmp_path):
    model = _read(tmp_path, "m.ply", _binary(order, mixed=mixed))
    assert len(model.faces) == 12 + mixed
    assert np.array_equal(np.unique(model.vertices.astype(np.float32), axis=0), np.unique(np.array(BOX, np.float32), axis=0))
    assert np.array_equal(model.color, np.array(COLORS)[model.faces])


def test_triangle_strips_restart_at_minus_one(tmp_path):
    text = _ply(XYZ, LIST, [*POINTS, "8 0 1 2 3 -1 4 5 6"]).replace(b"element face 6", b"element tristrips 1")
    assert _read(tmp_path, "m.ply", text).faces.tolist() == [[0, 1, 2], [3, 2, 1], [4, 5, 6]]


def test_texture_numbers_select_the_texture_of_each_face(tmp_path):
    face = f"{LIST}\nproperty list uchar float texcoord\nproperty int texnumber"
    rows = [f"{polygon} 8 0 0 1 0 1 1 0 1 {k % 2}" for k, polygon in enumerate(POLYGONS)]
    text = _ply(XYZ, face, POINTS + rows, head="comment TextureFile a.png\ncomment TextureFile my b.png")
    model = _read(tmp_path, "m.ply", text, **{"a.png": image(RED, kind="PNG"), "my b.png": image(GREEN, kind="PNG")})
    assert [material.texture[0, 0].tolist() for material in model.materials] == [list(RED), list(GREEN)]
    assert [int((model.material == k).sum()) for k in (0, 1)] == [6, 6]
    assert sorted(np.unique(model.uv.reshape(-1, 2), axis=0).tolist()) == [[0, -1], [0, 0], [1, -1], [1, 0]]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (_ply(XYZ, LIST, POINTS + POLYGONS[:-1]), "element 'face' ends early"),
        (_ply(XYZ, LIST, ["0 0 x", *POINTS[1:], *POLYGONS]), "cannot be parsed"),
        (_ply(XYZ, LIST, POINTS).replace(b"element face 6", b"element face 0"), "no faces.*point cloud of 8 points"),
        (_binary("<", mixed=True)[:-5], "element 'face' ends early"),
        (b"ply\nformat ascii 1.0\nproperty what x\nend_header\n", "line 'property what x'"),
        (b"solid\n", "no header"),
        (_ply(XYZ, LIST, POINTS + POLYGONS).replace(b"element face 6", b"element face -1"), "line 'element face -1'"),
        (_binary("<", mixed=True).replace(b"element vertex 8", b"element vertex -1"), "line 'element vertex -1'"),
        # An element without properties has rows of no bytes.
        (
            b"ply\nformat binary_little_endian 1.0\nelement vertex 7299999999999999999999\nend_header\n",
            "line 'element vertex 7299999999999",
        ),
        (_ply(XYZ, LIST, [*POINTS, "inf 0 1 2"]).replace(b"element face 6", b"element face 1"), "infinity"),
    ],
)
def test_corrupt_ply_files_are_rejected_with_the_reason(data, reason, tmp_path):
    with pytest.raises(BadModelError, match=reason):
        _read(tmp_path, "m.ply", data)


OFF = "8 6 12\n" + "\n".join(POINTS) + "\n"


@pytest.mark.parametrize("head", ["OFF\n", "OFF ", "OFF", "# first\n", "OFF\n# counts\n\n", "OFF # box\n"])
def test_off_header_variants_are_accepted(head, tmp_path):
    model = _read(tmp_path, "m.off", head + OFF + "\n".join(POLYGONS) + "\n")
    assert len(model.faces) == 12
    assert np.ptp(model.vertices, axis=0) == pytest.approx([1.0, 0.6, 0.4])


@pytest.mark.parametrize(
    ("color", "expected"),
    [("250 10 20", RED), ("250 10 20 255", RED), ("1.0 0.0 0.2", (255, 0, 51)), ("0.0 1.0 0.2 1.0", (0, 255, 51))],
)
def test_off_face_colours_are_read(color, expected, tmp_path):
    model = _read(tmp_path, "m.off", "OFF\n" + OFF + "\n".join(f"{face}  {color}" for face in POLYGONS))
    assert (model.color == expected).all()


@pytest.mark.parametrize(("head", "columns"), [("COFF", "{c}"), ("CNOFF", "0 0 1 {c}"), ("NCOFF", None), ("STCNOFF", "0 0 1 {c} 0.5 0.25")])
def test_off_vertex_colours_and_texture_coordinates_are_read(head, columns, tmp_path):
    if columns is None:
        with pytest.raises(BadModelError, match="cannot be parsed"):
            _read(tmp_path, "m.off", f"{head}\n{OFF}")
        return
    rows = [f"{point} {columns.format(c=' '.join(map(str, (*COLORS[k], 255))))}" for k, point in enumerate(POINTS)]
    model = _read(tmp_path, "m.off", f"{head}\n8 6 0\n" + "\n".join(rows + POLYGONS))
    assert np.array_equal(model.color, np.array(COLORS)[model.faces])
    assert head != "STCNOFF" or (model.uv == [0.5, -0.25]).all()


def test_binary_off_is_read_and_4d_off_is_rejected(tmp_path):
    data = b"OFF BINARY\n" + struct.pack(">3i", 8, 6, 12) + np.array(BOX, ">f4").tobytes()
    data += b"".join(struct.pack(">i4ii3f", 4, *face, 3, 1, 0, 0) for face in FACES)
    assert (_read(tmp_path / "a", "m.off", data).color == [255, 0, 0]).all()
    with pytest.raises(BadModelError, match="four or more dimensions"):
        _read(tmp_path / "b", "m.off", "4OFF\n" + OFF)


TRIANGLE = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], "<f4")


def _stl(header: bytes, attribute: int) -> bytes:
    return header.ljust(80, b"\0") + struct.pack("<I", 1) + np.zeros(3, "<f4").tobytes() + TRIANGLE.tobytes() + struct.pack("<H", attribute)


@pytest.mark.parametrize(
    ("data", "color"),
    [
        (_stl(b"solid binary all the same", 0), None),
        (_stl(b"VisCAM", 0x8000 | 31 << 10 | 8), (255, 0, 66)),
        (_stl(b"COLOR=\x01\x02\x03\xff", 31 << 10), (0, 0, 255)),
        (_stl(b"COLOR=\x01\x02\x03\xff", 0x8000), (1, 2, 3)),
    ],
)
def test_binary_stl_files_with_and_without_colours(data, color, tmp_path):
    model = _read(tmp_path, "m.stl", data)
    assert np.array_equal(model.vertices[model.faces[0]], TRIANGLE)
    assert model.color is None if color is None else (model.color == color).all()


def test_text_stl_with_several_solids_is_read_completely(tmp_path):
    facet = "facet normal 0 0 1\nouter loop\nvertex {z} 0 0\nvertex 1 0 {z}\nvertex 0 1 {z}\nendloop\nendfacet\n"
    text = "".join(f"solid {name}\n{facet.format(z=z)}endsolid {name}\n" for name, z in (("a", 0), ("b", 2)))
    assert len(_read(tmp_path, "m.stl", text).faces) == 2


@pytest.mark.parametrize("used", [True, False])
def test_signalling_nan_is_rejected_as_any_nan(used, tmp_path):
    # Numpy warns when it converts one; the tests turn warnings into errors.
    header = "ply\nformat binary_little_endian 1.0\nelement vertex 4\n" + XYZ + "\nelement face 1\n" + LIST + "\nend_header\n"
    points = struct.pack("<9f", 0, 0, 0, 1, 0, 0, 0, 1, 0) + struct.pack("<3I", *[0x7FA00000] * 3)
    data = header.encode() + points + struct.pack("<Biii", 3, 0, 1, 3 if used else 2)
    if used:
        with pytest.raises(BadModelError, match="coordinates that are no numbers"):
            read_scan(data)
        with pytest.raises(BadModelError, match=r"m\.ply"):
            _read(tmp_path, "m.ply", data)
    else:
        assert read_scan(data).faces.tolist() == _read(tmp_path, "m.ply", data).faces.tolist() == [[0, 1, 2]]
    corners = struct.pack("<12f", 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0)
    stl = bytes(80) + struct.pack("<I", 1) + corners[:-4] + struct.pack("<I", 0x7FA00000) + bytes(2)
    with pytest.raises(BadModelError, match=r"m\.stl"):
        _read(tmp_path, "m.stl", stl)


def test_scan_with_labels_that_are_no_numbers_is_rejected():
    head = f"{XYZ}\nproperty float label"
    rows = [f"{point} {'nan' if k == 3 else k}" for k, point in enumerate(POINTS)]
    with pytest.raises(BadModelError, match="labels that are no numbers"):
        read_scan(_ply(head, LIST, rows + POLYGONS))
