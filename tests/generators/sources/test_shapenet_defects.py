"""Known defects of ShapeNetCore, in a small copy: load() repairs and counts them, or rejects the model with the reason."""

import io
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from mesh_files import BOX, QUADS, assert_sound, image, mtl, obj, triangles, write, zipped
from PIL import Image

from pixbench.generators.scene import Asset
from pixbench.generators.sources.base import BadModelError
from pixbench.generators.sources.loading import cache
from pixbench.generators.sources.shapenet import source as shapenet
from pixbench.generators.sources.shapenet.source import ShapeNet

ID = "shapenet/03797390/m"
BASE = "03797390/m/models/"
OBJ, MTL, TEXTURE = f"{BASE}model_normalized.obj", f"{BASE}model.mtl", "03797390/m/images/texture0.jpg"
RED = (0.8, 0.2, 0.1)


def _load(root: Path, files: dict[str, str | bytes]) -> Asset:
    asset = ShapeNet(str(write(root, files))).load(ID)
    assert_sound(asset.mesh)
    return asset


def _error_kind(root: Path, files: dict[str, str | bytes]) -> str:
    with pytest.raises(BadModelError) as caught:
        ShapeNet(str(write(root, files))).load(ID)
    return caught.value.kind


def _textured(texture: bytes, *, repeat: float = 1.0, name: str = "../images/texture0.jpg") -> dict[str, str | bytes]:
    return {OBJ: obj(repeat=repeat), MTL: mtl(name), TEXTURE: texture}


def test_valid_model_has_no_defects(tmp_path):
    assert _load(tmp_path / "x", _textured(image())).defects == {}


def test_png_bytes_in_a_jpg_are_read(tmp_path):
    asset = _load(tmp_path / "x", _textured(image(kind="PNG")))
    assert asset.mesh.materials[0].texture[3, 3].tolist() == [10, 200, 30]
    assert asset.defects == {"PNG bytes in a file of another name": 1}


def test_texture_coordinates_outside_the_unit_range_repeat_the_texture(tmp_path):
    asset = _load(tmp_path / "x", _textured(image(), repeat=-7.5))
    assert asset.mesh.uv[..., 0].min() == -7.5
    assert asset.mesh.uv[..., 1].max() == 7.5
    assert asset.defects == {"texture coordinates outside [0, 1] (repeated)": 1}


def test_missing_texture_falls_back_to_the_material_colour(tmp_path):
    asset = _load(tmp_path / "x", _textured(image(), name="../images/gone.jpg"))
    assert asset.mesh.materials[0].texture is None
    assert np.allclose(asset.mesh.materials[0].color, RED, atol=0.003)
    assert asset.defects == {"missing file (material or texture)": 1}


def test_missing_material_file_is_counted(tmp_path):
    asset = _load(tmp_path / "x", {OBJ: obj(repeat=1.0)})
    assert asset.defects == {"missing file (material or texture)": 1}


@pytest.mark.parametrize("damage", ["no image", "empty", "cut off"])
def test_corrupt_texture_falls_back_to_the_material_colour(damage, tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    whole = _jpeg(noise)
    data = {"no image": b"<html>not found</html>", "empty": b"", "cut off": whole[: len(whole) // 2]}[damage]
    asset = _load(tmp_path / "x", _textured(data))
    assert asset.mesh.materials[0].texture is None
    assert np.allclose(asset.mesh.materials[0].color, RED, atol=0.003)
    assert asset.defects == {"corrupt texture (material colour used)": 1}


def _jpeg(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG")
    return stream.getvalue()


def test_faces_keep_their_own_textures(tmp_path):
    files = {
        OBJ: obj(repeat=1.0, materials=("skin", "band")),
        MTL: mtl("../images/texture0.jpg") + mtl("../images/texture1.png", name="band"),
        TEXTURE: image((250, 0, 0)),
        "03797390/m/images/texture1.png": image((0, 0, 250), kind="PNG"),
    }
    asset = _load(tmp_path / "x", files)
    shown = [asset.mesh.materials[k].texture[0, 0].argmax() for k in asset.mesh.material]
    assert sorted(shown) == [0] * 6 + [2] * 6
    assert asset.defects == {}


def test_shared_texture_is_stored_once(tmp_path):
    names = [f"m{k}" for k in range(6)]
    files = {
        OBJ: obj(repeat=1.0, materials=names),
        MTL: "".join(mtl("../images/texture0.jpg", name=name) for name in names),
        TEXTURE: image(),
    }
    asset = _load(tmp_path / "x", files)
    assert len(asset.mesh.materials) == 6
    assert len({id(material.texture) for material in asset.mesh.materials}) == 1
    assert len(list((tmp_path / "cache").rglob("texture*.npy"))) == 1


@pytest.mark.parametrize("faces", [QUADS, [*QUADS[:3], *triangles(QUADS[3:])], [(1, 2, 4, 8, 7, 5), (1, 5, 6, 2)]])
def test_polygons_are_triangulated(faces, tmp_path):
    asset = _load(tmp_path / "x", {OBJ: obj(faces, repeat=1.0), MTL: mtl()})
    assert len(asset.mesh.faces) == sum(len(face) - 2 for face in faces)
    assert asset.defects == {"polygons (triangulated)": 1}


def test_hexagons_are_triangulated(tmp_path):
    corners = [(np.cos(k), 0.0, np.sin(k)) for k in np.arange(6) * np.pi / 3]
    asset = _load(tmp_path / "x", {OBJ: obj([(1, 2, 3, 4, 5, 6)], vertices=corners), MTL: mtl()})
    assert len(asset.mesh.faces) == 4
    assert asset.defects == {"polygons (triangulated)": 1}


def test_model_without_faces_is_rejected(tmp_path):
    assert _error_kind(tmp_path / "x", {OBJ: obj([]), MTL: mtl()}) == "no faces"


def test_model_with_only_degenerate_faces_is_rejected(tmp_path):
    assert _error_kind(tmp_path / "x", {OBJ: obj([(1, 1, 2), (1, 2, 2)]), MTL: mtl()}) == "no faces with an area"


def test_model_without_an_obj_is_rejected(tmp_path):
    assert _error_kind(tmp_path / "x", {MTL: mtl(), TEXTURE: image()}) == "no mesh file"


def test_model_without_an_obj_in_a_zip_is_not_listed(tmp_path):
    zipped(tmp_path / "x" / "03797390.zip", {MTL: mtl(), OBJ.replace("/m/", "/n/"): obj()})
    source = ShapeNet(str(tmp_path / "x"))
    assert [entry.id for entry in source.entries] == ["shapenet/03797390/n"]
    with pytest.raises(BadModelError, match="no mesh file"):
        source.load(ID)


@pytest.mark.parametrize("damage", ["f 1 2 99", "f 1 2 x", "v 1 nan 2\nf 1 2 9"])
def test_invalid_obj_is_rejected(damage, tmp_path):
    kind = _error_kind(tmp_path / "x", {OBJ: obj() + damage + "\n", MTL: mtl()})
    assert kind in ("cannot be parsed", "coordinates that are no numbers")


def test_corrupt_zip_member_is_rejected(tmp_path):
    path = zipped(tmp_path / "x" / "03797390.zip", {OBJ: obj(), MTL: mtl()})
    data = bytearray(path.read_bytes())
    at = data.index(b"v -0.5")
    data[at : at + 4] = b"v +9"
    path.write_bytes(data)
    with pytest.raises(BadModelError, match="cannot be read"):
        ShapeNet(str(tmp_path / "x")).load(ID)


def test_inconsistent_winding_does_not_change_shading_normals(tmp_path):
    sound = _load(tmp_path / "x", {OBJ: obj(), MTL: mtl()})
    mixed = [face if k % 3 else face[::-1] for k, face in enumerate(triangles())]
    asset = _load(tmp_path / "y", {OBJ: obj(mixed), MTL: mtl()})
    assert asset.defects == {"inconsistent winding (shaded from both sides)": 1}
    # On a box, every corner has its face's normal, whichever way the neighbouring faces are wound.
    assert np.allclose(np.abs(np.einsum("fck,fk->fc", asset.mesh.normals, sound.mesh.normals[:, 0])), 1, atol=1e-5)


def test_vertex_normals_of_the_file_are_ignored(tmp_path):
    text = obj().replace("usemtl skin", "vn 0 0 7\nusemtl skin", 1)
    text = "\n".join(" ".join([w if w == "f" else f"{w}//1" for w in s.split()]) if s.startswith("f ") else s for s in text.splitlines())
    asset = _load(tmp_path / "x", {OBJ: text, MTL: mtl()})
    corners = asset.mesh.vertices[asset.mesh.faces].astype(float)
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    assert np.allclose(asset.mesh.normals, across[:, None], atol=1e-5)


@pytest.mark.parametrize("line", ["Tr 1.0\n", "d 0.0\n"])
def test_inverted_opacity_is_treated_as_opaque(line, tmp_path):
    asset = _load(tmp_path / "x", {OBJ: obj(), MTL: mtl(extra=line)})
    assert len(asset.mesh.faces) == 12
    assert asset.defects == {"transparency written as opacity (taken as opaque)": 1}


def test_inverted_alpha_channel_does_not_change_colours(tmp_path):
    asset = _load(tmp_path / "x", _textured(image((10, 200, 30, 0), kind="PNG")))
    assert asset.mesh.materials[0].texture[0, 0].tolist() == [10, 200, 30]


def test_transparent_parts_are_removed_and_counted(tmp_path):
    files = {OBJ: obj(materials=("skin", "glass")), MTL: mtl() + mtl(name="glass", extra="d 0.2\n")}
    asset = _load(tmp_path / "x", files)
    assert len(asset.mesh.faces) == 6
    assert asset.defects == {"transparent parts (left out)": 1}
    kind = _error_kind(tmp_path / "y", {OBJ: obj(), MTL: mtl(extra="d 0.2\n")})
    assert kind == "only transparent parts"


def test_huge_mesh_is_decimated_and_keeps_its_colours(tmp_path, monkeypatch):
    monkeypatch.setattr(shapenet, "converted", partial(cache.converted, most_faces=500))
    n = 40
    grid = [(i / n, 0.1 * np.sin(3 * i / n), j / n) for i in range(n + 1) for j in range(n + 1)]
    cells = [i * (n + 1) + j + 1 for i in range(n) for j in range(n)]
    left = [q for a in cells if (a - 1) // (n + 1) < n / 2 for q in ((a, a + 1, a + n + 2), (a, a + n + 2, a + n + 1))]
    right = [q for a in cells if (a - 1) // (n + 1) >= n / 2 for q in ((a, a + 1, a + n + 2), (a, a + n + 2, a + n + 1))]
    text = obj(left, vertices=grid, materials=["skin"]) + obj(right, vertices=[], materials=["band"])
    asset = _load(tmp_path / "x", {OBJ: text, MTL: mtl() + mtl(name="band").replace("0.8 0.2", "0.1 0.9")})
    assert 100 < len(asset.mesh.faces) <= 500
    assert asset.defects == {"huge mesh (decimated)": 1}
    centres = asset.mesh.vertices[asset.mesh.faces].mean(axis=1)
    greener = np.array([m.color[1] > m.color[0] for m in asset.mesh.materials])[asset.mesh.material]
    clear = np.abs(centres[:, 0]) > 0.1 * np.ptp(centres[:, 0])
    # x changes its sign in our frame: the right half of the file lies at negative x.
    assert (greener == (centres[:, 0] < 0))[clear].all()


def test_first_of_coincident_faces_is_kept(tmp_path):
    both = [face for front in triangles() for face in (front, front[::-1])]
    asset = _load(tmp_path / "x", {OBJ: obj(both, materials=("skin", "back")), MTL: mtl() + mtl(name="back").replace("0.8", "0.1")})
    assert len(asset.mesh.faces) == 12
    assert asset.defects == {"coincident faces (dropped)": 12}
    assert len({asset.mesh.materials[k].color for k in asset.mesh.material}) == 1


def test_coincident_faces_with_duplicate_vertices_are_dropped(tmp_path):
    other = [tuple(8 + v for v in face[::-1]) for face in triangles()]
    asset = _load(tmp_path / "x", {OBJ: obj([*triangles(), *other], vertices=[*BOX, *BOX]), MTL: mtl()})
    assert len(asset.mesh.faces) == 12
    assert asset.defects == {"coincident faces (dropped)": 12}


def test_cached_meshes_are_reused_and_protected_from_changes(tmp_path):
    root = write(tmp_path / "x", _textured(image(kind="PNG")))
    first = ShapeNet(str(root)).load(ID)
    stored = sorted((tmp_path / "cache").rglob("*.npy"))
    again = ShapeNet(str(root)).load(ID)
    assert sorted((tmp_path / "cache").rglob("*.npy")) == stored
    assert again.defects == first.defects == {"PNG bytes in a file of another name": 1}
    for name in ("vertices", "faces", "uv", "normals", "material", "part"):
        assert np.array_equal(getattr(first.mesh, name), getattr(again.mesh, name))
    again.mesh.vertices[:] = 0
    again.mesh.normals[:] = 0
    assert not again.mesh.uv.flags.writeable
    assert np.array_equal(ShapeNet(str(root)).load(ID).mesh.vertices, first.mesh.vertices)


def test_version_1_model_with_colours_only(tmp_path):
    text = obj(materials=("red", "blue"))
    materials = "newmtl red\nKd 1 0 0\nnewmtl blue\nKd 0 0 1\nillum 2\nNs 96\n"
    asset = _load(tmp_path / "x", {OBJ: text, MTL: materials})
    assert sorted(material.color for material in asset.mesh.materials) == [(0, 0, 1), (1, 0, 0)]
    assert not asset.defects


@pytest.mark.parametrize("name", ["texture0.JPG", "Texture0.jpg"])
def test_version_2_images_are_found_case_insensitively(name, tmp_path):
    files = {
        "03001627/m/models/model_normalized.obj": obj(repeat=1.0).replace("model.mtl", "model_normalized.mtl"),
        "03001627/m/models/model_normalized.mtl": mtl("../images/texture0.jpg"),
        f"03001627/m/images/{name}": image(),
    }
    asset = ShapeNet(str(write(tmp_path / "x", files))).load("shapenet/03001627/m")
    assert asset.mesh.materials[0].texture is not None
    assert not asset.defects
