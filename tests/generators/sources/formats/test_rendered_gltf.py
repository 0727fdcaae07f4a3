"""glTF files: corners, size and rendered pixels of a square, for every type of its arrays, material, node and extension."""

import base64
import sys
from collections.abc import Callable

import numpy as np
import pytest
from extras import module
from quads import BLUE, GREEN, MIRRORED, POINTS, QUARTERS, RED, TEXELS, TURNED, YELLOW, Files, GltfQuad, assert_quad, encoded, load, times
from textured_boxes import glb

from pixbench.generators.sources.base import BadModelError

UV = TEXELS * [1, -1] + [0, 1]
"""With v down, as in glTF."""

GREY = 0.21404114  # linear value of sRGB 128
WHITE = [(255, 255, 255)] * 4
FLIPPED = {"KHR_texture_transform": {"scale": [-1, 1], "offset": [1, 0]}}


def _moved(**transform: object) -> GltfQuad:
    quad = GltfQuad().change(extensionsRequired=["KHR_texture_transform"])
    return quad.material(quad.textured(extensions={"KHR_texture_transform": transform}))


def _tinted(values: np.ndarray, **kind: object) -> GltfQuad:
    return GltfQuad().attribute("COLOR_0", np.tile(values, (4, 1)), **kind)


def _texels(values: np.ndarray, **kind: object) -> GltfQuad:
    return GltfQuad().attribute("TEXCOORD_0", values, **kind)


def _second(quad: GltfQuad) -> GltfQuad:
    return quad.attribute("TEXCOORD_1", (1 - UV).astype("<f4"))


def _placed(points: np.ndarray, node: dict, **kind: object) -> GltfQuad:
    quad = GltfQuad().change(nodes=[{"mesh": 0, **node}], extensionsRequired=["KHR_mesh_quantization"])
    return quad.attribute("POSITION", points, **kind)


def _sparse(*, base: bool) -> GltfQuad:
    """Sparse positions: one of the four with a base array, all four without."""
    quad = GltfQuad()
    given = np.array([2]) if base else np.arange(4)
    if base:
        quad.attribute("POSITION", np.where(np.arange(4)[:, None] == 2, 9, POINTS).astype("<f4"))
    item = quad.document["accessors"][quad.primitive["attributes"]["POSITION"]]
    if not base:
        del item["bufferView"]
    indices = {"bufferView": quad.view(given.astype("<u2").tobytes()), "componentType": 5123}
    item["sparse"] = {"count": len(given), "indices": indices, "values": {"bufferView": quad.view(POINTS[given].astype("<f4").tobytes())}}
    return quad


def _indexed(values: list[int], kind: str, mode: int = 4) -> GltfQuad:
    quad = GltfQuad()
    quad.primitive |= {"indices": quad.accessor(np.array(values, kind)[:, None]), "mode": mode}
    return quad


def _interleaved() -> GltfQuad:
    quad = GltfQuad()
    view = quad.view(np.hstack([POINTS, UV]).astype("<f4").tobytes(), byteStride=20)
    for name, start, kind in (("POSITION", 0, "VEC3"), ("TEXCOORD_0", 12, "VEC2")):
        quad.document["accessors"].append({"bufferView": view, "byteOffset": start, "count": 4, "componentType": 5126, "type": kind})
        quad.primitive["attributes"][name] = len(quad.document["accessors"]) - 1
    return quad


def _embedded() -> GltfQuad:
    quad = GltfQuad()
    quad.document["images"][0] = {"uri": "data:image/png;base64," + base64.b64encode(encoded()).decode()}
    return quad


def _webp() -> GltfQuad:
    quad = GltfQuad(encoded(kind="WEBP", lossless=True)).change(extensionsRequired=["EXT_texture_webp"])
    return quad.change(textures=[{"extensions": {"EXT_texture_webp": {"source": 0}}}])


def _base(**values: object) -> GltfQuad:
    return GltfQuad().material({"pbrMetallicRoughness": values})


def _glossy() -> GltfQuad:
    values = {"diffuseTexture": {"index": 0, "extensions": FLIPPED}, "diffuseFactor": [1, GREY, 1, 1]}
    quad = GltfQuad().change(extensionsRequired=["KHR_materials_pbrSpecularGlossiness"])
    return quad.material({"extensions": {"KHR_materials_pbrSpecularGlossiness": values}})


TEXTURE = {"index": 0}
LAMP = {"emissiveTexture": TEXTURE, "emissiveFactor": [1, 1, 1]}
PURPLE = [(255, 0, 128)] * 4
CASES: dict[str, tuple[Callable[[], GltfQuad], object]] = {
    "plain": (GltfQuad, QUARTERS),
    "uv of normalized bytes": (lambda: _texels((UV * 255).astype("u1"), normalized=True, stride=4), QUARTERS),
    "uv of normalized 16 bits": (lambda: _texels((UV * 65535).astype("<u2"), normalized=True), QUARTERS),
    "uv of signed 16 bits": (lambda: _texels((UV * 32767).astype("<i2"), normalized=True), QUARTERS),
    "uv of whole numbers": (
        lambda: _moved(scale=[1 / 1000, 1 / 1000]).attribute("TEXCOORD_0", (UV * 1000).astype("<u2")),
        QUARTERS,
    ),
    # u' = cos u + sin v, v' = -sin u + cos v: the upper left quarter (.25, .25) shows (.25, -.25 + 1), which is blue.
    "uv turned by a quarter": (lambda: _moved(rotation=np.pi / 2, offset=[0, 1]), (BLUE, RED, YELLOW, GREEN)),
    "uv turned by a half": (lambda: _moved(rotation=np.pi, offset=[1, 1]), TURNED),
    "uv mirrored": (lambda: _moved(scale=[-1, 1], offset=[1, 0]), MIRRORED),
    "uv chosen by the transform": (lambda: _second(_moved(texCoord=1)), TURNED),
    "TEXCOORD_1": (lambda: _second(GltfQuad().material(GltfQuad.textured(texCoord=1))), TURNED),
    "positions of 16 bits": (lambda: _placed((POINTS * 2).astype("<i2"), {"scale": [0.5] * 3}, stride=8), QUARTERS),
    "positions of normalized bytes": (
        lambda: _placed((POINTS * [2, 1, 0] * 127).astype("i1"), {"scale": [0.5, 1, 1]}, normalized=True, stride=4),
        QUARTERS,
    ),
    "sparse positions": (lambda: _sparse(base=True), QUARTERS),
    "positions that are sparse alone": (lambda: _sparse(base=False), QUARTERS),
    "interleaved": (_interleaved, QUARTERS),
    "indices of bytes": (lambda: _indexed([0, 1, 2, 2, 3, 0], "u1"), QUARTERS),
    "indices of 32 bits": (lambda: _indexed([0, 1, 2, 2, 3, 0], "<u4"), QUARTERS),
    "a strip": (lambda: _indexed([0, 1, 3, 2], "<u2", 5), QUARTERS),
    "a fan": (lambda: _indexed([0, 1, 2, 3], "<u2", 6), QUARTERS),
    "COLOR_0 of bytes": (lambda: _tinted(np.array([255, 0, 55], "u1"), normalized=True, stride=4), PURPLE),
    "COLOR_0 of floats and alpha": (lambda: _tinted(np.array([1, 0, GREY, 0.5], "<f4")), PURPLE),
    "COLOR_0 of 16 bits": (lambda: _tinted(np.array([65535, 0, round(65535 * GREY)], "<u2"), normalized=True, stride=8), PURPLE),
    "base colour, linear": (lambda: _base(baseColorFactor=[GREY, 1, 0, 1]), [(128, 255, 0)] * 4),
    "base colour x texture": (lambda: _base(baseColorFactor=[1, 0, GREY, 1], baseColorTexture=TEXTURE), times(QUARTERS, PURPLE)),
    "emission of a texture alone": (lambda: GltfQuad().material(LAMP), QUARTERS),
    "emission of a colour alone": (lambda: GltfQuad().material({"emissiveFactor": [1, 0, GREY]}), PURPLE),
    "emission on black": (
        lambda: GltfQuad().material({**LAMP, "pbrMetallicRoughness": {"baseColorFactor": [0, 0, 0, 1]}}),
        QUARTERS,
    ),
    "emission with a transform": (
        lambda: GltfQuad().material({**LAMP, "emissiveTexture": {"index": 0, "extensions": FLIPPED}}),
        MIRRORED,
    ),
    "unlit": (lambda: GltfQuad().material({**GltfQuad.textured(), "extensions": {"KHR_materials_unlit": {}}}), QUARTERS),
    "specular and glossiness": (_glossy, times(MIRRORED, [(255, 128, 255)] * 4)),
    "a mirroring node": (lambda: GltfQuad().change(nodes=[{"mesh": 0, "scale": [-1, 1, 1]}]), MIRRORED),
    "nested nodes": (
        lambda: GltfQuad().change(
            nodes=[{"children": [1], "scale": [2, 1, 1]}, {"mesh": 0, "scale": [0.5, -1, 1], "translation": [3, 0, 0]}]
        ),
        (BLUE, YELLOW, RED, GREEN),
    ),
    "a node in a country": (
        lambda: GltfQuad().change(nodes=[{"mesh": 0, "translation": [500123.25, 30.5, 4.5e6]}]),
        QUARTERS,
    ),
    "an embedded image": (_embedded, QUARTERS),
    "WebP": (_webp, QUARTERS),
    "more glass than solid": (lambda: _base(baseColorFactor=[1, 0, GREY, 0.7]), PURPLE),
}


@pytest.mark.parametrize("case", CASES)
def test_square_renders_with_expected_colours(case, tmp_path):
    make, colors = CASES[case]
    wanted = times(QUARTERS, colors) if case.startswith("COLOR_0") else colors
    assert_quad(load(tmp_path, make().files()), wanted)


def test_vertex_colours_multiply_factor_and_texture(tmp_path):
    quad = _tinted(np.array([GREY, 1, 1], "<f4"))
    quad.material({"pbrMetallicRoughness": {"baseColorTexture": TEXTURE, "baseColorFactor": [1, 0, GREY, 1]}})
    assert_quad(load(tmp_path, quad.files()), times(QUARTERS, [(128, 255, 255)] * 4, PURPLE))


@pytest.mark.parametrize("uri", ["m.bin", "my m.bin", "my%20m.bin", "sub/m.bin"])
def test_external_buffers_are_found(uri, tmp_path):
    files = GltfQuad().separate(uri)
    assert_quad(load(tmp_path, {name.replace("%20", " "): data for name, data in files.items()}))


COUNTED: dict[str, tuple[Callable[[], GltfQuad], str]] = {
    "emission of another hue": (
        lambda: GltfQuad().material({"emissiveFactor": [1, 0, 0], "pbrMetallicRoughness": {"baseColorFactor": [0.5, 0.5, 0.5, 1]}}),
        "emission of another colour (shown in the base colour)",
    ),
    "a map of gloss": (
        lambda: _base(baseColorTexture=TEXTURE, metallicRoughnessTexture=TEXTURE),
        "maps of gloss and metal (left out)",
    ),
    "an extension of looks": (
        lambda: GltfQuad().material({**GltfQuad.textured(), "extensions": {"KHR_materials_sheen": {}}}),
        "KHR_materials_sheen (left out)",
    ),
    "a texture of an unknown extension": (
        lambda: GltfQuad().change(textures=[{"extensions": {"ACME_pixels": {"source": 0}}}]),
        "textures that need ACME_pixels (left out)",
    ),
    "half transparent": (
        lambda: GltfQuad().material({"alphaMode": "BLEND", "pbrMetallicRoughness": {"baseColorFactor": [1, 1, 1, 0.7]}}),
        "half-transparent parts (shown opaque)",
    ),
    "clamped": (
        lambda: _moved(scale=[2, 2]).change(samplers=[{"wrapS": 33071}], textures=[{"source": 0, "sampler": 0}]),
        "clamped or mirrored textures (repeated)",
    ),
}


@pytest.mark.parametrize("case", COUNTED)
def test_unsupported_features_are_counted(case, tmp_path):
    make, kind = COUNTED[case]
    assert load(tmp_path, make().files()).defects == {kind: 1}


def test_clamping_without_effect_is_not_a_defect(tmp_path):
    quad = GltfQuad().change(samplers=[{"wrapS": 33071, "wrapT": 33648}], textures=[{"source": 0, "sampler": 0}])
    assert not load(tmp_path, quad.files()).defects


MESHOPT = ("EXT_meshopt_compression", "KHR_meshopt_compression")


def _packed(name: str) -> Files:
    """Positions and indices compressed by meshoptimizer; an empty buffer stands for the decompressed bytes."""
    codec = module("meshopt")
    quad = GltfQuad().change(extensionsRequired=[name])
    rows = np.zeros((4, 4), "<i2")
    rows[:, :3] = POINTS * 2
    index = np.array([0, 1, 2, 2, 3, 0], "<u2")
    quad.change(nodes=[{"mesh": 0, "scale": [0.5] * 3}]).attribute("POSITION", rows[:, :3].copy(), stride=8)
    for number, values, mode in ((quad.primitive["attributes"]["POSITION"], rows, "ATTRIBUTES"), (2, index, "TRIANGLES")):
        data = codec.encode_gltf_buffer(values, mode)
        own = quad.document["bufferViews"][quad.view(data)]
        view = quad.document["bufferViews"][quad.document["accessors"][number]["bufferView"]]
        size = values.itemsize * (values.shape[1] if values.ndim > 1 else 1)
        packed = {**own, "byteStride": size, "count": len(values), "mode": mode}
        view |= {"buffer": 1, "byteOffset": 0, "extensions": {name: packed}}
    empty = {"byteLength": 4096, "extensions": {name: {"fallback": True}}}
    return {"m.glb": glb({**quad.document, "buffers": [{"byteLength": len(quad.binary)}, empty]}, quad.binary)}


@pytest.mark.parametrize("name", MESHOPT)
def test_meshopt_compressed_meshes_are_read(name, tmp_path):
    assert_quad(load(tmp_path, _packed(name)))


KTX2 = {
    "ETC1S": "q0tUWCAyMLsNChoKAAAAAAEAAAAIAAAACAAAAAAAAAAAAAAAAQAAAAEAAAABAAAAaAAAACwAAACUAAAAJAAAALgAAAAAAAAAkwAAAAAAAABLAQAAAAAAAAIA"
    "AAAAAAAAAAAAAAAAAAAsAAAAAAAAAAIAKACjAQIAAwMAAAgAAAAAAAAAAAA/AAAAAAAAAAAA/////x8AAABLVFh3cml0ZXIAQmFzaXMgVW5pdmVyc2FsIDIu"
    "MTAAAAQAAwAyAAAADQAAACwAAAAAAAAAAAAAAAAAAAACAAAAAAAAAAAAAAAgQAwAAAAAQNA+BXEWQBQAAQAAAMgzXJkAZgAAAAAAgCDfDgGYAgAAAAAAgbIg"
    "F+xvAQQAAABQVVVV/f///wcAwUQAAAAAAADyX40AmAEAAAAAAEACCRAhQAAAAAASpggAJgAAAAAAABBAAAQT",
    "UASTC": "q0tUWCAyMLsNChoKAAAAAAEAAAAIAAAACAAAAAAAAAAAAAAAAQAAAAEAAAAAAAAAaAAAACwAAACUAAAALAAAAAAAAAAAAAAAAAAAAAAAAADAAAAAAAAAAEAA"
    "AAAAAAAAQAAAAAAAAAAsAAAAAAAAAAIAKACmAQIAAwMAABAAAAAAAAAAAAB/AAAAAAAAAAAA/////x8AAABLVFh3cml0ZXIAQmFzaXMgVW5pdmVyc2FsIDIu"
    "MTAAAAQAAAB/fwAAFxkF5T/IxgAAAAAAAAAAABcFlOdfDUgAAAAAAAAAAAAXxcj3PzsrAwAAAAAAAAAAl9tX5j/WtgAAAAAAAAAAAA==",
}
"""The four quarters, 8 x 8 pixels, as alktx2 0.1.7 compresses them."""


def _basisu(codec: str, *, required: bool = True) -> GltfQuad:
    quad = GltfQuad(base64.b64decode(KTX2[codec]))
    quad.change(textures=[{"extensions": {"KHR_texture_basisu": {"source": 0}}}])
    return quad.change(extensionsRequired=["KHR_texture_basisu"]) if required else quad


@pytest.mark.parametrize("codec", KTX2)
def test_basis_universal_textures_are_read(codec, tmp_path):
    module("opengl_basisu")
    assert_quad(load(tmp_path, _basisu(codec).files()), within=4)


def test_fallback_texture_is_preferred_to_basis_universal(tmp_path):
    quad = GltfQuad().change(textures=[{"source": 0, "extensions": {"KHR_texture_basisu": {"source": 7}}}])
    assert_quad(load(tmp_path, quad.files()))


@pytest.mark.parametrize("required", [True, False])
def test_missing_optional_packages_are_named(required, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "opengl_basisu", None)
    with pytest.raises(BadModelError, match=r"needs the glTF extension KHR_texture_basisu.*pip install opengl-basisu"):
        load(tmp_path / "a", _basisu("ETC1S", required=required).files())
    files = _packed(MESHOPT[0])
    monkeypatch.setitem(sys.modules, "meshopt", None)
    with pytest.raises(BadModelError, match=r"needs the glTF extension EXT_meshopt_compression.*pip install meshopt"):
        load(tmp_path / "b", files)


def test_huge_accessor_without_data_is_rejected(tmp_path):
    quad = GltfQuad()
    item = quad.document["accessors"][0]
    item["count"] = 10**11
    del item["bufferView"]
    with pytest.raises(BadModelError, match="100000000000 rows without a buffer view"):
        load(tmp_path, quad.files())
