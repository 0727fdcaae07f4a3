import pickle

import numpy as np
import pytest
import trimesh
from mesh_files import assert_sound, write
from scans import SIZE, Scan, ply, room, trajectory, xml
from scipy.spatial.transform import Rotation

from pixbench.errors import UserError
from pixbench.generators.meshes.contact_sheet import flat_picture
from pixbench.generators.sources.base import BadModelError, split_of
from pixbench.generators.sources.scenenn import source as scenenn
from pixbench.generators.sources.scenenn.scan import majority
from pixbench.generators.sources.scenenn.source import INSTANCE_COLORS, SceneNN
from pixbench.generators.sources.scenenn.upright import AXES

ROOM = "scenenn/005"
MAIN, COLOR = "005/005.ply", "contrib/color_ply/005_color.ply"
NAMES = ("unlabelled", "otherprop", "floor", "table", "wall")

# Rotations from our frame to that of a file in which the axis is up.
TO_FILE = {name: Rotation.align_vectors([axis], [[0, 0, 1]])[0].as_matrix() for name, axis in AXES.items()}
TO_FILE["-z"] = np.diag([1.0, -1.0, -1.0])


def _files(scan: Scan, *, color_label: bool = True) -> dict[str, str | bytes]:
    """Files of one complete room."""
    return {
        MAIN: ply(scan, color=scan.instance_colors()),
        COLOR: ply(scan, color=scan.photo_colors(), label=color_label),
        "005/005.xml": xml(),
        "005/trajectory.log": "",
        "intrinsic/asus.ini": "",
    }


def _without(files, *names):
    return {name: content for name, content in files.items() if name not in names}


def _load(root, files, options=""):
    loaded = SceneNN(f"{write(root, files)}{options}").load(ROOM)
    assert_sound(loaded.mesh)
    return loaded


def _heights(loaded, name: str) -> np.ndarray:
    """z of the face corners of a part."""
    return loaded.mesh.vertices[loaded.mesh.faces[loaded.mesh.part == NAMES.index(name)]][..., 2]


def _assert_upright(loaded, slack=0.03) -> None:
    floor = loaded.mesh.vertices[np.unique(loaded.mesh.faces[loaded.mesh.part == NAMES.index("floor")])]
    assert abs(np.median(floor[:, 2])) < 0.003
    assert np.abs(floor[:, 2]).max() < slack
    assert np.median(_heights(loaded, "table")) == pytest.approx(0.7, abs=0.02)
    assert sorted(np.ptp(floor[:, :2], axis=0)) == pytest.approx([3.0, 4.0], abs=0.06)
    assert loaded.inner[0, 2] == 0
    assert sorted(np.ptp(loaded.inner, axis=0)) == pytest.approx(sorted(SIZE), abs=0.15)


@pytest.mark.parametrize("up", AXES)
def test_up_axis_is_inferred_from_the_labelled_floor(up, tmp_path):
    scan = room().moved(TO_FILE[up], (5.0, -3.0, 2.0))
    _assert_upright(_load(tmp_path / "x", _files(scan)))


def test_tilted_and_rotated_room_is_axis_aligned(tmp_path):
    askew = Rotation.from_euler("zxy", [25, 4, -3], degrees=True).as_matrix()
    _assert_upright(_load(tmp_path / "x", _files(room().moved(TO_FILE["y"] @ askew))))


def test_handedness_is_preserved(tmp_path):
    scan = room(noise=0.0)
    loaded = _load(tmp_path / "x", _files(scan.moved(TO_FILE["y"] @ Rotation.from_euler("z", 30, degrees=True).as_matrix())))

    def turn(vertices, faces, part, parts):
        """Sign of the angle from table to box about the floor's centre, as seen from above."""
        floor, table, box = (vertices[faces[part == k]].mean(axis=(0, 1)) for k in parts)
        return np.sign(np.linalg.det([table - floor, box - floor, [0, 0, 1]]))

    ours = turn(loaded.mesh.vertices, loaded.mesh.faces, loaded.mesh.part, [NAMES.index(n) for n in ("floor", "table", "otherprop")])
    assert ours == turn(scan.vertices, scan.faces, scan.label[scan.faces[:, 0]], (7, 12, 5))


@pytest.mark.parametrize("up", AXES)
def test_up_axis_is_inferred_from_cameras_without_labels(up, tmp_path):
    # So narrow and high that the walls are larger than the floor.
    scan = room((3.0, 1.6, 2.9)).moved(TO_FILE[up])
    files = _without(_files(scan), "005/005.xml") | {"005/trajectory.log": trajectory(TO_FILE[up])}
    loaded = _load(tmp_path / "x", files)
    assert np.ptp(loaded.inner, axis=0)[2] == pytest.approx(2.9, abs=0.15)
    assert loaded.mesh.bounds[0, 2] == pytest.approx(0, abs=0.03)


@pytest.mark.parametrize("up", AXES)
def test_largest_low_plane_is_the_floor_without_labels_and_cameras(up, tmp_path):
    loaded = _load(tmp_path / "x", _without(_files(room().moved(TO_FILE[up])), "005/005.xml", "005/trajectory.log"))
    assert np.ptp(loaded.inner, axis=0)[2] == pytest.approx(SIZE[2], abs=0.15)
    assert loaded.mesh.bounds[0, 2] == pytest.approx(0, abs=0.03)
    assert loaded.part_names == ("unlabelled",)


def test_up_axis_option(tmp_path):
    files = _files(room())
    _assert_upright(_load(tmp_path / "x", files, "?up=z"))
    on_its_side = _load(tmp_path / "x", files, "?up=x")
    assert np.ptp(on_its_side.inner, axis=0)[2] == pytest.approx(SIZE[0], abs=0.15)
    with pytest.raises(UserError, match="up of 'scenenn' is 'w': it can be x or y"):
        SceneNN(f"{tmp_path / 'x'}?up=w")


def test_labels_become_named_parts(tmp_path):
    loaded = _load(tmp_path / "x", _files(room()))
    assert loaded.part_names == NAMES
    counts = np.bincount(loaded.mesh.part, minlength=5)
    assert (counts > 100).all()
    assert counts[0] == 2 * 24 * 24  # label 3 is in no annotation
    assert np.median(_heights(loaded, "otherprop")) == pytest.approx(0.9, abs=0.02)


def test_face_label_is_the_majority_of_its_corners():
    assert majority(np.array([[1, 2, 2], [2, 1, 2], [2, 2, 1], [3, 3, 3], [4, 5, 6]])).tolist() == [2, 2, 2, 3, 4]


def test_missing_class_name_falls_back_to_text_and_broken_annotation_to_unlabelled(tmp_path):
    files = _files(room())
    named = _load(tmp_path / "x", files | {"005/005.xml": xml().replace('nyu_class="table"', "")})
    assert named.part_names == ("unlabelled", "otherprop", "floor", "table of 12", "wall")
    broken = _load(tmp_path / "y", files | {"005/005.xml": "<annotation><label id="})
    assert broken.part_names == ("unlabelled",)


PLACES = ("005/005_color.ply", "005_color.ply", "color_ply/005_color.ply", COLOR, "contrib/color_ply/005/005_color.ply")


@pytest.mark.parametrize("place", PLACES)
def test_photo_colours_are_found_and_preferred(place, tmp_path):
    scan = room()
    files = _without(_files(scan), COLOR) | {place: ply(scan, color=scan.photo_colors())}
    loaded = _load(tmp_path / "x", files)
    assert loaded.defects == {}
    assert SceneNN(str(tmp_path / "x")).defects() == {}
    assert len(np.unique(loaded.mesh.color.reshape(-1, 3), axis=0)) > 1000
    shown = {tuple(color) for color in loaded.mesh.color.reshape(-1, 3).tolist()}
    assert shown <= {tuple(color) for color in scan.photo_colors().tolist()}


def test_rooms_in_main_beside_contrib_are_found(tmp_path):
    files = {name if name.startswith("contrib") else f"main/{name}": content for name, content in _files(room()).items()}
    assert _load(tmp_path / "x", files).defects == {}
    assert SceneNN(str(tmp_path / "x" / "main")).load(ROOM).defects == {}


@pytest.mark.parametrize("label", [True, False])
def test_instance_colours_are_rejected_by_default(label, tmp_path):
    scan = room()
    files = _without(_files(scan), COLOR) | {MAIN: ply(scan, color=scan.instance_colors(), label=label)}
    source = SceneNN(str(write(tmp_path / "x", files)))
    assert source.defects() == {"rooms without NNN_color.ply": 1}
    with pytest.raises(BadModelError, match=r"instance-colors=ok") as caught:
        source.load(ROOM)
    assert caught.value.kind == INSTANCE_COLORS
    assert not list((tmp_path / "cache").rglob("*.npy"))
    assert _load(tmp_path / "x", {}, "?instance-colors=ok").defects == {INSTANCE_COLORS: 1}


def test_photo_colours_in_the_main_file_are_used(tmp_path):
    scan = room()
    files = _without(_files(scan), COLOR) | {MAIN: ply(scan, color=scan.photo_colors())}
    assert _load(tmp_path / "x", files).defects == {}


def test_scan_without_colours_is_grey_and_counted(tmp_path):
    loaded = _load(tmp_path / "x", {MAIN: ply(room()), "005/005.xml": xml()})
    assert loaded.mesh.color is None
    assert loaded.defects == {"no colours": 1}


def test_labels_fall_back_to_the_main_file(tmp_path):
    loaded = _load(tmp_path / "x", _files(room(), color_label=False))
    assert loaded.defects == {}
    _assert_upright(loaded)


def test_labels_are_transferred_from_nearest_vertices_of_another_mesh(tmp_path):
    fine = room(cells=40)
    files = _files(room()) | {MAIN: ply(fine, color=fine.instance_colors())}
    files[COLOR] = ply(room(cells=30, noise=0.004), color=room(cells=30).photo_colors(), label=False)
    loaded = _load(tmp_path / "x", files)
    assert loaded.defects == {}
    _assert_upright(loaded, slack=0.12)  # at the foot of a wall the floor may be nearest


def test_labels_of_a_mesh_in_another_frame_are_ignored(tmp_path):
    other = room(cells=20).moved(TO_FILE["y"], (9.0, 0.0, 0.0))
    loaded = _load(tmp_path / "x", _files(room(), color_label=False) | {MAIN: ply(other, color=other.instance_colors())})
    assert loaded.defects == {"labels missing or in another frame (left out)": 1}
    assert set(loaded.mesh.part.tolist()) == {0}


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"ply\nformat binary_little_endian 1.0\nelement", "cannot be parsed"),
        (trimesh.PointCloud(np.eye(3)).export(file_type="ply"), "no faces"),
        (ply(room().moved(np.eye(3) * 0.001)), "not of the size of a room in metres"),
    ],
)
def test_unusable_scans_are_rejected_with_the_reason(data, kind, tmp_path):
    source = SceneNN(str(write(tmp_path / "x", {MAIN: data})))
    with pytest.raises(BadModelError) as caught:
        source.load(ROOM)
    assert caught.value.kind == kind
    with pytest.raises(BadModelError, match="no mesh file"):
        source.load("scenenn/999")


def test_rooms_are_listed_and_drawn_from_their_split(tmp_path):
    mesh = ply(room(cells=4))
    rooms = {f"{number:03}/{number:03}.ply": mesh for number in range(30)}
    extra = {"contrib/color_ply/077_color.ply": mesh, "1234/1234.ply": mesh, "abc/abc.ply": mesh, "088/088.xml": ""}
    source = SceneNN(str(write(tmp_path / "x", rooms | extra)))
    ids = [entry.id for entry in source.entries]
    assert ids == [f"scenenn/{number:03}" for number in [*range(30), 77]]
    drawn = {source.draw("train", rng=np.random.default_rng(seed)) for seed in range(300)}
    assert drawn == {room_id for room_id in ids if split_of(room_id) == "train"}
    assert source.defects() == {"rooms without NNN_color.ply": 30, "rooms without annotation": 31}


@pytest.mark.parametrize("location", [None, "empty"])
def test_invalid_copies_are_rejected_with_the_expected_layout(location, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"scenenn:PATH|NNN/NNN\.ply"):
        SceneNN(str(tmp_path / location) if location else None)


def test_converted_room_is_memory_mapped_from_the_cache(tmp_path, monkeypatch):
    source = SceneNN(str(write(tmp_path / "x", _files(room()))))
    first = source.load(ROOM)
    monkeypatch.setattr(scenenn, "read_scan", None)
    again = pickle.loads(pickle.dumps(source)).load(ROOM)
    assert again.sha256 == first.sha256
    assert np.array_equal(again.inner, first.inner)
    assert np.array_equal(again.mesh.vertices, first.mesh.vertices)
    assert not again.mesh.vertices.flags.writeable
    # A changed annotation invalidates the cache.
    write(tmp_path / "x", {"005/005.xml": xml({7: "floor"})})
    with pytest.raises(TypeError):
        source.load(ROOM)


def test_hash_does_not_depend_on_the_location(tmp_path):
    files = _files(room(cells=6))
    assert _load(tmp_path / "x", files).sha256 == _load(tmp_path / "elsewhere", files).sha256


def test_room_has_one_downward_area_light_below_the_ceiling(tmp_path):
    loaded = _load(tmp_path / "x", _files(room()))
    (light,) = loaded.lights
    assert (np.cross(light.u, light.v)[:2] == 0).all()
    assert np.cross(light.u, light.v)[2] < 0
    assert 2.0 < light.position[2] < 2.4
    half = np.array([light.u[0], -light.v[1]])
    assert (loaded.inner[0, :2] < light.position[:2] - half).all()
    assert (light.position[:2] + half < loaded.inner[1, :2]).all()


@pytest.mark.parametrize(("big", "more"), [(True, False), (False, True), (True, True)])
def test_byte_order_alpha_and_extra_columns_do_not_change_the_mesh(big, more, tmp_path):
    scan = room(cells=8)
    plain = _files(scan)
    other = plain | {MAIN: ply(scan, color=scan.instance_colors(), big=big, more=more)}
    other |= {COLOR: ply(scan, color=scan.photo_colors(), big=big, more=more)}
    first, second = _load(tmp_path / "x", plain), _load(tmp_path / "y", other)
    for name in ("vertices", "faces", "color", "part"):
        assert np.array_equal(getattr(first.mesh, name), getattr(second.mesh, name)), name


@pytest.mark.parametrize("big", [False, True])
def test_rendered_scan_with_thirteen_columns_has_its_photo_colours(big, tmp_path):
    scan = room(noise=0.0)
    colors = np.full((len(scan.vertices), 3), (90, 110, 130), np.uint8)
    colors[scan.label == 12] = (200, 40, 40)
    files = _without(_files(scan), MAIN) | {COLOR: ply(scan, color=colors, big=big, more=True)}
    mesh = _load(tmp_path / "x", files, "?instance-colors=ok").mesh  # one colour per label looks like instance colours
    picture = flat_picture(mesh, 96, np.array([0.0, -0.01, 1.0]))
    red = (picture == (200, 40, 40)).all(axis=2)
    room_seen = (picture != 245).any(axis=2)
    # The table covers 1.2 x 0.8 m of a floor of 4 x 3 m, partly hidden by the box on it.
    assert red.sum() / room_seen.sum() == pytest.approx(1.2 * 0.8 / 12, abs=0.03)
    assert {tuple(color) for color in picture[room_seen].tolist()} <= {(200, 40, 40), (90, 110, 130)}
