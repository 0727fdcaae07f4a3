"""Variants of materials and textures with their defects, in each layout of ShapeNetCore, checked on a rendered square."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from mesh_files import write, zipped
from quads import BACK, QUARTERS, Files, close, encoded, obj_quad, quarters, rendered_colors

from pixbench.generators.scene import Asset
from pixbench.generators.sources.base import BadModelError
from pixbench.generators.sources.shapenet.source import ShapeNet

SYNSET, MODEL = "03797390", "m1"
RED, GREY = [(204, 51, 0)] * 4, [(178, 178, 178)] * 4
PLACES = {"v1": ("model.obj", "model.mtl", "images/"), "v2": ("models/model_normalized.obj", "models/model_normalized.mtl", "images/")}
"""Paths of the mesh, its material and its textures in the folder of a model."""

Write = Callable[[Path, Files], Path]
LAYOUTS: dict[str, Write] = {
    "folders": write,
    "an extra level": lambda root, files: write(root, {f"ShapeNetCore.v2/{name}": data for name, data in files.items()}),
    "a zip a synset": lambda root, files: zipped(root / f"{SYNSET}.zip", files).parent,
    "one zip": lambda root, files: zipped(root / "ShapeNetCore.v2.zip", {f"ShapeNetCore.v2/{k}": v for k, v in files.items()}).parent,
}


def _model(version: str, mtl: str, picture: bytes | None = None, name: str = "texture0.jpg", usemtl: str = "a") -> Files:
    mesh, material, images = PLACES[version]
    base = f"{SYNSET}/{MODEL}/"
    above = "../" if version == "v2" else ""
    head = f"mtllib {material.rpartition('/')[2]}\nusemtl {usemtl}\n"
    files: Files = {base + mesh: obj_quad(head), base + material: mtl.replace("IMAGES", f"{above}images")}
    return files | ({f"{base}{images}{name}": picture} if picture is not None else {})


MAP = "map_Kd IMAGES/texture0.jpg\n"
PNG = "PNG bytes in a file of another name"
JPEG = encoded(kind="JPEG", quality=98)
KINDS: dict[str, tuple[tuple[str, bytes | None, str, str], object, set[str]]] = {
    "Kd alone": (("newmtl a\nKd 0.8 0.2 0\nillum 2\n", None, "", "a"), RED, set()),
    "a picture": (("newmtl a\nKd 1 1 1\n" + MAP, JPEG, "texture0.jpg", "a"), QUARTERS, set()),
    "a picture without Kd": (("newmtl a\n" + MAP, JPEG, "texture0.jpg", "a"), QUARTERS, set()),
    "a picture on black": (("newmtl a\nKd 0 0 0\n" + MAP, JPEG, "texture0.jpg", "a"), QUARTERS, set()),
    "a missing picture": (("newmtl a\nKd 0.8 0.2 0\n" + MAP, None, "", "a"), RED, {"missing file (material or texture)"}),
    "a damaged picture": (
        ("newmtl a\nKd 0.8 0.2 0\n" + MAP, JPEG[:200], "texture0.jpg", "a"),
        RED,
        {"corrupt texture (material colour used)"},
    ),
    "PNG bytes in a JPEG": (("newmtl a\n" + MAP, encoded(), "texture0.jpg", "a"), QUARTERS, {PNG}),
    "another letter case": (("newmtl a\n" + MAP, JPEG, "Texture0.JPG", "a"), QUARTERS, set()),
    "backslashes": (("newmtl a\nmap_Kd IMAGES\\texture0.jpg\n", JPEG, "texture0.jpg", "a"), QUARTERS, set()),
    "options": (("newmtl a\nmap_Kd -s 1 1 1 -o 0 0 0 IMAGES/texture0.jpg\n", JPEG, "texture0.jpg", "a"), QUARTERS, set()),
    "a number sign": (("newmtl wood #1\nKd 0 0 1\nnewmtl wood #2\nKd .8 .2 0\n", None, "", "wood #2"), RED, set()),
    "an inverted alpha channel": (
        ("newmtl a\n" + MAP, encoded(np.dstack([quarters(), np.zeros((32, 32), np.uint8)])), "texture0.jpg", "a"),
        QUARTERS,
        {PNG, "alpha channel that no material asks for (left out)"},
    ),
    "opacity written as transparency": (
        ("newmtl a\nKd .8 .2 0\nTr 1\n", None, "", "a"),
        RED,
        {"transparency written as opacity (taken as opaque)"},
    ),
    "no material of that name": (("newmtl b\nKd 1 0 0\n", None, "", "a"), GREY, {"materials that no library has (grey)"}),
}


def _load(root: Path) -> Asset:
    return ShapeNet(str(root)).load(f"shapenet/{SYNSET}/{MODEL}")


@pytest.mark.parametrize("version", PLACES)
@pytest.mark.parametrize("kind", KINDS)
def test_square_renders_with_expected_colours(kind: str, version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (mtl, picture, name, usemtl), colors, defects = KINDS[kind]
    files = _model(version, mtl, picture, name, usemtl)
    hashes = set()
    for layout, lay in LAYOUTS.items():
        asset = _load(lay(tmp_path / layout, files))
        # In ShapeNet's frame -z is the front, where the square shows its back.
        assert close(rendered_colors(asset.mesh, BACK), colors, within=8 if picture == JPEG else 1), layout
        assert set(asset.defects) - {"polygons (triangulated)"} == defects, layout
        size = np.ptp(asset.mesh.bounds, axis=0)
        assert size[[0, 2]] == pytest.approx(size[[2, 0]], abs=1e-6)
        assert (len(asset.mesh.faces), size[1]) == (2, 0)
        hashes.add(asset.sha256)
    assert len(hashes) == 1


@pytest.mark.parametrize("layout", LAYOUTS)
def test_models_without_faces_or_with_invalid_indices_are_rejected(layout: str, tmp_path: Path) -> None:
    for kind, text in (("no faces", "v 0 0 0\n"), ("cannot be parsed", obj_quad("") + "f 1 2 99\n")):
        files = {f"{SYNSET}/{MODEL}/models/model_normalized.obj": text}
        with pytest.raises(BadModelError, match=kind):
            _load(LAYOUTS[layout](tmp_path / kind, files))
