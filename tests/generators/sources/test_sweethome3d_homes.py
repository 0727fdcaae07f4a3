"""Sweet Home 3D homes as rooms, on a synthetic home and, if fetched, on the real ones."""

import io
import time
import zipfile
from pathlib import Path

import manifold3d as m3
import numpy as np
import pytest
import trimesh
from PIL import Image

from pixbench.assets.paths import pack_folder
from pixbench.errors import UserError
from pixbench.generators.casters.embree import EmbreeCaster
from pixbench.generators.scene import Room
from pixbench.generators.sources.base import BadModelError
from pixbench.generators.sources.loading.archive import ZipFiles
from pixbench.generators.sources.loading.cleaning import cleaned
from pixbench.generators.sources.sweethome3d.finishes import Finishes
from pixbench.generators.sources.sweethome3d.home import read_home
from pixbench.generators.sources.sweethome3d.homes import PACK, SweetHomeRooms
from pixbench.generators.sources.sweethome3d.pieces import Painted, _painted, default_materials
from pixbench.generators.sources.sweethome3d.shell import build_shell
from pixbench.geometry.rays import exact_hits

# Evaluated before tests redirect the cache: where a fetched copy of the pack lies.
REAL = pack_folder(PACK)

IO = "com/eteks/sweethome3d/io"
# The low half is in front, as in test_sweethome3d.py.
STEP = (
    "v 0 0 0\nv 2 0 0\nv 2 1 0\nv 0 1 0\nv 0 1 .5\nv 2 1 .5\nv 2 .5 .5\nv 0 .5 .5\nv 0 .5 1\nv 2 .5 1\nv 2 0 1\nv 0 0 1\n"
    "usemtl white\nf 1 2 3 4\nf 4 3 6 5\nf 5 6 7 8\nf 8 7 10 9\nf 9 10 11 12\nf 12 11 2 1\n"
)
# A sill and a lintel, and a pane between them.
FRAME = (
    "v 0 0 0\nv 1 0 0\nv 1 0 1\nv 0 0 1\nv 0 1 0\nv 1 1 0\nv 1 1 1\nv 0 1 1\ng frame\nusemtl white\nf 1 2 3 4\nf 5 6 7 8\n"
    "g sweethome3d_window_pane\nusemtl white\nf 1 2 6 5\n"
)
LOADER = b"\xca\xfe5<newmtl white\nKa 0.1 0.1 0.1\nKd 0.9 0.8 0.7\nillum 2\n\nnewmtl glass\nKd 1 1 1\nd 0.0200\n\nrest"

# Two rooms side by side along x, 4 x 3 m and 3 x 3 m inside, with a door between them, and a window to the left.
HOME = """<home version='5500' wallHeight='250'>
<wall id='w0' wallAtStart='w3' wallAtEnd='w1' xStart='-5' yStart='-5' xEnd='715' yEnd='-5'
 height='250' thickness='10' leftSideColor='FF0000FF'/>
<wall id='w1' wallAtStart='w0' wallAtEnd='w2' xStart='715' yStart='-5' xEnd='715' yEnd='305' height='200' heightAtEnd='230' thickness='10'/>
<wall id='w2' wallAtStart='w1' wallAtEnd='w3' xStart='715' yStart='305' xEnd='-5' yEnd='305' height='250' thickness='10'/>
<wall id='w3' wallAtStart='w2' wallAtEnd='w0' xStart='-5' yStart='305' xEnd='-5' yEnd='-5' height='250' thickness='10'>
<baseboard attribute='rightSideBaseboard' thickness='1' height='7'/></wall>
<wall id='w4' xStart='405' yStart='0' xEnd='405' yEnd='300' height='250' thickness='10'/>
<room name='Living room' floorColor='FF803010'>
<point x='0' y='0'/><point x='400' y='0'/><point x='400' y='300'/><point x='0' y='300'/></room>
<room name='Bathroom'><point x='410' y='0'/><point x='710' y='0'/><point x='710' y='300'/><point x='410' y='300'/></room>
<room name='Cupboard'><point x='0' y='0'/><point x='400' y='0'/><point x='400' y='150'/><point x='0' y='150'/></room>
<room name='Garden'><point x='2000' y='0'/><point x='3000' y='0'/><point x='3000' y='900'/></room>
<doorOrWindow catalogId='eTeks#window' name='Window' model='IO/resources/window.obj' x='-5' y='150' elevation='100' angle='1.5707963'
 width='120' depth='12' height='100' cutOutShape='M0,0 v1 h1 v-1 z'/>
<doorOrWindow catalogId='eTeks#door' name='Door' model='IO/resources/none.obj'
 x='405' y='100' width='90' depth='10' height='210' angle='1.5707963'/>
<furnitureGroup name='Group'>
<pieceOfFurniture catalogId='eTeks#step' name='Step' model='IO/resources/step.obj' x='100' y='200' angle='1.5707963'
 width='80' depth='40' height='60'><material name='white' color='FF00FF00'/></pieceOfFurniture>
</furnitureGroup>
<pieceOfFurniture catalogId='eTeks#roof' name='Roof' model='IO/resources/step.obj'
 x='0' y='0' elevation='260' width='900' depth='900' height='9'/>
</home>""".replace("IO", IO)


def jar(folder: Path, home: str = HOME, *, dark: int = 60, width_cm: int = 50) -> Path:
    """A package with one home; returns the folder it lies in. `dark` is the red of a texture, `width_cm` that of its repeat."""
    folder.mkdir(parents=True, exist_ok=True)
    texture = io.BytesIO()
    Image.fromarray(np.tile(np.array([[[dark, 40, 20], [200, 180, 160]]], np.uint8), (2, 1, 1))).save(texture, "png")
    catalogue = ""
    for number, name in enumerate(("woodenFloor", "oldWoodenFloor", "greyTile", "roughcast"), 1):
        catalogue += f"id#{number}=eTeks#{name}\nimage#{number}=/{IO}/resources/t.png\nwidth#{number}={width_cm}\nheight#{number}=25\n"
    with zipfile.ZipFile(folder / "homes.jar", "w") as archive:
        archive.writestr(f"{IO}/resources/examples/Test.xml", home)
        archive.writestr(f"{IO}/resources/step.obj", STEP)
        archive.writestr(f"{IO}/resources/window.obj", FRAME)
        archive.writestr(f"{IO}/resources/t.png", texture.getvalue())
        archive.writestr(f"{IO}/DefaultTexturesCatalog.properties", catalogue)
        archive.writestr("com/eteks/sweethome3d/j3d/OBJLoader.class", LOADER)
    return folder


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIXBENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def source(tmp_path: Path) -> SweetHomeRooms:
    return SweetHomeRooms(str(jar(tmp_path / "pack")))


@pytest.fixture
def room(source: SweetHomeRooms) -> Room:
    return source.load("sweethome3d-home/test/living-room")


def first_hits(room: Room, origins: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Triangle and distance along each ray."""
    corners = room.mesh.vertices[room.mesh.faces]
    caster = EmbreeCaster(corners)
    found = caster.first_hit(origins, directions)[0] if hasattr(caster, "first_hit") else caster.first_triangle(origins, directions)
    hits = exact_hits(corners, found, origins, directions)
    return hits.triangle, hits.t


def part_at(room: Room, origin: list[float], direction: list[float]) -> tuple[str, float]:
    """Name of the part that a ray meets first, and how far away it is."""
    triangle, t = first_hits(room, np.array([origin], float), np.array([direction], float))
    return room.part_names[room.mesh.part[triangle[0]]], float(t[0])


def test_large_indoor_rooms_are_listed(source: SweetHomeRooms) -> None:
    assert [entry.id for entry in source.entries] == ["sweethome3d-home/test/bathroom", "sweethome3d-home/test/living-room"]
    assert {entry.in_split for entry in source.entries} == {"train"}
    assert source.defects() == {"left out: smaller than 7 m2": 1, "left out: no room with walls around it and a floor": 1}
    assert source.draw("train", rng=np.random.default_rng(0)) in {entry.id for entry in source.entries}


def test_room_geometry_matches_the_plan(room: Room) -> None:
    # y points opposite to that of the plan.
    assert np.allclose(room.inner, [[0, -3, 0], [4, 0, 2.5]], atol=0.051)
    middle = [2.0, -0.5, 1.2]
    for direction, name, distance in (
        ([0, 0, -1], "floor", 1.2),
        ([0, 0, 1], "ceiling", 1.3),
        ([0, 1, 0], "wall", 0.5),
        ([0, -1, 0], "wall", 2.5),
        ([1, 0, 0], "wall", 2.0),
    ):
        assert part_at(room, middle, direction) == (name, pytest.approx(distance, abs=1e-5))
    # A skirting board of 1 cm at the left wall.
    assert part_at(room, [2, -0.5, 0.03], [-1, 0, 0]) == ("skirting", pytest.approx(1.99, abs=1e-5))
    # Through the door into the next room, over a threshold that has a floor; above the door is wall.
    assert part_at(room, [2, -1, 1.0], [1, 0, 0]) == ("wall", pytest.approx(5.1, abs=1e-5))
    assert part_at(room, [2, -1, 2.2], [1, 0, 0]) == ("wall", pytest.approx(2.0, abs=1e-5))
    assert part_at(room, [4.05, -1, 1.0], [0, 0, -1]) == ("floor", pytest.approx(1.0, abs=1e-5))


def test_rays_leave_the_room_only_through_the_window(room: Room) -> None:
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(60_000, 3))
    origins = np.broadcast_to(np.array([2.0, -1.4, 1.3]), directions.shape)
    triangle, _ = first_hits(room, origins, directions)
    lost = directions[triangle < 0]
    assert len(lost) > 200
    assert (lost[:, 0] < 0).all()
    at_wall = origins[triangle < 0] + lost * (-2.0 / lost[:, :1])
    assert (np.abs(at_wall[:, 1] + 1.5) < 0.6).all()
    assert (np.abs(at_wall[:, 2] - 1.5) < 0.5).all()


def test_room_shell_is_watertight_with_the_expected_volume(tmp_path: Path) -> None:
    files = ZipFiles(jar(tmp_path / "pack") / "homes.jar")
    (level,) = read_home(files.read(f"{IO}/resources/examples/Test.xml"))
    openings = [piece for piece in level.pieces if piece.opening]
    raw = build_shell(level, openings, np.array([2.0, -1.0]), Finishes("test", files))
    assert trimesh.Trimesh(raw.vertices, raw.faces, process=False).is_watertight
    # Between floor and ceiling, walls fill the box but for the rooms, the door and the window.
    body = m3.Manifold(m3.Mesh64(np.array(raw.vertices), raw.faces.astype(np.uint64)))
    body = body.trim_by_plane((0, 0, 1), 0).trim_by_plane((0, 0, -1), -2.5)
    rooms = (4 + 3) * 3 * 2.5 + 0.1 * 0.9 * 2.1 + 0.1 * 1.2 * 1.0
    skirting, lamp = 0.07 * 0.01 * 3.0, np.pi * 0.2**2 * 0.06
    assert body.volume() == pytest.approx(7.3 * 3.2 * 2.5 - rooms + skirting + lamp, rel=1e-4)
    assert cleaned(raw, most_faces=10**6)[1]["coincident faces (dropped)"] == 0


def test_room_without_visible_floor_is_closed_below(tmp_path: Path) -> None:
    home = HOME.replace("<room name='Bathroom'>", "<room name='Gallery' floorVisible='false'>")
    room = SweetHomeRooms(str(jar(tmp_path / "gallery", home))).load("sweethome3d-home/test/living-room")
    assert part_at(room, [5.6, -1.5, 1.0], [0, 0, -1]) == ("floor", pytest.approx(1.0, abs=1e-5))
    assert part_at(room, [5.6, -1.5, 1.0], [0, 0, 1])[0] == "ceiling"


def test_furniture_has_the_pose_and_colour_of_the_plan(room: Room) -> None:
    mesh, part = room.mesh, room.part_names.index("step")
    faces = mesh.faces[mesh.part == part]
    points = mesh.vertices[faces].reshape(-1, 3)
    # Rotated by 90 degrees, clockwise on the plan: its front, the low half, faces -x.
    assert np.allclose([points.min(axis=0), points.max(axis=0)], [[0.8, -2.4, 0], [1.2, -1.6, 0.6]], atol=0.005)
    assert points[points[:, 0] < 0.99][:, 2].max() == pytest.approx(0.3, abs=0.005)
    (number,) = set(mesh.material[mesh.part == part])
    assert mesh.materials[number].color == pytest.approx((0, 1, 0))
    # Geometry above the ceiling is left out, and a piece without a model is reported.
    assert "roof" not in room.part_names
    assert "piece left out: no mesh file" in room.defects


def test_windows_become_lights_and_doors_keep_clear_areas(room: Room) -> None:
    window, lamp = room.lights
    assert np.allclose(window.position, [0.02, -1.5, 1.5], atol=1e-4)
    assert np.allclose(np.cross(window.u, window.v) / np.linalg.norm(np.cross(window.u, window.v)), [1, 0, 0], atol=1e-6)
    assert sorted([np.abs(window.u).max(), np.abs(window.v).max()]) == pytest.approx([0.5, 0.6])
    assert 2.0 < window.radiance.mean() < 5.5
    assert np.allclose(np.cross(lamp.u, lamp.v)[:2], 0)
    assert np.cross(lamp.u, lamp.v)[2] < 0
    assert part_at(room, list(lamp.position), [0, 0, 1])[0] == "ceiling lamp"
    (door,) = room.keep_clear
    assert door == pytest.approx((4.05 - 0.9, -1.5, 4.05 + 0.9, -0.5), abs=1e-4)


def test_textures_have_their_physical_size(room: Room) -> None:
    mesh = room.mesh
    floor = np.flatnonzero((mesh.part == room.part_names.index("floor")) & (mesh.normals[:, 0, 2] > 0.9))
    face = next(index for index in floor if mesh.materials[mesh.material[index]].texture is not None)
    corners, uv = mesh.vertices[mesh.faces[face]], mesh.uv[face]
    # The catalogue gives 50 x 25 cm.
    for k in (1, 2):
        assert np.allclose((uv[k] - uv[0]) * [0.5, 0.25], (corners[k] - corners[0])[:2] * [1, -1], atol=1e-5)


def test_loading_is_deterministic(source: SweetHomeRooms, tmp_path: Path) -> None:
    other = SweetHomeRooms(str(tmp_path / "pack"))
    a, b = (each.load("sweethome3d-home/test/bathroom") for each in (source, other))
    assert np.array_equal(a.mesh.vertices, b.mesh.vertices)
    assert np.array_equal(a.mesh.material, b.mesh.material)
    assert a.sha256 == b.sha256
    assert all(np.array_equal(x.radiance, y.radiance) for x, y in zip(a.lights, b.lights, strict=True))


def test_hash_covers_plan_and_textures(source: SweetHomeRooms, tmp_path: Path) -> None:
    def sha256(name: str, home: str = HOME, **options: int) -> str:
        return SweetHomeRooms(str(jar(tmp_path / name, home, **options))).load("sweethome3d-home/test/living-room").sha256

    before = source.load("sweethome3d-home/test/living-room").sha256
    assert sha256("same") == before
    higher = HOME.replace("height='250'", "height='240'")
    # A plan with the same furniture, another texture of the floor, and the same texture at another size.
    others = {sha256("higher", higher), sha256("texture", dark=61), sha256("size", width_cm=40)}
    assert len(others - {before}) == 3


def test_painting_keeps_transparent_materials(tmp_path: Path) -> None:
    files = ZipFiles(jar(tmp_path / "pack") / "homes.jar")
    assert default_materials(files).count("newmtl") == 2
    text = Painted(files, {"*": "FF0000FF"}).read(f"{IO}/resources/painted.mtl").decode()
    white, glass = text.split("newmtl glass")
    assert "Kd 0.0000 0.0000 1.0000" in white
    assert "0.9 0.8 0.7" not in white
    # Transparent materials keep their colour.
    assert "Kd 1 1 1" in glass
    window = Painted(files, {}).read(f"{IO}/resources/window.obj").decode()
    assert window.index("usemtl white") < window.index("g sweethome3d_window_pane") < window.index("usemtl pane")
    assert window.count("usemtl white") == 1


def test_materials_with_many_blank_lines_are_painted_in_linear_time() -> None:
    blank = " \n\n" * 50_000
    lines = ("# first", "newmtl a", "d 1", "Kd 1 1 1", "Ns 5", " newmtl b", " d 0.5", "Kd 0 1 0", "")
    started = time.process_time()
    text = _painted(blank.join(lines), {"*": "FF0000FF"})
    assert time.process_time() - started < 5
    blocks = text.split("newmtl ")
    assert [block.split() for block in blocks] == [
        ["#", "first"],
        ["a", "d", "1", "Ns", "5", "Kd", "0.0000", "0.0000", "1.0000"],
        ["b", "d", "0.5", "Kd", "0", "1", "0"],
    ]


def test_unreadable_homes_are_counted_or_rejected(tmp_path: Path) -> None:
    broken = SweetHomeRooms(str(jar(tmp_path / "broken", "<home><room")))
    assert not broken.entries
    assert broken.defects() == {"home that cannot be read": 1}
    with pytest.raises(BadModelError, match="no such room"):
        broken.load("sweethome3d-home/test/x")
    with pytest.raises(UserError, match=r"holds no homes \(\.jar\)"):
        SweetHomeRooms(str(tmp_path / "broken/nothing"))


@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_dir(), reason="sweethome3d was not fetched")
def test_real_homes() -> None:
    source = SweetHomeRooms(str(REAL))
    assert len(source.entries) == 48
    assert {entry.in_split for entry in source.entries} == {"train", "val", "test"}
    room = source.load("sweethome3d-home/studio/bedroom")
    assert len(room.lights) > 2
    assert {"bed", "chair", "door", "slider window"} <= set(room.part_names) or "door" in room.part_names
    assert not any(kind.startswith("piece left out") for kind in room.defects)
