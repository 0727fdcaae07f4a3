import numpy as np
import pytest

from pixbench.generators.sources.base import BadModelError
from pixbench.generators.sources.sweethome3d.home import read_home, signed_area
from pixbench.generators.sources.sweethome3d.lights import inner_rectangle
from pixbench.generators.sources.sweethome3d.openings import cut_out_outline
from pixbench.generators.sources.sweethome3d.walls import footprints


@pytest.mark.parametrize(
    ("path", "area"),
    [
        ("M0,0 v1 h1 v-1 z", 1.0),
        ("M0,0.5 a0.5,0.5 0 1,0 1,0 a0.5,0.5 0 1,0 -1,0 z", np.pi / 4),
        ("M0,1 a0.5,0.997 0 1,1 1,0 z", np.pi * 0.5 * 0.997 / 2),
        ("M0,1 v-0.8 a0.5,0.2 0 1,1 1,0 v0.8 z", 0.8 + np.pi * 0.5 * 0.2 / 2),
    ],
)
def test_cut_out_outlines_have_the_expected_area(path: str, area: float) -> None:
    outline = cut_out_outline(path)
    assert abs(signed_area(outline)) == pytest.approx(area, rel=0.01)
    assert outline.min() >= 0
    assert outline.max() <= 1


def test_arch_outline_has_its_apex_at_the_top() -> None:
    outline = cut_out_outline("M0,1 v-0.8 a0.5,0.2 0 1,1 1,0 v0.8 z")
    assert outline[outline[:, 1].argmax()] == pytest.approx([0.5, 1.0], abs=1e-6)
    with pytest.raises(BadModelError, match="unknown shape"):
        cut_out_outline("M0,0 q1,1 1,0 z")


def test_round_walls_bulge_to_the_left() -> None:
    text = "<home><wall id='w' xStart='0' yStart='0' xEnd='200' yEnd='0' height='250' thickness='10' arcExtent='3.1415926'/></home>"
    (level,) = read_home(text.encode())
    pieces = footprints(level.walls)
    points = np.array([piece.wall.end for piece in pieces])
    # A semicircle of radius 1 m about (1, 0): from start to end along +x, left is +y.
    assert np.allclose(np.linalg.norm(points - [1, 0], axis=1), 1, atol=1e-3)
    assert points[:, 1].max() == pytest.approx(1, abs=1e-3)
    assert points[:, 1].min() > -1e-3
    assert len(pieces) > 20


def test_wall_corners_are_mitred() -> None:
    text = (
        "<home><wall id='a' wallAtEnd='b' xStart='0' yStart='0' xEnd='300' yEnd='0' thickness='10' height='250'/>"
        "<wall id='b' wallAtStart='a' xStart='300' yStart='0' xEnd='300' yEnd='300' thickness='20' height='250'/></home>"
    )
    (level,) = read_home(text.encode())
    a, b = (piece.corners for piece in footprints(level.walls))
    # Both walls end on one line, from the outer corner to the inner one; left of wall a is up, outside.
    assert np.allclose(a[1], [3.1, 0.05])
    assert np.allclose(a[2], [2.9, -0.05])
    assert np.allclose(b[[0, 3]], a[[1, 2]])


def test_inner_rectangle_is_the_largest() -> None:
    shape = np.array([[0, 0], [4, 0], [4, 1], [2, 1], [2, 3], [0, 3]], float)
    assert np.allclose(inner_rectangle(shape), [[0, 0], [2, 3]], atol=0.051)
    assert np.allclose(inner_rectangle(shape + np.array([10, -7])), [[10, -7], [12, -4]], atol=0.051)
