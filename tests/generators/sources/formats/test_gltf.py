"""glTF files: colours, texture transforms, node graphs, skins, and unsupported extensions, which are rejected by name."""

import json
import sys
import time
from collections import Counter

import numpy as np
import pytest
from extras import module
from mesh_files import write
from textured_boxes import SIZE, corners, glb, gltf, picture, png

from pixbench.generators.sources.base import BadModelError
from pixbench.generators.sources.formats.gltf.materials import _placed
from pixbench.generators.sources.formats.mesh_file import read_model
from pixbench.generators.sources.loading.archive import FolderFiles

GREY = 0.21404114  # linear value of sRGB 0.5


def _read(root, document, binary=None, **files):
    data = {"m.glb": glb(document, binary)} if binary is not None else {"m.gltf": json.dumps(document)}
    (name,) = data
    return read_model(FolderFiles(write(root, {**data, **files})), name)


def test_positions_texture_coordinates_and_texture_are_read(tmp_path):
    model = _read(tmp_path, *gltf())
    assert len(model.faces) == 12
    assert np.ptp(model.vertices, axis=0) == pytest.approx(SIZE)
    assert (model.uv.min(axis=(0, 1)).tolist(), model.uv.max(axis=(0, 1)).tolist()) == ([0, -1], [1, 0])
    assert np.array_equal(model.materials[0].texture, picture())
    assert not model.defects


def test_base_colour_factor_and_vertex_colours_are_linear(tmp_path):
    half = {"pbrMetallicRoughness": {"baseColorFactor": [GREY, 1, 0, 1], "baseColorTexture": {"index": 0}}}
    model = _read(tmp_path, *gltf(colors=np.tile([1.0, GREY, 0.0], (24, 1)), **half))
    assert model.materials[0].color == pytest.approx((0.5, 1, 0), abs=1e-6)
    assert model.materials[0].texture is not None
    assert model.color[0, 0].tolist() == [255, 128, 0]


@pytest.mark.parametrize("kind", ["<u1", "<u2"])
def test_vertex_colours_may_be_normalized_integers_with_alpha(kind, tmp_path):
    document, binary = gltf(colors=np.ones((24, 3)))
    largest = np.iinfo(kind).max
    packed = np.full((24, 4), largest, kind)
    packed[:, 1] = 0
    accessor = document["accessors"][2]
    accessor |= {"componentType": {"<u1": 5121, "<u2": 5123}[kind], "type": "VEC4", "normalized": True}
    document["bufferViews"][2] |= {"byteOffset": len(binary), "byteLength": packed.nbytes}
    assert _read(tmp_path, document, binary + packed.tobytes()).color[3, 1].tolist() == [255, 0, 255]


def test_vertex_colours_without_a_material_use_white(tmp_path):
    document, binary = gltf(colors=np.tile([0.0, 0.0, 1.0], (24, 1)))
    del document["meshes"][0]["primitives"][0]["material"]
    model = _read(tmp_path, document, binary)
    assert model.materials[0].color == (1, 1, 1)
    assert (model.color == [0, 0, 255]).all()


def test_texture_transform_scales_rotates_and_translates():
    slot = {
        "index": 0,
        "extensions": {"KHR_texture_transform": {"scale": [2, 4], "offset": [0.5, 0.25], "rotation": np.pi / 2, "texCoord": 1}},
    }
    number, transform = _placed(slot)
    assert number == 1
    # (1, 0) is scaled to (2, 0) and rotated counter-clockwise, so upwards, which is negative v.
    assert transform @ [1, 0, 1] == pytest.approx([0.5, 0.25 - 2])
    assert transform @ [0, 1, 1] == pytest.approx([0.5 + 4, 0.25])


def test_emission_replaces_a_black_base_colour_and_is_otherwise_counted(tmp_path):
    only = {"pbrMetallicRoughness": {"baseColorFactor": [0, 0, 0, 1]}, "emissiveFactor": [1, GREY, 0]}
    model = _read(tmp_path / "a", *gltf(**only))
    assert model.materials[0].color == pytest.approx((1, 0.5, 0), abs=1e-6)
    assert model.materials[0].emission == 1.0
    document, binary = gltf(emissiveFactor=[1, 1, 1], emissiveTexture={"index": 1})
    document["images"].append({"uri": "other.png"})
    document["textures"].append({"source": 1})
    assert _read(tmp_path / "b", document, binary).defects == {"emission beside a base colour (left out)": 1}


def test_unlit_materials_keep_their_colour(tmp_path):
    unlit = {"pbrMetallicRoughness": {"baseColorFactor": [1, 0, 0, 1]}, "extensions": {"KHR_materials_unlit": {}}}
    model = _read(tmp_path, *gltf(**unlit))
    assert (model.materials[0].color, model.materials[0].gloss) == ((1, 0, 0), 0)
    assert model.defects == {"unlit materials (lit as all others)": 1}


def test_specular_glossiness_materials_are_read(tmp_path):
    glossy = {"KHR_materials_pbrSpecularGlossiness": {"diffuseFactor": [1, GREY, 1, 1], "diffuseTexture": {"index": 0}}}
    model = _read(tmp_path, *gltf(pbrMetallicRoughness={}, extensions=glossy))
    assert model.materials[0].color == pytest.approx((1, 0.5, 1), abs=1e-6)
    assert np.array_equal(model.materials[0].texture, picture())


def test_unsupported_required_extension_is_rejected_by_name(tmp_path):
    document, binary = gltf()
    with pytest.raises(BadModelError, match=r"needs the glTF extension ACME_shapes.*write the file without it"):
        _read(tmp_path, document | {"extensionsRequired": ["ACME_shapes"]}, binary)


def test_draco_without_its_package_is_rejected(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "DracoPy", None)
    document, binary = gltf()
    with pytest.raises(BadModelError, match=r"needs the glTF extension KHR_draco_mesh_compression.*pip install dracopy"):
        _read(tmp_path, document | {"extensionsRequired": ["KHR_draco_mesh_compression"]}, binary)


def test_draco_meshes_are_read(tmp_path):
    encoder = module("DracoPy")
    document, binary = gltf()
    points, _ = corners()
    faces = np.arange(24).reshape(6, 4)[:, [0, 1, 2, 2, 3, 0]].reshape(-1, 3)
    packed = encoder.encode(points.astype(np.float32), faces.astype(np.uint32), quantization_bits=14)
    document["bufferViews"].append({"buffer": 0, "byteOffset": len(binary), "byteLength": len(packed)})
    primitive = document["meshes"][0]["primitives"][0]
    primitive["attributes"] = {"POSITION": 0}
    view = len(document["bufferViews"]) - 1
    primitive["extensions"] = {"KHR_draco_mesh_compression": {"bufferView": view, "attributes": {"POSITION": 0}}}
    del document["accessors"][0]["bufferView"]
    model = _read(tmp_path, document | {"extensionsRequired": ["KHR_draco_mesh_compression"]}, binary + packed)
    assert len(model.faces) == 12
    assert np.ptp(model.vertices, axis=0) == pytest.approx(SIZE, abs=1e-3)


def test_strip_fan_and_point_primitives(tmp_path):
    document, binary = gltf()
    index = np.array([0, 1, 3, 2], "<u2")
    document["bufferViews"][2] |= {"byteOffset": len(binary), "byteLength": 8}
    document["accessors"][2]["count"] = 4
    primitive = document["meshes"][0]["primitives"][0]
    for mode, faces in ((5, [[0, 1, 3], [3, 1, 2]]), (6, [[0, 1, 3], [0, 3, 2]])):
        primitive["mode"] = mode
        found = _read(tmp_path / str(mode), document, binary + index.tobytes()).faces
        assert sorted(map(sorted, found.tolist())) == sorted(map(sorted, faces))
    primitive["mode"] = 0
    with pytest.raises(BadModelError, match="no faces"):
        _read(tmp_path / "points", document, binary + index.tobytes())


def test_node_transforms_and_repeated_meshes(tmp_path):
    document, binary = gltf()
    shift = np.eye(4)
    shift[:3, 3] = (2, 0, 0)
    document["nodes"] = [{"children": [1, 2]}, {"mesh": 0, "matrix": shift.T.ravel().tolist()}, {"mesh": 0, "scale": [-1, 1, 1]}]
    model = _read(tmp_path, document, binary)
    assert len(model.faces) == 24
    assert np.ptp(model.vertices, axis=0) == pytest.approx([2 + SIZE[0], SIZE[1], SIZE[2]])
    a, b, c = model.vertices[model.faces].transpose(1, 0, 2)
    assert np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6 == pytest.approx(2 * np.prod(SIZE))


def test_skinned_mesh_follows_its_joints(tmp_path):
    document, binary = gltf()
    joints, weights = np.zeros((24, 4), "<u1"), np.tile(np.array([1, 0, 0, 0], "<f4"), (24, 1))
    start = len(binary)
    document["bufferViews"] += [
        {"buffer": 0, "byteOffset": start, "byteLength": joints.nbytes},
        {"buffer": 0, "byteOffset": start + joints.nbytes, "byteLength": weights.nbytes},
    ]
    count = len(document["bufferViews"])
    document["accessors"] += [
        {"bufferView": count - 2, "componentType": 5121, "count": 24, "type": "VEC4"},
        {"bufferView": count - 1, "componentType": 5126, "count": 24, "type": "VEC4"},
    ]
    last = len(document["accessors"]) - 1
    document["meshes"][0]["primitives"][0]["attributes"] |= {"JOINTS_0": last - 1, "WEIGHTS_0": last}
    document["nodes"] = [{"mesh": 0, "skin": 0, "translation": [9, 9, 9]}, {"translation": [0, 5, 0]}]
    document["scenes"][0]["nodes"] = [0, 1]
    document["skins"] = [{"joints": [1]}]
    model = _read(tmp_path, document, binary + joints.tobytes() + weights.tobytes())
    assert model.vertices.mean(axis=0) == pytest.approx([0, 5, 0])


def test_external_files_are_found_and_missing_buffers_are_rejected(tmp_path):
    document, binary = gltf()
    document["buffers"][0]["uri"] = "my%20data.bin"
    document["images"][0] = {"uri": "Skin.PNG"}
    model = _read(tmp_path / "a", document, **{"my data.bin": binary, "textures/skin.png": png(picture())})
    assert np.array_equal(model.materials[0].texture, picture())
    with pytest.raises(BadModelError, match=r"missing file \(buffer\).*my%20data\.bin"):
        _read(tmp_path / "b", document)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"glTF\x01\0\0\0\x0c\0\0\0", "glTF version 1.0"),
        (b'{"asset": {"version": "1.0"}}', "glTF version 1.0"),
        (b"glTF broken", "cannot be parsed"),
        (b"{", "cannot be parsed"),
        (b'{"asset": {"version": "2.0"}}', "no faces"),
    ],
)
def test_invalid_gltf_is_rejected_with_the_reason(data, reason, tmp_path):
    with pytest.raises(BadModelError, match=reason):
        read_model(FolderFiles(write(tmp_path, {"m.glb": data})), "m.glb")


def test_alpha_is_blended_over_white_unless_opaque(tmp_path):
    clear = np.dstack([picture(), np.zeros(picture().shape[:2], np.uint8)])
    document, binary = gltf(alphaMode="MASK")
    document["images"][0] = {"uri": "t.png"}
    model = _read(tmp_path / "a", document, binary, **{"t.png": png(clear)})
    assert (model.materials[0].texture == 255).all()
    assert model.defects == Counter({"transparent textures (laid over white)": 1})
    document["materials"][0]["alphaMode"] = "OPAQUE"
    assert np.array_equal(_read(tmp_path / "b", document, binary, **{"t.png": png(clear)}).materials[0].texture, picture())


def _instanced(document, count):
    accessor = {"componentType": 5126, "type": "VEC3", "count": count}
    document["accessors"].append(accessor)
    attributes = {"TRANSLATION": len(document["accessors"]) - 1}
    return {"mesh": 0, "extensions": {"EXT_mesh_gpu_instancing": {"attributes": attributes}}}


@pytest.mark.parametrize(("nodes", "count"), [(1, 9_000_000), (1, 100_001), (30, 4000)])
def test_too_many_instances_are_refused_at_once(nodes, count, tmp_path):
    """Of a mesh without points, so that the limit on points does not apply."""
    document, binary = gltf()
    document["meshes"][0]["primitives"] = []
    document["nodes"] = [_instanced(document, count) for _ in range(nodes)]
    document["scenes"] = [{"nodes": list(range(nodes))}]
    started = time.process_time()
    with pytest.raises(BadModelError, match="its meshes have more than 100000 instances"):
        _read(tmp_path, document, binary)
    assert time.process_time() - started < 10


def test_primitives_placed_too_often_are_refused(tmp_path):
    document, binary = gltf()
    document["meshes"][0]["primitives"] = [{"mode": 0, "attributes": {}}] * 3000
    document["nodes"] = [_instanced(document, 70)]
    document["scenes"] = [{"nodes": [0]}]
    with pytest.raises(BadModelError, match="its primitives are placed more than 200000 times"):
        _read(tmp_path, document, binary)


def test_instances_without_stored_rows_lie_on_each_other(tmp_path):
    document, binary = gltf()
    document["nodes"] = [_instanced(document, 3)]
    document["scenes"] = [{"nodes": [0]}]
    assert len(_read(tmp_path, document, binary).faces) == 3 * 12
