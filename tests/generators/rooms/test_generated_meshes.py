"""A box with six coloured sides, in eight file formats, in a generated data set: its pixels lie on it and have the hue of their side."""

from pathlib import Path

import numpy as np
import pytest
from mesh_files import write
from PIL import Image
from quads import GltfQuad, encoded

from pixbench.dataset.reader import Dataset
from pixbench.generation import generate
from pixbench.generators.rooms.config import Config3D

SIZE = np.array([0.5, 0.4, 0.3])
COLORS = np.array([(230, 30, 30), (30, 200, 40), (40, 50, 230), (220, 40, 40), (40, 210, 50), (30, 40, 220)])
"""Colours of the sides at -x, -y, -z, x, y and z."""

CORNERS = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * SIZE / 2
SIDES = [(0, 1, 3, 2), (0, 4, 5, 1), (0, 2, 6, 4), (4, 6, 7, 5), (2, 3, 7, 6), (1, 5, 7, 3)]


def _obj(shift: tuple[float, float, float] = (0, 0, 0)) -> str:
    """An OBJ with comments, a line continuation, negative indices, and number signs in material names."""
    rows = [f"v {x:.6f} {y:.6f} {z:.6f} # corner\n" for x, y, z in CORNERS + np.array(shift)]
    faces = [f"usemtl side #{k}\nf {a - 8} {b - 8} \\\n  {c - 8} {d - 8} # side\n" for k, (a, b, c, d) in enumerate(SIDES)]
    return "mtllib m.mtl\n" + "".join(rows + faces)


MTL = "".join("newmtl side #{}\nKd {} {} {}\n".format(k, *(color / 255)) for k, color in enumerate(COLORS))


def _strip() -> bytes:
    return encoded(Image.fromarray(COLORS.astype(np.uint8).repeat(8, 0)[None].repeat(8, 0)))


def _textured(option: str) -> dict[str, str | bytes]:
    """An OBJ with all colours in one texture, in the layout of Google Scanned Objects; u counts sides, and `option` scales it."""
    rows = [f"v {x} {y} {z}\n" for x, y, z in CORNERS] + [f"vt {k + 0.5} 0.5\n" for k in range(6)]
    faces = [f"f {' '.join(f'{corner + 1}/{k + 1}' for corner in side)}\n" for k, side in enumerate(SIDES)]
    mtl = f"newmtl a\nmap_Kd {option} C:\\Me\\my strip.png\n"
    return {
        "meshes/m.obj": "mtllib n.mtl\nusemtl a\n" + "".join(rows + faces),
        "meshes/n.mtl": mtl,
        "materials/textures/my strip.png": _strip(),
    }


def _ply(kind: str) -> bytes:
    head = f"ply\nformat {kind} 1.0\nelement vertex 8\n" + "".join(f"property double {axis}\n" for axis in "xyz")
    head += "element face 6\nproperty list uchar int vertex_indices\n" + "".join(f"property uchar {c}\n" for c in ("red", "green", "blue"))
    if kind == "ascii":
        rows = [" ".join(map(str, row)) for row in CORNERS.tolist()]
        rows += [" ".join(map(str, (4, *side, *color))) for side, color in zip(SIDES, COLORS.tolist(), strict=True)]
        return f"{head}end_header\n{chr(10).join(rows)}\n".encode()
    faces = (b"\4" + np.array(side, ">i4").tobytes() + color.astype("u1").tobytes() for side, color in zip(SIDES, COLORS, strict=True))
    return f"{head}end_header\n".encode() + CORNERS.astype(">f8").tobytes() + b"".join(faces)


def _off() -> str:
    faces = (f"4 {' '.join(map(str, side))} {' '.join(map(str, color))}\n" for side, color in zip(SIDES, COLORS, strict=True))
    return "OFF\n8 6 12\n" + "".join(f"{x} {y} {z}\n" for x, y, z in CORNERS) + "".join(faces)


def _glb(*, mirrored: bool) -> bytes:
    """A GLB with linear 16-bit COLOR_0; `mirrored` stores the points with negated x, which a node with a negative scale restores."""
    quad, points, colors = GltfQuad(), CORNERS[np.array(SIDES)].reshape(-1, 3), COLORS.repeat(4, 0) / 255
    linear = np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)
    quad.attribute("POSITION", (points * [-1 if mirrored else 1, 1, 1]).astype("<f4"))
    quad.attribute("COLOR_0", np.round(65535 * linear).astype("<u2"), normalized=True, stride=8)
    del quad.primitive["attributes"]["TEXCOORD_0"], quad.document["materials"][0]["pbrMetallicRoughness"]
    corners = np.arange(24).reshape(6, 4)[:, [0, 1, 2, 2, 3, 0]].reshape(-1, 1)
    quad.primitive["indices"] = quad.accessor((corners[::-1] if mirrored else corners).astype("<u2"))
    return quad.change(nodes=[{"mesh": 0, "scale": [-1 if mirrored else 1, 1, 1]}]).files()["m.glb"]


def _files() -> dict[str, str | bytes]:
    ways: dict[str, dict[str, str | bytes]] = {
        "materials": {"m.obj": _obj(), "m.mtl": MTL},
        "country": {"m.obj": _obj((500123.25, 4500000.5, 30.125)), "m.mtl": MTL},
        "texture": _textured("-s 0.16666667 1 1"),
        "ply": {"m.ply": _ply("ascii")},
        "ply_big": {"m.ply": _ply("binary_big_endian")},
        "off": {"m.off": _off()},
        "glb": {"m.glb": _glb(mirrored=False)},
        "glb_mirrored": {"m.glb": _glb(mirrored=True)},
    }
    return {f"{way}/{name}": data for way, files in ways.items() for name, data in files.items()}


@pytest.mark.slow
def test_rendered_pixels_lie_on_the_mesh_with_the_hue_of_its_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIXBENCH_CACHE", str(tmp_path / "cache"))
    root = write(tmp_path / "boxes", _files())
    source = f"folder:{root}?splits=one&up=z"
    generate(
        "3d",
        Config3D(scenes=3, views=3, size=64, seed=5, preset="fast", object_count=(12, 16), objects=(source,)),
        tmp_path / "set",
        workers=1,
    )
    data = Dataset(tmp_path / "set")
    seen = {category for index in range(3) for category in _check_scene(data, index)}
    data.close()
    assert seen == {name.partition("/")[0] for name in _files()}


def _check_scene(data: Dataset, index: int) -> set[str]:
    """Check the pixels of one scene; returns the categories of the objects with more than nine pixels."""
    scene = data.scene(index)
    names = [name.decode() for name in scene.read("object_category")]
    bounds, poses = scene.read("object_bounds_m"), scene.read("object_T_world_obj")
    assert np.allclose(bounds[:, 1] - bounds[:, 0], SIZE, atol=1e-4)
    seen = set()
    for view in range(3):
        instance, depth, rgb = (scene.read(name)[view] for name in ("instance", "depth_m", "rgb"))
        K, T = scene.read("K")[view], scene.read("T_world_cam")[view]
        for number, name in enumerate(names):
            row, column = np.nonzero(instance == 2 + number)
            rays = np.linalg.inv(K) @ np.stack([column + 0.5, row + 0.5, np.ones(len(row))])
            world = (T[:3, :3] @ (rays * depth[row, column])).T + T[:3, 3]
            own = (world - poses[number, :3, 3]) @ poses[number, :3, :3] - [0, 0, SIZE[2] / 2]
            outside = np.concatenate([-own - SIZE / 2, own - SIZE / 2], axis=1)
            assert np.abs(outside.max(axis=1, initial=-9)).max(initial=0) < 1e-4, name
            wanted = COLORS[outside.argmax(axis=1)] if len(row) else np.zeros((0, 3))
            right = rgb[row, column].argmax(axis=1) == wanted.argmax(axis=1)
            assert right.mean() > 0.97 if len(row) > 9 else True, name
            seen |= {name} if len(row) > 9 else set()
    return seen
