"""Triangulation of concave polygons, checked by area: a triangle fan would cover parts outside the polygon."""

from pathlib import Path

import numpy as np
import pytest

from pixbench.generators.sources.formats.mesh_file import read_model
from pixbench.generators.sources.formats.polygons import cut
from pixbench.generators.sources.loading.archive import FolderFiles

# An L of area 3 in a slanted plane, whose fan from the first corner would cross the notch.
POINTS = [(2, 0, 0), (2, 1, 1), (1, 1, 1), (1, 2, 2), (0, 2, 2), (0, 0, 0)]
L = "".join(f"v {x} {y} {z}\n" for x, y, z in POINTS)
ROWS = "".join(f"{x} {y} {z}\n" for x, y, z in POINTS)
PLY = (
    "ply\nformat ascii 1.0\nelement vertex 6\nproperty float x\nproperty float y\nproperty float z\n"
    "element face 1\nproperty list uchar int vertex_index\nend_header\n"
)
AREA = 3 * np.sqrt(2)


def _area(model) -> float:
    a, b, c = (model.vertices[model.faces[:, k]] for k in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


@pytest.mark.parametrize(
    "face", ["f 1 2 3 4 5 6", "f 6 5 4 3 2 1", "f -6 -5 -4 -3 -2 -1", "f 2/1 3/1 4/1 5/1 6/1 1/1", "f  4 5 6 1 2 3 \r"]
)
def test_concave_obj_polygon_keeps_its_area(face: str, tmp_path: Path) -> None:
    (tmp_path / "l.obj").write_text(f"{L}vt 0 0\n{face}\n")
    model = read_model(FolderFiles(tmp_path), "l.obj")
    assert _area(model) == pytest.approx(AREA)
    assert model.defects["concave polygons (cut into triangles)"] == 1


@pytest.mark.parametrize(("name", "text"), [("l.ply", f"{PLY}{ROWS}6 0 1 2 3 4 5\n"), ("l.off", f"OFF\n6 1 0\n{ROWS}6 0 1 2 3 4 5\n")])
def test_concave_ply_and_off_polygons_keep_their_area(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    model = read_model(FolderFiles(tmp_path), name)
    assert _area(model) == pytest.approx(AREA)
    assert model.defects["concave polygons (cut into triangles)"] == 1


def test_concave_quad_is_cut_at_its_reflex_vertex() -> None:
    points = np.array([(1, 2, 0), (0, 0, 0), (1, 0.2, 0), (2, 0, 0)], float)
    found = cut(points, np.array([4]))
    assert found.concave == 1
    assert found.corners.shape == (2, 3)
    assert (found.corners == 2).any(axis=1).all()  # both triangles contain the reflex vertex


def test_convex_polygons_become_triangle_fans() -> None:
    square, triangle = [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)], [(0, 0, 1), (1, 0, 1), (0, 1, 1)]
    found = cut(np.array([*triangle, *square, (5, 5, 5), (6, 6, 6)], float), np.array([3, 4, 2]))
    assert found.corners.tolist() == [[0, 1, 2], [3, 4, 5], [5, 6, 3]]
    assert found.polygon.tolist() == [0, 1, 1]
    assert found.concave == 0


def test_empty_input_gives_no_triangles() -> None:
    assert len(cut(np.zeros((0, 3)), np.zeros(0, int)).corners) == 0
