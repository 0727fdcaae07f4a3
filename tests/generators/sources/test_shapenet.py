import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from mesh_files import assert_sound, image, mtl, obj, write, zipped

from pixbench.errors import UserError
from pixbench.generators.sources.base import split_of
from pixbench.generators.sources.shapenet.classes import CLASSES
from pixbench.generators.sources.shapenet.source import ShapeNet, size_jitter

CHAIR, MUG, CAR = "03001627", "03797390", "02958343"
MODELS = {CHAIR: ("a1", "b2", "c3"), MUG: ("d4",), CAR: ("e5",)}


def _files(layout: str, synset: str, model: str) -> dict[str, str | bytes]:
    """One textured model, with the paths of version 1 or 2."""
    if layout == "v1":
        base, texture = f"{synset}/{model}/", "images/texture0.jpg"
        mesh, material = f"{base}model.obj", f"{base}model.mtl"
    else:
        base, texture = f"{synset}/{model}/", "../images/texture0.jpg"
        mesh, material = f"{base}models/model_normalized.obj", f"{base}models/model.mtl"
    return {mesh: obj(repeat=1.0), material: mtl(texture), f"{base}images/texture0.jpg": image()}


def _tree(layout: str = "v2", level: str = "") -> dict[str, str | bytes]:
    return {
        level + name: content
        for synset, models in MODELS.items()
        for model in models
        for name, content in _files(layout, synset, model).items()
    }


def _extracted(layout, level=""):
    return lambda root: write(root, _tree(layout, level))


def _zip_per_class(layout):
    def build(root: Path) -> Path:
        for synset, models in MODELS.items():
            zipped(root / f"{synset}.zip", {k: v for model in models for k, v in _files(layout, synset, model).items()})
        return root

    return build


LAYOUTS = {
    "v1": _extracted("v1"),
    "v2": _extracted("v2"),
    "extra level": _extracted("v2", "ShapeNetCore.v2/"),
    "zip a class, v1": _zip_per_class("v1"),
    "zip a class, v2": _zip_per_class("v2"),
    "one zip": lambda root: zipped(root / "ShapeNetCore.v2.zip", _tree("v2", "ShapeNetCore.v2/")).parent,
    "the zip itself": lambda root: zipped(root / "any name.zip", _tree("v2", "ShapeNetCore.v2/")),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_models(layout, tmp_path):
    source = ShapeNet(str(LAYOUTS[layout](tmp_path / "data")))
    assert [entry.id for entry in source.entries] == sorted(f"shapenet/{s}/{m}" for s, models in MODELS.items() for m in models)
    asset = source.load(f"shapenet/{CHAIR}/b2")
    assert_sound(asset.mesh)
    assert (asset.category, asset.synset, asset.placement, asset.defects) == ("chair", CHAIR, "floor", {})
    assert abs(int(asset.mesh.materials[0].texture[0, 0, 1]) - 200) < 5
    assert str(tmp_path) not in asset.id
    assert pickle.loads(pickle.dumps(source)).load(asset.id).sha256 == asset.sha256


def test_hash_does_not_depend_on_the_layout(tmp_path):
    sources = [ShapeNet(str(LAYOUTS[name](tmp_path / name))) for name in ("v2", "one zip", "zip a class, v2")]
    assert len({source.load(f"shapenet/{MUG}/d4").sha256 for source in sources}) == 1


@pytest.mark.parametrize("location", [None, ""])
def test_missing_location_error_shows_the_syntax(location):
    with pytest.raises(UserError, match="shapenet:PATH"):
        ShapeNet(location)


def test_invalid_copies_are_rejected_with_the_expected_layout(tmp_path):
    write(tmp_path / "x", {"chairs/a.obj": obj()})
    with pytest.raises(UserError, match=r"SYNSET/MODEL.*SYNSET\.zip"):
        ShapeNet(str(tmp_path / "x"))
    with pytest.raises(UserError, match="nothing at"):
        ShapeNet(str(tmp_path / "y"))
    with pytest.raises(UserError, match="eight digits"):
        ShapeNet(str(zipped(tmp_path / "z.zip", {"readme.txt": ""})))
    with pytest.raises(UserError, match="zip"):
        ShapeNet(str(write(tmp_path / "w", {f"{CHAIR}.zip": b"not a zip"})))


def test_only_indoor_classes_are_offered_by_default(tmp_path):
    root = write(tmp_path / "x", _tree())
    splits = {split_of(f"shapenet/{CAR}/e5"), split_of(f"shapenet/{MUG}/d4")}
    offered = {name for split in splits for name in ShapeNet(str(root)).categories(split)}
    everything = {name for split in splits for name in ShapeNet(f"{root}?classes=all").categories(split)}
    assert "mug" in offered
    assert "car" not in offered
    assert {"mug", "car"} <= everything
    with pytest.raises(UserError, match="indoor or all"):
        ShapeNet(f"{root}?classes=chairs")
    with pytest.raises(UserError, match="did you mean 'classes'"):
        ShapeNet(f"{root}?clases=all")


HEADER = "id,synsetId,subSynsetId,modelId,split\n"
ROWS = f"""\
1,{CHAIR},{CHAIR},a1,test
2,{CHAIR},02738535,b2,val
3,{CHAIR[1:]},02738535,c3,train
4,{MUG},{MUG},gone,train
5,02738535,x,a1,test
"""


@pytest.mark.parametrize("header", [HEADER, ""])
@pytest.mark.parametrize("layout", ["v2", "extra level", "one zip"])
def test_official_splits_are_used_and_missing_models_are_counted(header, layout, tmp_path):
    root = LAYOUTS[layout](tmp_path / "x")
    write(root, {"all.csv": header + ROWS})
    source = ShapeNet(str(root))
    official = {entry.id.rpartition("/")[2]: entry.split for entry in source.entries}
    assert official == {"a1": "test", "b2": "val", "c3": "train", "d4": None, "e5": None}
    # d4 has no model, and the synset of the armchair cannot be resolved without a taxonomy.
    assert source.defects() == {"ids in all.csv without a model (skipped)": 2}
    assert source.categories("test")["chair"] == 1
    assert source.draw("chair", "test", rng=np.random.default_rng(0)) == f"shapenet/{CHAIR}/a1"


def test_split_file_columns_may_be_reordered_and_invalid_rows_are_counted(tmp_path):
    rows = f"split,modelId,synsetId\ntest,a1,{CHAIR}\nsomething,b2,{CHAIR}\nval\n"
    source = ShapeNet(str(write(tmp_path / "x", _tree() | {"all.csv": rows})))
    assert {entry.id.rpartition("/")[2]: entry.split for entry in source.entries if entry.split} == {"a1": "test"}
    assert source.defects() == {"rows of all.csv without a split (skipped)": 2}


@pytest.mark.parametrize("text", ["", "<html>not found</html>\n", "id,synsetId,modelId\n1,03001627,a1\n", "1;03001627;03001627;a1;test\n"])
def test_split_file_without_splits_is_rejected(text, tmp_path):
    root = write(tmp_path / "x", _tree() | {"all.csv": text})
    with pytest.raises(UserError, match=r"all\.csv gives no splits: expected columns id, synsetId"):
        _ = ShapeNet(str(root)).entries


def test_child_synsets_resolve_to_the_parent_class_with_a_folder(tmp_path):
    nodes = [
        {"synsetId": CHAIR, "name": "chair", "children": ["02738535"], "numInstances": 3},
        {"synsetId": "02738535", "name": "armchair", "children": ["03262932"], "numInstances": 1},
        {"synsetId": "03262932", "name": "easy chair,lounge chair", "children": [], "numInstances": 1},
        {"synsetId": "04999999", "name": "gadget,gizmo", "children": [], "numInstances": 1},
    ]
    files = _tree() | _files("v2", "04999999", "f6") | {"taxonomy.json": json.dumps(nodes), "all.csv": "1,03262932,03262932,a1,val\n"}
    source = ShapeNet(str(write(tmp_path / "x", files)))
    assert source.defects() == {}
    assert {entry.id: entry.split for entry in source.entries}[f"shapenet/{CHAIR}/a1"] == "val"
    assert source.load("shapenet/04999999/f6").category == "gadget"


def test_invalid_taxonomy_is_rejected(tmp_path):
    root = write(tmp_path / "x", _tree() | {"taxonomy.json": "[{]", "all.csv": ROWS})
    with pytest.raises(UserError, match=r"taxonomy\.json"):
        _ = ShapeNet(str(root)).entries


def test_models_are_upright_and_face_minus_y(tmp_path):
    # In ShapeNet's frame: a slab, with a peg to the front (-z), one to the top (+y), and one to the right as seen from the front (-x).
    points = [(0.5, -0.1, -0.3), (-0.5, -0.1, -0.3), (0.5, -0.1, 0.3), (-0.5, -0.1, 0.3), (0, 0, -0.45), (0.1, 0.4, 0), (-0.6, 0, 0)]
    faces = [(1, 2, 3), (2, 4, 3), (1, 2, 5), (1, 4, 6), (2, 3, 7)]
    root = write(tmp_path / "x", {f"{MUG}/m/model.obj": obj(faces, vertices=points)})
    mesh = ShapeNet(str(root)).load(f"shapenet/{MUG}/m").mesh
    low, high = mesh.bounds
    assert abs(low[2]) < 1e-7
    assert np.allclose(low[:2], -high[:2], atol=1e-7)
    size = CLASSES[MUG].longest_m * size_jitter(f"shapenet/{MUG}/m", CLASSES[MUG].spread)
    assert (high - low).max() == pytest.approx(size, rel=1e-5)
    x, y, z = np.array(points).T
    expected = np.stack([-x, z, y], axis=1) * size / 1.1
    expected -= [*(expected.min(axis=0) + expected.max(axis=0))[:2] / 2, expected[:, 2].min()]
    assert np.allclose(mesh.vertices, expected, atol=1e-6)
    # A proper rotation keeps the winding of the slab's upper side, as seen from above.
    a, b, c = mesh.vertices[mesh.faces[0]]
    p, q, r = (np.array(points)[k] for k in (0, 1, 2))
    assert np.sign(np.cross(b - a, c - a)[2]) == np.sign(np.cross(q - p, r - p)[1])


def test_size_jitter_is_deterministic_and_within_the_spread():
    factors = [size_jitter(f"shapenet/{CHAIR}/{k}", 0.25) for k in range(200)]
    assert factors == [size_jitter(f"shapenet/{CHAIR}/{k}", 0.25) for k in range(200)]
    assert 0.8 <= min(factors) < 0.85
    assert 1.18 < max(factors) <= 1.25


def test_class_table_is_complete_with_plausible_sizes():
    assert len(CLASSES) == 55
    assert len({item.name for item in CLASSES.values()}) == 55
    for item in CLASSES.values():
        assert item.placement in ("floor", "wall", "surface")
        if item.indoor:
            assert item.longest_m / (1 + item.spread) >= 0.1
            assert item.longest_m * (1 + item.spread) < 2.6


def test_drawing_from_an_empty_split_is_rejected(tmp_path):
    source = ShapeNet(str(write(tmp_path / "x", _tree())))
    with pytest.raises(UserError, match="no car in split 'nowhere'"):
        source.draw("car", "nowhere", rng=np.random.default_rng(0))
