import numpy as np
import pytest
import trimesh
from mesh_files import assert_sound, image, mtl, obj, write

from pixbench.dataset.schema import text_array
from pixbench.errors import UserError
from pixbench.generators.sources.base import BadModelError, split_of
from pixbench.generators.sources.folder import ObjectFolder, RoomFolder
from pixbench.generators.sources.loading.archive import FolderFiles
from pixbench.generators.sources.loading.content_hash import content_sha256

SIZE = (0.4, 0.3, 0.7)


def _box(size=SIZE, top=False) -> trimesh.Trimesh:
    """A box; with `top`, its upper side (z) is half as wide and deep."""
    box = trimesh.creation.box(size)
    if top:
        box.vertices[box.vertices[:, 2] > 0] *= [0.5, 0.5, 1]
    return box


def _exported(mesh, kind: str) -> bytes:
    data = mesh.export(file_type=kind)
    return data if isinstance(data, bytes) else data.encode()


def _objects(root, **sizes):
    files = {"chair/a.obj": obj(repeat=1.0), "chair/model.mtl": mtl("t.jpg"), "chair/t.jpg": image(), "chair/notes.txt": "x"}
    files |= {f"gadget/{kind}.{kind}": _exported(_box(), kind) for kind in ("glb", "ply", "stl", "off")}
    return write(root, files | {"loose.stl": _exported(_box(), "stl")})


def test_subfolders_become_categories(tmp_path):
    source = ObjectFolder(str(_objects(tmp_path / "x")))
    found = {entry.id: (entry.category, entry.synset) for entry in source.entries}
    assert found == {
        "folder/x/chair/a.obj": ("chair", "03001627"),
        "folder/x/gadget/glb.glb": ("gadget", ""),
        "folder/x/gadget/off.off": ("gadget", ""),
        "folder/x/gadget/ply.ply": ("gadget", ""),
        "folder/x/gadget/stl.stl": ("gadget", ""),
        "folder/x/loose.stl": ("object", ""),
    }
    split = split_of("folder/x/chair/a.obj")
    assert source.categories(split)["chair"] == 1
    assert source.draw("chair", split, rng=np.random.default_rng(0)) == "folder/x/chair/a.obj"
    assert source.defects() == {}


def test_unicode_names_are_kept_and_unusable_paths_are_counted(tmp_path):
    mesh = _exported(_box(), "ply")
    files = {"Stühle/椅子.ply": mesh, "__MACOSX/x.ply": mesh, "mug/._a.ply": mesh, f"{'long/' * 60}b.ply": mesh}
    source = ObjectFolder(str(write(tmp_path / "x", files)))
    assert [(entry.id, entry.category) for entry in source.entries] == [("folder/x/Stühle/椅子.ply", "Stühle")]
    assert source.defects() == {"hidden file (skipped)": 2, "path of over 256 bytes, or not in UTF-8 (skipped)": 1}
    assert text_array("object_id", [entry.id for entry in source.entries])[0].decode() == "folder/x/Stühle/椅子.ply"
    with pytest.raises(UserError, match="takes 260 bytes, a shard has room for 256"):
        text_array("object_id", ["é" * 130])


def test_objects_keep_their_size_and_stand_upright(tmp_path):
    source = ObjectFolder(str(_objects(tmp_path / "x")))
    for entry in source.entries:
        asset = source.load(entry.id)
        assert_sound(asset.mesh)
        low, high = asset.mesh.bounds
        assert abs(low[2]) < 1e-6
        assert np.allclose(low[:2], -high[:2], atol=1e-6)
    # 0.7 is along z: up in an STL, to the front in a glTF.
    assert np.allclose(np.ptp(source.load("folder/x/gadget/stl.stl").mesh.bounds, axis=0), SIZE, atol=1e-6)
    assert np.allclose(np.ptp(source.load("folder/x/gadget/glb.glb").mesh.bounds, axis=0), (0.4, 0.7, 0.3), atol=1e-6)
    assert source.load("folder/x/chair/a.obj").placement == "floor"
    assert source.load("folder/x/gadget/stl.stl").placement == "floor"


def test_up_axis_option(tmp_path):
    root = _objects(tmp_path / "x")
    assert np.allclose(np.ptp(ObjectFolder(f"{root}?up=z").load(f"folder/{root.name}/gadget/glb.glb").mesh.bounds, axis=0), SIZE, atol=1e-6)
    assert np.allclose(
        np.ptp(ObjectFolder(f"{root}?up=y").load(f"folder/{root.name}/gadget/stl.stl").mesh.bounds, axis=0), (0.4, 0.7, 0.3), atol=1e-6
    )
    with pytest.raises(UserError, match="y or z"):
        ObjectFolder(f"{root}?up=w")


def test_y_up_files_face_plus_z(tmp_path):
    points = [(0.0, 0, 0), (0.1, 0, 0), (0, 0.2, 0), (0, 0, 0.3)]  # right, up, front
    root = write(tmp_path / "x", {"a/m.obj": obj([(1, 2, 3), (1, 3, 4), (1, 4, 2)], vertices=points)})
    mesh = ObjectFolder(str(root)).load(f"folder/{root.name}/a/m.obj").mesh
    assert np.allclose(mesh.vertices - mesh.vertices[0], [(0, 0, 0), (0.1, 0, 0), (0, 0, 0.2), (0, -0.3, 0)], atol=1e-6)


@pytest.mark.parametrize("factor", [0.001, 1000.0])
def test_objects_of_implausible_size_are_rescaled_and_counted(factor, tmp_path):
    mesh = _box()
    mesh.apply_scale(factor)
    root = write(tmp_path / "x", {"gadget/a.stl": _exported(mesh, "stl"), "gadget/b.stl": _exported(_box(), "stl")})
    source = ObjectFolder(str(root))
    asset = source.load(f"folder/{root.name}/gadget/a.stl")
    assert np.ptp(asset.mesh.bounds, axis=0).max() == pytest.approx(0.5, abs=1e-6)
    assert asset.defects == {"no size in metres (scaled to half a metre)": 1}
    assert asset.placement == "surface"
    assert source.load(f"folder/{root.name}/gadget/b.stl").defects == {}


def test_gltf_node_transforms_are_applied_including_mirroring(tmp_path):
    scene = trimesh.Scene()
    scene.add_geometry(_box((0.2, 0.2, 0.2)), geom_name="leg", transform=trimesh.transformations.translation_matrix((-0.5, 0, 0)))
    mirrored = trimesh.transformations.translation_matrix((0.5, 0, 0)) @ np.diag([-1.0, 1, 1, 1])
    scene.graph.update(frame_to="other", matrix=mirrored, geometry="leg")
    root = write(tmp_path / "x", {"a/m.glb": scene.export(file_type="glb")})
    mesh = ObjectFolder(str(root)).load(f"folder/{root.name}/a/m.glb").mesh
    assert len(mesh.faces) == 24
    assert np.allclose(np.ptp(mesh.bounds, axis=0), (1.2, 0.2, 0.2), atol=1e-6)
    corners = mesh.vertices[mesh.faces].astype(float)
    volume = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6
    assert volume == pytest.approx(2 * 0.2**3, rel=1e-4)


def test_gltf_hash_covers_external_files(tmp_path):
    files = {f"a/{name}": data for name, data in _box().export(file_type="gltf").items()}
    first = content_sha256(FolderFiles(write(tmp_path / "x", files)), "a/model.gltf")
    name = next(name for name in files if not name.endswith("gltf"))
    assert content_sha256(FolderFiles(write(tmp_path / "x", {name: files[name][:-1] + b"?"})), "a/model.gltf") != first


@pytest.mark.parametrize("index", [9, -2])
def test_out_of_range_face_indices_are_rejected(index, tmp_path):
    text = _box().export(file_type="ply", encoding="ascii").decode()
    head, _, last = text.rstrip().rpartition("\n")
    root = write(tmp_path / "x", {"a/m.ply": f"{head}\n{' '.join([*last.split()[:-1], str(index)])}\n"})
    with pytest.raises(BadModelError, match="corners that are not there"):
        ObjectFolder(str(root)).load(f"folder/{root.name}/a/m.ply")


def test_face_and_vertex_colours_are_kept(tmp_path):
    by_face, by_vertex = _box(), _box()
    by_face.visual.face_colors = np.where(np.arange(12)[:, None] < 6, [250, 10, 20, 255], [5, 240, 30, 255]).astype(np.uint8)
    by_vertex.visual.vertex_colors = np.tile([9, 8, 7, 255], (8, 1)).astype(np.uint8)
    files = {"a/f.ply": _exported(by_face, "ply"), "a/v.ply": _exported(by_vertex, "ply")}
    source = ObjectFolder(str(write(tmp_path / "x", files)))
    colors = source.load("folder/x/a/f.ply").mesh.color
    assert sorted(map(tuple, colors[:, 0].tolist())) == [(5, 240, 30)] * 6 + [(250, 10, 20)] * 6
    assert (source.load("folder/x/a/v.ply").mesh.color == [9, 8, 7]).all()


@pytest.mark.parametrize("source", [ObjectFolder, RoomFolder])
def test_missing_location_and_folder_without_meshes_are_rejected(source, tmp_path):
    with pytest.raises(UserError, match="folder:PATH"):
        source(None)
    with pytest.raises(UserError, match=r"looked for \.glb"):
        source(str(write(tmp_path / "x", {"a.txt": ""})))


def test_corrupt_files_are_rejected(tmp_path):
    root = write(tmp_path / "x", {"a/m.glb": b"glTF broken", "a/n.ply": b"ply\nformat binary"})
    for path in ("a/m.glb", "a/n.ply"):
        with pytest.raises(BadModelError, match="cannot be parsed"):
            ObjectFolder(str(root)).load(f"folder/{root.name}/{path}")
    with pytest.raises(BadModelError, match="no mesh file"):
        ObjectFolder(str(root)).load(f"folder/{root.name}/a/gone.ply")


def test_room_has_inner_bounds_and_one_ceiling_light(tmp_path):
    shell = _box((5.0, 4.0, 2.5))
    shell.invert()
    shell.apply_translation((10, 0, 1.25))
    source = RoomFolder(str(write(tmp_path / "x", {"r/shell.ply": _exported(shell, "ply")})))
    (entry,) = source.entries
    room = source.load(entry.id)
    assert_sound(room.mesh)
    assert source.draw(split_of(entry.id), rng=np.random.default_rng(0)) == room.id == "folder/x/r/shell.ply"
    assert np.allclose(room.inner, [[7.5, -2, 0], [12.5, 2, 2.5]], atol=0.1)
    assert room.part_names == ("room",)
    assert (room.mesh.part == 0).all()
    (light,) = room.lights
    assert np.allclose(light.position, [10, 0, 2.35], atol=0.1)
    assert (np.cross(light.u, light.v) / np.linalg.norm(np.cross(light.u, light.v))).tolist() == [0, 0, -1]
    assert 1 < light.u[0] < 2.5


@pytest.mark.parametrize("away", [30, -30])
def test_outlying_geometry_does_not_enlarge_room_bounds(away, tmp_path):
    seen_through_a_door = trimesh.creation.box((0.3, 0.3, 0.3))
    seen_through_a_door.apply_translation((away, 0, 0))
    shell = trimesh.util.concatenate([_box((5.0, 4.0, 2.5)), seen_through_a_door])
    source = RoomFolder(str(write(tmp_path / "x", {"r.stl": _exported(shell, "stl")})))
    assert np.allclose(source.load("folder/x/r.stl").inner, [[-2.5, -2, -1.25], [2.5, 2, 1.25]], atol=0.15)


def test_room_in_millimetres_is_rejected(tmp_path):
    source = RoomFolder(str(write(tmp_path / "x", {"r.stl": _exported(_box((5000.0, 4000.0, 2500.0)), "stl")})))
    with pytest.raises(BadModelError, match="not of the size of a room"):
        source.load("folder/x/r.stl")
