"""Concave polygons of an OBJ: areas tell, because a fan of triangles covers what is no part of them."""

from pathlib import Path

import numpy as np
import pytest

from pixbench.generators.sources.loading.archive import FolderFiles
from pixbench.generators.sources.loading.mesh_file import read_model
from pixbench.generators.sources.loading.obj_polygons import without_concave_polygons

# An L of area 3 in a slanted plane, whose fan from the first corner would cross the notch.
L = "v 2 0 0\nv 2 1 1\nv 1 1 1\nv 1 2 2\nv 0 2 2\nv 0 0 0\n"
AREA = 3 * np.sqrt(2)


@pytest.mark.parametrize(
    "face", ["f 1 2 3 4 5 6", "f 6 5 4 3 2 1", "f -6 -5 -4 -3 -2 -1", "f 2/1 3/1 4/1 5/1 6/1 1/1", "f  4 5 6 1 2 3 \r"]
)
def test_an_l_keeps_its_area(face: str, tmp_path: Path) -> None:
    (tmp_path / "l.obj").write_text(f"{L}vt 0 0\n{face}\n")
    model = read_model(FolderFiles(tmp_path), "l.obj")
    a, b, c = (model.vertices[model.faces[:, k]] for k in range(3))
    assert np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2 == pytest.approx(AREA)
    assert model.defects["concave polygons (cut into triangles)"] == 1


def test_a_concave_quad_is_cut_at_its_notch() -> None:
    text, count = without_concave_polygons(b"v 0 0 0\nv 1 0.2 0\nv 2 0 0\nv 1 2 0\nf 4 1 2 3\ns off\n")
    assert count == 1
    assert text.count(b"f ") == 2
    assert text.endswith(b"s off\n")
    # Both triangles have the notch, vertex 2.
    assert all(b"2" in line.split() for line in text.splitlines() if line.startswith(b"f "))


@pytest.mark.parametrize(
    "text", [b"", b"v 0 0 0\n", b"v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nf 1 2 3 4\n", b"v a b c\nf 1 1 1 1\n", b"v 0 0 0\nf 1 2 3 9\n"]
)
def test_all_else_is_left_as_it_is(text: bytes) -> None:
    assert without_concave_polygons(text) == (text, 0)
